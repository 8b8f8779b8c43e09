"""Which worker does which task, and what becomes of a task whose worker dies: the same for processes and for Ray.

A worker has one task at a time, and is given the next one before the outcome of the last is told, so that it does not
wait for whoever writes that down. A task is given to a worker only when that is ready: one that cannot be started,
because its node is gone, holds nothing up but itself.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from offrecord import errors
from offrecord.errors import FailedClosed, OffrecordError
from offrecord.executors import DIED, Outcome, Task

__all__ = ["Schedule", "Worker"]

log = logging.getLogger("offrecord.executors")


class Worker(Protocol):
    """One worker, from where the tasks come."""

    name: str
    """What a log line calls it."""

    def give(self, body: Mapping[str, Any]) -> None:
        """Have it do this. What it says to that comes by `answer`."""

    def answer(self) -> Mapping[str, Any] | None:
        """What it says, in the shapes of `offrecord.executors.work`; None: it has died. Asked when there is news."""

    def end(self) -> None:
        """End it, whatever it is at."""


@dataclass(slots=True)
class _Turn:
    """A task on its way."""

    task: Task
    attempts: int = 0
    began: float = 0.0


class Schedule:
    """Gives tasks to workers: an `Executor`, once it is told how to start one.

    ``start`` starts one; ``news`` waits, at the most so many seconds, until some of these have something to say, and
    gives those.

    ``eager``: workers are started before there are tasks for them.
    """

    def __init__(
        self,
        slots: int,
        attempts: int,
        start: Callable[[], Worker],
        news: Callable[[Sequence[Worker], float], Sequence[Worker]],
        *,
        eager: bool = False,
    ) -> None:
        self.slots, self._attempts, self._start, self._news, self._eager = slots, attempts, start, news, eager
        self._starting: list[Worker] = []
        self._idle: list[Worker] = []
        self._busy: dict[Worker, _Turn] = {}
        self._waiting: deque[_Turn] = deque()
        self._dropped: set[str] = set()
        self._stillborn = 0
        self._not_before = 0.0
        self.died = 0

    @property
    def ready(self) -> int:
        """How many workers have built their work and are alive."""
        return len(self._idle) + len(self._busy)

    def drop(self, key: str) -> None:
        """Give up the task, whoever is at it. May be called from any thread."""
        self._dropped.add(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, in the middle of their tasks too."""
        for worker in (*self._starting, *self._idle, *self._busy):
            worker.end()
        self._starting, self._idle, self._busy = [], [], {}

    def run(self, tasks: Iterable[Task | None]) -> Iterator[Outcome]:
        """Do the tasks, as `Executor.run` says."""
        source, more = iter(tasks), True
        try:
            while True:
                more = more and self._take(source)
                self._hand_out()
                if not (more or self._waiting or self._busy):
                    return
                # A source that has nothing at the moment is asked again soon; one that is full, when there is news.
                seconds = _ASK_S if more and len(self._waiting) + len(self._busy) < self.slots else _LOOK_S
                outcomes = [*self._given_up(), *self._heard(seconds)]
                if outcomes:
                    more = more and self._take(source)
                    self._hand_out()
                    yield from outcomes
        finally:
            for worker in self._busy:
                worker.end()
            self._busy.clear()
            self._waiting.clear()
            self._dropped.clear()

    def _take(self, source: Iterator[Task | None]) -> bool:
        """Take tasks while there is a slot for them; whether there may be more."""
        while len(self._waiting) + len(self._busy) < self.slots:
            try:
                task = next(source)
            except StopIteration:
                return False
            if task is None:
                return True
            self._waiting.append(_Turn(task))
        return True

    def _hand_out(self) -> None:
        while self._idle and self._waiting:
            turn, worker = self._waiting.popleft(), self._idle.pop()
            turn.attempts += 1
            turn.began = time.monotonic()
            self._busy[worker] = turn
            worker.give(turn.task.body)
        if time.monotonic() < self._not_before:
            return
        wanted = self.slots if self._eager else min(self.slots, self.ready + len(self._waiting))
        while self.ready + len(self._starting) < wanted:
            self._starting.append(self._start())

    def _heard(self, seconds: float) -> Iterator[Outcome]:
        for worker in self._news([*self._starting, *self._busy, *self._idle], seconds):
            answer = worker.answer()
            if worker in self._busy:
                outcome = self._ended(worker, self._busy.pop(worker), answer)
                if outcome:
                    yield outcome
            elif worker in self._starting:
                self._starting.remove(worker)
                self._started(worker, answer)
            else:  # an idle worker has nothing to say: it has died
                self._idle.remove(worker)
                self._lost(worker, None)

    def _started(self, worker: Worker, answer: Mapping[str, Any] | None) -> None:
        if answer and "ready" in answer:
            self._stillborn = 0
            self._idle.append(worker)
            return
        self._stillborn += 1
        why = self._lost(worker, answer)
        # While others work, what is short now (memory, mostly) may be there in a while.
        self._not_before = time.monotonic() + _PAUSE_S if self.ready or self._stillborn > 1 else 0.0
        if answer and "kind" in answer:
            error = _raised(answer)
            if not self.ready:
                raise error
            log.error("%s: %s", worker.name, error)
        elif self._stillborn >= self._attempts and not self.ready:
            times = _times(self._stillborn)
            raise FailedClosed(
                f"workers died {times} before they were ready{why}; look at what they said (standard error, or Ray's "
                "log files), and whether there is memory for so many"
            )

    def _ended(self, worker: Worker, turn: _Turn, answer: Mapping[str, Any] | None) -> Outcome | None:
        key, seconds = turn.task.key, time.monotonic() - turn.began
        if answer is None or "fault" in answer:
            why = self._lost(worker, answer)
            if turn.attempts < self._attempts and key not in self._dropped:
                self._waiting.appendleft(turn)
                return None
            self._dropped.discard(key)
            return Outcome(key, None, f"its worker died {_times(turn.attempts)}{why}", DIED, turn.attempts, seconds)
        self._idle.append(worker)
        self._dropped.discard(key)
        error = answer.get("error")
        return Outcome(
            key, answer.get("body"), error, answer.get("exit_code", 0), turn.attempts, answer.get("seconds", seconds)
        )

    def _given_up(self) -> Iterator[Outcome]:
        dropped = set(self._dropped)
        for worker, turn in list(self._busy.items()):
            if turn.task.key in dropped:
                del self._busy[worker]
                worker.end()
                yield _without(turn)
        for turn in [turn for turn in self._waiting if turn.task.key in dropped]:
            self._waiting.remove(turn)
            yield _without(turn)
        self._dropped -= dropped

    def _lost(self, worker: Worker, answer: Mapping[str, Any] | None) -> str:
        """Note that it has died, or is at fault and must not go on; why, where that is known."""
        self.died += 1
        why = f" (internal fault: {answer['fault']})" if answer and "fault" in answer else ""
        log.warning("%s died%s", worker.name, why)
        worker.end()
        return why


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _without(turn: _Turn) -> Outcome:
    return Outcome(turn.task.key, None, "given up", DIED, turn.attempts, time.monotonic() - turn.began)


def _raised(answer: Mapping[str, Any]) -> OffrecordError:
    """The error that kept a worker from its work, as itself."""
    kind = getattr(errors, answer["kind"], FailedClosed) if answer["kind"] in errors.__all__ else FailedClosed
    return kind(answer["error"])


_ASK_S = 0.05
_LOOK_S = 0.3
_PAUSE_S = 5.0
