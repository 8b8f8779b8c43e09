"""Reads words as the digits, letters and signs that they are said for.

`tokens` cuts a text into words and single signs; `read` finds the *atoms*: the smallest pieces of something dictated
("double four", "B as in boy", "nineteen", "dash", "EM39"). An atom covers a half-open range of tokens; atoms are in
order and disjoint. No token holds white space, and no two halves of a word are two tokens.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from offrecord.detect.english import is_common
from offrecord.detect.vocabulary import (
    CONNECTIVES,
    DIGITS,
    HESITATIONS,
    HOMOPHONES,
    LETTER_NAMES,
    LOOSE_MARKS,
    MARKS,
    NATO,
    ORDINALS,
    PLURAL_DIGITS,
    REPEATS,
    SCALES,
    TEENS,
    TENS,
    UNITS,
    ZEROS,
)

__all__ = ["Atom", "Token", "folded", "link", "read", "tokens"]


class Token(NamedTuple):
    """A word, one sign, or a line break: half-open characters, and the folded text."""

    start: int
    end: int
    low: str


class Atom(NamedTuple):
    """What the tokens ``first`` to ``last`` (half-open) are said for.

    ``kind``: ``digits``, ``letters``, ``code`` (letters and digits in one), ``mark`` (a sign) or ``ordinal``.
    ``style``: ``single`` (said digit by digit or letter by letter), ``plain`` (a written numeral), ``pair`` (teens and
    tens), ``amount`` (with hundreds or thousands, so rather a quantity).
    """

    first: int
    last: int
    text: str
    kind: str
    style: str


def _mark_class() -> str:
    """Combining marks and joiners of the first plane, as the inside of a character class."""
    marks = [c for c in range(0x300, 0x10000) if unicodedata.category(chr(c))[0] == "M"]
    parts, first = [], marks[0]
    for here, after in zip(marks, [*marks[1:], sys.maxunicode], strict=True):
        if after != here + 1:
            parts.append(f"\\u{first:04x}-\\u{here:04x}")
            first = after
    return "".join(parts) + "\u200c\u200d"


_LETTER = rf"(?:[^\W_]|[{_mark_class()}])"
_TOKEN = re.compile(rf"\n|{_LETTER}+(?:'{_LETTER}+){{0,3}}|[^\w\s]|_")
_ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th)")
_MEASURE = re.compile(r"\d{1,6}(?:am|pm|k|m|bn|mm|cm|km|ft|in|g|kg|mg|mcg|ml|l|oz|lb|lbs|gb|mb|kb|tb|hz|khz|ghz|w|kw|"
                      r"v|a|s|x|c|f|p|d|hrs?|mins?|secs?|yrs?|%)")  # fmt: skip


def folded(text: str) -> str:
    """The text in lower case with straight apostrophes, character for character as long as it was."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.replace("\u2019", "'")


def tokens(low: str) -> list[Token]:
    """The tokens of a `folded` text."""
    return [Token(m.start(), m.end(), m[0]) for m in _TOKEN.finditer(low)]


_LINKING = frozenset(",.-\u2013\u2014\u2026'\"()/;#*")
_MOST_FILLERS = 8


def link(toks: Sequence[Token], a: Atom, b: Atom) -> str | None:
    """How two atoms that follow one another hang together.

    ``join``: nothing between; ``pause``: signs only; ``filled``: a few words that mean nothing; None: not at all. Words
    that could mean something ("and", "it's") only fill gaps in what is said digit by digit or letter by letter.
    """
    before, after = a.last, b.first
    if before == after:
        return "join"
    if after - before > _MOST_FILLERS:
        return None
    words = [token.low for token in toks[before:after] if token.low not in _LINKING]
    if not words:
        return "pause"
    loose = [w for k, w in enumerate(words) if w not in HESITATIONS and (w != "on" or words[k - 1 : k] not in _HOLD)]
    if not loose:
        return "filled"
    if any(w not in CONNECTIVES for w in loose):
        return None
    singles = (a.style == "single") + (b.style == "single")
    return "filled" if singles == 2 or (singles == 1 and set(loose) <= {"then"}) else None


_HOLD = (["hold"], ["hang"])


