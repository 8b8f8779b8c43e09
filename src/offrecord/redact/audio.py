"""The samples of a recording with the milliseconds that are muted gone.

Works on arrays of samples, never on files. Samples outside the intervals leave as they came, bit by bit;
nothing of those inside is left, not even under the soft edges of the beep; their number never changes. Neither does
anything depend on how the stream was cut into blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from offrecord.errors import UsageError
from offrecord.redact.edges import merged
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


def mute(blocks: Iterable[Samples], muted: Iterable[Interval], *, rate: int, sound: Sound) -> Iterator[Samples]:
    """The stream of ``blocks`` (shape (channels, samples), floating) with the intervals ``muted`` covered, in ms.

    All channels are covered: one voice is heard in the other's microphone. ``silence`` is zeros. ``beep`` is a sine of
    1 kHz with soft edges inside the interval, about as loud as the speech before and around it, within bounds. An
    interval begins at the sample that holds its first millisecond and ends after the one that holds its last; what
    reaches beyond the end of the stream is ignored. The samples are as many as came in and of the same type, but cut
    into other blocks; the blocks that came in are not changed. Memory does not grow with the stream. Raises
    `UsageError`, before any sample is taken, for an interval that ends before it starts, and for another ``sound``.
    """
    if sound not in ("beep", "silence"):
        raise UsageError(f"sound {sound!r}: expected beep or silence")
    ranges = list(muted)
    if any(not 0 <= start <= end for start, end in ranges):
        raise UsageError("an interval to mute ends before it starts or starts before the recording")
    # Floor and ceiling: a sample that belongs to the interval in part is muted.
    spans = [(start * rate // 1_000, -(-end * rate // 1_000)) for start, end in ranges if start < end]
    return _covered(blocks, merged(spans, apart=1), rate, sound)


def _covered(blocks: Iterable[Samples], spans: Sequence[Interval], rate: int, sound: Sound) -> Iterator[Samples]:
    level = _Level(rate)
    starts = [start for start, _ in spans]
    position, first, tone = 0, 0, 0.0
    for chunk in chunked(blocks, level.frame * _FRAMES):
        end = position + chunk.shape[1]
        while first < len(spans) and spans[first][1] <= position:
            first += 1
        here = spans[first : bisect_left(starts, end)]
        if sound == "beep":
            level.hear(chunk, [(start - position, stop - position) for start, stop in here])
        covered = chunk.copy() if here else chunk
        for span in here:
            inside = slice(max(span[0] - position, 0), span[1] - position)
            if sound == "silence":
                covered[:, inside] = 0
                continue
            if span[0] >= position:  # one that began in an earlier chunk goes on as loud as it began
                tone = level.rms() * 2**0.5
            covered[:, inside] = tone * _beep(span, max(span[0], position), min(span[1], end), rate)
        yield covered
        position = end


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
