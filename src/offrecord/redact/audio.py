"""The samples of a recording with the milliseconds that are muted gone.

Works on arrays of samples, never on files. Samples outside the intervals leave as they came, bit by bit;
nothing of those inside is left, not even under the soft edges of the beep; their number never changes. Neither does
anything depend on how the stream was cut into blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

from offrecord.errors import UsageError
from offrecord.ranges import merged
from offrecord.types import Interval, Sound

__all__ = ["Samples", "chunked", "mute"]

Samples = npt.NDArray[np.floating[Any]]
"""Sound as an array of shape (channels, samples), full scale at -1 and 1."""

_TONE_HZ = 1_000
_FADE_MS = 10
_FRAME_MS = 20
_FRAMES = 50
"""Frames to a chunk: a second, and the beep's level is that of the ten chunks before it and its own."""
_QUIETEST, _USUAL, _LOUDEST = 0.02, 0.05, 0.25
"""Root mean square of the beep: never inaudible; where no speech was heard yet; never near clipping."""


def mute(
    blocks: Iterable[Samples],
    muted: Iterable[Interval],
    *,
    rate: int,
    sound: Sound,
    channels: Sequence[Sequence[Interval]] = (),
) -> Iterator[Samples]:
    """The stream of ``blocks`` (shape (channels, samples), floating) with the intervals ``muted`` covered, in ms.

    All channels are covered, unless ``channels`` says for each of them what is: then that. Should the stream have other
    channels than these, all are covered. ``silence`` is zeros. ``beep`` is a sine of 1 kHz with soft edges inside the
    interval, about as loud as the speech before and around it, within bounds. An interval begins at the sample that
    holds its first millisecond and ends after the one that holds its last; what reaches beyond the end of the stream is
    ignored. The samples are as many as came in and of the same type, but cut into other blocks; the blocks that came in
    are not changed. Memory does not grow with the stream. Raises `UsageError`, before any sample is taken, for an
    interval that ends before it starts, and for another ``sound``.
    """
    if sound not in ("beep", "silence"):
        raise UsageError(f"sound {sound!r}: expected beep or silence")
    everywhere = _samples(muted, rate)
    return _covered(blocks, everywhere, [_samples(channel, rate) for channel in channels], rate, sound)


def _samples(intervals: Iterable[Interval], rate: int) -> tuple[Interval, ...]:
    ranges = list(intervals)
    if any(not 0 <= start <= end for start, end in ranges):
        raise UsageError("an interval to mute ends before it starts or starts before the recording")
    # Floor and ceiling: a sample that belongs to the interval in part is muted.
    return merged(((start * rate // 1_000, -(-end * rate // 1_000)) for start, end in ranges if start < end), apart=1)


def _covered(
    blocks: Iterable[Samples],
    everywhere: tuple[Interval, ...],
    channels: Sequence[tuple[Interval, ...]],
    rate: int,
    sound: Sound,
) -> Iterator[Samples]:
    level = _Level(rate)
    tracks: list[_Track] = []
    position = 0
    for chunk in chunked(blocks, level.frame * _FRAMES):
        if not tracks:
            each = len(channels) == chunk.shape[0]
            tracks = [_Track(n, spans) for n, spans in enumerate(channels)] if each else [_Track(..., everywhere)]
        end = position + chunk.shape[1]
        here = [track.spans_in(position, end) for track in tracks]
        if sound == "beep":
            level.hear(chunk, [(start - position, stop - position) for spans in here for start, stop in spans])
        covered = chunk.copy() if any(here) else chunk
        for track, spans in zip(tracks, here, strict=True):
            for span in spans:
                inside = slice(max(span[0] - position, 0), span[1] - position)
                if sound == "silence":
                    covered[track.rows, inside] = 0
                    continue
                if span[0] >= position:  # one that began in an earlier chunk goes on as loud as it began
                    track.tone = level.rms() * 2**0.5
                beep = _beep(span, max(span[0], position), min(span[1], end), rate)
                covered[track.rows, inside] = track.tone * beep
        yield covered
        position = end


class _Track:
    """The channels ``rows`` and what is covered in them, in samples, as it goes by."""

    def __init__(self, rows: int | EllipsisType, spans: tuple[Interval, ...]) -> None:
        self.rows, self.tone = rows, 0.0
        self._spans, self._starts = spans, [start for start, _ in spans]
        self._first = 0

    def spans_in(self, start: int, end: int) -> tuple[Interval, ...]:
        """Those that reach into these samples; later ones than were asked for before."""
        while self._first < len(self._spans) and self._spans[self._first][1] <= start:
            self._first += 1
        return self._spans[self._first : bisect_left(self._starts, end)]


def _beep(span: Interval, start: int, end: int, rate: int) -> npt.NDArray[np.float64]:
    """The samples ``start`` to ``end`` of the beep of amplitude 1 that fills ``span``."""
    at = np.arange(start, end)
    fade = min(rate * _FADE_MS / 1_000, (span[1] - span[0]) / 2)
    from_edge = np.minimum(at - span[0] + 0.5, span[1] - at - 0.5)
    gain = 0.5 - 0.5 * np.cos(np.pi * np.clip(from_edge / fade, 0, 1))
    hertz = min(_TONE_HZ, rate / 4)
    return np.asarray(gain * np.sin(2 * np.pi * hertz / rate * (at - span[0])), dtype=np.float64)


class _Level:
    """How loud the speech was in the last ten seconds, without what is muted."""

    def __init__(self, rate: int) -> None:
        self.frame = max(1, rate * _FRAME_MS // 1_000)
        self._energies: deque[npt.NDArray[np.float64]] = deque(maxlen=10)

    def hear(self, chunk: Samples, muted: Sequence[Interval]) -> None:
        count = chunk.shape[1] // self.frame
        whole = chunk[:, : count * self.frame].reshape(chunk.shape[0], count, self.frame)
        heard = np.ones(count, dtype=bool)
        for start, end in muted:
            heard[max(start, 0) // self.frame : -(-max(end, 0) // self.frame)] = False
        # The loudest channel speaks for all; one of two callers is silent most of the time.
        energies = np.mean(np.square(whole, dtype=np.float64), axis=2).max(axis=0)[heard]
        if energies.size:
            self._energies.append(energies)

    def rms(self) -> float:
        """Root mean square of the loud frames; pauses would drag a mean over all of them down, a knock push it up."""
        if not self._energies:
            return _USUAL
        energies = np.concatenate(self._energies)
        loud = float(np.quantile(energies, 0.95))
        speech = np.minimum(energies[energies >= loud / 20], loud)
        return float(np.clip(np.sqrt(speech.mean()), _QUIETEST, _LOUDEST))


def chunked(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same samples in blocks of ``size``; only the last may be shorter, and none is empty."""
    held: list[Samples] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        if count >= size:
            joined = held[0] if len(held) == 1 else np.concatenate(held, axis=1)
            whole = count - count % size
            for at in range(0, whole, size):
                yield joined[:, at : at + size]
            count -= whole
            held = [joined[:, whole:]] if count else []
    if count:
        yield np.concatenate(held, axis=1)
