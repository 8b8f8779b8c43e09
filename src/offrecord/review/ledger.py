"""The reviews in the database: which jobs they are of, their drafts, every step and event, and the files at the end.

Steps are added and never changed. A step is refused where its writer has not seen the one before it, so two reviewers
cannot overwrite each other; and it is in the file before anybody is told so. A step that is sent twice, with a token
of its own, is taken once. All of a job's review goes with the job.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from offrecord.database import Database
from offrecord.errors import UsageError
from offrecord.queue import unused
from offrecord.review.decisions import parse
from offrecord.review.draft import Draft, censored, concealed, original_from, original_record
from offrecord.review.listing import STATE
from offrecord.review.marks import Original
from offrecord.review.steps import STEPS, Entry, History, What
from offrecord.rows import Claim, as_json, now
from offrecord.types import Transcript

__all__ = ["Busy", "Ledger", "Review", "Stale"]


class Stale(UsageError):
    """The step was made on another revision than the last. ``revision`` is the last."""

    http_status = 409

    def __init__(self, revision: int) -> None:
        super().__init__("somebody has decided something since: look at it, and decide again")
        self.revision = revision


class Busy(UsageError):
    """The review takes no step now."""

    http_status = 409

    def __init__(self) -> None:
        super().__init__("nothing can be decided now: the files are being made, or the original was erased")


@dataclass(frozen=True, slots=True)
class Review:
    """A review as the database holds it."""

    draft: Draft
    original: Original = field(repr=False)
    entries: tuple[Entry, ...]
    revision: int


class Ledger:
    """The reviews of the jobs in ``database``. Who asks names the owner of the job, but for workers."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # What a review is.

    def review(self, job: str) -> Review | None:
        """All of the job's review; None where there is none (yet)."""
        with self._db.reading() as db:
            row = db.execute(
                "SELECT d.draft, d.original, r.revision FROM reviews AS r JOIN drafts AS d ON d.job = r.job"
                " WHERE r.job = ?",
                (job,),
            ).fetchone()
        if row is None:
            return None
        original = Original(original_from(json.loads(row[1])))
        # Read after the review: what was added meanwhile has a later revision, and is left out.
        entries = tuple(entry for entry in self.entries(job) if entry.revision <= row[2])
        return Review(Draft.of(json.loads(row[0])), original, entries, row[2])

    def entries(self, job: str) -> Sequence[Entry]:
        """Every step and event of the job's review, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT revision, at, who, what, body FROM decisions WHERE job = ? ORDER BY seq", (job,)
            ).fetchall()
        return [
            Entry(revision, at, who, what, parse(json.loads(body)) if body else ())
            for revision, at, who, what, body in rows
        ]

    def stamp(self, job: str) -> tuple[Any, ...] | None:
        """What changes whenever something of the review does."""
        with self._db.reading() as db:
            row: tuple[Any, ...] | None = db.execute(
                f"SELECT revision, kept, ready, finish, {STATE} FROM reviews AS r WHERE job = ?",  # noqa: S608
                (job,),
            ).fetchone()
        return row

    def kind(self, job: str) -> str | None:
        """What sort of file the recording is, by its extension."""
        with self._db.reading() as db:
            row = db.execute("SELECT json_extract(draft, '$.kind') FROM drafts WHERE job = ?", (job,)).fetchone()
        return row[0] if row else None

    def peaks(self, job: str) -> bytes | None:
        """How loud the redacted sound is, a byte for each 10 ms."""
        with self._db.reading() as db:
            row = db.execute("SELECT peaks FROM drafts WHERE job = ?", (job,)).fetchone()
        return row[0] if row else None

    def drafts(self) -> Sequence[tuple[str, Draft]]:
        """The drafts of all reviews that there are, whoever owns them: for counts."""
        with self._db.reading() as db:
            rows = db.execute("SELECT job, draft FROM drafts ORDER BY job").fetchall()
        return [(job, Draft.of(json.loads(draft))) for job, draft in rows]

    # Steps and events.

    def add(self, job: str, entry: Entry, *, token: str | None, entities: int) -> None:
        """Add a step, whose revision is the next one. ``entities``: how many details are hidden after it.

        Raises `Stale` where another one was added meanwhile, and `Busy` where none is taken now.
        """
        body = as_json([decision.record() for decision in entry.decisions]) if entry.decisions else None
        with self._db.writing() as db:
            row = db.execute(f"SELECT revision, kept, {STATE} FROM reviews AS r WHERE job = ?", (job,)).fetchone()  # noqa: S608
            if row is None:
                raise Stale(0)
            if row[0] != entry.revision - 1:
                raise Stale(row[0])
            if row[2] == "finishing" or not row[1]:
                raise Busy
            _insert(db, job, entry, body, token)
            db.execute("UPDATE reviews SET revision = ?, entities = ? WHERE job = ?", (entry.revision, entities, job))

    def taken(self, job: str, token: str) -> bool:
        """Whether a step with this token is there already."""
        with self._db.reading() as db:
            row = db.execute("SELECT 1 FROM decisions WHERE job = ? AND token = ?", (job, token)).fetchone()
        return row is not None

    def note(self, job: str, who: str, what: What) -> None:
        """Add an event, which changes no mark."""
        if what in STEPS:
            raise UsageError("a step is no event")
        with self._db.writing() as db:
            row = db.execute("SELECT revision FROM reviews WHERE job = ?", (job,)).fetchone()
            if row:
                _insert(db, job, Entry(row[0], now(), who, what), None, None)

    # The files at the end.

    def finish(self, job: str, who: str, revision: int) -> None:
        """Have the files made from the decisions. Raises `Stale` and `Busy` as `add` does; asked again, it is one."""
        with self._db.writing() as db:
            row = db.execute(
                f"SELECT revision, kept, finish, {STATE} FROM reviews AS r WHERE job = ?",  # noqa: S608
                (job,),
            ).fetchone()
            if row is None or row[0] != revision:
                raise Stale(row[0] if row else 0)
            if row[3] in ("finishing", "finished"):
                return
            if not row[1]:
                raise Busy
            db.execute("DELETE FROM jobs WHERE id = ?", (row[2],))
            made = str(uuid.uuid4())
            db.execute(
                "INSERT INTO jobs (id, owner, status, created, url, upload, origin, asked)"
                " SELECT ?, '', 'queued', ?, '', upload, '', json_set(asked, '$.finish', ?, '$.revision', ?)"
                " FROM jobs WHERE id = ?",
                (made, now(), job, revision, job),
            )
            db.execute("UPDATE reviews SET finish = ?, finished = NULL WHERE job = ?", (made, job))
            _insert(db, job, Entry(revision, now(), who, "finish"), None, None)
        self._db.sound_path(job, "zip").unlink(missing_ok=True)

    def finished(self, db: sqlite3.Connection, job: str, *, revision: int, draft: Draft, peaks: bytes | None) -> None:
        """Note, in the transaction of the job that made them, that the files of ``revision`` are there."""
        db.execute(
            "UPDATE reviews SET finished = ?, verification = ? WHERE job = ?", (revision, _verification(draft), job)
        )
        db.execute("UPDATE drafts SET draft = ?, peaks = ? WHERE job = ?", (as_json(draft.record()), peaks, job))
        db.execute("DELETE FROM progress WHERE job = ?", (job,))
        _insert(db, job, Entry(revision, now(), "offrecord", "finished"), None, None)

    def begun(
        self, db: sqlite3.Connection, job: str, *, draft: Draft, original: Transcript, peaks: bytes | None
    ) -> None:
        """Note, in the transaction that completes the job, what the review of it begins with."""
        db.execute(
            "UPDATE reviews SET ready = 1, entities = ?, verification = ? WHERE job = ?",
            (len(draft.entities), _verification(draft), job),
        )
        row = (job, as_json(draft.record()), as_json(original_record(original)), peaks)
        db.execute("INSERT INTO drafts (job, draft, original, peaks) VALUES (?, ?, ?, ?)", row)

    def redraft(self, job: str, claim: Claim, draft: Draft) -> None:
        """Keep what the worker with this claim found, though it will fail: where a person is to look."""
        with self._db.writing() as db:
            db.execute(
                "UPDATE drafts SET draft = ? WHERE job = ? AND EXISTS (SELECT 1 FROM jobs WHERE claim = ?)",
                (as_json(draft.record()), job, claim.token),
            )

    def erase(self, job: str, who: str) -> None:
        """Erase what was said: the words that are not shown, and the original sound.

        Raises `Busy` unless the files of the last revision are made. Erased once more, it is erased.
        """
        review = self.review(job)
        if review is None:
            raise Busy
        marks = History.of(review.original, review.draft.marks, review.entries).marks
        left = censored(review.original.transcript, concealed(review.draft, marks))
        with self._db.writing() as db:
            revision, kept, upload, state = db.execute(
                f"SELECT r.revision, r.kept, j.upload, {STATE} FROM reviews AS r JOIN jobs AS j ON j.id = r.job"  # noqa: S608
                " WHERE r.job = ?",
                (job,),
            ).fetchone() or (0, 1, None, "open")
            if not kept:
                return
            if state != "finished" or revision != review.revision:
                raise Busy
            db.execute("UPDATE reviews SET kept = 0 WHERE job = ?", (job,))
            db.execute("UPDATE drafts SET original = ? WHERE job = ?", (as_json(original_record(left)), job))
            _insert(db, job, Entry(revision, now(), who, "erased"), None, None)
            gone = upload if upload and unused(db, upload) else None
        if gone:
            self._db.upload_path(gone).unlink(missing_ok=True)
        self._db.settle()

    def progress(self, job: str, claim: Claim, stage: str, share: float | None, left_ms: int | None) -> None:
        """Note how far the worker with this claim is with the job."""
        with self._db.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO progress SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM jobs WHERE claim = ?)",
                (job, stage, share, left_ms, claim.token),
            )

    # Addresses that are good once.

    def open_once(self, owner: str, job: str | None, seconds: int) -> str:
        """A token that opens a session of ``owner`` once, within so many seconds. Only its digest is kept."""
        token = secrets.token_urlsafe(32)
        with self._db.writing() as db:
            row = (_digest(token), owner, job, now() + seconds * 1_000)
            db.execute("INSERT INTO openings (digest, owner, job, until) VALUES (?, ?, ?, ?)", row)
        return token

    def opened(self, token: str) -> tuple[str, str | None] | None:
        """The owner and the job that the token is for; it is used up."""
        with self._db.writing() as db:
            db.execute("DELETE FROM openings WHERE until < ?", (now(),))
            row: tuple[str, str | None] | None = db.execute(
                "DELETE FROM openings WHERE digest = ? RETURNING owner, job", (_digest(token),)
            ).fetchone()
        return row


def _insert(db: sqlite3.Connection, job: str, entry: Entry, body: str | None, token: str | None) -> None:
    db.execute(
        "INSERT INTO decisions (job, revision, at, who, what, body, token) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (job, entry.revision, entry.at, entry.who, entry.what, body, token),
    )


def _verification(draft: Draft) -> str | None:
    return as_json(asdict(draft.verification)) if draft.verification else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
