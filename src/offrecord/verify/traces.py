"""The looking: what was heard in redacted sound that was hidden, or that a detector would hide.

What is heard is laid beside what the transcript lets pass, word by word and digit by digit; what the transcript lets
pass is no trace. The rest is compared with what was hidden at this place, with what was hidden anywhere, and is shown
to the detectors. Works on types alone. Nothing of what was heard leaves this module but the indices of its words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from offrecord.detect import Detector, detect, repeats
from offrecord.detect.english import is_common
from offrecord.detect.spoken import written
from offrecord.labels import DENIED
from offrecord.resolve import resolve
from offrecord.types import Entity, Interval, Policy, Span, Transcript, Word

__all__ = ["Hidden", "Utterance", "traces"]

_NEAR_MS = 1_000
"""How far a word's time may be wrong: so much around a stretch, words count as let pass or hidden there."""
_ALIKE = 75
"""How similar, of 100, two words are that two decodings made of the same sound."""
_SAME = 85
"""How similar a word has to be to a detail that was hidden somewhere else."""
_LEAST = 3
"""Letters of a name, digits of a number: fewer are no trace of it unless they were hidden at this very place."""
_UNIT = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d")


class Utterance(NamedTuple):
    """What was heard in one piece: ``words``, and which milliseconds of the recording it was."""

    words: Sequence[Word]
    stretches: Sequence[Interval]
    channel: int | None


class _Unit(NamedTuple):
    """A word, or one digit of a number, as it would be written; ``word`` is the index of the word that says it."""

    low: str
    word: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One unit of the transcript: whether it is hidden, and whether under a person's name."""

    low: str
    hidden: bool
    name: bool


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

    def beside(self, heard: Utterance) -> list[_Side]:
        """The units of the transcript in and around the stretches, in the order in which they were said."""
        chosen: set[int] = set()
        for start, end in heard.stretches:
            first = bisect_left(self._starts, start - _NEAR_MS - self._longest)
            last = bisect_right(self._starts, end + _NEAR_MS)
            chosen.update(
                i
                for i in self._order[first:last]
                if self.transcript.words[i].end >= start - _NEAR_MS
                and (heard.channel is None or self.transcript.words[i].channel in (None, heard.channel))
            )
        ordered = sorted(chosen, key=lambda i: (self.transcript.words[i].start, i))
        found = []
        for unit in _units([self.transcript.words[i].text for i in ordered]):
            label = self._labels.get(ordered[unit.word])
            found.append(_Side(unit.low, label is not None, label == "person_name"))
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


def traces(hidden: Hidden, heard: Sequence[Utterance], detectors: Sequence[Detector]) -> list[list[range]]:
    """For each of the utterances the runs of its words, as indices, that are traces of a detail."""
    looked = [_Looked(utterance.words, hidden.beside(utterance)) for utterance in heard]
    claimed = _claimed(hidden, heard, looked, detectors)
    return [list(_runs(look.traces() | claims)) for look, claims in zip(looked, claimed, strict=True)]


def _claimed(
    hidden: Hidden, heard: Sequence[Utterance], looked: Sequence[_Looked], detectors: Sequence[Detector]
) -> list[set[int]]:
    """The words of each utterance that a detector claims and that are not accounted for."""
    words = [
        Word(word.text, gap="\n" if k + 1 == len(utterance.words) else " ")
        for utterance in heard
        for k, word in enumerate(utterance.words)
    ]
    if not words:
        return [set() for _ in heard]
    transcript = Transcript(tuple(words))
    spans = detect(transcript.view, detectors)
    claims = {i for entity in resolve(transcript, spans, hidden.policy) for i in entity.words}
    said_again = resolve(transcript, hidden.repeated(transcript.view), hidden.policy)
    again = {i for entity in said_again for i in entity.words}
    found, first = [], 0
    for utterance, look in zip(heard, looked, strict=True):
        mine = range(len(utterance.words))
        found.append(
            {i for i in mine if (first + i in claims and look.tells(i)) or (first + i in again and look.telling(i))}
        )
        first += len(utterance.words)
    return found


