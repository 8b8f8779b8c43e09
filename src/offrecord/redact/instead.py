"""What is heard in place of a detail: a beep as loud as the voices around it, or the sound of the room without them.

Everything is made from what was heard outside the muted intervals, and holds no sample of it: of the speech only its
loudness goes into the beep, and of the pauses only their loudness and the rough shape of their spectrum into the room.
All details get the same sound, so it does not tell what kind they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from offrecord.types import Interval

__all__ = ["AHEAD", "FRAMES", "FRAME_MS", "Around", "beep", "room"]

Floats = npt.NDArray[np.float64]

FRAME_MS = 20
FRAMES = 50
"""Frames to a chunk, which lasts a second."""
AHEAD = 5
_BEHIND = 10
"""Chunks that are heard before and after an interval, its own among the former."""

_TONE_HZ = 1_000
_FADE_MS = 10
_QUIETEST, _USUAL, _LOUDEST = 0.02, 0.05, 0.25
"""Root mean square of the beep: never inaudible; where no speech is heard; never near clipping."""

_PAUSES = 0.2
"""The part of the frames, the quietest, that are taken for pauses."""
_LOUDEST_ROOM = 0.03
"""Where nobody ever pauses, the quietest frames are speech or music, and the room is not made as loud as that."""
_SMOOTH_HZ = 400
"""The spectrum of the room is averaged over this much: wider than the harmonics of any voice are apart."""


class Around:
    """How loud the speech is around a place, and what the pauses sound like, without what is muted."""

    def __init__(self, rate: int, *, pauses: bool) -> None:
        self.frame = max(1, rate * FRAME_MS // 1_000)
        self.rate = rate
        self._pauses = pauses
        self._energies: deque[Floats] = deque(maxlen=_BEHIND + AHEAD)
        self._quiet: deque[list[tuple[Floats, Floats, Floats]]] = deque(maxlen=_BEHIND + AHEAD)

    def hear(self, chunk: npt.NDArray[np.floating[Any]], muted: Sequence[Interval]) -> None:
        """The next second, in which the samples ``muted`` count for nothing."""
        count = chunk.shape[1] // self.frame
        whole = chunk[:, : count * self.frame].reshape(chunk.shape[0], count, self.frame)
        heard = np.ones(count, dtype=bool)
        for start, end in muted:
            heard[max(start, 0) // self.frame : -(-max(end, 0) // self.frame)] = False
        # A microphone's constant offset is not sound, and would make silence as loud as speech.
        offsets = whole.mean(axis=2, dtype=np.float64)
        energies = np.maximum(0, np.mean(np.square(whole, dtype=np.float64), axis=2) - offsets**2)
        if heard.any():
            # The loudest channel speaks for all; one of two callers is silent most of the time.
            self._energies.append(energies.max(axis=0)[heard])
            if self._pauses:
                self._quiet.append(
                    [self._quietest(*each, heard) for each in zip(whole, energies, offsets, strict=True)]
                )

    def _quietest(
        self, frames: npt.NDArray[np.floating[Any]], energies: Floats, offsets: Floats, heard: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats, Floats]:
        """Energies, offsets and power spectra of the quietest frames of one channel."""
        # Digital silence is a gap in the recording, and no room sounds like that.
        there = np.flatnonzero(heard & (energies > 0))
        chosen = there[np.argsort(energies[there], kind="stable")[: max(1, int(_PAUSES * FRAMES))]]
        centred = frames[chosen] - offsets[chosen, None]
        spectra = np.abs(np.fft.rfft(centred * np.hanning(self.frame + 2)[1:-1])) ** 2
        return energies[chosen], offsets[chosen], spectra

    def speech(self) -> float:
        """Root mean square of the loud frames; pauses would drag a mean over all of them down, a knock push it up."""
        if not self._energies:
            return _USUAL
        energies = np.concatenate(self._energies)
        loud = float(np.quantile(energies, 0.95))
        speech = np.minimum(energies[energies >= loud / 20], loud)
        return float(np.clip(np.sqrt(speech.mean()), _QUIETEST, _LOUDEST))

    def filters(self) -> list[tuple[Floats, float]]:
        """For each channel, the filter that makes white noise sound like its pauses, and its constant offset."""
        return [self._filter(channel) for channel in range(len(self._quiet[0]) if self._quiet else 0)]

    def _filter(self, channel: int) -> tuple[Floats, float]:
        energies, offsets, spectra = (
            np.concatenate([chunk[channel][part] for chunk in self._quiet]) for part in range(3)
        )
        if not energies.size:
            return np.zeros(1), 0.0
        pauses = energies <= np.quantile(energies, _PAUSES)
        width = 2 * round(_SMOOTH_HZ * self.frame / self.rate / 2) + 1
        padded = np.pad(spectra[pauses].mean(axis=0), width // 2, mode="reflect")
        smooth = np.convolve(padded, np.full(width, 1 / width), mode="valid")
        response = np.fft.fftshift(np.fft.irfft(np.sqrt(smooth), self.frame)) * np.hanning(self.frame + 2)[1:-1]
        level = min(_LOUDEST_ROOM, float(np.sqrt(energies[pauses].mean())))
        return response * (level / max(1e-12, float(np.sqrt(np.square(response).sum())))), float(offsets[pauses].mean())


def beep(span: Interval, start: int, end: int, rate: int) -> Floats:
    """The samples ``start`` to ``end`` of the beep of amplitude 1 that fills ``span``: 1 kHz with edges of 10 ms."""
    at = np.arange(start, end)
    fade = min(rate * _FADE_MS / 1_000, (span[1] - span[0]) / 2)
    from_edge = np.minimum(at - span[0] + 0.5, span[1] - at - 0.5)
    gain = 0.5 - 0.5 * np.cos(np.pi * np.clip(from_edge / fade, 0, 1))
    hertz = min(_TONE_HZ, rate / 4)
    return np.asarray(gain * np.sin(2 * np.pi * hertz / rate * (at - span[0])), dtype=np.float64)


def room(filters: Sequence[tuple[Floats, float]], channels: range, start: int, end: int) -> Floats:
    """The samples ``start`` to ``end`` of noise like the pauses of ``channels``; silence where none was heard."""
    sound = np.zeros((len(channels), end - start))
    for row, channel in enumerate(channels[: len(filters)]):
        response, offset = filters[channel]
        white = _white(channel, start - response.size + 1, end)
        size = white.size + response.size
        filtered = np.fft.irfft(np.fft.rfft(white, size) * np.fft.rfft(response, size), size)
        sound[row] = np.clip(filtered[response.size - 1 : white.size] + offset, -1, 1)
    return sound


_NOISE = 16_384


def _white(channel: int, start: int, end: int) -> Floats:
    """White noise that is the same however it is cut: sample n is always sample n."""
    first, last = start // _NOISE, (end - 1) // _NOISE
    blocks = [np.random.default_rng([channel, block + 1]).standard_normal(_NOISE) for block in range(first, last + 1)]
    return np.concatenate(blocks)[start - first * _NOISE : end - first * _NOISE]
