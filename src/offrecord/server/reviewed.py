"""The review page's sounds and files: redacted for whoever sees the job, and the original for who holds it.

What was said leaves this module in `original_words` and `original_sound` alone, to a session that holds the job's
unredacted view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from offrecord.page import PLAYED
from offrecord.review import audit
from offrecord.review.ledger import Busy, Ledger
from offrecord.review.listing import Listed
from offrecord.review.making import PEAK_MS
from offrecord.server.access import Access, fields_of, number_of
from offrecord.server.bodies import json_of
from offrecord.server.desk import Desk
from offrecord.store import Store

__all__ = ["Reviewed"]


class Reviewed:
    """The routes, as methods. ``unredacted``: whether reviewers may ask for the original."""

    def __init__(self, store: Store, ledger: Ledger, desk: Desk, access: Access, *, unredacted: bool) -> None:
        self._store, self._ledger, self._desk, self._access = store, ledger, desk, access
        self._allowed = unredacted

    def routes(self) -> Sequence[tuple[str, str, Any]]:
        """Method, what comes after the job's path, and handler."""
        return (
            ("GET", "/peaks", self.peaks),
            ("GET", "/sound", self.sound),
            ("GET", "/files.zip", self.zip),
            ("GET", "/audit.json", self.audit_json),
            ("GET", "/audit.csv", self.audit_csv),
            ("POST", "/unredacted", self.unredacted),
            ("GET", "/original/sound", self.original_sound),
            ("GET", "/original/words", self.original_words),
            ("DELETE", "/original", self.erase),
        )

    def peaks(self, request: Request, job: str) -> Response:
        """How loud the redacted sound is in each of equal parts of an interval."""
        row = self._access.seeing(request, job)[1]
        whole = np.frombuffer(self._ledger.peaks(row.id) or b"", np.uint8)
        start = number_of(request, "start", 0, 0, 1 << 40)
        end = number_of(request, "end", len(whole) * PEAK_MS, 0, 1 << 40)
        part = whole[start // PEAK_MS : -(-end // PEAK_MS)]
        bars = min(number_of(request, "bars", 1_000, 1, 10_000), len(part))
        if not bars:
            return JSONResponse({"peaks": []})
        edges = np.linspace(0, len(part), bars, endpoint=False).astype(int)
        return JSONResponse({"peaks": [round(int(peak) / 255, 3) for peak in np.maximum.reduceat(part, edges)]})

    def sound(self, request: Request, job: str) -> Response:
        """The redacted sound, in whole or in ranges."""
        row = self._access.seeing(request, job)[1]
        path = self._store.sound_path(row.id, row.sound) if row.sound else None
        if path is None or not path.is_file():
            raise HTTPException(404, "There is no redacted sound: this is a text, nobody speaks, or it is not made yet")
        return FileResponse(path, media_type=PLAYED[f".{row.sound}"], headers=_PRIVATE)

    def zip(self, request: Request, job: str) -> Response:
        """The files that were made from the decisions, and the audit record."""
        row = self._access.seeing(request, job)[1]
        path = self._store.sound_path(row.id, "zip")
        if row.review != "finished" or not path.is_file():
            raise HTTPException(409, "The files of this revision are not made; finish the review")
        return FileResponse(path, media_type="application/zip", filename="redacted.zip", headers=_PRIVATE)

    def audit_json(self, request: Request, job: str) -> Response:
        """The audit record as JSON."""
        text = audit.as_json(self._ledger.entries(self._access.seeing(request, job)[1].id))
        return Response(text, media_type="application/json", headers=_PRIVATE)

    def audit_csv(self, request: Request, job: str) -> Response:
        """The audit record as CSV."""
        text = audit.as_csv(self._ledger.entries(self._access.seeing(request, job)[1].id))
        return Response(text, media_type="text/csv", headers=_PRIVATE)

    # What was said.

    async def unredacted(self, request: Request, job: str) -> Response:
        """Hold the unredacted view of a job, or let go of it. Either is an event of the audit record."""
        session, row = await run_in_threadpool(self._access.changing, request, job)
        held = fields_of(await json_of(request)).get("held")
        if not isinstance(held, bool):
            raise HTTPException(400, "`held` must be true or false")
        if held and not self._allowed:
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
        session, row = self._access.seeing(request, job)
        allowed = self._allowed and row.original
        if not allowed or row.id not in session.held:
            raise HTTPException(423, "The unredacted view of this job is not held")
        return row

    def erase(self, request: Request, job: str) -> Response:
        """Erase the original of a job whose files are made: its sound and the words that are not shown."""
        session, row = self._access.changing(request, job)
        try:
            self._ledger.erase(row.id, session.reviewer)
        except Busy:
            raise HTTPException(409, "The original is erased when the files of the last revision are made") from None
        self._desk.drop(row.id)
        return Response(status_code=204)


_PRIVATE = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
