"""What every request goes through before a route sees it, and every answer after: one plain ASGI middleware.

Other people's web pages are kept out: a browser names the page's origin, and a page that has its own name point here
(DNS rebinding) names that as the host. A fault of ours becomes a 500 that says nothing, and a log line with its type
and place; the message might hold what was said. There is no access log: queries hold the words that are searched for.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Seen"]

log = logging.getLogger("offrecord.server")


class Seen:
    """Counts for /metrics: answers by status, and how long they took. No paths, no owners, no words."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds = 0.0

    def add(self, method: str, status: int, seconds: float) -> None:
        """Note one answer."""
        self.answers[method if method in _METHODS else "other", status] += 1
        self.seconds += seconds


class Guard:
    """``origins``: of web pages that may use the server. ``hosts``: the names it goes by; empty for any."""

    def __init__(self, app: ASGIApp, *, seen: Seen, origins: Collection[str], hosts: Collection[str]) -> None:
        self._app, self._seen = app, seen
        self._origins, self._hosts = frozenset(origins), frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, origin = time.monotonic(), 0, Headers(scope=scope).get("origin")

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                added = _HEADERS + (self._cors(origin) if origin else [])
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in own)]
            await send(message)

        try:
            refused = self._refused(scope, origin)
            if refused:
                await _answer(sending, *refused)
            elif scope["method"] == "OPTIONS" and origin in self._origins:
                await _answer(sending, 200, None)
            else:
                await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - the last place where a fault can be kept from being shown
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            log.error("internal fault: %s at %s", type(error).__name__, where)  # noqa: TRY400 - no stack, no message
            if not status:
                await _answer(sending, 500, "Server error, developers have been alerted.")
        finally:
            self._seen.add(scope["method"], status, time.monotonic() - began)

    def _refused(self, scope: Scope, origin: str | None) -> tuple[int, str] | None:
        host = Headers(scope=scope).get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            page = urlsplit(origin).netloc if origin else host
        except ValueError:
            return 400, "The Host or the Origin header is not one"
        if self._hosts and name not in self._hosts:
            return 403, "This server is for this machine, and this is none of its names; configure API keys to open it"
        if origin and origin not in self._origins and page != host:
            return 403, "This web page may not use this server; its origin is not in OFFRECORD_CORS"
        return None

    def _cors(self, origin: str) -> list[tuple[bytes, bytes]]:
        if origin not in self._origins:
            return []
        return [(b"access-control-allow-origin", origin.encode("latin-1")), *_CORS]


async def _answer(send: Send, status: int, error: str | None) -> None:
    body = json.dumps({"error": error}).encode() if error else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS"})
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_CORS = [
    (b"access-control-allow-headers", b"authorization, content-type, assemblyai-agent, range"),
    (b"access-control-allow-methods", b"GET, POST, DELETE"),
    (b"access-control-max-age", b"600"),
    (b"vary", b"origin"),
]
