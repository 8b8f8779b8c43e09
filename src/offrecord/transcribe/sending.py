"""What a recogniser elsewhere is sent: the sound, and nothing else of the file.

It goes as WAV of 16 kHz and 16 bits, decoded here (115 MB for an hour and channel). So tags, pictures and the file's
name stay on the machine, and times count from the first sample of the very stream that is muted later: a file with two
streams of sound, or one that starts late, would otherwise come back with the times of something else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from offrecord import audio
from offrecord.errors import InputError
from offrecord.transcribe import Channels, Listener, overheard

__all__ = ["RATE", "Sound", "measured", "milliseconds", "wav"]

RATE = 16_000


class Sound(NamedTuple):
    """How much is sent: channels, and samples of each."""

    channels: int
    samples: int

    @property
    def size(self) -> int:
        """Bytes as WAV."""
        return 44 + self.samples * self.channels * 2


def measured(path: Path, channels: Channels, listen: Listener | None = None) -> Sound:
    """How much sound is in the recording. Decodes all of it once. Raises `InputError` as `audio.probe` does."""
    number = samples = 0
    for block in overheard(audio.decode(path, rate=RATE, channels=channels), listen):
        number, samples = block.shape[0], samples + block.shape[1]
    return Sound(number, samples)


def wav(path: Path, channels: Channels, sound: Sound) -> Iterator[bytes]:
    """The recording as WAV, ten seconds at a time. Raises `InputError` if it is no longer what was measured."""
    yield header(sound)
    left = sound.samples
    for block in audio.decode(path, rate=RATE, channels=channels):
        left -= block.shape[1]
        if left < 0:
            break
        yield pcm(block)
    if left:
        raise InputError(f"{path} changed while it was sent; send it again when it is complete")


def header(sound: Sound) -> bytes:
    """The 44 bytes before the samples (Multimedia Programming Interface and Data Specifications 1.0, 1991)."""
    frame = sound.channels * 2
    size = sound.samples * frame
    form = struct.pack("<HHIIHH", 1, sound.channels, RATE, RATE * frame, frame, 16)
    return struct.pack("<4sI8sI16s4sI", b"RIFF", size + 36, b"WAVEfmt ", 16, form, b"data", size)


def pcm(samples: npt.NDArray[np.float32]) -> bytes:
    """Samples of shape (channels, samples) as 16-bit integers, the channels interleaved."""
    return np.clip(np.rint(samples.T * 32_767), -32_768, 32_767).astype("<i2").tobytes()


def milliseconds(samples: int) -> int:
    """The time after so many samples, rounded up."""
    return -(-samples * 1_000 // RATE)