def read(text: str, toks: Sequence[Token]) -> list[Atom]:
    """The atoms of a text, in order. ``toks`` are the tokens of the text, folded."""
    found: list[Atom] = []
    cased = not text.isupper() and not text.islower()
    i = 0
    while i < len(toks):
        low = toks[i].low
        atom: Atom | None = None
        if low in _NUMBER:
            atom = _number(toks, i)
        elif low in ZEROS:
            atom = _zero(toks, i, found)
        elif not low[0].isalpha():
            atom = _numeral(toks, i, low)
        elif len(low) == 1:
            atom = _letter(toks, i, found)
        elif low in _WORDS:
            atom = _word(toks, i, found)
        elif (i + 1 < len(toks) and toks[i + 1].low == "as") or not low.isalpha() or len(low) < 6:
            atom = _gloss(toks, i) or _code(text, toks, i, found, cased=cased)
        if atom is None:
            i += 1
        else:
            found.append(atom)
            i = atom.last
    return found


_NUMBER = frozenset(DIGITS) | frozenset(TEENS) | frozenset(TENS)
_WORDS = (
    frozenset(REPEATS) | frozenset(ORDINALS) | frozenset(MARKS) | frozenset(LOOSE_MARKS) | frozenset(NATO)
) | frozenset({*LETTER_NAMES, "forward", "back"})
_NOT_ONE = frozenset(
    "sec second moment minute more of thing time day another who that's day's way or person".split()
)


def _at(toks: Sequence[Token], i: int) -> str:
    return toks[i].low if 0 <= i < len(toks) else ""


def _after(toks: Sequence[Token], i: int, signs: str = "-.\u2010\u2011") -> int:
    """The token that goes on the word that ends before token i: past one sign without white space around it."""
    if len(_at(toks, i)) == 1 and _at(toks, i) in signs and 0 < i < len(toks) - 1:
        if toks[i - 1].end == toks[i].start and toks[i].end == toks[i + 1].start:
            return i + 1
    return i


def _digitlike(low: str) -> bool:
    return low in _NUMBER or low in ZEROS or low in REPEATS or low in PLURAL_DIGITS or low.isdecimal()


def _lettered(low: str) -> bool:
    return len(low) == 1 and low.isalpha() and low.isascii()


def _touches(toks: Sequence[Token], found: Sequence[Atom], i: int, *kinds: str) -> bool:
    """Whether the last atom is one of these and nothing but a comma or a hyphen stands between it and token i."""
    if not found or found[-1].kind not in kinds:
        return False
    last = found[-1].last
    return last == i or (last == i - 1 and toks[last].low in ",-.")


def _below_hundred(toks: Sequence[Token], i: int) -> tuple[int, int] | None:
    """The number under a hundred, at least one, that starts at token i, and where it ends."""
    low = _at(toks, i)
    if low in TENS:
        unit = _after(toks, i + 1)
        digit = DIGITS.get(_at(toks, unit), "0")
        if digit != "0":
            return TENS[low] + int(digit), unit + 1
        return TENS[low], i + 1
    if low in TEENS:
        return TEENS[low], i + 1
    digit = DIGITS.get(low, "0")
    return (int(digit), i + 1) if digit != "0" else None


def _rest(toks: Sequence[Token], i: int) -> tuple[int, int]:
    """What is added after "hundred": "and five", "eighty-five"; not the first digit of a dictated group."""
    start = i + 1 if _at(toks, i) == "and" else i
    part = _below_hundred(toks, start)
    if part is None:
        return 0, i
    if start == i and _digitlike(_at(toks, part[1])):
        return 0, i
    if _at(toks, part[1]) == "hundred":
        return 0, i
    return part


