"""The looking: what was heard in redacted sound that was hidden, or that a detector would hide.

What is heard is laid beside what the transcript lets pass, word by word and digit by digit; what the transcript lets
pass is no trace. The rest is compared with what was hidden at this place, with what was hidden anywhere, and is shown
to the detectors. Works on types alone. Nothing of what was heard leaves this module but the indices of its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from offrecord.detect import Detector, detect
from offrecord.detect.english import is_common
from offrecord.redact.edges import BREAK_MS
from offrecord.resolve import resolve
from offrecord.types import Interval, Transcript, Word
from offrecord.verify.beside import Hidden, Side, Unit, Utterance, units

__all__ = ["Place", "Traces", "traces"]

_ALIKE = 75
"""How similar, of 100, two words are that two decodings made of the same sound."""
_SAME = 85
"""How similar a word has to be to a detail that was hidden somewhere else."""
_LEAST = 3
"""Letters of a name, digits of a number: fewer are no trace of it unless they were hidden at this very place."""
_DICTATED = frozenset("com org net edu gov co uk www http https".split())
"""What is said in any address, like "dot" and "at"."""
_ODD = 3
"""More words than this at one place are another matter than a piece of a detail."""


class Traces(NamedTuple):
    """What gives a detail away in one utterance; milliseconds of the piece.

    ``weak``: a digit or two of a number that is hidden at this place. ``odd``: heard where only hidden words are,
    though it is like none of them. ``places``: where details are hidden. ``passed`` units are let pass by the
    transcript here, of which ``again`` were heard again.
    """

    sure: list[Interval]
    weak: list[Interval]
    odd: list[Interval]
    places: list[Place]
    passed: int
    again: int


class Place(NamedTuple):
    """Words that are hidden, one after the other: their times in the recording, by the transcript.

    ``before`` and ``after``: where, in the piece, the word before them was heard to end, and the one after to begin;
    None where it was not heard again.
    """

    start: int
    end: int
    before: int | None
    after: int | None


def traces(hidden: Hidden, heard: Sequence[Utterance], detectors: Sequence[Detector]) -> list[Traces]:
    """What is found in each of the utterances."""
    looked = [_Looked(utterance.words, hidden.beside(utterance)) for utterance in heard]
    claimed = _claimed(hidden, heard, looked, detectors)
    return [look.found(claims) for look, claims in zip(looked, claimed, strict=True)]


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
    beside: Sequence[Side]
    units: list[Unit] = field(init=False)
    new: set[int] = field(init=False, default_factory=set)
    """Units that the transcript does not let pass."""
    here: set[int] = field(init=False, default_factory=set)
    """Units that show what is hidden at this very place."""
    odd: set[int] = field(init=False, default_factory=set)
    """Units that were heard where only hidden ones are, whatever they mean: often a piece of these."""
    same: dict[int, range] = field(init=False, default_factory=dict)
    """The words that were heard for a unit of the transcript that is let pass."""

    def __post_init__(self) -> None:
        self.units = units([word.text for word in self.words])
        kept = [i for i, side in enumerate(self.beside) if not side.hidden]
        steps = Levenshtein.opcodes([self.beside[i].low for i in kept], [unit.low for unit in self.units])
        for step in steps:
            if step.tag == "equal":
                pairs = zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True)
                self.same.update((kept[k], self.units[u].words) for k, u in pairs)
            elif step.tag in ("replace", "insert"):
                first = kept[step.src_start - 1] + 1 if step.src_start else 0
                last = kept[step.src_end] if step.src_end < len(kept) else len(self.beside)
                self._compare(range(step.dest_start, step.dest_end), self.beside[first:last])

    def _compare(self, units: range, between: Sequence[Side]) -> None:
        """Sort out units that were heard between two that are known, where the transcript has ``between``."""
        passed = [side.low for side in between if not side.hidden]
        secret = [side for side in between if side.hidden]
        said = "".join(self.units[u].low for u in units)
        new = [u for u in units if not any(_alike(self.units[u].low, low) for low in passed)]
        if not new or (passed and fuzz.ratio(said, "".join(passed)) >= _ALIKE):
            return
        self.new.update(new)
        value = "".join(side.low for side in secret)
        if len(said) > _LEAST and len(value) > _LEAST and fuzz.ratio(said, value) >= _ALIKE:
            self.here.update(new)
        self.here.update(u for u in new if any(_shows(self.units[u].low, side) for side in secret))
        if secret and not passed and len(new) <= _ODD:
            self.odd.update(new)

    def found(self, claims: set[int]) -> Traces:
        """All there is, with the words ``claims`` that a detector claims."""
        sure = self.traces() | claims
        weak = self._said(self.here & self._few()) - sure
        odd = self._said(self.odd) - sure - weak
        passed = sum(not side.hidden for side in self.beside)
        return Traces(self._when(sure), self._when(weak), self._when(odd), list(self.places()), passed, len(self.same))

    def _said(self, units: Iterable[int]) -> set[int]:
        """The words that say these units."""
        return {word for u in units for word in self.units[u].words}

    def _when(self, words: set[int]) -> list[Interval]:
        runs = _runs(words)
        return [(min(self.words[i].start for i in run), max(self.words[i].end for i in run)) for run in runs]

    def traces(self) -> set[int]:
        """The words that say what is hidden here, and runs of digits that belong to a number that is."""
        found = self._said(self.here - self._few())
        numbers = "".join(side.low if side.low.isdecimal() else " " for side in self.beside if side.hidden)
        for run in self._digits():
            said = "".join(self.units[u].low for u in run)
            for at in range(len(said) - _LEAST + 1):
                part = run[at : at + _LEAST]
                if said[at : at + _LEAST] in numbers and any(u in self.new for u in part):
                    found |= self._said(part)
        return found

    def _few(self) -> set[int]:
        """Digits that are hidden here, but too few of them in a row to tell the number."""
        return {u for run in self._digits() for u in run if len(self.new.intersection(run)) < _LEAST}

    def places(self) -> Iterator[Place]:
        """Where details are hidden, between the nearest words around them that were heard again."""
        for run in self._hidden():
            before, after = (
                self.same.get(i) if self._follow(*sorted((i, j))) else None
                for i, j in ((run[0] - 1, run[0]), (run[-1] + 1, run[-1]))
            )
            yield Place(
                min(self.beside[i].start for i in run),
                max(self.beside[i].end for i in run),
                None if before is None else self.words[before[-1]].end,
                None if after is None else self.words[after[0]].start,
            )

    def _hidden(self) -> Iterator[list[int]]:
        """Units that are hidden, one right after the other."""
        run: list[int] = []
        for i, side in enumerate(self.beside):
            if run and not (side.hidden and self._follow(i - 1, i)):
                yield run
                run = []
            if side.hidden:
                run.append(i)
        if run:
            yield run

    def _follow(self, one: int, other: int) -> bool:
        """Whether two units were said in one go: both are there, and no long pause was made."""
        if not 0 <= one < other < len(self.beside):
            return False
        a, b = self.beside[one], self.beside[other]
        return b.start - a.end <= BREAK_MS

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
            u in self.new and (unit.low.isdecimal() or not _is_common(unit.low))
            for u, unit in enumerate(self.units)
            if word in unit.words
        )

    def telling(self, word: int) -> bool:
        """Whether a word is a digit, or no common word."""
        return any(unit.low.isdecimal() or not _is_common(unit.low) for unit in self.units if word in unit.words)


def _is_common(low: str) -> bool:
    """Whether a word says nothing of a detail by itself."""
    return low in _DICTATED or is_common(low)


def _alike(one: str, other: str) -> bool:
    return one == other or (not one.isdecimal() and not other.isdecimal() and fuzz.ratio(one, other) >= _ALIKE)


def _shows(low: str, side: Side) -> bool:
    """Whether a unit gives away one that was hidden here: the same or alike, or its beginning or end."""
    if low.isdecimal() or side.low.isdecimal():
        return low == side.low
    if _is_common(low):
        return side.name and low == side.low and len(low) >= _LEAST
    if len(low) == 1:
        return low == side.low
    part = len(low) >= _LEAST and (side.low.startswith(low) or side.low.endswith(low))
    return part or (not _is_common(side.low) and _alike(low, side.low))


def _runs(words: set[int]) -> Iterator[range]:
    """Neighbouring words as one."""
    ordered = sorted(words)
    first = 0
    for k in range(1, len(ordered) + 1):
        if k == len(ordered) or ordered[k] > ordered[k - 1] + 1:
            yield range(ordered[first], ordered[k - 1] + 1)
            first = k
