"""What of a recording is listened to again, cut out of it and muted as it will be, in pieces that a recogniser takes.

A piece is what can be heard around several intervals, one stretch after another with a little silence between: the
inside of a long interval is left out, for there is nothing to hear, and recognisers dream in silence. A detail is
covered with silence, never a beep. Nothing is written, and no more than a piece of each channel is held at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from offrecord.ranges import merged
from offrecord.redact.audio import mute
from offrecord.redact.envelope import FRAME_MS, Envelope
from offrecord.types import Interval

__all__ = ["AGAIN_MS", "CONTEXT_MS", "RATE", "Piece", "Plan", "audible", "cut", "plans", "stretches"]

RATE = 16_000
"""Samples a second of what is listened to."""
_MS = RATE // 1_000

CONTEXT_MS = 3_000
"""Heard on each side of an interval: enough for a detector to know what is spoken of."""
AGAIN_MS = 1_500
"""Heard on each side of what changed."""
LONGEST_MS = 28_000
"""Of a piece. Whisper hears thirty seconds at a time, whatever it is given."""
_GAP_MS = 300
"""Silence between two stretches, so that no word is made of the end of one and the beginning of the next."""
_INSIDE_MS = 250
"""How much of the inside of an interval stays in a stretch: a fault there would be heard."""
_SHIFT_MS = 700
"""How far the end of a stretch may be moved to a pause, so that no word is cut in two."""
_FAINT = 255 - 2 * 65
"""65 dB below full scale, as an `Envelope` says it: what never gets louder is not listened to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A piece to be cut: which channel, and which of its milliseconds."""

    channel: int
    stretches: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound as it will be heard: ``samples``, mono at `RATE`, of the stretches of its plan."""

    plan: Plan
    samples: npt.NDArray[np.float32] = field(repr=False)

    def source(self, start: int, end: int) -> Interval:
        """The milliseconds of the recording that the milliseconds ``start`` to ``end`` of the piece come from.

        They lie in one stretch: the one that holds most of them. What a recogniser hears between two is at the edge of
        one.
        """
        starts = self._starts()
        shares = [min(end, at + b - a) - max(start, at) for at, (a, b) in zip(starts, self.plan.stretches, strict=True)]
        best = max(range(len(shares)), key=lambda i: shares[i])
        a, b = self.plan.stretches[best]
        from_, to = (min(max(a + at - starts[best], a), b) for at in (start, end))
        return from_, max(from_, to)

    def sources(self, start: int, end: int) -> list[Interval]:
        """The same in every stretch of which something is heard in that time: a word over the silence between two
        stretches may have been said in either. In neither, it is that of `source`.
        """
        touched = [
            (max(a, a + start - at), min(b, a + end - at))
            for at, (a, b) in zip(self._starts(), self.plan.stretches, strict=True)
            if min(end, at + b - a) > max(start, at)
        ]
        return touched or [self.source(start, end)]

    def _starts(self) -> list[int]:
        starts = [0]
        for a, b in self.plan.stretches[:-1]:
            starts.append(starts[-1] + b - a + _GAP_MS)
        return starts


def stretches(
    muted: Sequence[Interval],
    around: Sequence[Interval] | None,
    duration: int,
    envelope: Envelope | None,
    channel: int,
    *,
    context: int = CONTEXT_MS,
) -> list[Interval]:
    """What of a channel is worth hearing: ``context`` ms on each side of the intervals ``around``; with None all of it.

    In order, none too long for a piece, without the inside of the ``muted`` intervals, and without what is nowhere loud
    enough to be a voice.
    """
    wanted = [(0, duration)]
    if around is not None:
        wide = [(max(0, start - context), min(duration, end + context)) for start, end in around]
        wanted = [
            (_at_pause(start, envelope, channel), min(duration, _at_pause(end, envelope, channel)))
            for start, end in merged(wide)
        ]
    inside = [(start + _INSIDE_MS, end - _INSIDE_MS) for start, end in muted if end - start > 4 * _INSIDE_MS]
    kept = [part for start, end in audible(merged(wanted), inside) for part in _short(start, end, envelope, channel)]
    return [part for part in kept if any(_is_loud(a, b, envelope, channel) for a, b in audible([part], muted))]


def audible(ranges: Iterable[Interval], muted: Sequence[Interval]) -> list[Interval]:
    """The ``ranges`` without what is ``muted``; both in order and disjoint."""
    left: list[Interval] = []
    ends = [end for _, end in muted]
    for start, end in ranges:
        at = start
        for quiet in muted[bisect_right(ends, start) :]:
            if quiet[0] >= end:
                break
            if quiet[0] > at:
                left.append((at, quiet[0]))
            at = max(at, quiet[1])
        if at < end:
            left.append((at, end))
    return left


