"""Processes of this machine, one for each group of cores.

The parent tells a process what to do in lines of JSON on its standard input, and that pipe is its life line: when it
breaks, the parent is gone, and the process ends at once, in the middle of a task too. Answers come back in lines on a
pipe that was its standard output; whatever a library prints goes nowhere. Processes are started anew, not forked: a
fork of a parent with threads inherits locks that nobody will open.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from offrecord.errors import StateError, UsageError
from offrecord.executors.schedule import Schedule, Worker
from offrecord.executors.work import Confines

__all__ = ["Local", "cores"]


class Local(Schedule):
    """An `Executor` of ``processes`` on this machine.

    ``given`` is what the work is built with; its ``threads``, if there and not 0, are the cores of a group, otherwise
    the cores are shared out. Without ``processes`` there is one for each group, or core, and no more than one for each
    GiB of memory that is free; where its ``device`` is ``cuda``, one. ``attempts``: how often a task is begun whose
    worker dies. ``memory``: MiB that a process may use, 0 for no limit. ``nice``: how far it steps back for others.
    ``without``: variables of the environment that it is not to see. ``eager``: they start before the first task comes.
    """

    def __init__(
        self,
        work: str,
        given: Mapping[str, Any],
        processes: int | None = None,
        attempts: int = 3,
        *,
        memory: int = 0,
        nice: int = 0,
        without: Collection[str] = (),
        eager: bool = False,
    ) -> None:
        if processes is not None and processes < 1:
            raise UsageError(f"{processes} processes cannot work; expected 1 or more")
        threads = int(given.get("threads") or 0)
        alone = given.get("device") == "cuda"  # processes share a GPU's memory, so how many is for the user to say
        slots = processes or (1 if alone else max(1, min(cores() // max(1, threads), _free_gib())))
        confines = Confines(threads or max(1, cores() // slots), memory, nice)
        line = json.dumps({"work": work, "given": dict(given), "confines": asdict(confines)}).encode() + b"\n"
        environment = {name: value for name, value in os.environ.items() if name not in without}
        super().__init__(slots, attempts, lambda: _Process(line, environment), _news, eager=eager)


class _Process:
    """One process, from the parent's side."""

    def __init__(self, line: bytes, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "offrecord.executors.process"]
        self.process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment)
        )
        self.name = f"worker {self.process.pid}"
        self._write(line)

    @property
    def answers(self) -> IO[bytes]:
        return _pipe(self.process.stdout)

    def give(self, body: Mapping[str, Any]) -> None:
        self._write(json.dumps(dict(body)).encode() + b"\n")

    def answer(self) -> Mapping[str, Any] | None:
        line = self.answers.readline()
        # Half a line is the last that a killed process wrote.
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.answers.close()
        with suppress(BrokenPipeError):  # what it was told and never read
            _pipe(self.process.stdin).close()

    def _write(self, line: bytes) -> None:
        # One that has died says so by the end of its answers.
        with suppress(BrokenPipeError):
            _pipe(self.process.stdin).write(line)
            _pipe(self.process.stdin).flush()


def _news(workers: Sequence[Worker], seconds: float) -> Sequence[Worker]:
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            if isinstance(worker, _Process):
                selector.register(worker.answers, selectors.EVENT_READ, worker)
        return [key.data for key, _ in selector.select(seconds)]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise StateError("a worker was started without its pipes")
    return pipe


def cores() -> int:
    """How many cores this process may use: those it is bound to, and no more than its control group's share of time."""
    bound = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # no control groups, or none of version 2
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(bound, int(quota) // int(period)))
    return bound


def _free_gib() -> int:
    """Memory that is free, of the machine and of its control group."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    free = int(rows["MemAvailable"].split()[0]) * 1024
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text(encoding="ascii"))
        free = min(free, most - int((group / "memory.current").read_text(encoding="ascii")))
    return max(1, free // 1024**3)
