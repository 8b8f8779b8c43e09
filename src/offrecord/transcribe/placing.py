"""The words of a text, with times from a list of pieces that spells the same text otherwise.

Recognisers list words without punctuation ("415", "555", "0132" for "415-555-0132,"), or in pieces ("Mar", "garet").
Letters and digits are what both have in common. Where these agree, each word gets the time of its own; where a few
words differ, they share the time of what stands in their place, and a word that has nothing there the whole pause.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import NamedTuple

__all__ = ["Piece", "placed"]

_FEW = 5
"""Words in a row without times of their own, at most: a list that lacks more is no list of these words."""


class Piece(NamedTuple):
    """A word or a part of one: milliseconds from the start of the sound."""

    text: str
    start: int
    end: int
    confidence: float | None = None


def placed(text: str, pieces: Sequence[Piece], length: int) -> list[Piece] | None:
    """The words of ``text`` with times, and any piece that is not in it; None if words in a row have no times.

    ``length``: of the sound, in milliseconds.
    """
    words, pieces = text.split(), [piece for piece in pieces if _folded(piece.text)]
    ours, theirs = [_folded(word) for word in words], [_folded(piece.text) for piece in pieces]
    if pieces and "".join(ours) == "".join(theirs):
        return list(_shared(words, pieces))
    found: list[Piece] = []
    ended = 0
    for _, i, j, k, m in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if "".join(ours[i:j]) != "".join(theirs[k:m]) and sum(map(bool, ours[i:j])) > _FEW:
            return None
        if i == j:
            found += (Piece("_".join(piece.text.split()), *piece[1:]) for piece in pieces[k:m])
        elif k == m:
            starts = pieces[k].start if k < len(pieces) else length
            found += (Piece(word, min(ended, starts), max(ended, starts)) for word in words[i:j])
        else:
            found += _shared(words[i:j], pieces[k:m])
        ended = max([ended, *(piece.end for piece in pieces[k:m])])
    return found


def _shared(words: Sequence[str], pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The words with the time of the pieces, letter by letter; a piece's letters are all equally long."""
    ours, theirs = [len(_folded(word)) for word in words], [len(_folded(piece.text)) for piece in pieces]
    # Positions are counted in letters of the pieces, times `share`, so that they are whole numbers.
    share, total = max(1, sum(ours)), sum(theirs)
    bounds = [bound * share for bound in accumulate(theirs, initial=0)]
    at = 0
    for word, size in zip(words, ours, strict=True):
        first, last = at * total, (at + size) * total
        at += size
        i = min(bisect_right(bounds, first) - 1, len(pieces) - 1)
        j = max(i, bisect_left(bounds, last) - 1)
        start, end = (
            piece.start + (piece.end - piece.start) * (position - bounds[n]) // (bounds[n + 1] - bounds[n])
            for n, piece, position in ((i, pieces[i], first), (j, pieces[j], last))
        )
        sure = [piece.confidence for piece in pieces[i : j + 1] if piece.confidence is not None]
        yield Piece(word, start, max(start, end), min(sure, default=None))


def _folded(text: str) -> str:
    """Its letters and digits, in small letters."""
    return "".join(character for character in text.casefold() if character.isalnum())
