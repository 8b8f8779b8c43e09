"""Sound at the place of a detail that no word accounts for: a piece of it that no recogniser makes a word of.

Between the word before a detail and the word after it, as the second listening timed them, there is nothing but the
detail. What can be heard there is a piece of it, or a breath; a pause is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offrecord.redact.envelope import Pauses
from offrecord.types import Interval
from offrecord.verify.pieces import Piece, audible
from offrecord.verify.traces import Place

__all__ = ["unaccounted"]

_FAR_MS = 600
"""How far beside the times of the hidden words such sound is looked for: further off, times are no guide."""
_LATE_MS = 20
"""How much longer a word may last than it was timed."""
_VOICE_MS = 50
"""Sound shorter than this gives nothing away."""


def unaccounted(place: Place, piece: Piece, muted: Sequence[Interval], pauses: Pauses) -> Iterator[Interval]:
    """The milliseconds of the recording where a detail's own sound is left, though nobody understood it.

    On the side where the neighbouring word was not heard again, nothing is looked for beyond the hidden words' times.
    """
    start, end = place.start, place.end
    if place.before is not None:
        before = piece.source(place.before - 1, place.before)[1] + _LATE_MS
        if before >= start - _FAR_MS:
            start = before
    if place.after is not None:
        after = piece.source(place.after, place.after + 1)[0] - _LATE_MS
        if after <= end + _FAR_MS:
            end = after
    if start >= end:
        return
    for from_, to in audible([(start, end)], muted):
        voiced = audible([(from_, to)], _pauses(pauses, from_, to))
        if sum(b - a for a, b in voiced) >= _VOICE_MS:
            yield voiced[0][0], voiced[-1][1]


def _pauses(pauses: Pauses, start: int, end: int) -> list[Interval]:
    found: list[Interval] = []
    at = start
    while (pause := pauses.first_ending_after(at)) and pause[0] < end:
        found.append(pause)
        at = pause[1]
    return found
