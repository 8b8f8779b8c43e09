"""Worker processes: each loads its models once, then takes job after job from the database. And who keeps them going.

``python -m offrecord.workers`` is one worker. It is told what to do in a line of JSON on standard input, and that pipe
is its life line: when it breaks, the server is gone, and the worker ends at once, in the middle of a job too. The job
is still in the database, and is queued again by the server that comes next. A worker also ends when its claim is lost:
the job was deleted, and what is being made of it is to be forgotten. Media is decoded and recognised in here and
nowhere else, under limits on memory and time.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from offrecord import logs
from offrecord.errors import OffrecordError, StateError
from offrecord.fetch import Limits
from offrecord.jobs import Models, run
from offrecord.queue import Queue
from offrecord.rows import Claim
from offrecord.settings import ServerSettings
from offrecord.upstreams import keys_of

__all__ = ["Crew"]

log = logging.getLogger("offrecord.workers")


class Crew:
    """The workers of a server, and the thread that starts another one when one ends.

    ``given`` are the settings of the workers' `Redactor`. What a worker held that ended is queued again at once.
    """

    def __init__(self, store: Queue, settings: ServerSettings, given: Mapping[str, Any]) -> None:
        self._store, self._settings = store, settings
        self._line = json.dumps({"settings": _plain(settings), "given": {k: _text(v) for k, v in given.items()}})
        self._keys = {"OFFRECORD_API_KEYS", *keys_of(settings.upstreams)}
        self._workers: list[_Worker] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crew")
        self.restarts = 0
        """How many workers were started in the place of one that ended."""

    @property
    def ready(self) -> int:
        """How many workers have their models loaded and are alive."""
        return sum(worker.ready and worker.process.poll() is None for worker in self._workers)

    def start(self) -> None:
        """Start the workers. Returns before their models are loaded."""
        self._store.give_back(attempts=self._settings.attempts, all_=True)
        self._workers = [self._new() for _ in range(self._settings.workers)]
        self._thread.start()

    def stop(self) -> None:
        """End the workers. What they were at waits in the database for the next start, and is not held against it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for worker in self._workers:
            worker.end()
        self._store.give_back(attempts=self._settings.attempts, all_=True, counted=False)

    def _new(self, pause: float = 0.0) -> _Worker:
        return _Worker(self._line, self._keys, starts_at=time.monotonic() + pause)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                # A worker that holds up its own sign of life has lost its job, and hangs in it.
                for _, pid in self._store.give_back(attempts=self._settings.attempts):
                    for worker in self._workers:
                        if worker.pid == pid:
                            worker.process.kill()
                self._workers = [self._looked_after(worker) for worker in self._workers]
            except StateError as error:  # a full disk: the next look may find room
                log.error("%s", error)  # noqa: TRY400 - what happened, without the stack

    def _looked_after(self, worker: _Worker) -> _Worker:
        if worker.process.poll() is None:
            return worker
        worker.end()
        for job, _ in self._store.give_back(worker=worker.pid, attempts=self._settings.attempts):
            log.warning("job %s: its worker ended (%s)", job, worker.process.returncode)
        self.restarts += 1
        # One that could not even load its models will not be able to a moment later.
        return self._new(0.0 if worker.ready else _PAUSE_S)


