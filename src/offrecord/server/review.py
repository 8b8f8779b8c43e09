"""The review page's routes: who signed in sees the jobs of a key, decides about their details, and has files made.

Logic is in `offrecord.review`, sounds and files are in `offrecord.server.reviewed`. No hidden word leaves this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from offrecord.labels import LABELS, labels_for
from offrecord.orders import Order
from offrecord.pipeline import Redactor
from offrecord.review import listing, shown
from offrecord.review.decisions import parse
from offrecord.review.ledger import Busy, Ledger, Stale
from offrecord.review.listing import Listed
from offrecord.review.steps import What
from offrecord.server.access import Access, fields_of, id_of, number_of, revision_of
from offrecord.server.bodies import json_of
from offrecord.server.desk import Desk
from offrecord.server.keys import Keys
from offrecord.server.reviewed import Reviewed
from offrecord.server.sessions import from_here, with_cookie
from offrecord.server.uploads import receive
from offrecord.settings import ServerSettings
from offrecord.store import Store

__all__ = ["ReviewPage", "order_for"]


def order_for(redactor: Redactor, kind: Literal["recording", "text"], policy: str | None) -> dict[str, Any]:
    """What a review's job is asked to do. Raises `UnknownLabel` for a policy that is none."""
    labels = redactor.policy.labels if policy is None else labels_for(policy)
    order = Order(redact=True, labels=tuple(sorted(map(str, labels))), substitution=redactor.policy.substitution)
    return {"order": order.asked(), "echo": {}, "review": {"kind": kind, "policy": policy}}


