"""From a recording, or from somebody else's transcript of it, to a `Transcript`. One module a source."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from offrecord.types import Word

__all__ = ["Chunk", "Listener"]

Listener = Callable[[npt.NDArray[np.float32]], None]
"""Is given each block of the sound, shape (channels, samples), in order."""


class Chunk(NamedTuple):
    """What a recogniser heard up to ``end`` (milliseconds from the start of the recording), since the chunk before.

    The last chunk's ``end`` is the length of the recording.
    """

    words: list[Word]
    end: int
