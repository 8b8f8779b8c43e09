"""The application: which routes there are, what runs beside them, and how errors are answered.

Every error has one shape, ``{"error": "…"}``. There is no state in this module: `create_app` makes all of it.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import resource
import signal
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from offrecord import elsewhere, logs
from offrecord.dispatching import Dispatch
from offrecord.errors import OffrecordError, OutputError, StateError, UsageError
from offrecord.executors.ray import OnRay
from offrecord.jobs import english_only
from offrecord.pipeline import Redactor
from offrecord.server import fields
from offrecord.server.guard import Guard, Seen
from offrecord.server.health import Health
from offrecord.server.keys import Keys, Links, secret_of
from offrecord.server.patience import Impatient
from offrecord.server.reference import reference
from offrecord.server.review import ReviewPage
from offrecord.server.v1 import V1
from offrecord.server.v2 import V2
from offrecord.server.webhooks import Courier
from offrecord.settings import ServerSettings
from offrecord.store import Store
from offrecord.upstreams import keys_of, upstreams_of
from offrecord.workers import Crew

__all__ = ["Route", "create_app", "serve"]

log = logging.getLogger("offrecord.server")


class Route(NamedTuple):
    """One line of the list of routes. ``extra``: what OpenAPI is told beyond the handler's docstring."""

    method: str
    path: str
    handler: Callable[..., Any]
    extra: Mapping[str, Any] | None = None


def create_app(settings: ServerSettings, **given: Any) -> FastAPI:
    """The server over ``settings.home``; ``given`` are the settings of the workers' `Redactor`.

    Workers, webhooks and housekeeping run while the application does. Raises `UsageError` for settings that cannot be,
    and `StateError` for a home that is damaged or belongs to another server.
    """
    keys = listed(settings.api_keys.get_secret_value())
    if not keys and not _is_loopback(settings.host):
        raise UsageError(
            f"{settings.host} can be reached by others: set OFFRECORD_API_KEYS (keys separated by commas), or listen "
            "on 127.0.0.1"
        )
    redactor = Redactor(**given)  # loads nothing, and refuses what a worker would
    upstreams = upstreams_of(settings.upstreams)
    store = Store(settings.home, settings.media)
    try:
        store.hold()
        secret = secret_of(settings.home)
        crew = _crew(store, settings, given)
    except OffrecordError:
        store.close()
        raise
    links, seen = Links(secret), Seen()
    owners = Keys(keys, secret)
    v2 = V2(
        store,
        owners,
        links,
        public_url=settings.public_url,
        max_upload=settings.max_upload,
        english_only=english_only(redactor),
        unasked=sorted(redactor.policy.labels) if settings.redact_unasked else (),
    )
    v1 = V1(store, owners, redactor, settings, upstreams)
    page = ReviewPage(store, owners, redactor, settings)
    health = Health(store, crew, seen, workers=settings.workers)
    courier = Courier(store, v2.sound_url, listed(settings.fetch_allow))
    app = FastAPI(
        title="Offrecord",
        description="AssemblyAI's API for recordings, served from your own machine, with personal details removed.",
        lifespan=_lifespan(store, crew, courier, v1, settings),
        exception_handlers={HTTPException: _http_error, OffrecordError: _our_error},
        docs_url=None,
        redoc_url=None,
    )
    app.add_api_route("/docs", lambda: HTMLResponse(reference(app.openapi())), include_in_schema=False)
    for route in (*_routes(v2, health), *(Route(*row) for row in v1.routes())):
        extra = dict(route.extra) if route.extra else None
        app.add_api_route(route.path, route.handler, methods=[route.method], openapi_extra=extra, response_model=None)
    for method, path, handler in page.routes():
        app.add_api_route(path, handler, methods=[method], include_in_schema=False)
    names = () if keys else (*_NAMES, settings.host.lower().strip("[]"))
    app.add_middleware(Guard, seen=seen, origins=listed(settings.cors), hosts=names)
    return app


def _crew(store: Store, settings: ServerSettings, given: Mapping[str, Any]) -> Crew | Dispatch:
    """Who does the jobs: processes here that share the database, or actors of a Ray cluster that never see it."""
    if settings.ray is None or not settings.workers:
        return Crew(store, settings, given)
    to = elsewhere.given(settings, given)
    executor = OnRay(
        "offrecord.elsewhere:Work",
        to,
        settings.ray,
        settings.workers,
        attempts=1,
        memory=settings.worker_memory if to["device"] == "cpu" else 0,
        without={"OFFRECORD_API_KEYS", *keys_of(settings.upstreams)},
        eager=True,
    )
    return Dispatch(store, executor, attempts=settings.attempts, job_seconds=settings.job_seconds)


