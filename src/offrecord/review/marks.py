"""What a person decides about a detail, and what the details are after that: pure functions, no state.

A `Mark` is a detail under review. Marks are in order and no two have a word in common, whatever was decided: who takes
a word for one mark takes it from the other. No decision but a rejection, or a narrower mark, lets a hidden word go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from offrecord.errors import UsageError
from offrecord.labels import DENIED, LABELS
from offrecord.resolve import fold
from offrecord.review.decisions import Decision
from offrecord.types import Interval, Transcript

__all__ = ["Mark", "Marks", "Original", "State", "decided"]

State = Literal["found", "accepted", "rejected", "added"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One detail under review. ``words`` is None where sound alone was marked, in ``time``.

    ``pad``: how many milliseconds more than by itself, or less, are muted before and after. ``at``: the word that it
    stands at, or before which it is heard.
    """

    id: str
    words: range | None
    label: str
    state: State = "found"
    pad: tuple[int, int] = (0, 0)
    time: Interval | None = None
    at: int = 0

    @property
    def hides(self) -> bool:
        """Whether it is hidden when the files are made."""
        return self.state != "rejected"

    @property
    def mine(self) -> range:
        """Its words, or no word."""
        return self.words if self.words is not None else range(self.at, self.at)


Marks = tuple[Mark, ...]


