"""From a recording, or from somebody else's transcript of it, to a `Transcript`. One module a source."""

from typing import NamedTuple

from offrecord.types import Word

__all__ = ["Chunk"]


class Chunk(NamedTuple):
    """What a recogniser heard up to ``end`` (milliseconds from the start of the recording), since the chunk before.

    The last chunk's ``end`` is the length of the recording.
    """

    words: list[Word]
    end: int
