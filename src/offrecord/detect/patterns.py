"""The rules: rows of patterns over a text as it stands and over its written view, and the numbers that are dictated.

`find` is the detector. Its claims end at word edges, lie within the text, and are the same for the same text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from offrecord.detect import dictated
from offrecord.detect.checks import SHAPES
from offrecord.detect.dates import DATE_ROWS
from offrecord.detect.names import NAME_ROWS
from offrecord.detect.places import PLACE_ROWS
from offrecord.detect.rows import ROWS, Reading, Row
from offrecord.detect.spoken import written
from offrecord.detect.tokens import Token, folded
from offrecord.types import Span

__all__ = ["SURE", "find", "find_checked"]


class _Words:
    """Where the words of a text begin and end."""

    def __init__(self, toks: Sequence[Token]) -> None:
        self._toks = toks
        self._starts = [token.start for token in toks]

    def around(self, start: int, end: int) -> tuple[int, int]:
        """A range moved out to the edges of the words that it cuts."""
        first = self._toks[max(0, bisect_right(self._starts, start) - 1)]
        last = self._toks[bisect_right(self._starts, end - 1) - 1]
        return first.start if first.start <= start < first.end else start, max(end, last.end)


_ALL_ROWS = (*ROWS, *DATE_ROWS, *NAME_ROWS, *PLACE_ROWS)


def find(text: str) -> list[Span]:
    """The rules' claims on a text, in order. ``source`` is ``patterns:`` and the name of the row.

    Lines are turns: a question counts for the answer in the next turn, and for the one after a short turn.
    """
    view = written(text)
    claims = set(dictated.find(view.tokens, view.atoms))
    for start, end, row, score in _search(_ALL_ROWS, view.text):
        claims.add(Span(*view.source(start, end), row.label, score, f"patterns:{row.name}"))
    if view.text != text:
        whole = _Words(view.tokens)
        for start, end, row, score in _search(_ALL_ROWS, text):
            claims.add(Span(*whole.around(start, end), row.label, score, f"patterns:{row.name}"))
    return sorted(claims, key=lambda span: (span.start, span.end, span.label, span.source))


_CHECKED = frozenset(
    {row.name for row in _ALL_ROWS if row.name in ("ssn_written", "ip_v4", "ip_v6")}
    | {shape.name for shape in SHAPES if shape.check}
)
_SURE = {row.name: row.sure for row in _ALL_ROWS} | {shape.name: shape.sure for shape in SHAPES}


def find_checked(text: str) -> list[Span]:
    """Those of the claims that a checksum, or a table of numbers that exist, makes sure."""
    return [
        span for span in find(text) if (name := span.source.partition(":")[2]) in _CHECKED and span.score >= _SURE[name]
    ]


def _search(rows: Iterable[Row], text: str) -> Iterator[tuple[int, int, Row, float]]:
    """Where the rows match a text or a written view, and how surely."""
    low = folded(text)
    reading = Reading(text, low, cased=text != low and not text.isupper())
    for row in rows:
        if row.needs and not any(need in low for need in row.needs):
            continue
        for match in row.pattern.finditer(low):
            span = match.span(1 if row.pattern.groups else 0) if row.trim is None else row.trim(reading, match)
            if span is None or span[0] >= span[1]:
                continue
            held = row.check is not None and row.check(low[span[0] : span[1]])
            if held or row.score:
                yield *span, row, row.sure if held else row.score


SURE = {"recall": 0.0, "balanced": 0.7, "precision": 0.8}
"""How sure a rule has to be beside the tagger, by strictness; chosen on the development set (docs/model.md)."""
