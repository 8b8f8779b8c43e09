"""How far a batch is: a bar for people at a terminal, a line now and then for a log, JSON lines for machines.

All are told the same events, which name a recording by its number in the manifest, so none shows a name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from offrecord.batch.summary import Pace, Summary

__all__ = ["Progressed", "as_lines", "shown", "told"]

_EVERY_S = 30.0
_STATES = ("done", "failed", "quarantined", "waiting")


class Progressed:
    """Counts the events of a run, and says how far it is."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.todo = self.failed = 0
        self._bytes = self._bytes_done = 0

    def hear(self, event: Mapping[str, Any]) -> None:
        """Count an event."""
        if event["event"] == "start":
            self.todo, self._bytes = event["todo"], event["bytes"]
        elif event["event"] == "recording":
            self.failed += event["state"] in ("failed", "quarantined")
            self._bytes_done += event["bytes"]
            self.pace.add(event.get("duration", 0), event["elapsed_ms"])

    @property
    def share(self) -> float:
        """How much is done: by size where that is known, because recordings differ in length."""
        if self._bytes:
            return self._bytes_done / self._bytes
        return self.pace.recordings / self.todo if self.todo else 1.0

    @property
    def left_s(self) -> int | None:
        """Seconds that are left at the pace until now; None before the first recording."""
        share = self.share
        return round(self.pace.elapsed / 1000 * (1 - share) / share) if share > 0 and self.pace.elapsed else None

    def __str__(self) -> str:
        pace = self.pace
        parts = [f"{pace.recordings:,} of {self.todo:,} recordings", f"{pace.sound / 3_600_000:.1f} h of sound"]
        parts += [f"{pace.times_real_time:.1f} times real time"] if pace.sound else []
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{_span(self.left_s)} left"] if self.left_s is not None else []
        return ", ".join(parts)


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Progress on ``console``: a bar where that is a terminal, else a line each half minute."""
    state = Progressed()
    if console.quiet or not console.is_terminal:
        last = time.monotonic()

        def line(event: Mapping[str, Any]) -> None:
            nonlocal last
            state.hear(event)
            _problem(console, event)
            if event["event"] == "recording" and time.monotonic() - last >= _EVERY_S:
                last = time.monotonic()
                console.print(str(state), markup=False)

        yield line
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        bar: TaskID = progress.add_task("looking for recordings", total=None)

        def draw(event: Mapping[str, Any]) -> None:
            state.hear(event)
            _problem(console, event)
            progress.update(bar, total=1.0, completed=state.share, description=str(state))

        yield draw


def as_lines(write: Callable[[str], None]) -> Callable[[Mapping[str, Any]], None]:
    """Gives each event to ``write`` as a line of JSON."""
    return lambda event: write(json.dumps(dict(event)))


def told(summary: Summary) -> Iterator[str]:
    """The summary in lines for people."""
    states, pace, checked = summary.states, summary.pace, summary.verification
    fast = f", {pace.times_real_time:.1f} times real time" if pace.sound else ""
    took = f"{_hours(pace.sound)} in {_span(pace.elapsed // 1000)}{fast}"
    yield f"this run: {pace.recordings:,} recordings, {took}"
    counted = [f"{states[name]:,} {name}" for name in _STATES if name in states]
    yield f"all: {', '.join(counted) or 'no recordings'}; {_hours(summary.sound)}, {summary.muted / 1000:,.1f} s muted"
    if summary.entities:
        yield "hidden: " + ", ".join(f"{n:,} {label}" for label, n in summary.entities.items())
    if summary.silent:
        yield f"nobody speaks in {summary.silent:,} of them: no sound was written"
    if summary.copies:
        yield f"{summary.copies:,} have the content of another one"
    if summary.gone:
        yield f"{summary.gone:,} in the manifest are not in IN any more; their outputs were left"
    if checked["left"]:
        yield f"released unverified: {checked['left']:,} places in {checked['left_in']:,} recordings"
    for code, kind, error, n in summary.causes:
        yield f"{n:,} failed: {error} ({kind}, {code})"
    if summary.problems:
        yield f"{len(summary.problems):,} problems while looking; each was said above"
    if summary.passed:
        yield f"{summary.passed:,} files passed over: hidden, or no recordings by their names"
    if summary.stopped:
        yield f"stopped, because it would be the same for all that is left: {summary.stopped}"


def _hours(sound: int) -> str:
    return f"{sound / 3_600_000:.2f} h of sound"


def _problem(console: Console, event: Mapping[str, Any]) -> None:
    if event["event"] == "problem":
        line = f"line {event['line']}: " if event["line"] else ""
        console.print(f"offrecord: {line}{event['reason']}", markup=False)


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "?"
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return (
        f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds % 60:02} s" if minutes else f"{seconds} s"
    )
