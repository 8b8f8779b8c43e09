"""Telling webhooks that a job has ended, and that its redacted sound is there.

What is owed is in the database since the transaction that ended the job, so a restart loses no message; at worst one is
told twice. An attempt is counted before it is made, so nothing is tried for ever, whatever becomes of it. An answer of
2xx settles a message, and so does 4xx, which will not get better; everything else is tried again, ten times in all, ten
seconds apart. The URL is asked as `fetch` asks all that clients name.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor

from offrecord import fetch
from offrecord.errors import StateError
from offrecord.rows import Job, Notice, now
from offrecord.store import Store

__all__ = ["Courier"]

log = logging.getLogger("offrecord.webhooks")

_ATTEMPTS = 10
_APART_MS = 10_000
_ANSWER_S = 10.0
_LOOK_S = 0.2
_AT_ONCE = 8


class Courier:
    """A thread that looks for messages that are due, and some that deliver them: one that hangs holds up no other."""

    def __init__(self, store: Store, sound_url: Callable[[Job, str], str], allowed: Collection[str]) -> None:
        self._store, self._sound_url, self._allowed = store, sound_url, allowed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="courier")
        self._under_way: dict[int, Future[None]] = {}

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way, and leave the rest for the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook") as pool:
            while not self._stop.wait(_LOOK_S):
                try:
                    for seq, told in tuple(self._under_way.items()):
                        if told.done():
                            _note(self._under_way.pop(seq))
                    for notice in self._store.owed(_AT_ONCE * 2):
                        if notice.seq not in self._under_way and len(self._under_way) < _AT_ONCE:
                            self._under_way[notice.seq] = pool.submit(self._tell, notice)
                except StateError:  # busy or full; the messages stay owed
                    continue

    def _tell(self, notice: Notice) -> None:
        last = notice.attempts + 1 >= _ATTEMPTS
        header = self._store.header(notice.job)
        self._store.told(notice, None, again_at=None if last else now() + _APART_MS)
        job = self._store.anyones(notice.job)
        body = self._body(job, notice.kind) if job else None
        if job is None or body is None:
            self._store.told(notice, None, again_at=None)
            return
        status = fetch.post(job.asked["webhook_url"], body, header=header, seconds=_ANSWER_S, allowed=self._allowed)
        settled = status is not None and (200 <= status < 300 or 400 <= status < 500)
        self._store.told(notice, status, again_at=None if settled or last else now() + _APART_MS)

    def _body(self, job: Job, kind: str) -> bytes | None:
        if job.deleted:
            return None
        if kind == "transcript":
            return json.dumps({"transcript_id": job.id, "status": job.status.value}).encode()
        if job.sound is None:
            return None
        url = self._sound_url(job, job.origin)
        ready = {"status": "redacted_audio_ready", "redacted_audio_url": url, "transcript_id": job.id}
        return json.dumps(ready).encode()


def _note(told: Future[None]) -> None:
    """Say that a delivery has failed by a fault of ours: its kind alone, for its message may name what was sent."""
    fault = told.exception()
    if fault is not None and not isinstance(fault, StateError):  # busy or full: it is still owed
        log.error("internal fault: %s in a webhook's delivery", type(fault).__name__)
