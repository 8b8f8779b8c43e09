"""The reviews that are open, as the server holds them between two requests: so a decision takes milliseconds.

The database is the truth. What is held here is looked at against its revision each time, and read anew where that has
changed; a step is in the database before it is here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from offrecord.errors import UsageError
from offrecord.review import shown
from offrecord.review.decisions import Decision
from offrecord.review.draft import Draft
from offrecord.review.ledger import Ledger, Stale
from offrecord.review.listing import Listed
from offrecord.review.marks import Original
from offrecord.review.steps import Entry, History, What
from offrecord.rows import now

__all__ = ["Desk"]

_MOST = 8
"""Reviews held at once: ten hours of speech are some 50 MB."""


@dataclass(slots=True)
class _Open:
    stamp: tuple[Any, ...]
    draft: Draft
    original: Original = field(repr=False)
    history: History = field(repr=False)


class Desk:
    """The open reviews of ``ledger``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.Lock()

    def document(self, row: Listed) -> dict[str, Any] | None:
        """All that the page of the job shows; None where there is no review of it."""
        with self._lock:
            held = self._held(row.id)
            if held is None:
                return None
            history, draft, transcript = held.history, held.draft, held.original.transcript
            marks, revision = history.marks, history.revision
            undo, redo = self._can(row, history)
        return shown.document(row, draft, transcript, marks, revision=revision, can_undo=undo, can_redo=redo)

    def words(self, job: str) -> list[str] | None:
        """What was said, word by word: for the unredacted view alone."""
        with self._lock:
            held = self._held(job)
            return None if held is None else [word.text for word in held.original.transcript.words]

    def step(
        self,
        row: Listed,
        who: str,
        what: What,
        revision: int,
        *,
        decisions: Sequence[Decision] = (),
        token: str | None = None,
    ) -> dict[str, Any] | None:
        """Take a step and give the details after it; None where there is no review.

        A step with a token that was taken is not taken again. Raises `Stale`, `Busy`, and `UsageError` for what cannot
        be decided.
        """
        with self._lock:
            held = self._held(row.id)
            if held is None:
                return None
            history = held.history
            if token is None or not self._ledger.taken(row.id, token):
                if revision != history.revision:
                    raise Stale(history.revision)
                self._take(row.id, held, Entry(revision + 1, now(), who, what, tuple(decisions)), token)
            undo, redo = self._can(row, history)
            return {
                "revision": history.revision,
                "entities": shown.entities(held.draft, history.marks),
                "can_undo": undo,
                "can_redo": redo,
            }

    def _take(self, job: str, held: _Open, entry: Entry, token: str | None) -> None:
        history = held.history
        if (entry.what == "undo" and not history.can_undo) or (entry.what == "redo" and not history.can_redo):
            raise UsageError(f"there is nothing to {entry.what}")
        marks = history.after(entry)
        self._ledger.add(job, entry, token=token, entities=sum(mark.hides for mark in marks))
        history.take(entry, marks)
        held.stamp = self._ledger.stamp(job) or ()

    def drop(self, job: str) -> None:
        """Forget what is held of a job."""
        with self._lock:
            self._open.pop(job, None)

    def _held(self, job: str) -> _Open | None:
        stamp = self._ledger.stamp(job)
        held = self._open.get(job)
        if held is None or held.stamp != stamp:
            self._open.pop(job, None)
            review = self._ledger.review(job)
            if review is None or stamp is None:
                return None
            history = History.of(review.original, review.draft.marks, review.entries)
            history.revision = review.revision
            held = self._open[job] = _Open(stamp, review.draft, review.original, history)
            while len(self._open) > _MOST:
                self._open.popitem(last=False)
        self._open.move_to_end(job)
        return held

    @staticmethod
    def _can(row: Listed, history: History) -> tuple[bool, bool]:
        """Whether there is something to undo, and to redo. After the original is erased, nothing is."""
        return row.original and history.can_undo, row.original and history.can_redo
