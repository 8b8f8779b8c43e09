"""The steps of a review: an append-only list of entries, and what stands of them after undo and redo.

An undo is an entry like any other, so nothing that was decided is ever lost, and undo has no end. A new decision after
an undo leaves what was undone behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from offrecord.review.decisions import Decision
from offrecord.review.marks import Marks, Original, decided

__all__ = ["STEPS", "Entry", "History", "What"]

What = Literal["decide", "undo", "redo", "held", "released", "finish", "finished", "failed", "erased"]

STEPS = frozenset({"decide", "undo", "redo"})
"""What changes the marks, and so is a revision. The others are events."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list. ``revision``: of the marks after it; ``at``: milliseconds since 1970."""

    revision: int
    at: int
    who: str
    what: What
    decisions: tuple[Decision, ...] = ()


class History:
    """The marks at each step that stands. ``beginning`` are the marks before the first."""

    def __init__(self, original: Original, beginning: Marks) -> None:
        self._original = original
        self._marks = [beginning]
        self._steps: list[Entry] = []
        self._undone: list[Entry] = []
        self.revision = 0

    @classmethod
    def of(cls, original: Original, beginning: Marks, entries: Iterable[Entry]) -> History:
        """The history that these entries, all there are, make."""
        history = cls(original, beginning)
        for entry in entries:
            if entry.what in STEPS:
                history.take(entry)
        return history

    @property
    def marks(self) -> Marks:
        """The marks as they are now."""
        return self._marks[-1]

    @property
    def steps(self) -> Sequence[Entry]:
        """The steps that stand, oldest first."""
        return self._steps

    @property
    def can_undo(self) -> bool:
        """Whether a step stands."""
        return bool(self._steps)

    @property
    def can_redo(self) -> bool:
        """Whether one was undone, and nothing decided since."""
        return bool(self._undone)

    def after(self, entry: Entry) -> Marks:
        """The marks that ``entry`` would lead to. Raises `UsageError` for a decision that cannot be."""
        if entry.what == "undo":
            return self._marks[-2] if self._steps else self._marks[-1]
        if entry.what == "redo" and not self._undone:
            return self._marks[-1]
        # By the number that it had when it was made: what it adds has the same ids again.
        step = self._undone[-1] if entry.what == "redo" else entry
        return decided(self._original, self.marks, step.decisions, step.revision)

    def take(self, entry: Entry, marks: Marks | None = None) -> None:
        """Go on by one step, to ``marks`` where `after` has said them already."""
        marks = self.after(entry) if marks is None else marks
        if entry.what == "undo" and self._steps:
            self._undone.append(self._steps.pop())
            self._marks.pop()
        elif entry.what == "redo" and self._undone:
            self._steps.append(self._undone.pop())
            self._marks.append(marks)
        elif entry.what == "decide":
            self._steps.append(entry)
            self._undone.clear()
            self._marks.append(marks)
        self.revision = entry.revision
