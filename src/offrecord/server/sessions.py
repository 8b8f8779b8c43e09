"""Who sits before the review page: sessions behind a cookie that no script reads and no other site sends.

A session is in memory alone, so a restart ends all of them, and with them every unredacted view. The cookie holds a
random token; here is only its digest. Whatever changes something needs more than the cookie: a header that no form and
no other origin can send.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from offrecord.server.keys import ANYONE

__all__ = ["COOKIE", "Session", "Sessions", "from_here"]

COOKIE = "offrecord_session"
_IDLE_S = 12 * 60 * 60
"""A session that is not used for so long ends."""
_MOST = 1_000
"""Sessions at once; beyond, the one that was not used for longest ends."""


@dataclass(slots=True)
class Session:
    """One sign-in. ``held``: the jobs whose unredacted view it holds."""

    owner: str = field(repr=False)
    used: float
    held: set[str] = field(default_factory=set)

    @property
    def reviewer(self) -> str:
        """A name for the audit record: it comes from the key by way of a digest, and tells nothing of it."""
        return ANYONE if self.owner == ANYONE else f"reviewer-{self.owner[:8]}"


class Sessions:
    """All sessions of the server."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def open(self, owner: str) -> str:
        """A new session's token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sweep()
            self._sessions[_digest(token)] = Session(owner, time.monotonic())
        return token

    def of(self, request: Request) -> Session | None:
        """The session of this request; None where nobody signed in, or too long ago."""
        token = request.cookies.get(COOKIE, "")
        with self._lock:
            # By its digest: how long the look takes says nothing of a token.
            session = self._sessions.get(_digest(token))
            if session is None or time.monotonic() - session.used > _IDLE_S:
                return None
            session.used = time.monotonic()
        return session

    def needed(self, request: Request) -> Session:
        """The session of this request. Raises 401 where there is none."""
        session = self.of(request)
        if session is None:
            raise HTTPException(401, "Sign in first, with a key of this server")
        return session

    def close(self, request: Request) -> Session | None:
        """End the session of this request, and what it held."""
        with self._lock:
            return self._sessions.pop(_digest(request.cookies.get(COOKIE, "")), None)

    def _sweep(self) -> None:
        late = time.monotonic() - _IDLE_S
        self._sessions = {digest: session for digest, session in self._sessions.items() if session.used > late}
        while len(self._sessions) >= _MOST:
            del self._sessions[min(self._sessions, key=lambda digest: self._sessions[digest].used)]


def with_cookie(response: Response, token: str | None, *, secure: bool) -> Response:
    """``response`` that sets the cookie, or, without a token, takes it away."""
    if token is None:
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=secure)
    else:
        response.set_cookie(COOKIE, token, path="/", httponly=True, samesite="strict", secure=secure)
    return response


def from_here(request: Request) -> None:
    """Raise 403 unless the request comes from the page itself: for all that changes something."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    host = request.headers.get("host", "")
    foreign = origin is not None and urlsplit(origin).netloc != host
    if foreign or site != "same-origin" or request.headers.get("x-offrecord") != "1":
        raise HTTPException(403, "This can be asked by the review page alone, with the header X-Offrecord: 1")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
