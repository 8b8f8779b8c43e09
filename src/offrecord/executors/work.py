"""The worker's own side, whoever started it: builds the work once, then does one task after another.

It says one of these, all of JSON's types, none with text in it:

    {"ready": true}                                            the work is built
    {"kind": "ModelError", "error": "…", "exit_code": 5}        it cannot be, and why
    {"body": {…}, "seconds": 1.2}                               a task is done
    {"error": "…", "exit_code": 3, "seconds": 1.2}              a task has failed, with an error of our tree
    {"fault": "KeyError at x.py:7"}                            a fault of ours: what it is and where; the process ends

The message of an exception that nobody foresaw might hold what was said, so it goes nowhere.
"""

from __future__ import annotations

import importlib
import os
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from offrecord.errors import OffrecordError

__all__ = ["Confines", "Work", "build", "confine", "do"]

Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Confines:
    """What a worker is kept to. ``memory``: MiB of data, 0 for no limit. ``nice``: how far it steps back for others."""

    threads: int = 1
    memory: int = 0
    nice: int = 0


def confine(to: Confines) -> None:
    """Keep this process to it, before it loads anything: libraries look once."""
    os.environ["OFFRECORD_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(to.threads)
    os.environ["OPENBLAS_NUM_THREADS"] = str(to.threads)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what was said
    if to.nice:
        os.nice(to.nice)
    if to.memory:
        size = to.memory * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def build(work: str, given: Mapping[str, Any]) -> tuple[Work | None, dict[str, Any]]:
    """The work of this name, and what to say: None for one that cannot be built."""
    module, _, name = work.partition(":")
    with _Fault() as fault:
        try:
            return getattr(importlib.import_module(module), name)(given), {"ready": True}
        except OffrecordError as error:
            return None, {"kind": type(error).__name__, "error": _line(error), "exit_code": error.exit_code}
    return None, {"fault": fault.where}


def do(work: Work, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do one task, and what to say of it."""
    began = time.monotonic()
    with _Fault() as fault:
        try:
            said: dict[str, Any] = {"body": dict(work(body))}
        except OffrecordError as error:
            said = {"error": _line(error), "exit_code": error.exit_code}
        return said | {"seconds": round(time.monotonic() - began, 3)}
    return {"fault": fault.where}


class _Fault:
    """Takes what is raised in its block, by its type and place alone."""

    where = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is None:
            return False
        place = traceback.extract_tb(trace)[-1]
        self.where = f"{kind.__name__} at {Path(place.filename).name}:{place.lineno}"
        return True


def _line(error: OffrecordError) -> str:
    return " ".join(str(error).split())
