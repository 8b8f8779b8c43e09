"""What is measured of a recording while it is decoded, so that nothing has to decode it again: an `Envelope`.

A `Meter` hears the blocks that a recogniser hears. The result does not depend on how the sound was cut into blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from offrecord import audio
from offrecord.ranges import merged
from offrecord.redact.envelope import FRAME_MS, Envelope, Levels
from offrecord.redact.tones import RATE, KeyTones
from offrecord.types import Interval

__all__ = ["RATE", "Meter", "measure"]

_FRAME = RATE * FRAME_MS // 1_000
_VOICED = 30 * RATE
"""Samples in which voice activity is looked for at once."""

Block = npt.NDArray[np.float32]


class Meter:
    """Hears a recording block by block, from its beginning; keeps a byte for each 10 ms of a channel.

    ``speech``: also find out where somebody speaks (Silero's model, which comes with faster-whisper); ``tones``: also
    find the tones of telephone keys.
    """

    def __init__(self, *, speech: bool = False, tones: bool = False) -> None:
        self._levels: list[Levels] = []
        self._rest: Block | None = None
        self._samples = 0
        self._tones = KeyTones() if tones else None
        self._voices = _Voices() if speech else None

    def hear(self, block: Block) -> None:
        """The next block, shape (channels, samples), at `RATE`."""
        self._samples += block.shape[1]
        if self._tones:
            self._tones.hear(block)
        if self._voices:
            self._voices.hear(block)
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
        levels = np.concatenate([*self._levels, _levels(padded)], axis=1)
        return Envelope(
            levels,
            self._voices.found() if self._voices else None,
            self._tones.found() if self._tones else None,
        )


class _Voices:
    """Where somebody speaks, looked for half a minute at a time."""

    def __init__(self) -> None:
        self._held: list[Block] = []
        self._length = self._position = 0
        self._found: list[list[Interval]] = []

    def hear(self, block: Block) -> None:
        self._held.append(block)
        self._length += block.shape[1]
        while self._length >= _VOICED:
            samples = np.concatenate(self._held, axis=1)
            self._listen(samples[:, :_VOICED])
            self._held, self._length = [samples[:, _VOICED:].copy()], samples.shape[1] - _VOICED

    def found(self) -> tuple[tuple[Interval, ...], ...]:
        if self._length:
            self._listen(np.concatenate(self._held, axis=1))
            self._held, self._length = [], 0
        return tuple(merged(intervals) for intervals in self._found)

    def _listen(self, samples: Block) -> None:
        from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415 - takes a second

        options = VadOptions(min_silence_duration_ms=200, speech_pad_ms=0)
        self._found = self._found or [[] for _ in samples]
        for channel, found in zip(samples, self._found, strict=True):
            for part in get_speech_timestamps(np.ascontiguousarray(channel), options):
                found.append((self._ms(part["start"]), self._ms(part["end"])))
        self._position += samples.shape[1]

    def _ms(self, sample: int) -> int:
        return (self._position + sample) * 1_000 // RATE


def measure(
    path: Path, channels: Literal["mono", "separate"] = "mono", *, speech: bool = False, tones: bool = False
) -> Meter:
    """A `Meter` that has heard all of the recording. Raises `InputError` as `audio.decode` does."""
    meter = Meter(speech=speech, tones=tones)
    for block in audio.decode(path, rate=RATE, channels=channels):
        meter.hear(block)
    return meter


def _levels(samples: Block) -> Levels:
    """Half decibels of the mean square of each frame, less its mean: a constant is not to be heard."""
    frames = samples.reshape(samples.shape[0], -1, _FRAME)
    decibels = 10 * np.log10(frames.var(axis=2) + 1e-20)
    levels: Levels = np.clip(np.rint(2 * decibels) + 255, 0, 255).astype(np.uint8)
    return levels
