"""Reads spoken numbers: "double four", "nineteen", "twenty-six hundred", "four zeros", "twenty-ninth".

One function for each way to say one; each takes the token where it starts and gives an atom, or None if none is there.
Numbers that follow one another are left apart: "nineteen eighty-four" is two.
"""

from __future__ import annotations

from collections.abc import Sequence

from offrecord.detect.tokens import Atom, Token, after, at, lettered
from offrecord.detect.vocabulary import DIGITS, ORDINALS, PLURAL_DIGITS, REPEATS, SCALES, TEENS, TENS, ZEROS

__all__ = ["STARTS", "digitlike", "number", "repeated", "suffixed"]

STARTS = frozenset(DIGITS) | frozenset(TEENS) | frozenset(TENS)
"""Words that a number may start with, but for those that need a neighbour ("oh", "double")."""
_NOT_ONE = frozenset(
    "word sec second moment minute more of thing time day another who that's day's way or person".split()
)


def digitlike(low: str) -> bool:
    """Whether a word is, or starts, a number."""
    return low in STARTS or low in ZEROS or low in REPEATS or low in PLURAL_DIGITS or low.isdecimal()


def number(toks: Sequence[Token], i: int) -> Atom | None:
    """A number in words, with its hundreds and thousands, or the ordinal that it turns out to be."""
    low, following = toks[i].low, at(toks, after(toks, i + 1))
    if low == "one" and at(toks, i + 1) in _NOT_ONE:
        return None
    if low in TENS:
        if following in PLURAL_DIGITS:
            return None  # "eighty-threes" are things
        if 0 < ORDINALS.get(following, 0) < 10:
            return Atom(i, after(toks, i + 1) + 1, suffixed(TENS[low] + ORDINALS[following]), "ordinal", "pair")
    if low in DIGITS and at(toks, i + 1) in PLURAL_DIGITS:
        times = int(DIGITS[low])
        return Atom(i, i + 2, PLURAL_DIGITS[toks[i + 1].low] * times, "digits", "single") if times > 1 else None
    part = _below_hundred(toks, i)
    if part is None:
        return Atom(i, i + 1, "0", "digits", "single")
    return _scaled(toks, i, *part)


def _scaled(toks: Sequence[Token], i: int, value: int, j: int) -> Atom:
    style = "pair" if value > 9 else "single"
    if at(toks, j) == "hundred":
        more, j = _rest(toks, j + 1)
        value, style = 100 * value + more, "amount" if more or value > 9 else "pair"
    if at(toks, j) == "thousand":
        value, style, j = 1_000 * value, "amount", j + 1
        nested = _below_hundred(toks, j + 1 if at(toks, j) == "and" else j)
        if nested and at(toks, nested[1]) == "hundred":
            more, j = _rest(toks, nested[1] + 1)
            value += 100 * nested[0] + more
        elif nested:
            more, j = _rest(toks, j)
            value += more
    if at(toks, j) in ("million", "billion"):
        value, style, j = value * SCALES[toks[j].low], "amount", j + 1
    return Atom(i, j, str(value), "digits", style)


def _below_hundred(toks: Sequence[Token], i: int) -> tuple[int, int] | None:
    """The number under a hundred, at least one, that starts at token i, and where it ends."""
    low = at(toks, i)
    if low in TENS:
        unit = after(toks, i + 1)
        digit = DIGITS.get(at(toks, unit), "0")
        return (TENS[low] + int(digit), unit + 1) if digit != "0" else (TENS[low], i + 1)
    if low in TEENS:
        return TEENS[low], i + 1
    digit = DIGITS.get(low, "0")
    return (int(digit), i + 1) if digit != "0" else None


def _rest(toks: Sequence[Token], i: int) -> tuple[int, int]:
    """What is added after "hundred": "and five", "eighty-five"; not the first digit of a dictated group."""
    start = i + 1 if at(toks, i) == "and" else i
    part = _below_hundred(toks, start)
    if part is None or at(toks, part[1]) == "hundred" or (start == i and digitlike(at(toks, part[1]))):
        return 0, i
    return part


def suffixed(value: int) -> str:
    """ "29th"."""
    tail = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th") if value // 10 % 10 != 1 else "th"
    return f"{value}{tail}"


def repeated(toks: Sequence[Token], i: int) -> Atom | None:
    """ "double four", "triple oh", "double L"; "double you" is a letter."""
    low, following = toks[i].low, at(toks, i + 1)
    if low == "double" and following in ("u", "you"):
        return Atom(i, i + 2, "w", "letters", "single")
    digit = DIGITS.get(following) or ("0" if following in ZEROS else "")
    if not digit and len(following) == 1 and following.isdecimal() and following.isascii():
        digit = following
    if digit:
        return Atom(i, i + 2, digit * REPEATS[low], "digits", "single")
    if lettered(following):
        return Atom(i, i + 2, following * REPEATS[low], "letters", "single")
    return None
