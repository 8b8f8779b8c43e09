"""What is measured of a recording while it is decoded, so that nothing has to decode it again: an `Envelope`.

A `Meter` hears the blocks that a recogniser hears. The result does not depend on how the sound was cut into blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from offrecord import audio
from offrecord.redact.envelope import FRAME_MS, Envelope

__all__ = ["RATE", "Meter", "measure"]

RATE = 16_000
"""Samples a second of what a `Meter` hears."""
_FRAME = RATE * FRAME_MS // 1_000


class Meter:
    """Hears a recording block by block, from its beginning; keeps a byte for each 10 ms of a channel."""

    def __init__(self) -> None:
        self._levels: list[npt.NDArray[np.uint8]] = []
        self._rest: npt.NDArray[np.float32] | None = None
        self._samples = 0

    def hear(self, block: npt.NDArray[np.float32]) -> None:
        """The next block, shape (channels, samples), at `RATE`."""
        self._samples += block.shape[1]
        if self._rest is not None:
            block = np.concatenate([self._rest, block], axis=1)
        whole = block.shape[1] // _FRAME * _FRAME
        self._rest = block[:, whole:].copy()
        self._levels.append(_levels(block[:, :whole]))

    @property
    def duration(self) -> int:
        """Milliseconds heard so far, the last one in part."""
        return -(-self._samples * 1_000 // RATE)

    def envelope(self) -> Envelope:
        """All that was heard. The last frame may be shorter than the others."""
        if self._rest is None:
            return Envelope(np.zeros((1, 0), np.uint8))
        last = self._rest.shape[1]
        padded = np.pad(self._rest, ((0, 0), (0, _FRAME - last))) if last else self._rest
        return Envelope(np.concatenate([*self._levels, _levels(padded)], axis=1))


def measure(path: Path, channels: Literal["mono", "separate"] = "mono") -> Meter:
    """A meter that has heard all of the recording. Raises `InputError` as `audio.decode` does."""
    meter = Meter()
    for block in audio.decode(path, rate=RATE, channels=channels):
        meter.hear(block)
    return meter


def _levels(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Half decibels of the mean square of each frame, less its mean: a constant is not to be heard."""
    frames = samples.reshape(samples.shape[0], -1, _FRAME)
    decibels = 10 * np.log10(frames.var(axis=2) + 1e-20)
    levels: npt.NDArray[np.uint8] = np.clip(np.rint(2 * decibels) + 255, 0, 255).astype(np.uint8)
    return levels
