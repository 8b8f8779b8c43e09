"""Cuts a text into tokens, and holds the types of what is read from them.

A token is a word with its apostrophes, one sign, or a line break. None holds white space, and no two halves of a word,
combining marks and all, are two tokens.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from offrecord.detect.vocabulary import CONNECTIVES, HESITATIONS

__all__ = ["Atom", "Token", "after", "at", "folded", "is_word", "lettered", "link", "tokens", "touches"]


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
    for here, following in zip(marks, [*marks[1:], sys.maxunicode], strict=True):
        if following != here + 1:
            parts.append(f"\\u{first:04x}-\\u{here:04x}")
            first = following
    return "".join(parts) + "\u200c\u200d"


_LETTER = rf"(?:[^\W_]|[{_mark_class()}])"
_TOKEN = re.compile(rf"\n|{_LETTER}+(?:'{_LETTER}+){{0,3}}|[^\w\s]|_")


def folded(text: str) -> str:
    """The text in lower case with straight apostrophes, character for character as long as it was."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.replace("\u2019", "'")


def tokens(low: str) -> list[Token]:
    """The tokens of a `folded` text."""
    return [Token(m.start(), m.end(), m[0]) for m in _TOKEN.finditer(low)]


def is_word(token: Token) -> bool:
    """Whether a token is a word or a number rather than a sign or a line break."""
    return token.low[0].isalnum()


def at(toks: Sequence[Token], i: int) -> str:
    """The folded text of token i, empty outside the text."""
    return toks[i].low if 0 <= i < len(toks) else ""


def after(toks: Sequence[Token], i: int, signs: str = "-.\u2010\u2011") -> int:
    """The token that goes on the word that ends before token i: past one sign without white space around it."""
    inside = 0 < i < len(toks) - 1 and len(toks[i].low) == 1 and toks[i].low in signs
    if inside and toks[i - 1].end == toks[i].start and toks[i].end == toks[i + 1].start:
        return i + 1
    return i


def lettered(low: str) -> bool:
    """Whether a token is one letter of the alphabet."""
    return len(low) == 1 and low.isalpha() and low.isascii()


def touches(toks: Sequence[Token], found: Sequence[Atom], i: int, *kinds: str) -> bool:
    """Whether the last atom is of one of these kinds and at most a comma, hyphen or point stands before token i."""
    if not found or found[-1].kind not in kinds:
        return False
    last = found[-1].last
    return last == i or (last == i - 1 and toks[last].low in ",-.")


_LINKING = frozenset(",.-\u2013\u2014\u2026'\"()/;#*")
_MOST_FILLERS = 8


def _sentences_apart(toks: Sequence[Token], a: Atom, b: Atom) -> bool:
    """Whether a full stop parts two short numbers that are not said digit by digit: "code 11. 11 of them"."""
    if not a.style == b.style == "plain" or max(len(a.text), len(b.text)) > 2:
        return False
    return any(t.low == "." and t.end < following.start for t, following in pairwise(toks[a.last : b.first + 1]))


_HOLD = (["hold"], ["hang"])


def link(toks: Sequence[Token], a: Atom, b: Atom) -> str | None:
    """How two atoms that follow one another hang together.

    ``join``: nothing between; ``pause``: signs only; ``filled``: a few words that mean nothing; None: not at all. Words
    that could mean something ("and", "it's") only fill gaps in what is said digit by digit or letter by letter.
    """
    if a.last == b.first:
        return "join"
    if b.first - a.last > _MOST_FILLERS:
        return None
    words = [token.low for token in toks[a.last : b.first] if token.low not in _LINKING]
    if not words:
        return None if _sentences_apart(toks, a, b) else "pause"
    loose = [w for k, w in enumerate(words) if w not in HESITATIONS and (w != "on" or words[k - 1 : k] not in _HOLD)]
    if not loose:
        return "filled"
    if any(w not in CONNECTIVES for w in loose):
        return None
    singles = (a.style == "single") + (b.style == "single")
    return "filled" if singles == 2 or (singles == 1 and set(loose) <= {"then"}) else None