@dataclass(frozen=True)
class Original:
    """What the decisions are about: what was said."""

    transcript: Transcript = field(repr=False)

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The words as they are compared."""
        return tuple(fold(word.text) or word.text for word in self.transcript.words)

    @cached_property
    def starts(self) -> list[int]:
        """Where the words begin, as the largest so far: voices that overlap are not in order."""
        latest, starts = 0, []
        for word in self.transcript.words:
            latest = max(latest, word.start)
            starts.append(latest)
        return starts

    def mentions(self, words: range) -> Iterator[range]:
        """Where the same words are said, these included. They may overlap, as in "no no no"."""
        said, length = self.folded[words.start : words.stop], len(words)
        for at, word in enumerate(self.folded):
            if word == said[0] and self.folded[at : at + length] == said:
                yield range(at, at + length)

    def within(self, start: int, end: int) -> Iterator[range]:
        """The words that are heard between two milliseconds for half of their length and more, run by run."""
        first: int | None = None
        for i, word in enumerate(self.transcript.words):
            length = max(1, word.end - word.start)
            inside = 2 * (min(end, max(word.end, word.start + 1)) - max(start, word.start)) >= length
            if inside and first is None:
                first = i
            if not inside and first is not None:
                yield range(first, i)
                first = None
        if first is not None:
            yield range(first, len(self.transcript.words))


def decided(original: Original, marks: Marks, decisions: Iterable[Decision], step: int) -> Marks:
    """The marks after the decisions of a step. ``step`` is its number, and makes part of the ids of what it adds.

    Raises `UsageError` for a mark, a label, words or a time that are not there, and for words to add that are hidden
    already.
    """
    sheet = _Sheet(original, list(marks), step)
    for decision in decisions:
        sheet.decide(decision)
    return tuple(sorted(sheet.marks, key=_order))


def _order(mark: Mark) -> tuple[int, bool, int, str]:
    # Sound without words stands before the word that follows it.
    return mark.at, mark.words is not None, mark.time[0] if mark.time else 0, mark.id


@dataclass(slots=True)
class _Sheet:
    """The marks while one step is applied to them."""

    original: Original
    marks: list[Mark]
    step: int
    added: int = 0

    def decide(self, decision: Decision) -> None:
        if decision.label is not None:
            self._check_label(decision.label)
        match decision.do:
            case "add":
                words = self._words(decision)
                self._refuse_hidden(words)
                self._put(words, str(decision.label))
            case "add_time":
                self._add_time(decision)
            case "everywhere":
                self._everywhere(self._mark(decision.entity), decision)
            case _:
                self._change(self._mark(decision.entity), decision)

    def _change(self, mark: Mark, decision: Decision) -> None:
        kept: State = "added" if mark.id.startswith("a") else "accepted"
        match decision.do:
            case "accept":
                self._replace(mark, replace(mark, state=kept))
            case "reject":
                self._replace(mark, replace(mark, state="rejected"))
            case "label":
                self._replace(mark, replace(mark, label=str(decision.label), state=kept))
            case "pad":
                if not self.original.transcript.timed:
                    raise UsageError("a text has no sound, so nothing is muted before or after its details")
                self._replace(mark, replace(mark, pad=decision.pad or (0, 0), state=kept))
            case _:
                words = self._words(decision)
                self._take(words, mark)
                self._replace(mark, replace(mark, words=words, at=words.start, state=kept))

    def _add_time(self, decision: Decision) -> None:
        start, end = decision.time or (0, 0)
        if end > self.original.transcript.duration:
            raise UsageError("`end` lies behind the end of the recording, or this is a text, which has no times")
        label = str(decision.label)
        time: Interval | None = (start, end)
        for words in self.original.within(start, end):
            # What is hidden already stays what it is; what lies beside it is hidden as well.
            for part in self._free(words):
                self._put(part, label, time)
                time = None
        if time:
            at = bisect_left(self.original.starts, start)
            self.marks.append(Mark(self._id(), None, label, "added", time=time, at=at))

    def _everywhere(self, mark: Mark, decision: Decision) -> None:
        if mark.words is None:
            raise UsageError("this detail has no words, so it is said nowhere else")
        mentions = set(self.original.mentions(mark.words))
        simple = Decision(str(decision.decision), label=decision.label)
        for same in [each for each in self.marks if each.words in mentions]:
            self._change(same, simple)
        if decision.decision == "reject":
            return
        for words in sorted(mentions, key=lambda words: words.start):
            for part in self._free(words):
                self._put(part, decision.label or mark.label)

    def _free(self, words: range) -> Iterator[range]:
        """The words that no mark hides, run by run."""
        hidden = {i for mark in self.marks if mark.hides for i in mark.mine if i in words}
        first: int | None = None
        for i in (*words, words.stop):
            if i in words and i not in hidden:
                first = i if first is None else first
            elif first is not None:
                yield range(first, i)
                first = None

    def _put(self, words: range, label: str, time: Interval | None = None) -> None:
        self._take(words, None)
        self.marks.append(Mark(self._id(), words, label, "added", time=time, at=words.start))

    def _take(self, words: range, taker: Mark | None) -> None:
        """Take ``words`` from whoever has them. Of one that is cut in two the words on both sides stay hidden."""
        left: list[Mark] = []
        for mark in self.marks:
            inside = mark.words is not None and mark.words.start < words.stop and words.start < mark.words.stop
            if mark is taker or not inside:
                left.append(mark)
                continue
            parts = [range(mark.mine.start, words.start), range(words.stop, mark.mine.stop)]
            parts = [part for part in parts if part]
            # A rejected one hides nothing: what is left of it is its larger part.
            chosen = parts if mark.hides else sorted(parts, key=len)[-1:]
            left += [replace(mark, words=part, at=part.start) for part in chosen[:1]]
            left += [replace(mark, id=self._id(), words=part, at=part.start) for part in chosen[1:]]
        self.marks = left

    def _refuse_hidden(self, words: range) -> None:
        for mark in self.marks:
            if mark.hides and mark.words is not None and set(words) <= set(mark.words):
                raise UsageError(f"these words are hidden by {mark.id} already; change that")

    def _replace(self, mark: Mark, by: Mark) -> None:
        self.marks = [by if each.id == mark.id else each for each in self.marks]

    def _id(self) -> str:
        self.added += 1
        return f"a{self.step}" if self.added == 1 else f"a{self.step}.{self.added}"

    def _mark(self, name: str | None) -> Mark:
        for mark in self.marks:
            if mark.id == name:
                return mark
        raise UsageError("there is no such detail; it may have become part of another")

    def _words(self, decision: Decision) -> range:
        start, stop = decision.words or (0, 0)
        if stop > len(self.original.transcript.words):
            raise UsageError(f"`words` ends behind the last word, which is {len(self.original.transcript.words) - 1}")
        return range(start, stop)

    def _check_label(self, label: str) -> None:
        if label not in LABELS and label != DENIED:
            raise UsageError("`label` is not in the table; GET /review/session lists all")
