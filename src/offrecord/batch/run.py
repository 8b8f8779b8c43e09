"""A batch from its beginning to its end: find, plan, work, record, sum up.

One run at a time works on an OUT, which it holds by a lock that a killed process gives back. Everything that is known
from one run to the next is in the manifest; what was complete when a run was killed is put in its place first. Time is
that of a clock that nobody sets.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from offrecord import audio
from offrecord.batch import places
from offrecord.batch.finding import WORK, Found, Search
from offrecord.batch.holding import hold, home_of, own_of
from offrecord.batch.manifest import AROUND, Manifest
from offrecord.batch.recipe import Recipe
from offrecord.batch.report import as_html
from offrecord.batch.rows import Planned, Row
from offrecord.batch.summary import Pace, Summary, summed
from offrecord.batch.work import settle, stage_of
from offrecord.errors import InputError, RemoteError, StateError
from offrecord.executors import Executor, Outcome, Task

__all__ = ["WORKER", "Batch", "Hear", "Order"]

WORKER = "offrecord.batch.work:Work"
"""What an executor's processes build, with `Batch.given`."""

Hear = Callable[[Mapping[str, Any]], None]
"""Is told what happens, as the JSON lines have it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a user asks for. ``state``: directory for the manifest, instead of the one in OUT. ``dry``: only to look."""

    source: str = field(repr=False)
    out: str = field(repr=False)
    recipe: Recipe
    retry_failed: bool = False
    limit: int | None = None
    shuffle: bool = False
    force: bool = False
    state: Path | None = None
    dry: bool = False