def _number(toks: Sequence[Token], i: int) -> Atom | None:
    low = toks[i].low
    if low == "one" and _at(toks, i + 1) in _NOT_ONE:
        return None
    if low in TENS and _at(toks, _after(toks, i + 1)) in PLURAL_DIGITS:
        return None  # "eighty-threes" are things
    ordinal = _spoken_ordinal(toks, i)
    if ordinal is not None:
        return ordinal
    if low in DIGITS and _at(toks, i + 1) in PLURAL_DIGITS:
        times = int(DIGITS[low])
        return Atom(i, i + 2, PLURAL_DIGITS[toks[i + 1].low] * times, "digits", "single") if times > 1 else None
    part = _below_hundred(toks, i)
    if part is None:
        return Atom(i, i + 1, "0", "digits", "single")
    value, j = part
    style = "pair" if value > 9 else "single"
    if _at(toks, j) == "hundred":
        more, j = _rest(toks, j + 1)
        value, style = 100 * value + more, "amount" if more or value > 9 else "pair"
    if _at(toks, j) == "thousand":
        value, style, j = 1_000 * value, "amount", j + 1
        nested = _below_hundred(toks, j + 1 if _at(toks, j) == "and" else j)
        if nested and _at(toks, nested[1]) == "hundred":
            more, j = _rest(toks, nested[1] + 1)
            value += 100 * nested[0] + more
        elif nested:
            more, j = _rest(toks, j)
            value += more
    if _at(toks, j) in ("million", "billion", "trillion"):
        value, style, j = value * SCALES.get(toks[j].low, 10**12), "amount", j + 1
    return Atom(i, j, str(value), "digits", style)


def _suffixed(value: int) -> str:
    tail = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th") if value // 10 % 10 != 1 else "th"
    return f"{value}{tail}"


def _spoken_ordinal(toks: Sequence[Token], i: int) -> Atom | None:
    """ "twenty-ninth"; single ones ("third") are read in `_word`."""
    if toks[i].low not in TENS:
        return None
    j = _after(toks, i + 1)
    unit = ORDINALS.get(_at(toks, j), 0)
    if not 0 < unit < 10:
        return None
    return Atom(i, j + 1, _suffixed(TENS[toks[i].low] + unit), "ordinal", "pair")