def _routes(v2: V2, health: Health) -> Sequence[Route]:
    return (
        Route("POST", "/v2/upload", v2.upload, _RAW),
        Route("POST", "/v2/transcript", v2.submit, _JSON),
        Route(
            "GET", "/v2/transcript", v2.transcripts, _query("limit", "status", "created_on", "before_id", "after_id")
        ),
        Route("GET", "/v2/transcript/{transcript_id}", v2.transcript),
        Route("DELETE", "/v2/transcript/{transcript_id}", v2.delete),
        Route("GET", "/v2/transcript/{transcript_id}/sentences", v2.sentences),
        Route("GET", "/v2/transcript/{transcript_id}/paragraphs", v2.paragraphs),
        Route("GET", "/v2/transcript/{transcript_id}/srt", v2.srt, _query("chars_per_caption")),
        Route("GET", "/v2/transcript/{transcript_id}/vtt", v2.vtt, _query("chars_per_caption")),
        Route("GET", "/v2/transcript/{transcript_id}/word-search", v2.word_search, _query("words")),
        Route("GET", "/v2/transcript/{transcript_id}/redacted-audio", v2.redacted_audio),
        Route("GET", "/v2/redacted-audio/{name}", v2.sound, _query("expires", "signature")),
        Route("GET", "/healthz", health.healthz),
        Route("GET", "/readyz", health.readyz),
        Route("GET", "/metrics", health.metrics),
    )


def serve(settings: ServerSettings, begun: Callable[[str], None] | None = None, /, **given: Any) -> None:
    """Run the server until it is stopped. ``begun`` is called with its address when that can be connected to.

    Raises as `create_app`, and `UsageError` for an address that is taken.
    """
    logs.ours()
    threading.excepthook = _thread_fault
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what was said
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise UsageError(f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}") from None
        app = create_app(settings, **given)
        host, port = listener.getsockname()[:2]
        log.info("listening on http://%s:%d, home %s", f"[{host}]" if ":" in host else host, port, settings.home)
        if begun:
            listener.listen()
            begun(f"http://{host}:{port}")
        # No access log: queries hold the words that are searched for.
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _thread_fault(args: threading.ExceptHookArgs) -> None:
    """A thread that keeps the server going has failed: say where, without what, and end, to be started again."""
    place = traceback.extract_tb(args.exc_traceback)[-1] if args.exc_traceback else None
    where = f"{Path(place.filename).name}:{place.lineno}" if place else "an unknown place"
    log.critical("internal fault in a thread: %s at %s; the server ends", args.exc_type.__name__, where)
    os.kill(os.getpid(), signal.SIGTERM)


def _lifespan(
    store: Store, crew: Crew | Dispatch, courier: Courier, v1: V1, settings: ServerSettings
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        keeper = threading.Thread(target=_keep_house, args=(store, settings, stop), name="housekeeping")
        try:
            await run_in_threadpool(v1.start)
            await run_in_threadpool(crew.start)
            courier.start()
            keeper.start()
            yield
        finally:
            stop.set()
            await v1.stop()
            await run_in_threadpool(courier.stop)
            await run_in_threadpool(crew.stop)
            if keeper.ident is not None:  # it was started
                await run_in_threadpool(keeper.join)
            store.close()

    return lifespan


def _keep_house(store: Store, settings: ServerSettings, stop: threading.Event) -> None:
    ttl_ms = None if settings.ttl is None else settings.ttl * 1_000
    while True:
        try:
            store.purge(ttl_ms=ttl_ms)
        except StateError as error:
            log.error("%s", error)  # noqa: TRY400 - what happened, without the stack
        if stop.wait(_HOUSE_S):
            return


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = str(error.detail) if isinstance(error, HTTPException) else "Server error"
    return JSONResponse({"error": text}, status, headers=getattr(error, "headers", None))


async def _our_error(_: Request, error: Exception) -> Response:
    status = error.http_status if isinstance(error, OffrecordError) else 500
    text = "This server has no room, or its database is busy; try again later"
    return JSONResponse({"error": text if isinstance(error, StateError | OutputError) else str(error)}, status)


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def _query(*names: str) -> dict[str, Any]:
    return {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]}


def listed(text: str) -> list[str]:
    """The parts of a setting that are separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


_NAMES = ("localhost", "127.0.0.1", "::1")
_HOUSE_S = 30.0
_RAW = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_JSON = {"requestBody": {"required": True, "content": {"application/json": {"schema": fields.schema()}}}}
