"""For those who run the server: is it alive, can it work, what has it done. No key is needed, nothing personal said."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from offrecord.dispatching import Dispatch
from offrecord.errors import StateError
from offrecord.server.guard import Seen
from offrecord.store import Store
from offrecord.workers import Crew

__all__ = ["Health"]


class Health:
    """The routes, as methods."""

    def __init__(self, store: Store, crew: Crew | Dispatch, seen: Seen, *, workers: int) -> None:
        self._store, self._crew, self._seen, self._workers = store, crew, seen, workers

    def healthz(self, request: Request) -> Response:  # noqa: ARG002
        """200 while the process answers."""
        return JSONResponse({"status": "ok"})

    def readyz(self, request: Request) -> Response:  # noqa: ARG002
        """200 when the database answers and a worker has its models loaded, 503 before."""
        try:
            self._store.counts()
        except StateError as error:
            return JSONResponse({"error": str(error)}, 503)
        if self._workers and not self._crew.ready:
            return JSONResponse({"error": "no worker is ready; its messages on standard error say why"}, 503)
        return JSONResponse({"status": "ready"})

    def metrics(self, request: Request) -> Response:  # noqa: ARG002
        """Counts in Prometheus' text format 0.0.4."""
        rows: list[tuple[str, str, str, Mapping[str, float]]] = []
        rows += [("offrecord_jobs", "gauge", "Jobs in the database.", _by("status", self._store.counts()))]
        rows += [("offrecord_workers_ready", "gauge", "Workers with their models loaded.", {"": self._crew.ready})]
        rows += [("offrecord_worker_restarts_total", "counter", "Workers that ended.", {"": self._crew.restarts})]
        answers = {f'{{method="{m}",status="{s}"}}': n for (m, s), n in sorted(self._seen.answers.items())}
        rows += [("offrecord_http_answers_total", "counter", "Answers by method and status.", answers)]
        rows += [("offrecord_http_seconds_total", "counter", "Time spent on answers.", {"": self._seen.seconds})]
        lines = [
            line
            for name, kind, text, values in rows
            for line in (
                f"# HELP {name} {text}",
                f"# TYPE {name} {kind}",
                *(f"{name}{labels} {value:g}" for labels, value in values.items()),
            )
        ]
        return PlainTextResponse("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4")


def _by(label: str, counts: dict[str, int]) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': count for name, count in counts.items()}
