"""The `batch` command: who works, what is shown meanwhile, what is said at the end, and the exit code it comes to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from offrecord import cloud, terminal
from offrecord.batch import estimate, progress
from offrecord.batch.holding import home_of
from offrecord.batch.recipe import Recipe
from offrecord.batch.run import WORKER, Batch, Order
from offrecord.errors import OffrecordError, OutputError, StateError
from offrecord.executors import Executor
from offrecord.executors.local import Local
from offrecord.pipeline import Redactor
from offrecord.rooms import sweep

__all__ = ["Order", "Recipe", "Where", "run"]


@dataclass(frozen=True, slots=True)
class Where:
    """Who works: processes of this machine, or a Ray cluster. ``attempts`` as `Executor`s take them."""

    ray: str | None = None
    slots: int | None = None
    attempts: int = 3

    def executor(self, given: Mapping[str, Any]) -> Executor:
        """The executor. Raises as it does."""
        if self.ray is None:
            return Local(WORKER, given, self.slots, self.attempts)
        from offrecord.executors.ray import OnRay  # noqa: PLC0415 - needs the extra

        return OnRay(WORKER, given, self.ray, self.slots, self.attempts)


def run(order: Order, where: Where, redactor: Redactor, *, as_json: bool, quiet: bool) -> int:
    """Run a batch and say what it came to; its exit code.

    Raises as `Batch` does. When it is stopped, what was done until then is recorded, and the reports are written.
    """
    console = Console(quiet=True) if quiet else terminal.notices
    if order.dry:
        return _looked(order, as_json=as_json, console=console)
    terminal.disclose([*_recogniser(redactor), *redactor.destinations])
    with closing(Batch(order)) as batch, ExitStack() as stack:
        show = stack.enter_context(progress.shown(console))
        lines = progress.as_lines(terminal.data)
        hear: Callable[[Mapping[str, Any]], None] = (lambda event: (show(event), lines(event))[0]) if as_json else show
        try:
            if batch.find(hear)["todo"]:
                with where.executor(batch.given) as executor:
                    batch.go(executor, hear)
        finally:
            sweep()  # workers that were ended had no time to
            unwritten = _reported(batch)
        stack.close()
        summary = batch.summary()
        if as_json:
            lines({"event": "end"} | summary.as_json())
        for line in progress.told(summary):
            console.print(line, markup=False)
        if unwritten:
            terminal.tell(f"no reports: {unwritten}")
            return max(summary.exit_code, unwritten.exit_code)
        console.print(f"wrote {order.out.rstrip('/')}/report.html and manifest.jsonl", markup=False)
        return summary.exit_code


def _reported(batch: Batch) -> OffrecordError | None:
    """Write the reports; what kept them from being written must not hide what the run came to."""
    try:
        batch.write_reports()
    except (OutputError, StateError) as error:
        return error
    return None


def _looked(order: Order, *, as_json: bool, console: Console) -> int:
    """What a run would do. Nothing is left where nothing was."""
    with ExitStack() as stack:
        if not (home_of(order.out, order.state) / "manifest.db").exists():
            order = replace(order, state=Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="offrecord-"))))
        batch = stack.enter_context(closing(Batch(order)))
        with progress.shown(console) as show:
            start = batch.find(show)
        looked = estimate.of(batch.manifest)
        if as_json:
            progress.as_lines(terminal.data)(start | {"event": "dry-run"} | looked.as_json())
        else:
            for line in looked.told(start):
                terminal.data(line)
        return batch.summary().exit_code


def _recogniser(redactor: Redactor) -> list[str]:
    """Where sound is sent, for whoever is asked before any of it goes."""
    set_ = redactor.settings
    if set_.recogniser == "local":
        return []
    return [
        f"{cloud.where(set_.recogniser_base_url or cloud.address(set_.recogniser))}, as the sound of each recording"
    ]
