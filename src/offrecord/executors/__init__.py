"""Who does the work when there is more than one recording: processes of this machine, or a Ray cluster.

A task is an address and options, and an outcome is counts and names: neither the sound nor the text of a recording is
ever in one. The work is named as ``package.module:Class``. Each process builds ``Class(given)`` once, which loads the
models, and calls it with the body of one task after another. An error of our tree in the work is the outcome of its
task; anything else is a fault of ours and ends the process, and so does whatever kills it. That costs one attempt of
the task that it was at, and nothing else. Both executors do the same; tests/test_executors.py has one table for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

__all__ = ["DIED", "Executor", "Outcome", "Task"]

DIED = 1
"""The exit code of an outcome whose worker died at it, or that was given up: that of a fault of ours."""


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work. ``body`` is of JSON's types: addresses and options, never sound or text."""

    key: str
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended.

    ``body``: what the work gave back (JSON's types, no text), or None with ``error``: one line that holds no text, and
    ``exit_code`` of the error tree, or `DIED`. ``attempts``: how often it was begun. ``seconds``: the last attempt.
    """

    key: str
    body: Mapping[str, Any] | None = field(repr=False)
    error: str | None
    exit_code: int
    attempts: int
    seconds: float


class Executor(Protocol):
    """Does tasks, ``slots`` of them at once. A context manager, which closes it."""

    slots: int

    @property
    def ready(self) -> int:
        """How many workers have built their work and are alive."""

    @property
    def died(self) -> int:
        """How many workers have died."""

    def run(self, tasks: Iterable[Task | None]) -> Iterator[Outcome]:
        """Do the tasks, and give each outcome as soon as it is there, in any order.

        Tasks are taken when there is a slot for them, never more than ``slots`` ahead. None instead of a task: there
        is none at the moment, ask again soon. Raises what the work raised when it was built (`ModelError`, …), and
        `FailedClosed` where workers die before they are ready. Who stops asking for outcomes gives up the tasks that
        are being worked on.
        """

    def drop(self, key: str) -> None:
        """Give up the task: its worker ends, and its outcome is an error. May be called from any thread."""

    def close(self) -> None:
        """End the workers, in the middle of their tasks too."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
