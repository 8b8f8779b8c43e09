"""What reviewers decided, in numbers: by label, source and score of what was found. No text, no job, no person.

For setting thresholds: where a source's claims of a label are rejected below some score, that score is too low.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from offrecord.review.draft import Draft
from offrecord.review.ledger import Ledger
from offrecord.review.marks import Mark, Marks
from offrecord.review.steps import History

__all__ = ["FIELDS", "counted"]

FIELDS = (
    "label",
    "source",
    "score_from",
    "score_to",
    "found",
    "accepted",
    "rejected",
    "relabelled",
    "undecided",
    "added",
)
"""``label``: as it was found, or as a reviewer added it. ``source``: the detectors that claimed it, joined by ``+``;
``reviewer`` for what was added. A detail that became part of another counts as accepted: its words are hidden."""

_BANDS = 10


def counted(ledger: Ledger) -> list[dict[str, Any]]:
    """A row for each label, source and tenth of the score that there is, in their order."""
    table: defaultdict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    for job, draft in ledger.drafts():
        review = ledger.review(job)
        if review is None:
            continue
        marks = History.of(review.original, draft.marks, review.entries).marks
        for where, what in _of(draft, marks):
            table[where][what] += 1
    return [_row(where, table[where]) for where in sorted(table)]


def _row(where: tuple[str, str, int], counts: Counter[str]) -> dict[str, Any]:
    label, source, band = where
    found = sum(count for what, count in counts.items() if what != "added")
    return {
        "label": label.upper(),
        "source": source,
        "score_from": band / _BANDS,
        "score_to": (band + 1) / _BANDS,
        "found": found,
        **{what: counts[what] for what in FIELDS[5:]},
    }


def _of(draft: Draft, marks: Marks) -> Iterator[tuple[tuple[str, str, int], str]]:
    """For each detail its label, source and band, and what became of it."""
    now = {mark.id: mark for mark in marks}
    for mark in draft.marks:
        spans = draft.spans(mark.id)
        sources = "+".join(sorted({span.source.partition(":")[0] for span in spans})) or "none"
        score = max((span.score for span in spans), default=1.0)
        yield (mark.label, sources, min(_BANDS - 1, int(score * _BANDS))), _became(mark, now.get(mark.id))
    for mark in marks:
        if mark.id not in {each.id for each in draft.marks} and mark.hides:
            yield (mark.label, "reviewer", _BANDS - 1), "added"


def _became(before: Mark, now: Mark | None) -> str:
    if now is None:
        return "accepted"
    if now.state == "rejected":
        return "rejected"
    if now.label != before.label:
        return "relabelled"
    return "undecided" if now.state == "found" else "accepted"
