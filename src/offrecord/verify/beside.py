"""What a transcript hides and what it lets pass, at the places that are listened to again.

Words are compared as they would be written, numbers digit by digit. Works on types alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offrecord.detect import repeats
from offrecord.detect.spoken import written
from offrecord.labels import DENIED
from offrecord.types import Entity, Interval, Policy, Span, Transcript, Word
from offrecord.verify.pieces import audible

__all__ = ["Hidden", "Side", "Unit", "Utterance", "units"]

_NEAR_MS = 1_000
"""How far a word's time may be wrong: so much around a stretch, words count as let pass or hidden there."""
_UNIT = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d")


class Utterance(NamedTuple):
    """What was heard in one piece: ``words``, and which milliseconds of the recording it was."""

    words: Sequence[Word]
    stretches: Sequence[Interval]
    channel: int | None


class Unit(NamedTuple):
    """A word, or one digit of a number, as it would be written; ``words`` are the indices of those that say it."""

    low: str
    words: range


@dataclass(frozen=True, slots=True)
class Side:
    """One unit of the transcript: whether it is hidden, whether under a person's name, and the times of its word."""

    low: str
    hidden: bool
    name: bool
    start: int
    end: int


class Hidden:
    """What a transcript hides and lets pass, made ready to be looked for."""

    def __init__(self, transcript: Transcript, entities: Sequence[Entity], policy: Policy) -> None:
        self.transcript, self.policy = transcript, policy
        self._labels = {i: entity.label for entity in entities for i in entity.words}
        self._values, self._spans = _values(transcript, entities)
        words = transcript.words
        order = sorted(range(len(words)), key=lambda i: words[i].start)
        self._order = order
        self._starts = [words[i].start for i in order]
        self._longest = max((word.end - word.start for word in words), default=0)

    def beside(self, heard: Utterance) -> list[Side]:
        """The units of the transcript in and around the stretches, in the order in which they were said."""
        chosen: set[int] = set()  # places in the order
        for start, end in heard.stretches:
            first = bisect_left(self._starts, start - _NEAR_MS - self._longest)
            last = bisect_right(self._starts, end + _NEAR_MS)
            chosen.update(
                n
                for n in range(first, last)
                if (word := self.transcript.words[self._order[n]]).end >= start - _NEAR_MS
                and (heard.channel is None or word.channel in (None, heard.channel))
            )
        ordered = sorted(chosen)
        words = [self.transcript.words[self._order[n]] for n in ordered]
        found = []
        for unit in units([word.text for word in words]):
            labels = {self._labels[i] for k in unit.words if (i := self._order[ordered[k]]) in self._labels}
            first_word, last_word = words[unit.words[0]], words[unit.words[-1]]
            known = bool(labels), "person_name" in labels
            found.append(Side(unit.low, *known, first_word.start, max(first_word.end, last_word.end)))
        return found

    def uncovered(
        self, muted: Sequence[Sequence[Interval]], narrowed: Collection[int] = ()
    ) -> list[tuple[int, int, int]]:
        """Row, start and end of what of the hidden words, as the transcript times them, no interval mutes.

        A word of no channel, or of one that the recording does not have, belongs to all. ``narrowed``: words that a
        person covers by less than that.

        Intervals are made to cover them all, so this is a fault of ours, and one that listening alone may not show: a
        recogniser can take the first syllable of a number for a word that it wrote there before.
        """
        found = []
        for i in sorted(self._labels.keys() - set(narrowed)):
            word = self.transcript.words[i]
            said = [(word.start, max(word.end, word.start + 1))]
            own = [row for row in range(len(muted)) if row == word.channel]
            rows = own if len(muted) > 1 and own else range(len(muted))
            found += [(row, start, end) for row in rows for start, end in audible(said, muted[row])]
        return found

    def repeated(self, text: str) -> list[Span]:
        """Claims on what says again, in ``text``, what was hidden anywhere."""
        start = len(self._values)
        claims = repeats.find(self._values + text, self._spans)
        return [
            Span(span.start - start, span.end - start, span.label, span.score, span.source)
            for span in claims
            if span.start >= start
        ]


def _values(transcript: Transcript, entities: Sequence[Entity]) -> tuple[str, list[Span]]:
    """The different values that are hidden, each on a line, with a claim on each."""
    spans: dict[tuple[str, str], Span] = {}
    pieces: list[str] = []
    at = 0
    for entity in entities:
        start, end = transcript.characters_of(entity.words)
        value = transcript.text[start:end].replace("\n", " ")
        if entity.label == DENIED or (value, entity.label) in spans:
            continue
        spans[value, entity.label] = Span(at, at + len(value), entity.label, 1.0, "hidden")
        pieces.append(value + "\n")
        at += len(value) + 1
    return "".join(pieces), list(spans.values())


def units(texts: Sequence[str]) -> list[Unit]:
    """Words and single digits of what is said, "double four" as two fours."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    view = written(" ".join(texts))
    found = []
    for match in _UNIT.finditer(view.text.lower().replace("\u2019", "'")):
        first, end = view.source(*match.span())
        words = range(bisect_right(starts, first) - 1, bisect_left(starts, end))
        found.append(Unit(match[0].removesuffix("'s"), words))
    return found
