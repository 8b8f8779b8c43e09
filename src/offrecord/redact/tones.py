"""Tones of a telephone's keys (DTMF): what is typed is a detail that no transcript shows.

A key is two tones, one of four low and one of four high frequencies (ITU-T Q.23), for 40 ms or more. What tells them
from a voice: each stands out of its band for 80 ms, both are about as loud, and their frequencies are exact and do not
move. Everything is looked for at 16 kHz in windows of 50 ms, so sound of 8 kHz, MP3 and speech above them are no
matter. Memory does not grow with the sound, but with the tones in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from offrecord.ranges import merged
from offrecord.types import Interval

__all__ = ["RATE", "KeyTones"]

RATE = 16_000
"""Samples a second of what is heard."""

_LOW = (697, 770, 852, 941)
_HIGH = (1_209, 1_336, 1_477, 1_633)
_BANDS = ((600, 1_060), (1_110, 1_800))
"""Where a group stands out, in Hz."""
_WINDOW, _HOP = RATE // 20, RATE // 100
_STEADY = 4
"""Windows in a row with the same key: 80 ms of sound."""
_BATCH = 1_000
"""Windows measured at once."""
_LOBE_HZ = 1.6 * RATE / _WINDOW
"""Half the width that a tone takes in a window."""

_STRONG, _WEAK = 3.5, 2.0
"""Decibels by which the weaker of the two has to stand out: alone, and within a few seconds of another key."""
_NEAR_MS = 3_000
_TWIST, _LOUD, _LOUD_TWIST = 6.5, 8.0, 10.0
"""Decibels between the two at most; and where both stand out this far, so many. Networks alter them by up to 8."""
_COHERENCE = 0.985
"""How little the frequency may move: 1 is not at all."""
_OFF = 0.018
"""How far a frequency may be off. Q.24 asks for 1.5%."""
_GUARD_MS = 80
"""Covered on each side: the first and the last part of a key fill no window."""


class KeyTones:
    """Hears sound block by block, from its beginning; how it was cut does not matter."""

    def __init__(self) -> None:
        self._rest: npt.NDArray[np.float32] | None = None
        self._next = 0
        self._found: list[tuple[int, int, bool]] = []

    def hear(self, block: npt.NDArray[np.float32]) -> None:
        """The next block, shape (channels, samples), at `RATE`."""
        self._rest = block if self._rest is None else np.concatenate([self._rest, block], axis=1)
        while (runs := (self._rest.shape[1] - _WINDOW) // _HOP + 2 - _STEADY) > 0:
            runs = min(runs, _BATCH)
            for number, channel in enumerate(self._rest):
                strong, weak = _keys(channel[: (runs + _STEADY - 2) * _HOP + _WINDOW])
                self._found += [(number, self._next + int(at), bool(strong[at])) for at in np.flatnonzero(weak)]
            self._rest = self._rest[:, runs * _HOP :]
            self._next += runs
        self._rest = self._rest.copy()  # the caller's block is not kept alive by its end

    def found(self) -> tuple[tuple[Interval, ...], ...]:
        """Where keys are heard, for each channel, in milliseconds: in order, disjoint, with a guard band."""
        length = (_WINDOW + (_STEADY - 1) * _HOP) * 1_000 // RATE
        step = _HOP * 1_000 // RATE
        result = []
        for number in range(0 if self._rest is None else len(self._rest)):
            here = [(at * step, strong) for channel, at, strong in self._found if channel == number]
            sure = np.array([at for at, strong in here if strong])
            kept = [at for at, strong in here if strong or (sure.size and np.abs(sure - at).min() <= _NEAR_MS)]
            result.append(merged((max(0, at - _GUARD_MS), at + length + _GUARD_MS) for at in kept))
        return tuple(result)


def _keys(samples: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For each run of `_STEADY` windows: whether a key is heard, surely and perhaps."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP] * _HANN
    power = np.square(np.abs(np.fft.rfft(windows)))
    waves = windows @ _WAVES
    # The phase is counted from the beginning of all windows, so a tone of the very frequency keeps it.
    waves *= np.exp(-2j * np.pi * np.array(_LOW + _HIGH) * _HOP / RATE * np.arange(len(waves))[:, None])
    keys, out, tones, coherences, offs = [], [], [], [], []
    for group, (frequencies, band) in enumerate(zip((_LOW, _HIGH), _BANDS, strict=True)):
        mine = waves[:, 4 * group : 4 * group + 4]
        key = np.abs(mine).argmax(axis=1)
        tone = np.take_along_axis(power @ _LOBES[:, 4 * group : 4 * group + 4], key[:, None], axis=1)[:, 0]
        rest = power[:, (band[0] <= _HERTZ) & (band[1] >= _HERTZ)].sum(axis=1) - tone
        keys.append(key)
        tones.append(10 * np.log10(tone + 1e-9))
        out.append(10 * np.log10((tone + 1e-9) / (np.maximum(rest, 1e-6 * tone) + 1e-9)))
        # From window to window the phase of a steady tone moves on by the same angle, a small one.
        phases = _rows(mine)[np.arange(len(key) - _STEADY + 1), key[: len(key) - _STEADY + 1]]
        turns = phases[:, 1:] * phases[:, :-1].conj()
        turn = turns.sum(axis=1)
        coherences.append(np.abs(turn) / (np.abs(turns).sum(axis=1) + 1e-12))
        offs.append(np.abs(np.angle(turn)) * RATE / (2 * np.pi * _HOP) / np.array(frequencies)[key[: len(turn)]])
    pressed = _rows(4 * keys[0] + keys[1])
    prominence = _rows(np.minimum(*out)).mean(axis=1)
    twist = _rows(np.abs(tones[0] - tones[1])).mean(axis=1)
    steady = (pressed == pressed[:, :1]).all(axis=1)
    steady &= (np.minimum(*coherences) > _COHERENCE) & (np.maximum(*offs) < _OFF)
    steady &= twist < np.where(prominence > _LOUD, _LOUD_TWIST, _TWIST)
    return steady & (prominence > _STRONG), steady & (prominence > _WEAK)


def _rows(values: npt.NDArray) -> npt.NDArray:  # type: ignore[type-arg]
    """Each run of `_STEADY` windows as the last axis."""
    return np.lib.stride_tricks.sliding_window_view(values, _STEADY, axis=0)


_HANN = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
_HERTZ = np.fft.rfftfreq(_WINDOW, 1 / RATE)
_LOBES = np.stack([np.abs(_HERTZ - f) <= _LOBE_HZ for f in _LOW + _HIGH], axis=1).astype(np.float32)
_WAVES = np.exp(-2j * np.pi * np.outer(np.arange(_WINDOW) / RATE, _LOW + _HIGH)).astype(np.complex64)
