"""From the words of the details to the milliseconds that are muted.

A recogniser's word times are off by 100 to 300 ms, and by more where it garbles: numbers, e-mails, names. So a detail
is covered with a guard band around it, from there out to the nearest pause, and over speech beside it that no word
accounts for; but not past the middles of the words beside it, the later ones moved by what the recogniser is early as a
whole. Works on types and on an `Envelope`, never on files.
Every word of a detail lies in an interval, whatever its times are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from offrecord.errors import UsageError
from offrecord.labels import LABELS
from offrecord.ranges import MERGE_MS, merged
from offrecord.redact.early import early
from offrecord.redact.envelope import Envelope, Pauses
from offrecord.types import Entity, Interval, Transcript, Word

__all__ = ["BREAK_MS", "MERGE_MS", "by_channel", "intervals", "merged"]

BREAK_MS = 1_000
"""Words of one entity further apart than this, in milliseconds, are covered each on their own. A detail said in one go
has no such pause, so what lies between is another utterance, and perhaps another person's answer."""

_REACH_MS = 500
"""A pause is looked for no further from the words than this."""
_MORE_MS = 300
"""And so much further for a number or anything spelled. A wider guard band for them was tried: it left no less to hear
than this on five sets of calls (bench/audio.py), and muted 0.1 to 0.2 seconds a minute more."""
_INTO_MS = 40
"""How far an edge goes into the pause: the end of an "s" is as quiet as the pause."""
_UNSAID_MS = 150
"""Fluent words touch in a recogniser's times. Where more than this is left before what a neighbour surely accounts for,
and no pause is heard in it, the times are wrong, and what is heard there belongs to the detail."""
_FAR_MS = 1_500
"""Speech that no word accounts for is covered up to this far from the words of the detail."""
_LATE_MS = 200
"""A neighbour's time may be wrong by so much, but by no more than half of its length, before a pause tells it."""
_SHORT_MS = 120
"""Words no longer than this neither account for speech nor limit a cover: a recogniser squeezes words where it lost the
thread, into the beginning of what it hears next."""
_BESIDE = 6
"""Words looked at on each side."""

_SPELLED = frozenset({"contact", "credential", "government", "vehicle", "card", "financial", "account", "birth"})
"""The groups of labels that are said as digits, letters or dots."""


def intervals(
    transcript: Transcript,
    entities: Sequence[Entity],
    *,
    pad: int,
    envelope: Envelope | None = None,
    more: Mapping[int, tuple[int, int]] | None = None,
) -> tuple[Interval, ...]:
    """The milliseconds that hold the entities' words, in whatever channel, within the recording.

    ``pad`` milliseconds are added on each side. With the ``envelope`` of the recording the edge moves on to the nearest
    pause, and over speech that no word accounts for; there, neither goes past the middle of a neighbouring word that
    is no detail, unless the words overlap or the other is very short. Without one, the pad is all that there is.
    ``more``: for entities by their number, milliseconds that a person wants muted beyond that before and after, or,
    below 0, less; something is left in any case.

    In order, disjoint, at least `MERGE_MS` apart, none empty: a word of no length is covered by a millisecond even
    without a pad. Every word of an entity lies in one of them. Between two words of one entity the sound is covered up
    to a pause of `BREAK_MS`. Raises `UsageError` for a transcript without times, a negative pad, or an entity of
    another transcript.
    """
    return merged(interval for _, interval in _covered(transcript, entities, pad, envelope, more or {}))


def by_channel(
    transcript: Transcript,
    entities: Sequence[Entity],
    *,
    pad: int,
    envelope: Envelope,
    more: Mapping[int, tuple[int, int]] | None = None,
) -> tuple[tuple[Interval, ...], ...]:
    """What `intervals` says, for each channel of the ``envelope`` on its own: who speaks is covered, nobody else.

    A word that belongs to no channel, or to one that the recording does not have, is covered in all of them. Raises as
    `intervals` does.
    """
    found = list(_covered(transcript, entities, pad, envelope, more or {}))
    there = range(len(envelope.levels))
    return tuple(
        merged(interval for channel, interval in found if channel == number or channel not in there) for number in there
    )


def _covered(
    transcript: Transcript,
    entities: Sequence[Entity],
    pad: int,
    envelope: Envelope | None,
    more: Mapping[int, tuple[int, int]],
) -> Iterator[tuple[int | None, Interval]]:
    """Channels and intervals, in no order, overlapping."""
    if not transcript.timed:
        raise UsageError("the transcript has no times, so the sound cannot be redacted by it; use one that has them")
    if pad < 0:
        raise UsageError(f"pad {pad}: expected milliseconds, 0 or more")
    if any(entity.words.stop > len(transcript.words) for entity in entities):
        raise UsageError("an entity names words that the transcript does not have; detect in this very transcript")
    hidden = {i for entity in entities for i in entity.words}
    lines = {
        channel: _Line.of(transcript, channel, hidden, envelope)
        for channel in {transcript.words[i].channel for i in hidden}
    }
    for number, entity in enumerate(entities):
        for run in _runs([transcript.words[i] for i in entity.words]):
            line = lines[run[0].channel]
            start, end = run[0].start, max(word.end for word in run)
            far = _MORE_MS if _is_spelled(entity, run) else 0
            found = _something(line.left(start, pad, far), line.right(end, pad, far), line.duration)
            yield run[0].channel, _wider(found, *more.get(number, (0, 0)), line.duration)