class Batch:
    """A batch that is held by this process until it is closed. A context manager.

    Raises `StateError` where another run has it or the manifest cannot be used, `UsageError` for addresses that are not
    read or written.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.pace = Pace()
        self._search = Search(order.source, order.out)
        self._stopped: str | None = None
        self._at_work: dict[str, Planned] = {}
        with ExitStack() as held:
            home = home_of(order.out, order.state)
            for directory in {home, *([] if order.dry else own_of(order.out))}:
                held.enter_context(hold(directory))
            self.manifest = Manifest(home / "manifest.db")
            held.callback(self.manifest.close)
            if self.manifest.fresh:
                self.manifest.import_(_exported(order.out))
            if not order.dry:
                self._recover()
            self._held = held.pop_all()

    @property
    def given(self) -> dict[str, Any]:
        """What the workers are built with."""
        recipe = dict(self.order.recipe.given)
        set_ = recipe["settings"]
        return {
            "recipe": recipe,
            "out": _absolute(self.order.out),
            "force": self.order.force,
            # What an executor sizes its workers by.
            "threads": set_.get("threads", 0),
            "device": set_["device"],
        }

    def find(self, hear: Hear = lambda _: None) -> dict[str, Any]:
        """Look what IN has and plan what of it is to be done. Gives, and tells, the event ``start``."""
        order = self.order
        with self.manifest.finding():
            for found in self._search:
                recording, row = self.manifest.see(found)
                settings = order.recipe.for_options(found.options)
                if row is None or not self._is_done(row, found, settings):
                    self.manifest.plan(recording, found, settings, self._known(row, settings))
        self.manifest.arrange(shuffle=order.shuffle, limit=order.limit)
        for problem in self._search.problems:
            hear({"event": "problem", "line": problem.line, "reason": problem.reason})
        todo, size = self.manifest.query("SELECT count(*), total(size) FROM plan")[0]
        states = dict(
            self.manifest.query(
                "SELECT state, count(*) FROM recordings WHERE seen = ? GROUP BY state", self.manifest.run
            )
        )
        event = {
            "event": "start",
            "recordings": states,
            "todo": todo,
            "bytes": round(size),
            "passed_over": self._search.passed,
            "problems": len(self._search.problems),
        }
        hear(event)
        return event

    def go(self, executor: Executor, hear: Hear = lambda _: None) -> Summary:
        """Do what is planned. What is said of each recording names it by its number in the manifest.

        A fault that lies around the recordings (a full disk, a model that is missing) ends the run: it would be that
        of every one that is left. Raises as the executor and the manifest do; what was done until then is recorded.
        """
        began = time.monotonic()
        for outcome in executor.run(self._tasks()):
            event = self._ended(outcome, round((time.monotonic() - began) * 1000))
            hear(event | {"elapsed_ms": self.pace.elapsed})
        self.pace.elapsed = round((time.monotonic() - began) * 1000)
        return self.summary()

    def summary(self) -> Summary:
        """What the batch has come to until now."""
        return summed(self.manifest, self.pace, self._search.problems, self._search.passed, self._stopped)

    def write_reports(self) -> None:
        """Write ``report.html`` and ``manifest.jsonl`` into OUT. Raises `OutputError`."""
        beside = None if places.scheme(self.order.out) else Path(self.order.out) / WORK
        with places.writing(None), tempfile.TemporaryDirectory(prefix="offrecord-", dir=beside) as room:
            listed, page = Path(room) / "manifest.jsonl", Path(room) / "report.html"
            with listed.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in self.manifest.exported())
            page.write_text(as_html(self.summary()), encoding="utf-8")
            places.put(listed, self.order.out, listed.name)
            places.put(page, self.order.out, page.name)

    def close(self) -> None:
        """Give the batch back."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _recover(self) -> None:
        """Put what a killed run had completed in its places, write its rows, and forget what it was at."""
        work = stage_of(self.order.out, 0)
        if work is None or not work.parent.is_dir():
            return
        for stage in sorted(work.parent.iterdir()):
            row = settle(self.order.out, stage)
            if row and stage.name.isdecimal():
                self._write(int(stage.name), row)
        places.removed(work.parent)

    def _is_done(self, row: Row, found: Found, settings: str) -> bool:
        """Whether this run has nothing to do with it."""
        if row.state == "waiting" or row.settings != settings or row.signature != found.signature:
            return False
        if row.state == "done":
            return self._is_there(row)
        around = row.code in AROUND or row.kind == RemoteError.__name__
        return not (self.order.retry_failed or around)

    def _is_there(self, row: Row) -> bool:
        """Whether the outputs are there. Those in a bucket are not asked for, one by one."""
        if places.scheme(self.order.out) is not None:
            return True
        out = self.order.out
        try:
            return all(os.stat(f"{out}/{name}").st_size == size for name, size, _ in row.outputs)  # noqa: PTH116
        except OSError:
            return False

    def _known(self, row: Row | None, settings: str) -> str | None:
        """The content of a recording that has all its outputs of these settings."""
        if row and row.state == "done" and row.settings == settings and self._is_there(row):
            return row.content
        return None

    def _tasks(self) -> Iterator[Task]:
        for planned in self.manifest.planned():
            if self._stopped:
                return
            key = str(planned.id)
            self._at_work[key] = planned
            suffix = PurePosixPath(planned.name).suffix.lower()
            yield Task(
                key,
                {
                    "id": planned.id,
                    "source": _absolute(planned.source),
                    "stem": planned.stem,
                    "suffix": suffix if suffix in audio.SUFFIXES else "",
                    "options": _placed(planned.options),
                    "settings": planned.settings,
                    "signature": planned.signature,
                    "known": planned.known,
                    "ours": planned.ours,
                },
            )

    def _ended(self, outcome: Outcome, at: int) -> dict[str, Any]:
        """Record an outcome; the event of it."""
        planned = self._at_work.pop(outcome.key)
        row = dict(outcome.body or self._quarantined(outcome, planned))
        row["attempts"] = outcome.attempts
        self._write(planned.id, row)
        if row["state"] == "failed" and row["code"] in AROUND[1:]:
            self._stopped = row["error"]
        self.pace.add(row.get("duration", 0), at)
        shown = ("state", "code", "kind", "error", "duration", "seconds", "entities", "verification", "attempts")
        return {"event": "recording", "id": planned.id, "bytes": planned.size} | {
            key: row[key] for key in shown if key in row
        }

    def _quarantined(self, outcome: Outcome, planned: Planned) -> dict[str, Any]:
        return {
            "state": "quarantined",
            "code": InputError.exit_code,
            "kind": "WorkerDied",
            "error": outcome.error,
            "settings": planned.settings,
            "signature": planned.signature,
            "seconds": outcome.seconds,
        }

    def _write(self, recording: int, row: Mapping[str, Any]) -> None:
        for name in self.manifest.record(recording, row):
            places.remove(self.order.out, name)
        if stage := stage_of(self.order.out, recording):
            places.removed(stage)


def _absolute(address: str) -> str:
    """The address as another process knows it, wherever that works."""
    return address if places.scheme(address) else str(Path(address).absolute())


def _placed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _absolute(value) if name == "transcript" else value for name, value in options.items()}


def _exported(out: str) -> Iterator[dict[str, Any]]:
    """The rows of the manifest.jsonl that an earlier run left in OUT; none where there is none."""
    name = f"{out.rstrip('/')}/manifest.jsonl"
    kind = places.scheme(out)
    with places.reading(kind):
        there = places.bucket(kind).exists(name) if kind else Path(name).exists()
    if not there:
        return
    with places.opened(name) as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                raise StateError("manifest.jsonl in OUT is damaged; move it away, and all is done anew") from None
