"""A Ray cluster, or Ray on this machine: actors that keep the models loaded, on whatever nodes there are.

A task's address and options travel in Ray's message to the actor, and counts come back: neither is large enough for the
object store, and sound and text are in neither. Ray starts no actor anew and repeats no task by itself: `Schedule` does
that, so that an attempt counts the same wherever it was made. Actors belong to the process that started them: when
that dies, Ray ends them.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from offrecord import logs
from offrecord.errors import StateError, UsageError
from offrecord.executors.schedule import Schedule, Worker
from offrecord.executors.work import Confines, Work, build, confine, do

__all__ = ["OnRay"]

log = logging.getLogger("offrecord.executors")


class OnRay(Schedule):
    """An `Executor` of actors. ``address``: ``host:port`` of a cluster, ``auto`` for this node's own, or ``local``.

    ``given`` is what the work is built with: an actor takes as many of the cluster's CPUs as its ``threads`` say, or 1,
    and where its ``device`` is ``cuda`` a GPU of its own. Without ``slots`` there are as many as the cluster has room
    for now. ``attempts``, ``memory``, ``nice``, ``without`` and ``eager`` are those of `offrecord.executors.local`.
    Raises `UsageError` where Ray is not installed, and `StateError` where there is no cluster.
    """

    def __init__(
        self,
        work: str,
        given: Mapping[str, Any],
        address: str = "auto",
        slots: int | None = None,
        attempts: int = 3,
        *,
        memory: int = 0,
        nice: int = 0,
        without: Collection[str] = (),
        eager: bool = False,
    ) -> None:
        if slots is not None and slots < 1:
            raise UsageError(f"{slots} actors cannot work; expected 1 or more")
        threads = int(given.get("threads") or 0) or 1
        gpus = int(given.get("device") == "cuda")
        self._ray = _ray()
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, address, (slots or 0) * threads or None, without)
        self._told = (work, dict(given), asdict(Confines(threads, memory, nice)), list(without), version("offrecord"))
        # What Ray would do again by itself would not be counted here.
        self._kind = self._ray.remote(
            num_cpus=threads, num_gpus=gpus, max_restarts=0, max_task_retries=0, max_concurrency=1
        )(_Work)
        super().__init__(slots or self._room(threads, gpus), attempts, self._actor, self._spoken, eager=eager)

    def close(self) -> None:
        super().close()
        if self._ours:
            self._ray.shutdown()

    def _room(self, threads: int, gpus: int) -> int:
        have = self._ray.cluster_resources()
        room = int(have.get("CPU", 0) // threads)
        return max(1, min(room, int(have.get("GPU", 0))) if gpus else room)

    def _actor(self) -> Worker:
        return _Actor(self._ray, self._kind.remote(), self._told)

    def _spoken(self, workers: Sequence[Worker], seconds: float) -> Sequence[Worker]:
        awaited = {worker.refs[0]: worker for worker in workers if isinstance(worker, _Actor) and worker.refs}
        if not awaited:
            time.sleep(seconds)
            return []
        done, _ = self._ray.wait(list(awaited), num_returns=1, timeout=seconds, fetch_local=False)
        # One was waited for; those that are done as well need no second look.
        more, _ = self._ray.wait(list(awaited), num_returns=len(awaited), timeout=0, fetch_local=False)
        return [awaited[ref] for ref in dict.fromkeys([*done, *more])]


class _Actor:
    """One actor, from the driver's side."""

    def __init__(self, ray: Any, actor: Any, told: Sequence[Any]) -> None:
        self._ray, self._actor = ray, actor
        self.name = f"actor {actor._actor_id.hex()[:8]}"
        self.refs: deque[Any] = deque([actor.load.remote(*told)])

    def give(self, body: Mapping[str, Any]) -> None:
        self.refs.append(self._actor.do.remote(dict(body)))

    def answer(self) -> Mapping[str, Any] | None:
        try:
            return dict(self._ray.get(self.refs.popleft()))
        except self._ray.exceptions.RayError:  # its process or its node is gone; Ray's own log says which
            return None

    def end(self) -> None:
        self._ray.kill(self._actor, no_restart=True)


class _Work:
    """The actor: the work and its models, in a process that Ray has started. It raises nothing: Ray would quote it."""

    def __init__(self) -> None:
        self._work: Work | None = None

    def load(
        self,
        work: str,
        given: Mapping[str, Any],
        confines: Mapping[str, int],
        without: Sequence[str],
        ours: str,
    ) -> dict[str, Any]:
        # Ray keeps what is printed in files of its own, on every node.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        sys.stdout = os.fdopen(nowhere, "w")
        logs.ours()
        if version("offrecord") != ours:
            text = f"a node has offrecord {version('offrecord')}, and not {ours}: install the same on all of them"
            return {"kind": "UsageError", "error": text, "exit_code": UsageError.exit_code}
        for name in without:
            os.environ.pop(name, None)
        confine(Confines(**confines))
        self._work, said = build(work, given)
        return said

    def do(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return do(self._work, body) if self._work else {}


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # its next default; it warns until then
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError:
        raise UsageError("--ray needs Ray, which is not installed: pip install 'offrecord[ray]'") from None


def _connect(ray: Any, address: str, cpus: int | None, without: Collection[str]) -> None:
    if address != "local" and os.environ.get("RAY_AUTH_MODE") != "token":
        log.warning(
            "Ray is asked without a token: whoever reaches the cluster can run programs on it; see docs/scaling.md"
        )
    local: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False} if address == "local" else {}
    terminate = signal.getsignal(signal.SIGTERM)
    hidden = {name: os.environ.pop(name) for name in without if name in os.environ}
    try:
        host, _, port = address.rpartition(":")
        if host and "//" not in host:  # Ray would ask for minutes
            socket.create_connection((host, int(port)), _REACH_S).close()
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **local)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise StateError(
            f"no Ray cluster answers at {address} ({type(error).__name__}); is it started, and is its token here "
            "(RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token)?"
        ) from None
    finally:
        os.environ.update(hidden)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)  # it ends with another code than that of the signal
    # It prints that a worker has died on standard output, where data goes, and has no public switch for it.
    vars(importlib.import_module("ray._private.worker"))["_worker_logs_enabled"] = False


_REACH_S = 10.0