class ReviewPage:
    """The routes, as methods. ``redactor``: whose policy holds where none is named."""

    def __init__(self, store: Store, keys: Keys, redactor: Redactor, settings: ServerSettings) -> None:
        self._store, self._keys, self._redactor, self._settings = store, keys, redactor, settings
        self._ledger = Ledger(store)
        self._desk = Desk(self._ledger)
        self._access = Access(store)
        self._outputs = Reviewed(store, self._ledger, self._desk, self._access, unredacted=settings.review_unredacted)

    def routes(self) -> Sequence[tuple[str, str, Any]]:
        """Method, path and handler. ``/review/{job}`` comes last: it would match the others."""
        api, job = "/review/api/jobs", "/review/api/jobs/{job}"
        return (
            ("GET", "/", self.shell),
            ("GET", "/static/{name}", self.static),
            ("POST", "/review/session", self.sign_in),
            ("GET", "/review/session", self.session),
            ("DELETE", "/review/session", self.sign_out),
            ("GET", "/review/open", self.open),
            ("GET", api, self.jobs),
            ("POST", api, self.submit),
            ("GET", job, self.job),
            ("DELETE", job, self.delete),
            ("GET", f"{job}/document", self.document),
            ("POST", f"{job}/decisions", self.decide),
            ("POST", f"{job}/undo", self.undo),
            ("POST", f"{job}/redo", self.redo),
            ("POST", f"{job}/finish", self.finish),
            *((method, job + path, handler) for method, path, handler in self._outputs.routes()),
            ("GET", "/review/{job}", self.shell),
        )

    # The page itself, which holds nothing of any job.

    def shell(self) -> Response:
        """The page: the list of jobs, or one of them."""
        return self.static("review.html")

    def static(self, name: str) -> Response:
        """The page's files."""
        kind = _STATIC.get(name)
        if kind is None:
            raise HTTPException(404, "There is no such file")
        content = files("offrecord.server").joinpath("static", name).read_bytes()
        return Response(content, media_type=kind, headers=_POLICY)

    # Sessions.

    async def sign_in(self, request: Request) -> Response:
        """Open a session with a key of the server."""
        from_here(request)
        key = fields_of(await json_of(request)).get("key", "")
        if not isinstance(key, str):
            raise HTTPException(400, "`key` must be a text")
        token = self._access.sessions.open(self._keys.owner(f"Bearer {key}"))
        return with_cookie(Response(status_code=204), token, secure=self._secure(request))

    def session(self, request: Request) -> Response:
        """Whether somebody is signed in, and what the page needs to know."""
        session = self._access.sessions.of(request)
        return JSONResponse(
            {
                "signed_in": session is not None,
                "needs_key": self._keys.needed,
                "reviewer": session.reviewer if session else None,
                "unredacted_allowed": self._settings.review_unredacted,
                "held": sorted(session.held) if session else [],
                "labels": [[name.upper(), row.meaning] for name, row in LABELS.items()],
            }
        )

    def sign_out(self, request: Request) -> Response:
        """End the session, and the unredacted views that it holds."""
        from_here(request)
        session = self._access.sessions.close(request)
        for job in sorted(session.held) if session else ():
            self._ledger.note(job, session.reviewer, "released")  # type: ignore[union-attr] # it is there
        return with_cookie(Response(status_code=204), None, secure=self._secure(request))

    def open(self, request: Request) -> Response:
        """Open a session by an address that is good once, and go to its job."""
        found = self._ledger.opened(request.query_params.get("token", ""))
        if found is None:
            raise HTTPException(403, "This address was used already, or is too old; start offrecord review again")
        owner, job = found
        response = RedirectResponse(f"/review/{job}" if job else "/", 303)
        return with_cookie(response, self._access.sessions.open(owner), secure=self._secure(request))

    def _secure(self, request: Request) -> bool:
        public = self._settings.public_url or ""
        return request.url.scheme == "https" or public.startswith("https://")

    # Jobs.

    def jobs(self, request: Request) -> Response:
        """The jobs of this key, newest first."""
        session = self._access.sessions.needed(request)
        limit = number_of(request, "limit", 50, 1, 200)
        before = request.query_params.get("before")
        rows = listing.listed(self._store, session.owner, limit=limit + 1, before=id_of(before) if before else None)
        return JSONResponse({"jobs": [shown.job(row) for row in rows[:limit]], "more": len(rows) > limit})

    async def submit(self, request: Request) -> Response:
        """Take a recording or a text to be reviewed, as the raw body."""
        session = self._access.sessions.needed(request)
        from_here(request)
        policy = request.query_params.get("policy", "")[:10_000] or None
        text = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"
        most = min(self._settings.max_upload, _LONGEST_TEXT) if text else self._settings.max_upload
        kind: Literal["text", "recording"] = "text" if text else "recording"
        asked = order_for(self._redactor, kind, policy)
        upload = await receive(request, self._store, session.owner, most)
        job = await run_in_threadpool(
            self._store.submit, session.owner, "", asked=asked, secret={}, upload=upload, review=kind
        )
        return JSONResponse(shown.job(self._access.row(session, job.id)), 201)

    def job(self, request: Request, job: str) -> Response:
        """One job, and how far it is."""
        return JSONResponse(shown.job(self._access.seeing(request, job)[1]))

    def delete(self, request: Request, job: str) -> Response:
        """Erase the job, its recording, its files and its review, now."""
        session, row = self._access.changing(request, job)
        self._store.delete(row.id, session.owner)
        self._desk.drop(row.id)
        return Response(status_code=204)

    def document(self, request: Request, job: str) -> Response:
        """All that the page of a job shows, without a hidden word."""
        found = self._desk.document(self._access.seeing(request, job)[1])
        if found is None:
            raise HTTPException(409, _NO_REVIEW)
        return JSONResponse(found)

    # Steps.

    async def decide(self, request: Request, job: str) -> Response:
        """Take one step of decisions."""
        return await self._step(request, job, "decide")

    async def undo(self, request: Request, job: str) -> Response:
        """Take back the last step that stands."""
        return await self._step(request, job, "undo")

    async def redo(self, request: Request, job: str) -> Response:
        """Take the last step again that was undone."""
        return await self._step(request, job, "redo")

    async def _step(self, request: Request, job: str, what: What) -> Response:
        session, row = await run_in_threadpool(self._access.changing, request, job)
        given = fields_of(await json_of(request))
        revision, token = revision_of(given), given.get("token")
        if token is not None and not (isinstance(token, str) and 0 < len(token) <= 64):
            raise HTTPException(400, "`token` must be a text of up to 64 characters")
        decisions = parse(given.get("decisions")) if what == "decide" else ()
        try:
            after = await run_in_threadpool(
                self._desk.step, row, session.reviewer, what, revision, decisions=decisions, token=token
            )
        except (Stale, Busy) as error:
            return _conflict(error, row)
        if after is None:
            raise HTTPException(409, _NO_REVIEW)
        return JSONResponse(after)

    async def finish(self, request: Request, job: str) -> Response:
        """Have the files made from the decisions."""
        session, row = await run_in_threadpool(self._access.changing, request, job)
        revision = revision_of(fields_of(await json_of(request)))
        if row.review is None:
            raise HTTPException(409, _NO_REVIEW)
        try:
            await run_in_threadpool(self._ledger.finish, row.id, session.reviewer, revision)
        except (Stale, Busy) as error:
            return _conflict(error, row)
        return JSONResponse(shown.job(await run_in_threadpool(self._access.row, session, row.id)), 202)


def _conflict(error: Stale | Busy, row: Listed) -> Response:
    revision = error.revision if isinstance(error, Stale) else row.revision
    return JSONResponse({"error": str(error).capitalize(), "revision": revision}, 409)


_NO_REVIEW = "There is nothing to review: the job is not done, has failed, or came by the API"
_LONGEST_TEXT = 8 << 20
_STATIC = {
    "review.html": "text/html; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "review.svg": "image/svg+xml",
}
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
