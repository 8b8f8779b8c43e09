"""The review page's routes: who signed in sees the jobs of a key, decides about their details, and has files made.

Logic is in `offrecord.review`. What was said leaves this module in `original_words` and `original_sound` alone, to a
session that holds the job's unredacted view.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from offrecord.labels import LABELS, labels_for
from offrecord.orders import Order
from offrecord.page import PLAYED
from offrecord.pipeline import Redactor
from offrecord.review import audit, shown
from offrecord.review.ledger import Busy, Ledger, Listed, Stale
from offrecord.review.making import PEAK_MS
from offrecord.review.marks import parse
from offrecord.review.steps import What
from offrecord.server.bodies import json_of
from offrecord.server.desk import Desk
from offrecord.server.keys import Keys
from offrecord.server.sessions import Session, Sessions, from_here, with_cookie
from offrecord.server.uploads import receive
from offrecord.settings import ServerSettings
from offrecord.store import Store

__all__ = ["ReviewPage", "order_for"]


def order_for(redactor: Redactor, policy: str | None) -> dict[str, Any]:
    """What a review's job is asked to do. Raises `UnknownLabel` for a policy that is none."""
    labels = redactor.policy.labels if policy is None else labels_for(policy)
    order = Order(redact=True, labels=tuple(sorted(map(str, labels))), substitution=redactor.policy.substitution)
    return {"order": order.asked(), "echo": {}}


