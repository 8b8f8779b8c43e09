"""Which milliseconds of a recording are muted, and the samples with those milliseconds gone.

Works on types and on arrays of samples, never on files. Samples outside the intervals leave as they came, bit by bit;
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
from offrecord.redact.instead import AHEAD, FRAMES, Around, beep, room
from offrecord.types import Entity, Interval, Sound, Transcript, Word

__all__ = ["BREAK_MS", "MERGE_MS", "Samples", "chunked", "intervals", "mute"]

Samples = npt.NDArray[np.floating[Any]]
"""Sound as an array of shape (channels, samples), full scale at -1 and 1."""

BREAK_MS = 1_000
"""Words of one entity further apart than this, in milliseconds, are covered each on their own. A detail said in one go
has no such pause, so what lies between is another utterance, and perhaps another person's answer."""

MERGE_MS = 100
"""Intervals closer than this are one. What is left between them is a piece of a sound: too short to be understood as
anything but what was to be hidden, and a flutter between two beeps."""


def intervals(transcript: Transcript, entities: Sequence[Entity], *, pad: int) -> tuple[Interval, ...]:
    """The milliseconds that hold the entities' words, ``pad`` more on each side, within the recording.

    In order, disjoint, at least `MERGE_MS` apart, none empty: a word of no length is covered by a millisecond even
    without a pad. Every word of an entity lies in one of them. Between two words of one entity the sound is covered up
    to a pause of `BREAK_MS`. Raises `UsageError` for a transcript without times, a negative pad, or an entity of
    another transcript.
    """
    if not transcript.timed:
        raise UsageError("the transcript has no times, so the sound cannot be redacted by it; use one that has them")
    if pad < 0:
        raise UsageError(f"pad {pad}: expected milliseconds, 0 or more")
    if any(entity.words.stop > len(transcript.words) for entity in entities):
        raise UsageError("an entity names words that the transcript does not have; detect in this very transcript")
    runs = [run for entity in entities for run in _runs([transcript.words[i] for i in entity.words])]
    return _merged([_widened(run, pad, transcript.duration) for run in runs], apart=MERGE_MS)


def _runs(words: list[Word]) -> Iterator[Interval]:
    """From the first start to the last end, broken at long pauses. An entity over two channels may go back in time."""
    words.sort(key=lambda word: word.start)
    start, end = words[0].start, words[0].end
    for word in words[1:]:
        if word.start - end > BREAK_MS:
            yield start, end
            start = word.start
        end = max(end, word.end)
    yield start, end


def _widened(run: Interval, pad: int, duration: int) -> Interval:
    start, end = max(0, run[0] - pad), min(duration, run[1] + pad)
    if start == end:  # a word of no length without a pad; at the very end it grows to the left
        return (start, end + 1) if end < duration else (start - 1, end)
    return start, end


def _merged(ranges: Iterable[Interval], *, apart: int) -> tuple[Interval, ...]:
    """The ranges in order, those less than ``apart`` from one another as one."""
    merged: list[Interval] = []
    for start, end in sorted(ranges):
        if merged and start - merged[-1][1] < apart:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def mute(blocks: Iterable[Samples], muted: Iterable[Interval], *, rate: int, sound: Sound) -> Iterator[Samples]:
    """The stream of ``blocks`` (shape (channels, samples), floating) with the intervals ``muted`` covered, in ms.

    All channels are covered: one voice is heard in the other's microphone. ``silence`` is zeros. ``beep`` is a sine of
    1 kHz with soft edges inside the interval, about as loud as the speech around it, within bounds. ``room`` is noise
    as loud and about as dark as the pauses around it, for each channel its own. An interval begins at the sample that
    holds its first millisecond and ends after the one that holds its last; what reaches beyond the end of the stream is
    ignored. The samples are as many as came in and of the same type, but cut into other blocks, and come some seconds
    after they went in; the blocks that came in are not changed. Memory does not grow with the stream. Raises
    `UsageError`, before any sample is taken, for an interval that ends before it starts, and for another ``sound``.
    """
    if sound not in ("beep", "silence", "room"):
        raise UsageError(f"sound {sound!r}: expected beep, silence or room")
    ranges = list(muted)
    if any(not 0 <= start <= end for start, end in ranges):
        raise UsageError("an interval to mute ends before it starts or starts before the recording")
    # Floor and ceiling: a sample that belongs to the interval in part is muted.
    spans = [(start * rate // 1_000, -(-end * rate // 1_000)) for start, end in ranges if start < end]
    return _covered(blocks, _merged(spans, apart=1), rate, sound)


def _covered(blocks: Iterable[Samples], spans: Sequence[Interval], rate: int, sound: Sound) -> Iterator[Samples]:
    around = Around(rate, pauses=sound == "room")
    tone, filters = 0.0, around.filters()
    for position, chunk, here in _heard_ahead(blocks, spans, around, listen=sound != "silence"):
        covered = chunk.copy() if here else chunk
        for span in here:
            start, end = max(span[0], position), min(span[1], position + chunk.shape[1])
            inside = slice(start - position, end - position)
            if start == span[0]:  # one that began in an earlier chunk goes on as it began
                tone, filters = around.speech() * 2**0.5, around.filters()
            if sound == "silence":
                covered[:, inside] = 0
            elif sound == "room":
                covered[:, inside] = room(filters, chunk.shape[0], start, end)
            else:
                covered[:, inside] = tone * beep(span, start, end, rate)
        yield covered


def _heard_ahead(
    blocks: Iterable[Samples], spans: Sequence[Interval], around: Around, *, listen: bool
) -> Iterator[tuple[int, Samples, Sequence[Interval]]]:
    """Chunks of a second with their first sample and the spans that they touch, some seconds after they were heard."""
    starts = [start for start, _ in spans]
    waiting: deque[tuple[int, Samples, Sequence[Interval]]] = deque()
    position, first = 0, 0
    for chunk in chunked(blocks, around.frame * FRAMES):
        end = position + chunk.shape[1]
        while first < len(spans) and spans[first][1] <= position:
            first += 1
        here = spans[first : bisect_left(starts, end)]
        if listen:
            around.hear(chunk, [(start - position, stop - position) for start, stop in here])
        waiting.append((position, chunk, here))
        position = end
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting


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
