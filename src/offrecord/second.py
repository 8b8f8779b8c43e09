"""Details that another recogniser heard, where the first one wrote other words, or none.

No recogniser knows every name: one writes "playmouth", the other Plymouth. Both hear the whole recording, details are
looked for in the words of each, and what was found in the second's is hidden among the first's by its time. The
transcript stays the first's, but for words that stand where it has none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from offrecord.ranges import Interval, merged
from offrecord.types import Entity, Span, Transcript, Word

__all__ = ["SOURCE", "Second"]

SOURCE = "second"
"""What claims name as the one that found them."""
_SCORE = 0.5
"""Less than what a detector claims with, so that it names a word only where no detector does."""
_SHARE = 0.5
"""A word is meant when more than so much of it lies in the time of a detail, or of that in the word. Recognisers
disagree about when a word begins by some 100 ms."""
_COVERED = 0.9
"""A detail is accounted for when so much of its time is muted by the first recogniser's words that are hidden."""


@dataclass(frozen=True, slots=True)
class Second:
    """What the second recogniser heard, ``transcript``, and the details found in that, ``entities``."""

    transcript: Transcript = field(repr=False)
    entities: tuple[Entity, ...]

    def united(self, first: Transcript, entities: Sequence[Entity], pad: int) -> Transcript:
        """``first``, of the same recording, with words for all details: ``entities``, which are its own, and these.

        A detail that hidden words, with ``pad`` milliseconds on each side, do not account for widens the times of the
        words said then; where there are none, its own words are put in. It lasts as long as the longer of the two: no
        word is moved.
        """
        words, more, said = list(first.words), list[Word](), _Line(first)
        duration = max(first.duration, self.transcript.duration)
        hidden = {i for entity in entities for i in entity.words}
        for entity in self.entities:
            start, end, channel = self._place(entity)
            meant = said.between(start, end, channel)
            own = [first.words[i] for i in said.near(start - pad, end + pad, channel) if i in hidden or i in meant]
            if _within(start, end, merged((word.start - pad, word.end + pad) for word in own)) >= _COVERED:
                continue
            if not meant:
                more += said.spoken_by([self.transcript.words[i] for i in entity.words])
                continue
            a, b = meant[0], meant[-1]
            # Words that begin before the one that is read before them would be out of order.
            least = first.words[a - 1].start if a else 0
            words[a] = replace(words[a], start=min(words[a].start, max(start, least)))
            words[b] = replace(words[b], end=max(words[b].end, min(end, duration)))
        if more:
            return Transcript.spoken([*words, *more], duration, first.language)
        return replace(first, words=tuple(words), duration=duration)

    def find(self, transcript: Transcript) -> list[Span]:
        """Claims on the words of ``transcript``, of the same recording, that are said in the time of a detail."""
        said = _Line(transcript)
        return [
            Span(*transcript.characters_of(range(i, i + 1)), entity.label, _SCORE, SOURCE)
            for entity in self.entities
            for i in said.between(*self._place(entity))
        ]

    def _place(self, entity: Entity) -> tuple[int, int, int | None]:
        """Start, end and channel of a detail."""
        words = [self.transcript.words[i] for i in entity.words]
        return words[0].start, max(map(_end, words)), words[0].channel


class _Line:
    """The words of a transcript by their times, whatever the order in which they are read."""

    def __init__(self, transcript: Transcript) -> None:
        self._words = transcript.words
        self._order = sorted(range(len(self._words)), key=lambda i: self._words[i].start)
        self._starts = [self._words[i].start for i in self._order]
        self._longest = max((word.end - word.start for word in self._words), default=0)

    def near(self, start: int, end: int, channel: int | None) -> list[int]:
        """The numbers of the words of a channel of which something may be said in that time."""
        near = self._order[bisect_left(self._starts, start - self._longest) : bisect_left(self._starts, end)]
        return sorted(i for i in near if _alike(self._words[i].channel, channel))

    def between(self, start: int, end: int, channel: int | None) -> list[int]:
        """Those of which more than `_SHARE` is said in that time, or that are said in so much of it."""
        return [i for i in self.near(start, end, channel) if _share(self._words[i], start, end) > _SHARE]

    def spoken_by(self, words: Sequence[Word]) -> list[Word]:
        """``words``, said by whoever spoke last on their channel."""
        before = reversed(self._order[: bisect_right(self._starts, words[0].start)])
        last = next((self._words[i] for i in before if _alike(self._words[i].channel, words[0].channel)), None)
        return [replace(word, speaker=last.speaker, channel=last.channel) if last else word for word in words]


def _alike(one: int | None, other: int | None) -> bool:
    """Whether words of these channels may be the same word. A word of no channel may be any."""
    return one is None or other is None or one == other


def _share(word: Word, start: int, end: int) -> float:
    """How much of the word and the time, of the shorter of them, is in the other."""
    stop = _end(word)
    return (min(stop, end) - max(word.start, start)) / min(stop - word.start, end - start)


def _end(word: Word) -> int:
    """Where it ends, if it has to be somewhere: recognisers give words no length where they lost the thread."""
    return max(word.end, word.start + 1)


def _within(start: int, end: int, ranges: Iterable[Interval]) -> float:
    """How much of the time lies in the ranges, which are disjoint: 0 to 1."""
    inside = sum(max(0, min(end, b) - max(start, a)) for a, b in ranges)
    return inside / max(1, end - start)
