"""How loud a recording is, every ten milliseconds, and where it pauses.

A value: made by a `Meter` while the recording is decoded, read by what decides which milliseconds are muted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from offrecord.types import Interval

__all__ = ["FRAME_MS", "Envelope", "Levels", "Pauses"]

FRAME_MS = 10
"""Milliseconds of a frame of an `Envelope`."""

Levels = npt.NDArray[np.uint8]
"""Half decibels: 255 is full scale, 0 is 127.5 dB below or less."""

_PAUSE_MS = 60
"""Quiet this long is a pause. The stop of a "t" or a "k" is mostly shorter."""
_AROUND_MS = 5_000
"""What is quiet is measured on this much sound on each side."""
_BLOCK_MS = 1_000
"""And it is measured anew this often."""
_QUIET, _SPEECH = 0.1, 0.95
"""The quantiles of the levels that stand for the pauses and for the speech."""
_ABOVE, _LEAST = 0.15, 6
"""How far above the pauses it is still quiet: a share of the way to the speech, and half decibels at least."""
_DEPTH = 100
"""A pause is never asked to be further below the speech than this, in half decibels: digital silence is no measure."""


@dataclass(frozen=True)
class Envelope:
    """The measures of a recording: 3.6 MB for ten hours of a channel.

    ``levels``: shape (channels, frames). One channel stands for all where they were mixed. ``speech``: for each
    channel where somebody speaks, whatever a recogniser makes of it; ``tones``: where telephone keys are heard.
    Either is None where nobody asked.
    """

    levels: Levels = field(repr=False)
    speech: tuple[tuple[Interval, ...], ...] | None = None
    tones: tuple[tuple[Interval, ...], ...] | None = None

    @cached_property
    def pauses(self) -> tuple[Pauses, ...]:
        """The pauses of each channel."""
        return tuple(Pauses.of(channel) for channel in self.levels)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses of one channel, in order, as milliseconds: the n-th is ``starts[n]`` to ``ends[n]``."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, levels: Levels) -> Pauses:
        """Frames are quiet by what is around them, so a noisy stretch has pauses of its own."""
        edges = np.flatnonzero(np.diff(_quiet(levels), prepend=False, append=False)) * FRAME_MS
        starts, ends = edges[::2], edges[1::2]
        long = ends - starts >= _PAUSE_MS
        return cls(starts[long], ends[long])

    def first_ending_after(self, at: int) -> Interval | None:
        """The first pause of which something is left after ``at``."""
        return self._pause(int(np.searchsorted(self.ends, at, side="right")))

    def last_starting_before(self, at: int) -> Interval | None:
        """The last pause of which something is heard before ``at``."""
        return self._pause(int(np.searchsorted(self.starts, at, side="left")) - 1)

    def _pause(self, number: int) -> Interval | None:
        if not 0 <= number < len(self.starts):
            return None
        return int(self.starts[number]), int(self.ends[number])


def _quiet(levels: Levels) -> npt.NDArray[np.bool_]:
    quiet = np.zeros(len(levels), dtype=np.bool_)
    block, around = _BLOCK_MS // FRAME_MS, _AROUND_MS // FRAME_MS
    for start in range(0, len(levels), block):
        here = levels[max(0, start + block // 2 - around) : start + block // 2 + around]
        low, high = np.quantile(here, (_QUIET, _SPEECH))
        low = max(low, high - _DEPTH)
        quiet[start : start + block] = levels[start : start + block] < low + max(_LEAST, _ABOVE * (high - low))
    return quiet
