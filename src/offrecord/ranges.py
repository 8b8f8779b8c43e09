"""Ranges of milliseconds or samples, half-open, and their union."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["MERGE_MS", "Interval", "merged"]

Interval = tuple[int, int]
"""Start and end, half-open."""

MERGE_MS = 100
"""Muted intervals closer than this are one. What is left between them is a piece of a sound: too short to be understood
as anything but what was to be hidden, and a flutter between two beeps."""


def merged(ranges: Iterable[Interval], *, apart: int = MERGE_MS) -> tuple[Interval, ...]:
    """The ranges in order, those less than ``apart`` from one another as one; with 1, those that touch."""
    joined: list[Interval] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] < apart:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)
