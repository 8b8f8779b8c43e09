"""From a recording, or from somebody else's transcript of it, to a `Transcript`. One module a source."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from offrecord.types import Word

__all__ = ["Channels", "Chunk", "Copy", "Listener", "Recogniser", "overheard"]

Channels = Literal["mono", "separate"]

Copy = Literal["kept", "deleted", "not deleted"]
"""What became of the recording and the transcript at a recogniser elsewhere."""

Listener = Callable[[npt.NDArray[np.float32]], None]
"""Is given each block of the sound, shape (channels, samples) at 16 kHz, in order."""


class Chunk(NamedTuple):
    """What a recogniser heard up to ``end`` (milliseconds from the start of the recording), since the chunk before.

    The last chunk's ``end`` is the length of the recording. ``copy``: for a recogniser elsewhere, what became of the
    copy there; None where nothing left the machine. ``language``: what was spoken, as ``en``, where that is known.
    """

    words: list[Word]
    end: int
    copy: Copy | None = None
    language: str | None = None


class Recogniser(Protocol):
    """What turns a recording into words. ``name`` says what it is in the result."""

    @property
    def name(self) -> str:
        """The recogniser, its model, and where it is if elsewhere."""

    def transcribe(self, path: Path, channels: Channels = "mono", *, listen: Listener | None = None) -> Iterator[Chunk]:
        """The words of the recording at ``path``, chunk after chunk; a chunk without words says that nobody spoke.

        ``listen`` hears all of the sound, once, in order, while it is decoded for this.

        Raises `InputError` for what cannot be decoded, and `RemoteError` where a recogniser elsewhere fails.
        """


def overheard(blocks: Iterator[npt.NDArray[np.float32]], listen: Listener | None) -> Iterator[npt.NDArray[np.float32]]:
    """The same blocks, each given to ``listen`` first."""
    for block in blocks:
        if listen:
            listen(block)
        yield block
