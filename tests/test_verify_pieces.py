"""What is listened to again: the stretches, the pieces they are packed into, and the sound that is cut for them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offrecord.ranges import Interval, merged
from offrecord.redact.envelope import Envelope
from offrecord.verify.pieces import LONGEST_MS, Plan, audible, cut, plans, stretches

ROWS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 60)), max_size=8).map(
    lambda parts: merged((100 * start, 100 * (start + length)) for start, length in parts)
)
"""Intervals of a row, in tenths of a second, within a minute and a half."""


def _length(parts: list[Interval]) -> int:
    return sum(end - start for start, end in parts)


@given(ROWS, ROWS)
def test_what_is_audible_is_the_rest(ranges: tuple[Interval, ...], muted: tuple[Interval, ...]) -> None:
    """Each millisecond of the ranges is either muted or audible."""
    left = audible(ranges, muted)
    assert all(a[1] <= b[0] for a, b in pairwise(left))
    said = {t for start, end in ranges for t in range(start, end, 100)}
    quiet = {t for start, end in muted for t in range(start, end, 100)}
    assert {t for start, end in left for t in range(start, end, 100)} == said - quiet


@given(ROWS, st.booleans())
def test_stretches_hold_all_that_is_audible_around(muted: tuple[Interval, ...], everywhere: bool) -> None:
    """All of the sound, or two seconds on each side of each interval; in order, none too long for a recogniser."""
    duration = 100_000
    parts = stretches(muted, None if everywhere else muted, duration, None, 0)
    assert all(a[1] <= b[0] for a, b in pairwise(parts))
    assert all(0 <= start < end <= duration and end - start <= LONGEST_MS for start, end in parts)
    wanted = [(0, duration)] if everywhere else merged((max(0, a - 2_000), min(duration, b + 2_000)) for a, b in muted)
    assert _length(audible(audible(wanted, muted), parts)) == 0


def test_a_silent_channel_is_not_listened_to() -> None:
    """Nothing there is loud enough to be a voice."""
    levels = np.stack([np.full(1_000, 200, np.uint8), np.full(1_000, 40, np.uint8)])
    muted = ((2_000, 3_000),)
    assert stretches(muted, muted, 10_000, Envelope(levels), 0)
    assert stretches(muted, muted, 10_000, Envelope(levels), 1) == []


@given(ROWS)
def test_plans_hold_every_stretch_once(parts: tuple[Interval, ...]) -> None:
    """In order, none longer than a recogniser takes, no stretch left out."""
    made = list(plans(1, parts))
    assert [part for plan in made for part in plan.stretches] == list(parts)
    assert all(_length(list(plan.stretches)) <= LONGEST_MS for plan in made)
    assert {plan.channel for plan in made} <= {1}


@given(
    parts=ROWS,
    muted=ROWS,
    blocks=st.lists(st.integers(1, 200), min_size=1, max_size=8),
    channels=st.integers(1, 2),
)
def test_pieces_are_the_sound_without_what_is_muted(
    parts: tuple[Interval, ...], muted: tuple[Interval, ...], blocks: list[int], channels: int
) -> None:
    """However the stream is cut into blocks: outside the intervals the very samples, inside them nothing."""
    total = sum(blocks) * 1_600
    clock = np.arange(1, total + 1, dtype=np.float32)
    sound = np.stack([clock, -clock][:channels])
    stream = np.split(sound, np.cumsum(blocks)[:-1] * 1_600, axis=1)
    wanted = [plan for channel in range(channels) for plan in plans(channel, parts)]
    rows = [muted, ()][:channels]
    made = list(cut(stream, wanted, rows))
    assert len(made) == len(wanted)
    expected = sound.copy()
    for start, end in muted:
        expected[0, start * 16 : end * 16] = 0
    for piece in made:
        channel = piece.plan.channel
        left = np.concatenate([expected[channel, a * 16 : b * 16] for a, b in piece.plan.stretches])
        assert np.array_equal(piece.samples[piece.samples != 0], left[left != 0])


def test_times_of_a_piece_lead_back_to_the_recording() -> None:
    """A word in the second stretch, one over the silence between the two, and one at the very end."""
    sound = np.ones((1, 160_000), np.float32)
    (piece,) = cut([sound], [Plan(0, ((1_000, 2_000), (5_000, 8_000)))], [()])
    gap = piece.samples.size // 16 - 4_000
    assert piece.source(200, 500) == (1_200, 1_500)
    assert piece.source(1_000 + gap + 100, 1_000 + gap + 400) == (5_100, 5_400)
    assert piece.source(900, 1_000 + gap + 300) == (5_000, 5_300)
    assert piece.source(4_000, 9_000)[1] == 8_000
    assert piece.sources(900, 1_000 + gap + 300) == [(1_900, 2_000), (5_000, 5_300)]
    assert piece.sources(1_050, 1_100) == [(2_000, 2_000)]