def _zero(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    j = _after(toks, i + 1)
    while _at(toks, j) == "o" and j < i + 9:
        j = _after(toks, j + 1)
    following = _at(toks, j)
    if toks[i].low == "o" and (_lettered(following) or _touches(toks, found, i, "letters")):
        if not _touches(toks, found, i, "digits"):
            return _letter(toks, i, found)
    if _digitlike(following) or _touches(toks, found, i, "digits", "letters", "code", "mark"):
        return Atom(i, i + 1, "0", "digits", "single")
    return _letter(toks, i, found) if toks[i].low == "o" else None


def _numeral(toks: Sequence[Token], i: int, low: str) -> Atom | None:
    """A token that begins with a digit, or a sign."""
    if low.isdecimal():
        digits = low if low.isascii() else "".join(str(unicodedata.decimal(c)) for c in low)
        style = "single" if len(digits) == 1 else "plain"
        if _at(toks, i + 1) in SCALES:
            return Atom(i, i + 2, digits, "digits", "amount")
        return Atom(i, i + 1, digits, "digits", style)
    if low == "+" and _at(toks, i + 1).isdecimal():
        return Atom(i, i + 1, "+", "mark", "plain")
    if low == "*" and (_at(toks, i + 1) == "*" or _at(toks, i + 1).isdecimal()):
        return Atom(i, i + 1, "*", "mark", "plain")
    if not low[0].isdecimal() or not low.isalnum():
        return None
    if _ORDINAL.fullmatch(low):
        return Atom(i, i + 1, low, "ordinal", "plain")
    return Atom(i, i + 1, low, "code", "amount" if _MEASURE.fullmatch(low) else "plain")


def _letter(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    low = toks[i].low
    if not low.isascii():
        return None
    glossed = _gloss(toks, i)
    if glossed:
        return glossed
    if low in ("a", "p") and [t.low for t in toks[i + 1 : i + 3]] == [".", "m"]:
        return None  # "5 a.m."
    if low in ("a", "i"):
        following = _at(toks, _after(toks, i + 1))
        after = (_lettered(following) and following not in ("a", "i")) or following in NATO
        glued = _after(toks, found[-1].last, "-/") == i > found[-1].last if found else False
        before = _touches(toks, found, i, "letters") or glued
        dictated = _digitlike(following) and _digitlike(_at(toks, i + 2)) and _at(toks, i + 2) not in TENS
        between = _digitlike(following) and _touches(toks, found, i, "digits")
        if not (after or before or between or (dictated and low == "a" and _at(toks, i + 3) != "hundred")):
            return None
    return Atom(i, i + 1, low, "letters", "single")


def _gloss(toks: Sequence[Token], i: int) -> Atom | None:
    """ "B as in boy", "bee as in boy", "N for November", "K like kilo"."""
    low, following = toks[i].low, _at(toks, i + 1)
    letter = low if _lettered(low) else LETTER_NAMES.get(low) or HOMOPHONES.get(low)
    if following == "as" and _at(toks, i + 2) in ("in", "and") and _at(toks, i + 3)[:1].isalpha():
        initial = _at(toks, i + 3)[0]
        if letter or low[0] == initial:
            return Atom(i, _past_xray(toks, i + 4), letter or initial, "letters", "single")
    if following in ("for", "like") and letter and (_lettered(low) or low in LETTER_NAMES):
        word = _at(toks, i + 2)
        if word[:1] == letter or (letter == "x" and word[:2] == "ex"):
            return Atom(i, _past_xray(toks, i + 3), letter, "letters", "single")
    return None


def _past_xray(toks: Sequence[Token], i: int) -> int:
    """ "x-ray" is three tokens."""
    return i + 2 if _at(toks, i - 1) == "x" and _at(toks, i) == "-" and _at(toks, i + 1) == "ray" else i


def _word(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    low, following = toks[i].low, _at(toks, i + 1)
    if low in REPEATS:
        return _repeated(toks, i)
    if low in ORDINALS:
        return Atom(i, i + 1, _suffixed(ORDINALS[low]), "ordinal", "pair")
    if low in ("forward", "back"):
        return Atom(i, i + 2, "/" if low == "forward" else "\\", "mark", "single") if following == "slash" else None
    if low in MARKS:
        return Atom(i, i + 1, MARKS[low], "mark", "single")
    if low in LETTER_NAMES:
        return _gloss(toks, i) or Atom(i, i + 1, LETTER_NAMES[low], "letters", "single")
    if low in NATO:
        near = _touches(toks, found, i, "letters")
        ahead = _digitlike(following) and _digitlike(_at(toks, i + 2))
        behind = _touches(toks, found, i, "digits") and found[-1].style == "single"
        if near or ahead or behind or following in NATO or (_lettered(following) and following not in "ai"):
            return Atom(i, i + 1, NATO[low], "letters", "single")
        return None
    comma = 1 if following == "," else 0
    ahead = _at(toks, i + 1 + comma)
    if _touches(toks, found, i, "digits", "code") or _digitlike(ahead):
        return Atom(i, i + 1, LOOSE_MARKS[low], "mark", "single")
    return None


def _repeated(toks: Sequence[Token], i: int) -> Atom | None:
    low, following = toks[i].low, _at(toks, i + 1)
    if low == "double" and following in ("u", "you"):
        return Atom(i, i + 2, "w", "letters", "single")
    digit = DIGITS.get(following) or ("0" if following in ZEROS else "")
    if not digit and len(following) == 1 and following.isdecimal():
        digit = following
    if digit:
        return Atom(i, i + 2, digit * REPEATS[low], "digits", "single")
    if _lettered(following):
        return Atom(i, i + 2, following * REPEATS[low], "letters", "single")
    return None


def _code(text: str, toks: Sequence[Token], i: int, found: Sequence[Atom], *, cased: bool) -> Atom | None:
    """Letters and digits in one word, or a short group of letters that belongs to digits: "CL-93", "FFB 22", "20/KT"."""
    low = toks[i].low
    if not low.isascii() or "'" in low:
        return None
    if not low.isalpha():
        return Atom(i, i + 1, low, "code", "plain")
    if len(low) > 5:
        return None
    capitals = cased and text[toks[i].start : toks[i].end].isupper()
    if not capitals and (cased or low in UNITS or is_common(low)):
        return None
    j = _after(toks, i + 1, "-./:")
    before = bool(found) and _after(toks, found[-1].last, "-./:") == i > found[-1].last
    if (_at(toks, j)[:1].isdecimal() and (j > i + 1 or capitals)) or (before and found[-1].kind in ("digits", "code")):
        return Atom(i, i + 1, low, "code", "plain")
    return None
