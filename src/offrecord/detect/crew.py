"""Work in several threads that is done by a deadline, or fails.

The threads are daemons: one that hangs on a gateway that dribbles keeps neither the job nor the program from ending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TypeVar

from offrecord.errors import FailedClosed

__all__ = ["each"]

_T = TypeVar("_T")
_R = TypeVar("_R")


def each(work: Callable[[_T], _R], tasks: Sequence[_T], *, threads: int, deadline: float) -> list[_R]:
    """``work`` of each task, in order. ``deadline`` is a reading of `time.monotonic`.

    What ``work`` raises first is raised here, and no further task is begun. Raises `FailedClosed` at the deadline.
    """
    futures: list[Future[_R]] = [Future() for _ in tasks]
    left: Iterator[tuple[_T, Future[_R]]] = iter(list(zip(tasks, futures, strict=True)))
    lock = threading.Lock()
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            with lock:
                pair = next(left, None)
            if pair is None:
                return
            task, future = pair
            try:
                future.set_result(work(task))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for, below
                future.set_exception(error)

    for _ in range(min(threads, len(tasks))):
        threading.Thread(target=run, daemon=True).start()
    try:
        done, waiting = wait(futures, max(0.0, deadline - time.monotonic()), FIRST_EXCEPTION)
        for future in done:
            future.result()
        if waiting:
            raise FailedClosed(
                f"the language model has read {len(done)} of {len(tasks)} windows and the time is up; "
                "raise OFFRECORD_LLM_DEADLINE, or choose a faster model"
            )
        return [future.result() for future in futures]
    finally:
        ended.set()
