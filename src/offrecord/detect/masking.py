"""A text with what was found in it replaced, so that a language model is shown only the rest; and the way back.

What a claim touches goes in whole words, as when it is hidden in the end: half a name is a name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from offrecord.types import Span

__all__ = ["Mask", "mask"]


@dataclass(frozen=True, slots=True)
class Mask:
    """The text as it is shown. Each piece of it stands for a stretch of the source, in order."""

    text: str = field(repr=False)
    _starts: tuple[int, ...]
    """Where the pieces begin in ``text``."""
    _sources: tuple[tuple[int, int, bool], ...]
    """The characters that each piece stands for, and whether it stands for them as a whole."""

    @classmethod
    def none(cls, text: str) -> Mask:
        """The text as it is."""
        return cls(text, (0,), ((0, len(text), False),))

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the source that ``start`` to ``end`` of the shown text stand for."""
        return self._at(start)[0], self._at(end - 1)[1]

    def hides(self, start: int, end: int) -> bool:
        """Whether ``start`` to ``end`` of the shown text holds no letter or digit but those of placeholders."""
        pieces = {bisect_right(self._starts, i) - 1 for i in range(start, end) if self.text[i].isalnum()}
        return all(self._sources[piece][2] for piece in pieces)

    def _at(self, position: int) -> tuple[int, int]:
        piece = bisect_right(self._starts, position) - 1
        start, end, whole = self._sources[piece]
        if whole:
            return start, end
        at = start + position - self._starts[piece]
        return at, at + 1


def mask(text: str, found: Sequence[Span]) -> Mask:
    """``text`` with a placeholder, ``[PERSON_NAME]``, for each run of words that claims touch."""
    pieces: list[str] = []
    starts: list[int] = []
    sources: list[tuple[int, int, bool]] = []
    length = at = 0
    for start, end, label in [*_merged(text, found), (len(text), len(text), "")]:
        shown = [(text[at:start], (at, start, False)), (f"[{label.upper()}]" if label else "", (start, end, True))]
        for piece, source in shown:
            if piece:
                starts.append(length)
                pieces.append(piece)
                sources.append(source)
                length += len(piece)
        at = end
    return Mask("".join(pieces), tuple(starts or [0]), tuple(sources or [(0, 0, False)]))


def _merged(text: str, found: Sequence[Span]) -> list[tuple[int, int, str]]:
    """The stretches of whole words that claims touch, in order and disjoint, each with the surest claim's label."""
    merged: list[tuple[int, int, float, str]] = []
    for span in sorted(found, key=lambda span: (span.start, span.end)):
        said = text[span.start : span.end]
        if not said.strip():
            continue
        start, end = _whole_words(text, span.end - len(said.lstrip()), span.start + len(said.rstrip()))
        if merged and start < merged[-1][1]:
            first, last, score, label = merged[-1]
            surer = span.score > score
            merged[-1] = (first, max(last, end), max(score, span.score), span.label if surer else label)
        else:
            merged.append((start, end, span.score, span.label))
    return [(start, end, label) for start, end, _, label in merged]


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end
