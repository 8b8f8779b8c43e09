"""Whether one channel's voice is heard in another: then a detail is muted in both.

One person on each channel is a promise of the telephone system, and a loudspeaker or an echo breaks it. Where it is
broken the levels of the two channels rise and fall together, later in the other one by the way of the echo.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from offrecord.ranges import merged
from offrecord.redact.envelope import FRAME_MS, Envelope, Levels
from offrecord.types import Interval, Transcript

__all__ = ["spread"]

_ALIKE = 0.5
"""Levels of two channels that correlate this much are of one voice.
Noise beside speech stays below 0.3 in the calls."""
_ECHO = 30
"""Frames that an echo is looked for: 300 ms."""
_CONTEXT = 50
"""Frames on each side of an interval that are compared as well: an interval is often too short to tell."""
_FLOOR = 75
"""Levels below this count as this: 90 dB below full scale nothing is heard."""
_SILENT = 40
"""Half decibels. A channel this much below the other one is silent: a transcript that has the words there is of another
recording, or counts its channels otherwise, so nothing is known of who speaks where."""
_ENOUGH = 100
"""Frames with the voice of one channel alone that say something of the whole recording."""


def spread(
    channels: Sequence[Sequence[Interval]], transcript: Transcript, envelope: Envelope
) -> tuple[tuple[Interval, ...], ...]:
    """The intervals of each channel, and in each those of the others whose voice is heard in it, echo included.

    Compared are the interval and half a second around it; and over the whole recording, what is said in one channel
    while no word is in the other, so that two people who talk at once do not hide it. An interval whose own channel is
    silent is muted in all that are not.
    """
    levels = np.maximum(envelope.levels, _FLOOR)
    found: list[list[Interval]] = [list(intervals) for intervals in channels]
    for source, intervals in enumerate(channels):
        for other in range(len(channels)):
            if other == source or not intervals:
                continue
            everywhere = _in_all(transcript, levels, source, other)
            for start, end in intervals:
                window = slice(max(0, start // FRAME_MS - _CONTEXT), -(-end // FRAME_MS) + _CONTEXT)
                voice, beside = levels[source, window], levels[other, window]
                echo = _echo(voice, beside)
                if echo is None:
                    echo = everywhere
                if echo is None and _loudest(beside) - _loudest(voice) > _SILENT:
                    echo = 0
                if echo is not None:
                    found[other].append((start, min(end + echo, transcript.duration)))
    return tuple(merged(intervals) for intervals in found)


def _loudest(levels: Levels) -> int:
    return int(levels.max(initial=0))


def _in_all(transcript: Transcript, levels: Levels, source: int, other: int) -> int | None:
    """The echo of ``source`` in ``other`` by all that is said there alone."""
    alone = _said(transcript, source, levels.shape[1]) & ~_said(transcript, other, levels.shape[1])
    if alone.sum() < _ENOUGH:
        return None
    return _echo(levels[source], levels[other], alone)


def _said(transcript: Transcript, channel: int, frames: int) -> npt.NDArray[np.bool_]:
    said = np.zeros(frames, dtype=np.bool_)
    for word in transcript.words:
        if word.channel == channel:
            said[max(0, word.start // FRAME_MS - _ECHO) : word.end // FRAME_MS + _ECHO] = True
    return said


def _echo(voice: Levels, other: Levels, where: npt.NDArray[np.bool_] | None = None) -> int | None:
    """By how many milliseconds ``other`` follows ``voice``; None if it does not."""
    best, echo = _ALIKE, None
    for lag in range(min(_ECHO, len(voice) - 2) + 1):
        here, there = voice[: len(voice) - lag].astype(np.float64), other[lag:].astype(np.float64)
        if where is not None:
            here, there = here[where[: len(here)]], there[where[: len(there)]]
        if len(here) < 2 or not here.std() or not there.std():
            continue
        alike = float(np.corrcoef(here, there)[0, 1])
        if alike >= best:
            best, echo = alike, lag * FRAME_MS
    return echo
