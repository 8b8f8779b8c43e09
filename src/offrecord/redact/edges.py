"""From the words of the details to the milliseconds that are muted.

A recogniser's word times are off by 100 to 300 ms, so a detail is covered with a guard band around it, and from there
out to the nearest pause, but not past the middles of the words beside it. Works on types and on an `Envelope`, never
on files. Every word of a detail lies in an interval, whatever its times are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from offrecord.errors import UsageError
from offrecord.types import Entity, Interval, Transcript, Word

__all__ = ["BREAK_MS", "FRAME_MS", "MERGE_MS", "Envelope", "intervals", "merged"]

BREAK_MS = 1_000
"""Words of one entity further apart than this, in milliseconds, are covered each on their own. A detail said in one go
has no such pause, so what lies between is another utterance, and perhaps another person's answer."""

MERGE_MS = 100
"""Intervals closer than this are one. What is left between them is a piece of a sound: too short to be understood as
anything but what was to be hidden, and a flutter between two beeps."""

FRAME_MS = 10
"""Milliseconds of a frame of an `Envelope`."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """How loud a recording is, `FRAME_MS` after `FRAME_MS`: 3.6 MB for ten hours of a channel.

    ``levels``: shape (channels, frames), in steps of half a decibel; 255 is full scale, 0 is 127.5 dB below or less.
    One channel stands for all of them where they were mixed. ``speech``: of the same shape, how surely each frame
    is speech (0 to 255), or None where nobody asked.
    """

    levels: npt.NDArray[np.uint8] = field(repr=False)
    speech: npt.NDArray[np.uint8] | None = field(default=None, repr=False)


def intervals(
    transcript: Transcript,
    entities: Sequence[Entity],
    *,
    pad: int,
    envelope: Envelope | None = None,  # noqa: ARG001
) -> tuple[Interval, ...]:
    """The milliseconds that hold the entities' words, at least ``pad`` more on each side, within the recording.

    In order, disjoint, at least `MERGE_MS` apart, none empty: a word of no length is covered by a millisecond even
    without a pad. Every word of an entity lies in one of them. Between two words of one entity the sound is covered up
    to a pause of `BREAK_MS`. Raises `UsageError` for a transcript without times, a negative pad, or an entity of
    another transcript.
    """
    if not transcript.timed:
        raise UsageError("the transcript has no times, so the sound cannot be redacted by it; use one that has them")
    if pad < 0:
        raise UsageError(f"pad {pad}: expected milliseconds, 0 or more")
    if any(entity.words.stop > len(transcript.words) for entity in entities):
        raise UsageError("an entity names words that the transcript does not have; detect in this very transcript")
    runs = [run for entity in entities for run in _runs([transcript.words[i] for i in entity.words])]
    return merged([_widened(run, pad, transcript.duration) for run in runs], apart=MERGE_MS)


def _runs(words: list[Word]) -> Iterator[Interval]:
    """From the first start to the last end, broken at long pauses. An entity over two channels may go back in time."""
    words.sort(key=lambda word: word.start)
    start, end = words[0].start, words[0].end
    for word in words[1:]:
        if word.start - end > BREAK_MS:
            yield start, end
            start = word.start
        end = max(end, word.end)
    yield start, end


def _widened(run: Interval, pad: int, duration: int) -> Interval:
    start, end = max(0, run[0] - pad), min(duration, run[1] + pad)
    if start == end:  # a word of no length without a pad; at the very end it grows to the left
        return (start, end + 1) if end < duration else (start - 1, end)
    return start, end


def merged(ranges: Iterable[Interval], *, apart: int = MERGE_MS) -> tuple[Interval, ...]:
    """The ranges in order, those less than ``apart`` from one another as one."""
    joined: list[Interval] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] < apart:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)