def _wider(interval: Interval, before: int, after: int, duration: int) -> Interval:
    """The interval with so much more on each side, or less: a millisecond in its middle is always left."""
    middle = (interval[0] + interval[1]) // 2
    return max(0, min(interval[0] - before, middle)), min(duration, max(interval[1] + after, middle + 1))


def _runs(words: list[Word]) -> Iterator[list[Word]]:
    """The words of each channel in the order of their times, broken at long pauses."""
    for channel in dict.fromkeys(word.channel for word in words):
        mine = sorted((word for word in words if word.channel == channel), key=lambda word: word.start)
        run = mine[:1]
        for word in mine[1:]:
            if word.start - max(before.end for before in run) > BREAK_MS:
                yield run
                run = []
            run.append(word)
        yield run


def _is_spelled(entity: Entity, words: Sequence[Word]) -> bool:
    row = LABELS.get(entity.label)
    return (row is not None and row.group in _SPELLED) or any(
        character.isdigit() or character in "@-" for word in words for character in word.text
    )


def _something(start: int, end: int, duration: int) -> Interval:
    """An interval that is not empty: a word of no length without a pad, at the very end, grows to the left."""
    if start < end:
        return start, end
    return (start, end + 1) if end < duration else (start - 1, end)


@dataclass(frozen=True, slots=True)
class _Line:
    """What is known of the sound around the words of one channel, or of all where they were mixed.

    ``starts`` and ``words`` are in the order of the starts, without short ones; ``kept`` says which are no detail.
    ``early``: by how much the words' times lie before the sound.
    """

    duration: int
    pauses: Pauses | None
    words: tuple[Word, ...]
    starts: tuple[int, ...]
    kept: tuple[bool, ...]
    early: int = 0

    @classmethod
    def of(cls, transcript: Transcript, channel: int | None, hidden: set[int], envelope: Envelope | None) -> _Line:
        beside = sorted(
            (word.start, i)
            for i, word in enumerate(transcript.words)
            if word.end - word.start > _SHORT_MS and (channel is None or word.channel in (None, channel))
        )
        pauses = None
        if envelope is not None:
            # Mixed, or words of no channel over several: then the first is as good as another, and the guard is there.
            pauses = envelope.pauses[channel if channel is not None and channel < len(envelope.levels) else 0]
        words = tuple(transcript.words[i] for _, i in beside)
        return cls(
            transcript.duration,
            pauses,
            words,
            tuple(start for start, _ in beside),
            tuple(i not in hidden for _, i in beside),
            early(words, pauses) if pauses is not None else 0,
        )

    def left(self, start: int, pad: int, more: int) -> int:
        """Where the cover of words that begin at ``start`` begins."""
        if self.pauses is None:
            return max(0, start - pad)
        edge = guard = start - pad
        pause = self.pauses.last_starting_before(guard + 1)
        if pause and start - _REACH_MS - more <= pause[1] < guard:
            edge = pause[1] - _INTO_MS
        # A word that begins together with these is no neighbour before them.
        at = bisect_left(self.starts, start)
        before = range(max(0, at - _BESIDE), at)
        said = max((self._late(i) for i in before), default=0)
        unsaid = self.pauses.first_ending_after(max(said, start - _FAR_MS))
        if unsaid and unsaid[1] < start:
            edge = min(edge, unsaid[1] - _INTO_MS)
        elif start - said > _UNSAID_MS and (unsaid is None or unsaid[0] >= guard):
            edge = min(edge, max(said, start - _FAR_MS))
        limit = max((m for i in before if self.kept[i] and (m := self._middle(i)) <= start), default=0)
        return max(0, edge, limit)

    def right(self, end: int, pad: int, more: int) -> int:
        """Where the cover of words that end at ``end`` ends."""
        if self.pauses is None:
            return min(self.duration, end + pad)
        edge = guard = end + pad
        pause = self.pauses.first_ending_after(guard)
        if pause and guard < pause[0] <= end + _REACH_MS + more:
            edge = pause[0] + _INTO_MS
        at = bisect_right(self.starts, end - 1)
        after = range(at, min(len(self.words), at + _BESIDE))
        said = min((self._early(i) for i in after), default=self.duration)
        unsaid = self.pauses.last_starting_before(min(said, end + _FAR_MS))
        if unsaid and unsaid[0] > end:
            edge = max(edge, unsaid[0] + _INTO_MS)
        elif said - end > _UNSAID_MS and (unsaid is None or unsaid[1] <= guard):
            edge = max(edge, min(said, end + _FAR_MS))
        # Words that are early end the cover before the detail has been said. Words that are late do it no harm at its
        # start, where the guard band is; moving those as well muted more and left as much.
        limit = min((m for i in after if self.kept[i] and (m := self._middle(i)) >= end), default=self.duration)
        return min(self.duration, edge, limit + self.early)

    def _middle(self, i: int) -> int:
        return (self.words[i].start + self.words[i].end) // 2

    def _late(self, i: int) -> int:
        """Up to where a word before surely accounts for what is heard."""
        return max(self._middle(i), self.words[i].end - _LATE_MS)

    def _early(self, i: int) -> int:
        return min(self._middle(i), self.words[i].start + _LATE_MS)
