"""The samples of a recording with the milliseconds that are muted gone.

Works on arrays of samples, never on files. Samples outside the intervals leave as they came, bit by bit;
nothing of those inside is left, not even under the soft edges of the beep; their number never changes. Neither does
anything depend on how the stream was cut into blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from offrecord.errors import UsageError
from offrecord.ranges import merged
from offrecord.redact.instead import AHEAD, FRAMES, Around, beep, room
from offrecord.types import Interval, Sound

__all__ = ["Samples", "chunked", "mute"]

Samples = npt.NDArray[np.floating[Any]]
"""Sound as an array of shape (channels, samples), full scale at -1 and 1."""


def mute(
    blocks: Iterable[Samples],
    muted: Iterable[Interval],
    *,
    rate: int,
    sound: Sound,
    channels: Sequence[Sequence[Interval]] = (),
) -> Iterator[Samples]:
    """The stream of ``blocks`` (shape (channels, samples), floating) with the intervals ``muted`` covered, in ms.

    All channels are covered, unless ``channels`` says for each of them what is: then that. Should the stream have other
    channels than these, all are covered. ``silence`` is zeros. ``beep`` is a sine of 1 kHz with soft edges inside the
    interval, about as loud as the speech around it, within bounds. ``room`` is noise as loud and about as dark as the
    pauses around it, for each channel its own. An interval begins at the sample that holds its first millisecond and
    ends after the one that holds its last; what reaches beyond the end of the stream is ignored. The samples are as
    many as came in and of the same type, but cut into other blocks, and come some seconds after they went in; the
    blocks that came in are not changed. Memory does not grow with the stream. Raises `UsageError`, before any sample is
    taken, for an interval that ends before it starts, and for another ``sound``.
    """
    if sound not in ("beep", "silence", "room"):
        raise UsageError(f"sound {sound!r}: expected beep, silence or room")
    everywhere = _samples(muted, rate)
    return _covered(blocks, everywhere, [_samples(channel, rate) for channel in channels], rate, sound)


def _samples(intervals: Iterable[Interval], rate: int) -> tuple[Interval, ...]:
    ranges = list(intervals)
    if any(not 0 <= start <= end for start, end in ranges):
        raise UsageError("an interval to mute ends before it starts or starts before the recording")
    # Floor and ceiling: a sample that belongs to the interval in part is muted.
    return merged(((start * rate // 1_000, -(-end * rate // 1_000)) for start, end in ranges if start < end), apart=1)


def _covered(
    blocks: Iterable[Samples],
    everywhere: tuple[Interval, ...],
    channels: Sequence[tuple[Interval, ...]],
    rate: int,
    sound: Sound,
) -> Iterator[Samples]:
    around = Around(rate, pauses=sound == "room")
    tracks: list[_Track] = []
    waiting: deque[tuple[int, Samples, list[tuple[Interval, ...]]]] = deque()
    position = 0
    for chunk in chunked(blocks, around.frame * FRAMES):
        if not tracks:
            each = len(channels) == chunk.shape[0]
            one = [_Track(range(chunk.shape[0]), everywhere, sound)]
            tracks = [_Track(range(n, n + 1), spans, sound) for n, spans in enumerate(channels)] if each else one
        here = [track.spans_in(position, position + chunk.shape[1]) for track in tracks]
        if sound != "silence":
            around.hear(chunk, [(start - position, stop - position) for spans in here for start, stop in spans])
        waiting.append((position, chunk, here))
        position += chunk.shape[1]
        if len(waiting) > AHEAD:  # what comes after an interval says as much of it as what came before
            yield _cover(*waiting.popleft(), tracks, around)
    for chunk_that_waits in waiting:
        yield _cover(*chunk_that_waits, tracks, around)


def _cover(
    position: int, chunk: Samples, here: list[tuple[Interval, ...]], tracks: list[_Track], around: Around
) -> Samples:
    covered = chunk.copy() if any(here) else chunk
    for track, spans in zip(tracks, here, strict=True):
        for span in spans:
            start, end = max(span[0], position), min(span[1], position + chunk.shape[1])
            inside = slice(start - position, end - position)
            covered[track.rows.start : track.rows.stop, inside] = track.instead(span, start, end, around)
    return covered


class _Track:
    """The channels ``rows``, what is covered in them, in samples, and what is heard instead, as it goes by."""

    def __init__(self, rows: range, spans: tuple[Interval, ...], sound: Sound) -> None:
        self.rows, self._sound = rows, sound
        self._tone = 0.0
        self._filters: Sequence[tuple[npt.NDArray[np.float64], float]] = ()
        self._spans, self._starts = spans, [start for start, _ in spans]
        self._first = 0

    def spans_in(self, start: int, end: int) -> tuple[Interval, ...]:
        """Those that reach into these samples; later ones than were asked for before."""
        while self._first < len(self._spans) and self._spans[self._first][1] <= start:
            self._first += 1
        return self._spans[self._first : bisect_left(self._starts, end)]

    def instead(self, span: Interval, start: int, end: int, around: Around) -> npt.NDArray[np.float64] | float:
        """The samples ``start`` to ``end`` of ``span``: one that began in an earlier chunk goes on as it began."""
        if self._sound == "silence":
            return 0.0
        if self._sound == "room":
            if start == span[0]:
                self._filters = around.filters()
            return room(self._filters, self.rows, start, end)
        if start == span[0]:
            self._tone = around.speech() * 2**0.5
        return self._tone * beep(span, start, end, around.rate)


def chunked(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same samples in blocks of ``size``; only the last may be shorter, and none is empty."""
    held: list[Samples] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        if count >= size:
            joined = held[0] if len(held) == 1 else np.concatenate(held, axis=1)
            whole = count - count % size
            for at in range(0, whole, size):
                yield joined[:, at : at + size]
            count -= whole
            held = [joined[:, whole:]] if count else []
    if count:
        yield np.concatenate(held, axis=1)
