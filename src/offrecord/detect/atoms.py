"""Reads words as the digits, letters and signs that they are said for.

`read` finds the *atoms*: the smallest pieces of something dictated ("double four", "B as in boy", "nineteen", "dash",
"EM39"). Atoms are in order and disjoint; a word that is only sometimes part of a number ("oh", "a", "november") is an
atom only beside one that always is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from offrecord.detect.english import is_common
from offrecord.detect.numbers import STARTS, digitlike, number, repeated, suffixed
from offrecord.detect.tokens import Atom, Token, after, at, lettered, touches
from offrecord.detect.vocabulary import (
    ANNOUNCING,
    HOMOPHONES,
    LETTER_NAMES,
    LOOSE_MARKS,
    MARKS,
    NATO,
    ORDINALS,
    REPEATS,
    SCALES,
    TENS,
    UNITS,
    ZEROS,
)

__all__ = ["read"]

_ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th)")
_MEASURE = re.compile(
    r"\d{1,6}(?:am|pm|k|m|bn|mm|cm|km|ft|in|g|kg|mg|mcg|ml|l|oz|lbs?|gb|mb|kb|tb|hz|khz|ghz|w|kw|v|a|s|x|c|f|p|d|hrs?|"
    r"mins?|secs?|yrs?)"
)
_WORDS = frozenset({*REPEATS, *ORDINALS, *MARKS, *LOOSE_MARKS, *NATO, *LETTER_NAMES, "forward", "back"})
_LONGEST_PREFIX = 5
"""Letters of a word that may belong to the digits beside it."""


def read(text: str, toks: Sequence[Token]) -> list[Atom]:
    """The atoms of a text, in order. ``toks`` are the tokens of the text, folded."""
    found: list[Atom] = []
    cased = not text.isupper() and not text.islower()
    i = 0
    while i < len(toks):
        low = toks[i].low
        atom: Atom | None = None
        if low in STARTS:
            atom = number(toks, i)
        elif low in ZEROS:
            atom = _zero(toks, i, found)
        elif not low[0].isalpha():
            atom = _numeral(toks, i, low)
        elif len(low) == 1:
            atom = _letter(toks, i, found)
        elif low in _WORDS:
            atom = _word(toks, i, found)
        elif len(low) <= _LONGEST_PREFIX or not low.isalpha() or at(toks, i + 1) == "as":
            atom = _gloss(toks, i) or _code(text, toks, i, found, cased=cased)
        if atom is None:
            i += 1
        else:
            found.append(atom)
            i = atom.last
    return found


def _zero(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    """ "oh" beside a digit, "o" beside a digit or, as a letter, by itself."""
    j = after(toks, i + 1)
    while at(toks, j) == "o" and j < i + 9:
        j = after(toks, j + 1)
    following = at(toks, j)
    letter = toks[i].low == "o"
    spelled = lettered(following) or touches(toks, found, i, "letters")
    if letter and spelled and not touches(toks, found, i, "digits"):
        return _letter(toks, i, found)
    if digitlike(following) or touches(toks, found, i, "digits", "letters", "code", "mark"):
        return Atom(i, i + 1, "0", "digits", "single")
    return _letter(toks, i, found) if letter else None


def _numeral(toks: Sequence[Token], i: int, low: str) -> Atom | None:
    """A token that begins with a digit, or a sign."""
    if low.isdecimal():
        digits = low if low.isascii() else "".join(str(unicodedata.decimal(c)) for c in low)
        if at(toks, i + 1) in SCALES:
            return Atom(i, i + 2, digits, "digits", "amount")
        return Atom(i, i + 1, digits, "digits", "single" if len(digits) == 1 else "plain")
    following = at(toks, i + 1)
    if low in "+*" and (following.isdecimal() or (low == "*" and following == "*")):
        return Atom(i, i + 1, low, "mark", "plain")
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
    if low in ("a", "i") and not _spelled_vowel(toks, i, found):
        return None
    return Atom(i, i + 1, low, "letters", "single")


def _spelled_vowel(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> bool:
    """Whether "a" or "i" is a letter rather than a word: beside a letter, or among digits."""
    following, second = at(toks, after(toks, i + 1)), at(toks, i + 2)
    if (lettered(following) and following not in ("a", "i")) or following in NATO:
        return True
    if touches(toks, found, i, "letters") or (found and after(toks, found[-1].last, "-/") == i > found[-1].last):
        return True
    if found and found[-1].last == i and found[-1].kind == "digits" and found[-1].style == "single":
        ahead = second if following == "," else following
        return digitlike(ahead) or lettered(ahead)
    if not digitlike(following):
        return False
    dictated = toks[i].low == "a" and digitlike(second) and second not in TENS and at(toks, i + 3) != "hundred"
    return dictated or touches(toks, found, i, "digits")


def _gloss(toks: Sequence[Token], i: int) -> Atom | None:
    """ "B as in boy", "bee as in boy", "N for November", "K like kilo"."""
    low, following = toks[i].low, at(toks, i + 1)
    letter = low if lettered(low) else LETTER_NAMES.get(low) or HOMOPHONES.get(low)
    if following == "as" and at(toks, i + 2) in ("in", "and") and at(toks, i + 3)[:1].isalpha():
        initial = at(toks, i + 3)[0]
        if letter or low[0] == initial:
            return Atom(i, _past_xray(toks, i + 4), letter or initial, "letters", "single")
    if following in ("for", "like") and letter and (lettered(low) or low in LETTER_NAMES):
        word = at(toks, i + 2)
        if word[:1] == letter or (letter == "x" and word[:2] == "ex"):
            return Atom(i, _past_xray(toks, i + 3), letter, "letters", "single")
    return None


def _past_xray(toks: Sequence[Token], i: int) -> int:
    """ "x-ray" is three tokens."""
    return i + 2 if at(toks, i - 1) == "x" and at(toks, i) == "-" and at(toks, i + 1) == "ray" else i


def _word(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    low = toks[i].low
    if low in REPEATS:
        return repeated(toks, i)
    if low in ORDINALS:
        return Atom(i, i + 1, suffixed(ORDINALS[low]), "ordinal", "pair")
    if low in LETTER_NAMES:
        return _gloss(toks, i) or Atom(i, i + 1, LETTER_NAMES[low], "letters", "single")
    return _nato(toks, i, found) if low in NATO else _mark(toks, i, found)


def _mark(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    """A sign that is said; some only beside digits."""
    low, following = toks[i].low, at(toks, i + 1)
    if low in ("forward", "back"):
        return Atom(i, i + 2, "/" if low == "forward" else "\\", "mark", "single") if following == "slash" else None
    if low in MARKS:
        return Atom(i, i + 1, MARKS[low], "mark", "single")
    ahead = at(toks, i + 2) if following == "," else following
    if touches(toks, found, i, "digits", "code") or digitlike(ahead):
        return Atom(i, i + 1, LOOSE_MARKS[low], "mark", "single")
    if low == "colon" and touches(toks, found, i, "letters", "mark"):
        return Atom(i, i + 1, ":", "mark", "single")
    return None


def _nato(toks: Sequence[Token], i: int, found: Sequence[Atom]) -> Atom | None:
    """A word of the spelling alphabet beside another, a letter, or digits said one by one."""
    following = at(toks, i + 1)
    digits_ahead = digitlike(following) and digitlike(at(toks, i + 2))
    digits_before = touches(toks, found, i, "digits") and found[-1].style == "single"
    letters = touches(toks, found, i, "letters") or following in NATO or (lettered(following) and following not in "ai")
    if letters or digits_ahead or digits_before:
        return Atom(i, i + 1, NATO[toks[i].low], "letters", "single")
    return None


def _code(text: str, toks: Sequence[Token], i: int, found: Sequence[Atom], *, cased: bool) -> Atom | None:
    """Letters and digits in one word, or a few letters that belong to digits: "TR-58", "HXB 22", "20/KT"."""
    low = toks[i].low
    if not low.isascii() or "'" in low or low in ANNOUNCING:
        return None
    if not low.isalpha():
        return Atom(i, i + 1, low, "code", "plain")
    if len(low) > _LONGEST_PREFIX:
        return None
    capitals = cased and text[toks[i].start : toks[i].end].isupper()
    if not capitals and (cased or low in UNITS or is_common(low)):
        return None
    j = after(toks, i + 1, "-./:")
    following = at(toks, j)
    if capitals and j > i + 1 and lettered(following) and len(low) < 4:
        return Atom(i, i + 1, low, "letters", "single")  # "MA-R-E-N"
    prefix = following[:1].isdecimal() and (j > i + 1 or capitals or not _VOWELS & set(low))
    dictated = digitlike(following) and not cased and not _VOWELS & set(low)
    return Atom(i, i + 1, low, "code", "plain") if prefix or dictated or _trails(toks, i, found, capitals) else None


_VOWELS = frozenset("aeiouy")


def _trails(toks: Sequence[Token], i: int, found: Sequence[Atom], capitals: bool) -> bool:
    """Whether a group of letters goes on a code or a number: "-KT" in "20-KT", "NWBK" in "GB29 NWBK 6016"."""
    if not found or found[-1].kind not in ("digits", "code"):
        return False
    last = found[-1].last
    if after(toks, last, "-./:") == i > last:
        return True
    code = found[-1].kind == "code" and last == i
    return code and ((capitals and len(toks[i].low) < _LONGEST_PREFIX - 1) or at(toks, i + 1).isdecimal())