class _Worker:
    """One process, from the server's side."""

    def __init__(self, line: str, keys: Collection[str], *, starts_at: float) -> None:
        command = [sys.executable, "-m", "offrecord.workers", f"{max(0.0, starts_at - time.monotonic()):.1f}"]
        # The workers ask nobody for a key of the server's.
        environment = {name: value for name, value in os.environ.items() if name not in keys}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603
        self.pid = self.process.pid
        self.ready = False
        with suppress(BrokenPipeError):
            _pipe(self.process.stdin).write(line.encode() + b"\n")
            _pipe(self.process.stdin).flush()
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    def _listen(self) -> None:
        """Wait for the worker to be ready, and then for its end: what a library prints must not fill the pipe.

        Only this thread closes the pipe. Another that did would wait for this one's read, as long as anybody holds the
        other end: a process that the worker has left behind, say.
        """
        with _pipe(self.process.stdout) as said:
            for line in said:
                self.ready = self.ready or line == b"ready\n"

    def end(self) -> None:
        with suppress(BrokenPipeError):
            _pipe(self.process.stdin).close()
        try:
            self.process.wait(_LOOK_S * 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise StateError("a worker was started without its pipes")
    return pipe


# The worker's own side.


@dataclass(slots=True)
class _Heart:
    """While a job runs: renews its lease, and ends the process when the job is no longer ours to run."""

    store: Queue
    claim: Claim
    seconds: int
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> None:
        threading.Thread(target=self._beat, name="heart", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _beat(self) -> None:
        began = renewed = time.monotonic()
        while not self._done.is_set():
            if _server_is_gone(_LOOK_S):
                os._exit(0)
            if self._done.is_set():
                return
            beat = time.monotonic()
            with suppress(StateError):  # busy or full for now; if it lasts, the lease runs out
                if beat - renewed > _RENEW_S:
                    renewed = beat
                    held = self.store.renew(self.claim)
                else:
                    held = self.store.holds(self.claim)
                if beat - began > self.seconds:
                    self.store.fail(self.claim, f"The recording was not done in {self.seconds} seconds.")
                    held = False
                # A job that has just ended does not hold its claim either, and is about to say so.
                if not held and not self._done.wait(_TIDY_S):
                    # No hook of Python's runs from here on: whatever the job still holds is gone with the process.
                    os._exit(0)


def _server_is_gone(seconds: float) -> bool:
    """Whether the life line breaks within ``seconds``."""
    readable, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 64)


def _limit(settings: ServerSettings, device: str | None) -> None:
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what was said
    if settings.worker_memory and device in (None, "cpu"):  # a GPU's driver reserves far more than it uses
        size = settings.worker_memory * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _work(settings: ServerSettings, given: Mapping[str, Any]) -> None:
    models = Models(**given)
    models.load()
    store = Queue(settings.home, settings.media)
    limits = Limits(settings.max_upload, _DOWNLOAD_S, tuple(filter(None, settings.fetch_allow.split(","))))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        try:
            claim = store.claim(os.getpid())
            if claim is not None:
                with _Heart(store, claim, settings.job_seconds):
                    run(store, claim, models, limits)
                continue
        except StateError as error:  # busy, or no room: what was claimed comes back when its lease runs out
            log.error("%s", error)  # noqa: TRY400 - what happened, without the stack
        if _server_is_gone(_POLL_S):
            return


def main() -> None:
    """One worker. Ends with the exit code of the error that kept it from its work."""
    logs.ours()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the life line
    sys.excepthook = _unexpected
    threading.excepthook = lambda args: _unexpected(args.exc_type, args.exc_value, args.exc_traceback)
    time.sleep(float(sys.argv[1]))
    told = json.loads(_first_line())
    settings = ServerSettings(**told["settings"])
    try:
        _limit(settings, told["given"].get("device"))
        _work(settings, told["given"])
    except OffrecordError as error:
        log.error("worker: %s", error)  # noqa: TRY400
        sys.exit(error.exit_code)


def _unexpected(kind: type[BaseException], value: BaseException | None, trace: Any) -> None:
    from offrecord.terminal import unexpected  # noqa: PLC0415 - brings rich, which only a fault needs

    unexpected(kind, value or kind(), trace)
    os._exit(1)


def _first_line() -> bytes:
    """Read byte by byte: what follows is not ours to take out of the pipe."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


def _plain(settings: ServerSettings) -> dict[str, Any]:
    """The settings that a worker needs: no keys."""
    return settings.model_dump(
        mode="json", include={"home", "media", "max_upload", "job_seconds", "worker_memory", "fetch_allow"}
    )


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


_LOOK_S = 0.3
_POLL_S = 0.05
"""How often an idle worker looks for a job. A look takes some 20 microseconds."""
_RENEW_S = 5.0
_PAUSE_S = 5.0
_DOWNLOAD_S = 1_800.0
_TIDY_S = 3.0
_NICE = 5
"""The server answers while the workers work."""

if __name__ == "__main__":
    main()