@dataclass(slots=True)
class _Looked:
    """The words of one utterance beside the transcript."""

    words: Sequence[Word]
    beside: Sequence[_Side]
    units: list[_Unit] = field(init=False)
    new: set[int] = field(init=False, default_factory=set)
    """Units that the transcript does not let pass."""
    here: set[int] = field(init=False, default_factory=set)
    """Units that are hidden at this very place."""

    def __post_init__(self) -> None:
        self.units = _units([word.text for word in self.words])
        kept = [i for i, side in enumerate(self.beside) if not side.hidden]
        steps = Levenshtein.opcodes([self.beside[i].low for i in kept], [unit.low for unit in self.units])
        for step in steps:
            if step.tag in ("replace", "insert"):
                first = kept[step.src_start - 1] + 1 if step.src_start else 0
                last = kept[step.src_end] if step.src_end < len(kept) else len(self.beside)
                self._compare(range(step.dest_start, step.dest_end), self.beside[first:last])

    def _compare(self, units: range, between: Sequence[_Side]) -> None:
        """Sort out units that were heard between two that are known, where the transcript has ``between``."""
        passed = [side.low for side in between if not side.hidden]
        secret = [side for side in between if side.hidden]
        said = "".join(self.units[u].low for u in units)
        new = [u for u in units if not any(_alike(self.units[u].low, low) for low in passed)]
        if not new or (passed and fuzz.ratio(said, "".join(passed)) >= _ALIKE):
            return
        self.new.update(new)
        if secret:
            self.here.update(new)

    def traces(self) -> set[int]:
        """The words that say what is hidden here, and runs of digits that belong to a number that is."""
        found = {self.units[u].word for u in self.here}
        numbers = "".join(side.low if side.low.isdecimal() else " " for side in self.beside if side.hidden)
        for run in self._digits():
            said = "".join(self.units[u].low for u in run)
            for at in range(len(said) - _LEAST + 1):
                part = run[at : at + _LEAST]
                if said[at : at + _LEAST] in numbers and any(u in self.new for u in part):
                    found.update(self.units[u].word for u in part)
        return found

    def _digits(self) -> Iterator[list[int]]:
        run: list[int] = []
        for u, unit in enumerate(self.units):
            if unit.low.isdecimal():
                run.append(u)
            elif run:
                yield run
                run = []
        if run:
            yield run

    def tells(self, word: int) -> bool:
        """Whether a word says something that the transcript does not let pass, and more than a common word."""
        return any(
            u in self.new and (unit.low.isdecimal() or not is_common(unit.low))
            for u, unit in enumerate(self.units)
            if unit.word == word
        )

    def telling(self, word: int) -> bool:
        """Whether a word is a digit, or no common word."""
        return any(unit.low.isdecimal() or not is_common(unit.low) for unit in self.units if unit.word == word)


def _units(texts: Sequence[str]) -> list[_Unit]:
    """Words and single digits of what is said, "double four" as two fours."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    view = written(" ".join(texts))
    found = []
    for match in _UNIT.finditer(view.text.lower().replace("\u2019", "'")):
        first, _ = view.source(*match.span())
        found.append(_Unit(match[0].removesuffix("'s"), bisect_right(starts, first) - 1))
    return found


def _alike(one: str, other: str) -> bool:
    return one == other or (not one.isdecimal() and not other.isdecimal() and fuzz.ratio(one, other) >= _ALIKE)


def _shows(low: str, side: _Side) -> bool:
    """Whether a unit gives away one that was hidden here: the same or alike, or its beginning or end."""
    if low.isdecimal() or side.low.isdecimal():
        return low == side.low
    if is_common(low):
        return side.name and low == side.low and len(low) >= _LEAST
    if len(low) == 1:
        return low == side.low
    part = len(low) >= _LEAST and (side.low.startswith(low) or side.low.endswith(low))
    return part or (not is_common(side.low) and _alike(low, side.low))


def _runs(words: set[int]) -> Iterator[range]:
    """Neighbouring words as one."""
    ordered = sorted(words)
    first = 0
    for k in range(1, len(ordered) + 1):
        if k == len(ordered) or ordered[k] > ordered[k - 1] + 1:
            yield range(ordered[first], ordered[k - 1] + 1)
            first = k
