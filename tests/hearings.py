"""Recognisers that follow a script, and a recording by which they can tell the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sounds import write

from offrecord import audio
from offrecord.transcribe import Channels, Chunk, Listener, overheard
from offrecord.types import Word

LENGTH = 12_000


@dataclass
class Script:
    """A recogniser that hears the words of a script where at least ``share`` of their sound is left.

    It tells the time by the sound itself, which has to be a recording of `clock`.
    """

    words: Sequence[Word]
    share: float = 0.5
    heard: list[int] = field(default_factory=list)
    """Milliseconds of each piece that it was given."""
    name: str = "script"
    decoding: str = "by heart"

    def relisten(self, samples: NDArray[np.float32]) -> list[Word]:
        """What of the script is left, at the times of the piece."""
        clock = np.rint(samples[4::16] * 32_768).astype(int)
        self.heard.append(len(clock))
        found = []
        for word in self.words:
            mine = np.flatnonzero((abs(clock) >= word.start) & (abs(clock) < word.end) & (clock != 0))
            right = word.channel is None or (mine.size and (clock[mine[0]] < 0) == bool(word.channel))
            if mine.size >= self.share * (word.end - word.start) and right:
                found.append(Word(word.text, int(mine[0]), int(mine[-1]) + 1))
        return sorted(found, key=lambda word: word.start)


@dataclass
class Dictated:
    """A recogniser that hears the same words in whatever recording it is given."""

    words: list[Word]
    name: str = "dictated"

    def transcribe(self, path: Path, channels: Channels = "mono", *, listen: Listener | None = None) -> Iterator[Chunk]:
        """All the words in one chunk."""
        length = sum(block.shape[1] for block in overheard(audio.decode(path, rate=16_000, channels=channels), listen))
        yield Chunk(self.words, length // 16)


@dataclass
class Dreamer:
    """A recogniser that hears the same words in whatever it is given."""

    text: str
    name: str = "dreamer"
    decoding: str = "none"

    def relisten(self, samples: NDArray[np.float32]) -> list[Word]:
        """The words one after another in the middle of the piece, a tenth of a second each."""
        middle = samples.size // 32
        return [Word(text, middle + 100 * i, middle + 100 * i + 100) for i, text in enumerate(self.text.split())]


def clock(path: Path, channels: int = 1) -> Path:
    """A recording whose every millisecond swings once, as far as its number; the second channel is upside down."""
    line = np.repeat(np.arange(1, LENGTH + 1), 16) / 32_768 * np.tile(np.repeat([1, -1], 8), LENGTH)
    return write(path, np.stack([line, -line][:channels]) * (32_768 / 32_767), 16_000, "pcm_s16le", "wav")


def said(text: str, *, each: int = 400, start: int = 1_000, channel: int | None = None) -> list[Word]:
    """The words of a text one after another, evenly."""
    return [
        Word(word, start + i * each, start + (i + 1) * each, channel=channel) for i, word in enumerate(text.split())
    ]
