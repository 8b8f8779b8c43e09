"""A server's jobs on an executor: the server claims them, keeps their leases, and ends them; workers only compute.

State stays in the one database on the server's machine. A job whose claim is lost (it was deleted) or whose time is up
is taken from its worker at once. A worker that dies gives its job back to the queue; a server that dies ends its
workers, and the next start queues again what they held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from offrecord.elsewhere import read, task
from offrecord.errors import OffrecordError, OutputError, StateError
from offrecord.executors import DIED, Executor, Outcome, Task
from offrecord.jobs import told
from offrecord.queue import Queue
from offrecord.rows import Claim

__all__ = ["Dispatch"]

log = logging.getLogger("offrecord.jobs")


@dataclass(slots=True)
class _Held:
    """A claim that is being worked on. ``number`` stands for its worker in the database."""

    claim: Claim
    number: int
    began: float
    renewed: float


class Dispatch:
    """Has an executor do the store's jobs. It tries nothing twice by itself."""

    def __init__(self, store: Queue, executor: Executor, *, attempts: int, job_seconds: int) -> None:
        self._store, self._attempts, self._job_seconds = store, attempts, job_seconds
        self._executor = executor
        self._held: dict[str, _Held] = {}
        self._numbers = count(1)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, name="dispatch") for run in (self._work, self._watch)]

    @property
    def ready(self) -> int:
        """How many workers have their models loaded and are alive."""
        return self._executor.ready

    @property
    def restarts(self) -> int:
        """How many workers have ended."""
        return self._executor.died

    def start(self) -> None:
        """Start to work. Returns before any models are loaded."""
        self._store.give_back(attempts=self._attempts, all_=True)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the workers. What they were at waits in the database for the next start, and is not held against it."""
        self._stop.set()
        for thread in self._threads:
            while thread.is_alive():
                for token in list(self._held):
                    self._executor.drop(token)
                thread.join(_LOOK_S)
        self._executor.close()
        self._store.give_back(attempts=self._attempts, all_=True, counted=False)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                for outcome in self._executor.run(self._claims()):
                    with _logged():
                        self._ended(outcome)
            except OffrecordError as error:  # no worker can work: the models, the memory, the cluster
                log.error("%s", error)  # noqa: TRY400 - what happened, without the stack
                self._held.clear()
                with _logged():
                    self._store.give_back(attempts=self._attempts, all_=True, counted=False)
                self._stop.wait(_PAUSE_S)

    def _claims(self) -> Iterator[Task | None]:
        while not self._stop.is_set():
            claimed = None
            # What no worker is ready for stays in the queue: its time does not run, and it can be deleted for nothing.
            if self._executor.ready > len(self._held):
                with _logged():
                    claimed = self._claimed()
            yield claimed

    def _claimed(self) -> Task | None:
        number = next(self._numbers)
        claim = self._store.claim(number)
        if claim is None:
            return None
        if claim.asked.get("review"):
            self._store.fail(claim, "Reviews are made on the server's own machine: start it without --ray for them.")
            return None
        try:
            upload = self._store.upload_path(claim.upload) if claim.upload else None
            body = task(claim, self._store.work_path(claim), upload)
        except OSError as error:
            self._store.fail(claim, f"The result cannot be written: {error.strerror}.")
            return None
        now = time.monotonic()
        self._held[claim.token] = _Held(claim, number, now, now)
        return Task(claim.token, body)

    def _ended(self, outcome: Outcome) -> None:
        held = self._held.pop(outcome.key)
        claim, work = held.claim, self._store.work_path(held.claim)
        if outcome.exit_code == DIED or (outcome.body is None and not outcome.error):
            for job, _ in self._store.give_back(
                worker=held.number, attempts=self._attempts, counted=not self._stop.is_set()
            ):
                log.warning("job %s: %s", job, outcome.error)
            return
        end = self._settled(held, outcome, work)
        log.info("job %s %s: attempt %d, %.1f s", claim.id, end, claim.attempt, outcome.seconds)

    def _settled(self, held: _Held, outcome: Outcome, work: Path) -> str:
        claim = held.claim
        if outcome.body is None:
            return "error" if self._store.fail(claim, told(str(outcome.error), work, self._store)) else "lost"
        try:
            done = read(outcome.body, work)
        except OutputError as error:
            if self._store.holds(claim):
                log.error("job %s: %s", claim.id, error)  # noqa: TRY400
                self._store.give_back(worker=held.number, attempts=self._attempts)
            return "lost"
        return "completed" if self._store.finish(claim, **done) else "lost"

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            for held in list(self._held.values()):
                with _logged():
                    self._look(held)
            with _logged():
                self._store.give_back(attempts=self._attempts)

    def _look(self, held: _Held) -> None:
        now = time.monotonic()
        if now - held.renewed > _RENEW_S:
            held.renewed = now
            holds = self._store.renew(held.claim)
        else:
            holds = self._store.holds(held.claim)
        if now - held.began > self._job_seconds:
            self._store.fail(held.claim, f"The recording was not done in {self._job_seconds} seconds.")
            holds = False
        # One that has just ended does not hold its claim either; then there is nothing to drop.
        if not holds and held.claim.token in self._held:
            self._executor.drop(held.claim.token)


@contextmanager
def _logged() -> Iterator[None]:
    """Go on after the database was busy or the disk full: what was not done is done when leases run out."""
    try:
        yield
    except StateError as error:
        log.error("%s", error)  # noqa: TRY400 - what happened, without the stack


_LOOK_S = 0.3
_RENEW_S = 5.0
_PAUSE_S = 5.0