def plans(channel: int, parts: Sequence[Interval]) -> Iterator[Plan]:
    """The stretches packed into as few pieces as their order allows."""
    held: list[Interval] = []
    length = 0
    for start, end in parts:
        if held and length + _GAP_MS + end - start > LONGEST_MS:
            yield Plan(channel, tuple(held))
            held, length = [], 0
        length += end - start + (_GAP_MS if held else 0)
        held.append((start, end))
    if held:
        yield Plan(channel, tuple(held))


def cut(
    blocks: Iterable[npt.NDArray[np.float32]], wanted: Sequence[Plan], muted: Sequence[Sequence[Interval]]
) -> Iterator[Piece]:
    """The pieces, each as soon as the stream has come to its end; ``muted`` is one row for each channel.

    ``blocks``: the recording from its beginning, shape (channels, samples) at `RATE`. It is read no further than
    the last piece. A recording that ends before a stretch does gives what there is of it.
    """
    todo = sorted((part, n) for n, plan in enumerate(wanted) for part in plan.stretches)
    parts: list[list[npt.NDArray[np.float32]]] = [[] for _ in wanted]
    held = np.zeros((1, 0), np.float32)
    base = done = 0
    for block in blocks:
        held = np.concatenate([held, block], axis=1) if held.shape[1] else block
        while done < len(todo) and todo[done][0][1] * _MS <= base + held.shape[1]:
            yield from _taken(held, base, *todo[done], wanted, parts, muted)
            done += 1
        if done == len(todo):
            return
        drop = min(held.shape[1], max(0, todo[done][0][0] * _MS - base))
        held, base = held[:, drop:].copy(), base + drop
    for part, n in todo[done:]:
        yield from _taken(held, base, part, n, wanted, parts, muted)


def _taken(
    held: npt.NDArray[np.float32],
    base: int,
    part: Interval,
    n: int,
    wanted: Sequence[Plan],
    parts: list[list[npt.NDArray[np.float32]]],
    muted: Sequence[Sequence[Interval]],
) -> Iterator[Piece]:
    """Cut one stretch out of what is held; its piece, if it was the last of it."""
    plan = wanted[n]
    start, end = part
    sound = held[plan.channel : plan.channel + 1, max(0, start * _MS - base) : max(0, end * _MS - base)]
    here = [(max(a, start) - start, b - start) for a, b in muted[plan.channel] if a < end and b > start]
    parts[n] += (covered[0] for covered in mute([sound], here, rate=RATE, sound="silence"))
    if part != plan.stretches[-1]:
        parts[n].append(np.zeros(_GAP_MS * _MS, np.float32))
        return
    yield Piece(plan, np.concatenate(parts[n]) if parts[n] else np.zeros(0, np.float32))
    parts[n] = []


def _at_pause(at: int, envelope: Envelope | None, channel: int) -> int:
    """The quietest place near, so that no word is cut."""
    if envelope is None:
        return at
    levels = envelope.levels[_row(envelope, channel)]
    first = max(0, (at - _SHIFT_MS) // FRAME_MS)
    here = levels[first : (at + _SHIFT_MS) // FRAME_MS]
    if not here.size:
        return at
    # The quietest tenth of a second rather than the quietest frame: a stop is as quiet as a pause, but shorter.
    smooth = np.convolve(here.astype(np.float64), np.ones(10), "same")
    smooth[:5], smooth[-5:] = smooth.max(), smooth.max()
    return (first + int(smooth.argmin())) * FRAME_MS


def _short(start: int, end: int, envelope: Envelope | None, channel: int) -> Iterator[Interval]:
    """The same milliseconds in ranges that fit into a piece, cut where it is quiet."""
    while end - start > LONGEST_MS:
        at = _at_pause(start + LONGEST_MS - _SHIFT_MS, envelope, channel)
        yield start, at
        start = at
    if end > start:
        yield start, end


def _is_loud(start: int, end: int, envelope: Envelope | None, channel: int) -> bool:
    if envelope is None:
        return True
    here = envelope.levels[_row(envelope, channel), start // FRAME_MS : -(-end // FRAME_MS)]
    return bool((here > _FAINT).any())


def _row(envelope: Envelope, channel: int) -> int:
    return channel if channel < len(envelope.levels) else 0
