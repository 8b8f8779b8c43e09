"""How early a recogniser's times are as a whole, by the pauses of the recording itself.

Some recognisers end every word before it has been said: whisper-base by 90 to 160 ms, in every recording. Nothing but
the sound tells that. Words and pauses in, milliseconds out; nothing is moved here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from offrecord.redact.envelope import Pauses
from offrecord.types import Word

__all__ = ["early"]

_PAUSE_MS = 200
"""Pauses shorter than this are found within words, too."""
_NEAR_MS = 400
"""An edge of a word further away than this is not the edge of the pause."""
_LEAST = 8
"""A median of fewer measures says nothing."""


def early(words: Sequence[Word], pauses: Pauses) -> int:
    """How many milliseconds the times of ``words`` lie before what is heard, in the median; 0 if late or unknown.

    Measured where the sound shows when a word ended and when the next began: at the edges of the pauses of `_PAUSE_MS`
    and more, each with the nearest end, or start, of a word. Never more than `_NEAR_MS`.
    """
    long = pauses.ends - pauses.starts >= _PAUSE_MS
    # Where the recording begins in silence nobody has stopped speaking.
    before = pauses.starts[long & (pauses.starts > 0)]
    ends = _off(before, np.array([word.end for word in words], np.int64))
    starts = _off(pauses.ends[long], np.array([word.start for word in words], np.int64))
    off = np.concatenate([ends, starts])
    return max(0, round(-float(np.median(off)))) if len(off) >= _LEAST else 0


def _off(edges: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How far the nearest of ``times`` lies after each edge, where one is near."""
    if not len(times):
        return times
    times = np.sort(times)
    after = np.clip(np.searchsorted(times, edges), 1, len(times) - 1) if len(times) > 1 else np.zeros_like(edges)
    before = np.maximum(after - 1, 0)
    nearest = np.where(edges - times[before] <= times[after] - edges, times[before], times[after])
    off: npt.NDArray[np.int64] = nearest - edges
    return off[np.abs(off) <= _NEAR_MS]
