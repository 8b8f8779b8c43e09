"""The rules: rows of patterns over a text as it stands and over its written view, and the numbers that are dictated.

`find` is the detector. Its claims end at word edges, lie within the text, and are the same for the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from offrecord.detect import dictated
from offrecord.detect.atoms import folded
from offrecord.detect.dates import DATE_ROWS
from offrecord.detect.names import NAME_ROWS
from offrecord.detect.places import PLACE_ROWS
from offrecord.detect.rows import ROWS, Reading, Row
from offrecord.detect.spoken import Written, written
from offrecord.types import Span

__all__ = ["find"]

_ALL_ROWS = (*ROWS, *DATE_ROWS, *NAME_ROWS, *PLACE_ROWS)


def find(text: str) -> list[Span]:
    """The rules' claims on a text, in order. ``source`` is ``patterns:`` and the name of the row.

    Lines are turns: a question counts for the answer in the next turn, and for the one after a short turn.
    """
    view = written(text)
    claims = set(dictated.find(view.tokens, view.atoms))
    claims.update(_search(_ALL_ROWS, view))
    return sorted(claims, key=lambda span: (span.start, span.end, span.label, span.source))


def _search(rows: Iterable[Row], view: Written) -> Iterator[Span]:
    """What the rows find in the written view, as characters of the source; the view keeps what is written already."""
    low = folded(view.text)
    reading = Reading(view.text, low, cased=view.text != low)
    for row in rows:
        if row.needs and not any(need in low for need in row.needs):
            continue
        for match in row.pattern.finditer(low):
            span = match.span(1 if row.pattern.groups else 0) if row.trim is None else row.trim(reading, match)
            if span is None or span[0] >= span[1]:
                continue
            score = row.score
            if row.check is not None and row.check(low[span[0] : span[1]]):
                score = row.sure
            if score:
                start, end = view.source(*span)
                yield Span(start, end, row.label, score, f"patterns:{row.name}")
