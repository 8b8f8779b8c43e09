"""Who may ask what of which job: before a route of the review page does anything. And its fields, checked."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from offrecord.review import listing
from offrecord.review.listing import Listed
from offrecord.server.sessions import Session, Sessions, from_here
from offrecord.store import Store

__all__ = ["Access", "fields_of", "id_of", "number_of", "revision_of"]


class Access:
    """The sessions, and the jobs that each may see."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.sessions = Sessions()

    def seeing(self, request: Request, job: str) -> tuple[Session, Listed]:
        """The session and its job. Raises 401 without a session, 404 for no job of its key, 410 for a deleted one."""
        session = self.sessions.needed(request)
        return session, self.row(session, job)

    def changing(self, request: Request, job: str) -> tuple[Session, Listed]:
        """As `seeing`, for a request that changes something: 403 unless the page itself sends it."""
        session = self.sessions.needed(request)
        from_here(request)
        return session, self.row(session, job)

    def row(self, session: Session, job: str) -> Listed:
        """The session's job."""
        row = listing.one(self._store, id_of(job), session.owner)
        if row is None:
            raise HTTPException(404, _UNKNOWN)
        if row.deleted:
            raise HTTPException(410, "This job was deleted")
        return row


def fields_of(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise HTTPException(400, "The body must be a JSON object")
    return body


def revision_of(given: dict[str, Any]) -> int:
    revision = given.get("revision")
    if type(revision) is not int or revision < 0:
        raise HTTPException(400, "`revision` must be the number that the last answer gave")
    return revision


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 15 and least <= int(text) <= most):
        raise HTTPException(400, f"`{name}` must be a whole number from {least} to {most}")
    return int(text)


def id_of(text: str) -> str:
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        raise HTTPException(404, _UNKNOWN) from None
    if found != text.lower():
        raise HTTPException(404, _UNKNOWN)
    return found


_UNKNOWN = "There is no such job"
