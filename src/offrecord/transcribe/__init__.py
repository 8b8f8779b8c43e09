"""From a recording, or from somebody else's transcript of it, to a `Transcript`. One module a source."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from offrecord.types import Word

__all__ = ["Channels", "Chunk", "Copy", "Recogniser"]

Channels = Literal["mono", "separate"]

Copy = Literal["kept", "deleted", "not deleted"]
"""What became of the recording and the transcript at a recogniser elsewhere."""


class Chunk(NamedTuple):
    """What a recogniser heard up to ``end`` (milliseconds from the start of the recording), since the chunk before.

    The last chunk's ``end`` is the length of the recording. ``copy``: for a recogniser elsewhere, what became of the
    copy there; None where nothing left the machine.
    """

    words: list[Word]
    end: int
    copy: Copy | None = None


class Recogniser(Protocol):
    """What turns a recording into words. ``name`` says what it is in the result."""

    @property
    def name(self) -> str:
        """The recogniser, its model, and where it is if elsewhere."""

    def transcribe(self, path: Path, channels: Channels = "mono") -> Iterator[Chunk]:
        """The words of the recording at ``path``, chunk after chunk; a chunk without words says that nobody spoke.

        Raises `InputError` for what cannot be decoded, and `RemoteError` where a recogniser elsewhere fails.
        """
