"""The second listening: what is still to be heard in the redacted sound, and muting that as well.

The recording is decoded, muted in memory as it will be, and recognised once more, otherwise than before. Where the
words give away what was hidden (`traces`), or a hidden word is not muted from its start to its end, the intervals grow
towards it, and what changed is heard again. They never shrink; what is still heard after the last round is said in the
result, for the pipeline to refuse. No text leaves here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from offrecord import audio
from offrecord.detect import Detector
from offrecord.errors import FailedClosed, Unverified
from offrecord.ranges import merged
from offrecord.redact.envelope import Envelope
from offrecord.types import Entity, Interval, Policy, Transcript, Verification, Word
from offrecord.verify.beside import Hidden, Utterance
from offrecord.verify.pieces import AGAIN_MS, CONTEXT_MS, RATE, Piece, audible, cut, plans, stretches
from offrecord.verify.traces import Traces, traces
from offrecord.verify.unaccounted import unaccounted

__all__ = ["ROUNDS", "Hearing", "Muted", "refusal", "verify"]

ROUNDS = 3
"""How often intervals grow at most."""

Muted = tuple[tuple[Interval, ...], ...]
"""The muted intervals of each channel that is heard on its own; one row where all are muted alike."""

_BATCH = 4
"""Pieces that are looked at together: two minutes of sound, 7 MB."""
_STEP_MS = 150
"""How much further than the word was heard an interval grows, in each round once more."""
_PAUSE_MS = 350
"""And from there how far at most to the next pause."""
_DREAM_MS = 300
"""Words with no sound so near are dreamt: times are not wrong by more."""
_ENOUGH, _DEAF = 20, 0.2
"""Of so many words that are let pass, so small a share heard again is none: another language, another recording. A
recogniser that understands hears some 75% of them, for words just beyond the ends count as well."""
_BESIDE_MS = 200
"""A word that may be a piece of a detail is one only this close to an interval."""
_INTO_MS = 40
"""How far it goes into the pause."""
_CRUMB_MS = 300
"""What is left to hear between a trace and an interval is muted too, if it is no longer than this."""


class Hearing(Protocol):
    """A recogniser that hears a piece of sound: `offrecord.transcribe.whisper.Whisper` is one."""

    @property
    def name(self) -> str:
        """Which model it is."""

    @property
    def decoding(self) -> str:
        """How `relisten` decodes, in a few words."""

    def relisten(self, samples: npt.NDArray[np.float32]) -> list[Word]:
        """The words of at most 30 seconds at 16 kHz, with their times in milliseconds of the piece."""


class _Found(NamedTuple):
    """Where a trace was heard: a row of the muted intervals, and milliseconds of the recording.

    ``strength``: 2 gives a detail away; 1 is a digit or two of a number, or sound without a word, for which intervals
    grow, but which tell nothing by themselves; 0 may be a piece of a detail, or nothing: what is beside it grows once.
    """

    row: int
    start: int
    end: int
    strength: int = 2


class _Heard(NamedTuple):
    """What one listening came to: traces, milliseconds, and how many of the units that are let pass were heard."""

    found: list[_Found]
    listened: int
    passed: int
    again: int


@dataclass(frozen=True, slots=True)
class _Listening:
    """One recording, and what is looked for in it."""

    path: Path
    hidden: Hidden
    hearing: Hearing
    detectors: Sequence[Detector]
    envelope: Envelope | None

    @property
    def duration(self) -> int:
        return self.hidden.transcript.duration

    def hear(self, muted: Muted, around: Sequence[Interval] | None, context: int = CONTEXT_MS) -> _Heard:
        """What is heard around the intervals ``around`` (None: everywhere)."""
        wanted = [
            plan
            for row, intervals in enumerate(muted)
            for plan in plans(row, stretches(intervals, around, self.duration, self.envelope, row, context=context))
        ]
        heard = _Heard([], 0, 0, 0)
        if not wanted:
            return heard
        channels: Literal["mono", "separate"] = "mono" if len(muted) == 1 else "separate"
        pieces = cut(audio.decode(self.path, rate=RATE, channels=channels), wanted, muted)
        while batch := list(islice(pieces, _BATCH)):
            found = self._traces(batch, muted)
            heard = _Heard(
                [*heard.found, *self._places(batch, found, muted)],
                heard.listened + sum(end - start for piece in batch for start, end in piece.plan.stretches),
                heard.passed + sum(traces.passed for traces in found),
                heard.again + sum(traces.again for traces in found),
            )
        return heard

    def _traces(self, batch: Sequence[Piece], muted: Muted) -> list[Traces]:
        utterances = [
            Utterance(
                self.hearing.relisten(piece.samples),
                piece.plan.stretches,
                piece.plan.channel if len(muted) > 1 else None,
            )
            for piece in batch
        ]
        return traces(self.hidden, utterances, self.detectors)

    def _places(self, batch: Sequence[Piece], found: Sequence[Traces], muted: Muted) -> Iterator[_Found]:
        """Where in the recording the traces are. One with nothing to hear around it was dreamt."""
        for piece, here in zip(batch, found, strict=True):
            row = piece.plan.channel
            for strength, said in ((2, here.sure), (1, here.weak)):
                for start, end in (place for when in said for place in piece.sources(*when)):
                    if audible([(max(0, start - _DREAM_MS), end + _DREAM_MS)], muted[row]):
                        yield _Found(row, start, end, strength)
            if self.envelope is not None:
                pauses = self.envelope.pauses[row if row < len(self.envelope.levels) else 0]
                for place in here.places:
                    for start, end in unaccounted(place, piece, muted[row], pauses):
                        yield _Found(row, start, end, 1)
            for start, end in (piece.source(*when) for when in here.odd):
                if any(a - _BESIDE_MS <= end and b + _BESIDE_MS >= start for a, b in muted[row]):
                    yield _Found(row, start, end, 0)


def verify(
    path: Path,
    transcript: Transcript,
    entities: Sequence[Entity],
    muted: Muted,
    *,
    hearing: Hearing,
    detectors: Sequence[Detector],
    policy: Policy,
    mode: Literal["around", "full"] = "around",
    envelope: Envelope | None = None,
    narrowed: Collection[int] = (),
) -> tuple[Muted, Verification]:
    """``muted``, grown until nothing that was hidden is heard, and what was done to find out.

    ``transcript`` and ``entities`` are those of the recording at ``path``, before anything was replaced. With several
    rows in ``muted``, each channel is heard on its own. ``around``: what lies within seconds of an interval;
    ``full``: everything. ``narrowed``: hidden words of which a person wants less muted than their times say, by their
    numbers; they are listened for like all. Raises `InputError` where the recording can no longer be read, and
    `FailedClosed` where hardly anything is heard of what the transcript lets pass: then nothing heard means nothing.
    """
    listening = _Listening(path, Hidden(transcript, entities, policy), hearing, detectors, envelope)
    around = None if mode == "full" else merged(interval for row in muted for interval in row)
    found, listened, passed, again = listening.hear(muted, around)
    if passed >= _ENOUGH and again < _DEAF * passed:
        raise FailedClosed(
            f"the second listening with {hearing.name} heard {again} of {passed} words that are not hidden, so it "
            "proves nothing; name another recogniser with --verify-model, or --verify off"
        )
    found += [
        _Found(row, start, end)
        for row, start, end in listening.hidden.uncovered(muted, narrowed)
        # Once is enough: it is muted with a trace that is there or close by.
        if not any(t.row == row and t.start - _STEP_MS <= start and end <= t.end + _STEP_MS for t in found)
    ]
    heard, rounds, widened, added = len(found), 0, 0, 0
    while found and rounds < ROUNDS:
        rounds += 1
        changed: list[Interval] = []
        for trace in found:
            interval = _grown(trace, rounds, muted[trace.row], envelope, transcript.duration)
            touched = any(a <= interval[1] and b >= interval[0] for a, b in muted[trace.row])
            widened, added = widened + touched, added + (not touched)
            changed.append(interval)
            muted = tuple(merged([*row, interval]) if number == trace.row else row for number, row in enumerate(muted))
        more = listening.hear(muted, merged(changed), AGAIN_MS)
        found = [trace for trace in more.found if trace.strength]
        heard, listened = heard + len(found), listened + more.listened
    return muted, Verification(
        mode=mode,
        model=hearing.name,
        decoding=hearing.decoding,
        listened=listened,
        rounds=rounds,
        found=heard,
        widened=widened,
        added=added,
        understood=100 * again // passed if passed else None,
        left=merged((trace.start, max(trace.end, trace.start + 1)) for trace in found if trace.strength > 1),
    )


def _grown(trace: _Found, rounds: int, muted: Sequence[Interval], envelope: Envelope | None, duration: int) -> Interval:
    """What is muted for a trace: a step more on each side, out to a pause, and up to an interval that is near."""
    start, end = max(0, trace.start - _STEP_MS * rounds), min(duration, trace.end + _STEP_MS * rounds)
    if envelope is not None:
        pauses = envelope.pauses[trace.row if trace.row < len(envelope.levels) else 0]
        before, after = pauses.last_starting_before(start + 1), pauses.first_ending_after(end - 1)
        if before and 0 <= start - before[1] <= _PAUSE_MS:
            start = max(0, before[1] - _INTO_MS)
        if after and 0 <= after[0] - end <= _PAUSE_MS:
            end = min(duration, after[0] + _INTO_MS)
    for a, b in muted:
        if 0 < start - b <= _CRUMB_MS:
            start = b
        if 0 < a - end <= _CRUMB_MS:
            end = a
    return start, max(end, start + 1)


def refusal(done: Verification) -> Unverified:
    """The error that says what is left to hear, where, and what to do."""
    places = ", ".join(f"{start} to {end}" for start, end in done.left[:_NAMED])
    more = f" and {len(done.left) - _NAMED} more" if len(done.left) > _NAMED else ""
    return Unverified(
        f"after {done.rounds} rounds a detail is still heard in the redacted sound in {len(done.left)} places "
        f"(at {places} ms{more}); nothing was released; hide more (--pad, --deny, --strictness recall), or "
        "release it with --allow-unverified"
    )


_NAMED = 5
"""Places that an error names; there may be hundreds."""