class ReviewPage:
    """The routes, as methods. ``redactor``: whose policy holds where none is named."""

    def __init__(self, store: Store, keys: Keys, redactor: Redactor, settings: ServerSettings) -> None:
        self._store, self._keys, self._redactor, self._settings = store, keys, redactor, settings
        self._ledger = Ledger(store)
        self._desk = Desk(self._ledger)
        self._sessions = Sessions()

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
            ("POST", f"{job}/unredacted", self.unredacted),
            ("GET", f"{job}/peaks", self.peaks),
            ("GET", f"{job}/sound", self.sound),
            ("GET", f"{job}/original/sound", self.original_sound),
            ("GET", f"{job}/original/words", self.original_words),
            ("DELETE", f"{job}/original", self.erase),
            ("GET", f"{job}/files.zip", self.zip),
            ("GET", f"{job}/audit.json", self.audit_json),
            ("GET", f"{job}/audit.csv", self.audit_csv),
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
        key = _fields(await json_of(request)).get("key", "")
        if not isinstance(key, str):
            raise HTTPException(400, "`key` must be a text")
        token = self._sessions.open(self._keys.owner(f"Bearer {key}"))
        return with_cookie(Response(status_code=204), token, secure=self._secure(request))

    def session(self, request: Request) -> Response:
        """Whether somebody is signed in, and what the page needs to know."""
        session = self._sessions.of(request)
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
        session = self._sessions.close(request)
        for job in sorted(session.held) if session else ():
            self._ledger.note(job, session.reviewer, "released")  # type: ignore[union-attr] # it is there
        return with_cookie(Response(status_code=204), None, secure=self._secure(request))

    def open(self, request: Request) -> Response:
        """Open a session by an address that is good once, and go to its job."""
        found = self._ledger.opened(request.query_params.get("token", ""))
        if found is None:
            raise HTTPException(403, "This address was used already, or is too old; start offrecord review again")
        job, owner = found
        response = RedirectResponse(f"/review/{job}", 303)
        return with_cookie(response, self._sessions.open(owner), secure=self._secure(request))

    def _secure(self, request: Request) -> bool:
        public = self._settings.public_url or ""
        return request.url.scheme == "https" or public.startswith("https://")

    # Jobs.

    def jobs(self, request: Request) -> Response:
        """The jobs of this key, newest first."""
        session = self._sessions.needed(request)
        limit = _number(request, "limit", 50, 1, 200)
        before = request.query_params.get("before")
        rows = self._ledger.listed(session.owner, limit=limit + 1, before=_id(before) if before else None)
        return JSONResponse({"jobs": [shown.job(row) for row in rows[:limit]], "more": len(rows) > limit})

    async def submit(self, request: Request) -> Response:
        """Take a recording or a text to be reviewed, as the raw body."""
        session = self._sessions.needed(request)
        from_here(request)
        policy = request.query_params.get("policy") or None
        asked = order_for(self._redactor, policy[:10_000] if policy else None)
        text = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"
        most = min(self._settings.max_upload, _LONGEST_TEXT) if text else self._settings.max_upload
        upload = await receive(request, self._store, session.owner, most)
        kind: Literal["text", "recording"] = "text" if text else "recording"
        asked["review"] = {"kind": kind, "policy": policy}
        job = await run_in_threadpool(
            self._store.submit, session.owner, "", asked=asked, secret={}, upload=upload, review=kind
        )
        return JSONResponse(shown.job(self._row(session, job.id)), 201)

    def job(self, request: Request, job: str) -> Response:
        """One job, and how far it is."""
        return JSONResponse(shown.job(self._row(self._sessions.needed(request), job)))

    def delete(self, request: Request, job: str) -> Response:
        """Erase the job, its recording, its files and its review, now."""
        row = self._changing(request, job)[1]
        self._store.delete(row.id, self._sessions.needed(request).owner)
        self._desk.drop(row.id)
        return Response(status_code=204)

    def document(self, request: Request, job: str) -> Response:
        """All that the page of a job shows, without a hidden word."""
        found = self._desk.document(self._row(self._sessions.needed(request), job))
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
        session, row = await run_in_threadpool(self._changing, request, job)
        given = _fields(await json_of(request))
        revision, token = _revision(given), given.get("token")
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
        session, row = await run_in_threadpool(self._changing, request, job)
        revision = _revision(_fields(await json_of(request)))
        if row.review is None:
            raise HTTPException(409, _NO_REVIEW)
        try:
            await run_in_threadpool(self._ledger.finish, row.id, session.reviewer, revision)
        except (Stale, Busy) as error:
            return _conflict(error, row)
        return JSONResponse(shown.job(await run_in_threadpool(self._row, session, row.id)), 202)

    # Sound and files.

    def peaks(self, request: Request, job: str) -> Response:
        """How loud the redacted sound is in each of equal parts of an interval."""
        row = self._row(self._sessions.needed(request), job)
        whole = np.frombuffer(self._ledger.peaks(row.id) or b"", np.uint8)
        start = _number(request, "start", 0, 0, 1 << 40)
        end = _number(request, "end", len(whole) * PEAK_MS, 0, 1 << 40)
        part = whole[start // PEAK_MS : -(-end // PEAK_MS)]
        bars = min(_number(request, "bars", 1_000, 1, 10_000), len(part))
        if not bars:
            return JSONResponse({"peaks": []})
        edges = np.linspace(0, len(part), bars, endpoint=False).astype(int)
        return JSONResponse({"peaks": [round(int(peak) / 255, 3) for peak in np.maximum.reduceat(part, edges)]})

    def sound(self, request: Request, job: str) -> Response:
        """The redacted sound, in whole or in ranges."""
        row = self._row(self._sessions.needed(request), job)
        path = self._store.sound_path(row.id, row.sound) if row.sound else None
        if path is None or not path.is_file():
            raise HTTPException(404, "There is no redacted sound: this is a text, nobody speaks, or it is not made yet")
        return FileResponse(path, media_type=PLAYED[f".{row.sound}"], headers=_PRIVATE)

    def zip(self, request: Request, job: str) -> Response:
        """The files that were made from the decisions, and the audit record."""
        row = self._row(self._sessions.needed(request), job)
        path = self._store.sound_path(row.id, "zip")
        if row.review != "finished" or not path.is_file():
            raise HTTPException(409, "The files of this revision are not made; finish the review")
        return FileResponse(path, media_type="application/zip", filename="redacted.zip", headers=_PRIVATE)

    def audit_json(self, request: Request, job: str) -> Response:
        """The audit record as JSON."""
        text = audit.as_json(self._ledger.entries(self._row(self._sessions.needed(request), job).id))
        return Response(text, media_type="application/json", headers=_PRIVATE)

    def audit_csv(self, request: Request, job: str) -> Response:
        """The audit record as CSV."""
        text = audit.as_csv(self._ledger.entries(self._row(self._sessions.needed(request), job).id))
        return Response(text, media_type="text/csv", headers=_PRIVATE)

    # What was said.

    async def unredacted(self, request: Request, job: str) -> Response:
        """Hold the unredacted view of a job, or let go of it. Either is an event of the audit record."""
        session, row = await run_in_threadpool(self._changing, request, job)
        held = _fields(await json_of(request)).get("held")
        if not isinstance(held, bool):
            raise HTTPException(400, "`held` must be true or false")
        if held and not self._settings.review_unredacted:
            raise HTTPException(403, "This server shows no original: OFFRECORD_REVIEW_UNREDACTED is not set")
        if held and not row.original:
            raise HTTPException(409, "There is no original: it was erased, or the job is not for review")
        if held != (row.id in session.held):
            # The event first: nobody reads what nobody wrote down.
            await run_in_threadpool(self._ledger.note, row.id, session.reviewer, "held" if held else "released")
            (session.held.add if held else session.held.discard)(row.id)
        return JSONResponse({"held": held})

    def original_words(self, request: Request, job: str) -> Response:
        """The words that were said, to who holds the unredacted view."""
        row = self._unredacted(request, job)
        return JSONResponse({"words": self._desk.words(row.id) or []}, headers=_PRIVATE)

    def original_sound(self, request: Request, job: str) -> Response:
        """The recording as it came, in whole or in ranges, to who holds the unredacted view."""
        row = self._unredacted(request, job)
        path = self._store.upload_path(row.upload) if row.upload else None
        if path is None or row.kind == "text" or not path.is_file():
            raise HTTPException(404, "There is no recording")
        kind = PLAYED.get(f".{self._ledger.kind(row.id)}", "application/octet-stream")
        return FileResponse(path, media_type=kind, headers=_PRIVATE)

    def _unredacted(self, request: Request, job: str) -> Listed:
        session = self._sessions.needed(request)
        row = self._row(session, job)
        allowed = self._settings.review_unredacted and row.original
        if not allowed or row.id not in session.held:
            raise HTTPException(423, "The unredacted view of this job is not held")
        return row

    def erase(self, request: Request, job: str) -> Response:
        """Erase the original of a job whose files are made: its sound and the words that are not shown."""
        session, row = self._changing(request, job)
        try:
            self._ledger.erase(row.id, session.reviewer)
        except Busy:
            raise HTTPException(409, "The original is erased when the files of the last revision are made") from None
        self._desk.drop(row.id)
        return Response(status_code=204)

    def _changing(self, request: Request, job: str) -> tuple[Session, Listed]:
        """The session and the job of a request that changes something."""
        session = self._sessions.needed(request)
        from_here(request)
        return session, self._row(session, job)

    def _row(self, session: Session, job: str) -> Listed:
        row = self._ledger.one(_id(job), session.owner)
        if row is None:
            raise HTTPException(404, _UNKNOWN)
        if row.deleted:
            raise HTTPException(410, "This job was deleted")
        return row


def _conflict(error: Stale | Busy, row: Listed) -> Response:
    revision = error.revision if isinstance(error, Stale) else row.revision
    return JSONResponse({"error": str(error).capitalize(), "revision": revision}, 409)


def _fields(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise HTTPException(400, "The body must be a JSON object")
    return body


def _revision(given: dict[str, Any]) -> int:
    revision = given.get("revision")
    if type(revision) is not int or revision < 0:
        raise HTTPException(400, "`revision` must be the number that the last answer gave")
    return revision


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 15 and least <= int(text) <= most):
        raise HTTPException(400, f"`{name}` must be a whole number from {least} to {most}")
    return int(text)


def _id(text: str) -> str:
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        raise HTTPException(404, _UNKNOWN) from None
    if found != text.lower():
        raise HTTPException(404, _UNKNOWN)
    return found


_UNKNOWN = "There is no such job"
_NO_REVIEW = "There is nothing to review: the job is not done, has failed, or came by the API"
_LONGEST_TEXT = 8 << 20
_STATIC = {
    "review.html": "text/html; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
}
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PRIVATE = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
