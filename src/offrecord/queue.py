"""The workers' side of the database: claims, how jobs end, what webhooks are owed, and what has had its time.

Whatever ends a job does it in one transaction: status, result, the end of its upload and of what the client gave in
confidence, and the messages that its webhook is owed. So a kill at any moment leaves a job as it was, or ended.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from offrecord.database import Database
from offrecord.rows import LEASE_MS, Claim, Notice, as_json, now

__all__ = ["Queue", "empty", "finishing", "unused"]

_DAY_MS = 24 * 60 * 60 * 1_000
_POISON = "The recording could not be processed: its worker ended {} times. It is not tried again."


class Queue(Database):
    """A database that workers take jobs from."""

    def claim(self, worker: int) -> Claim | None:
        """The oldest job that waits, for the process ``worker``; None if there is none."""
        with self.reading() as db:
            if db.execute("SELECT 1 FROM jobs WHERE status = 'queued' LIMIT 1").fetchone() is None:
                return None
        token = uuid.uuid4().hex
        with self.writing() as db:
            row = db.execute(
                "UPDATE jobs SET status = 'processing', claim = ?, lease = ?, worker = ?, attempts = attempts + 1"
                " WHERE seq = (SELECT seq FROM jobs WHERE status = 'queued' ORDER BY seq LIMIT 1)"
                " RETURNING id, attempts, upload, url, asked, secret",
                (token, now() + LEASE_MS, worker),
            ).fetchone()
        if row is None:
            return None
        job, attempt, upload, url, asked, secret = row
        return Claim(job, token, attempt, upload, url, json.loads(asked), json.loads(secret or "{}"))

    def renew(self, claim: Claim) -> bool:
        """Whether the claim still holds, and if so, its lease anew."""
        with self.writing() as db:
            return db.execute("UPDATE jobs SET lease = ? WHERE claim = ?", (now() + LEASE_MS, claim.token)).rowcount > 0

    def holds(self, claim: Claim) -> bool:
        """Whether the claim still holds: its job was not deleted, and nobody else was given it."""
        with self.reading() as db:
            return db.execute("SELECT 1 FROM jobs WHERE claim = ?", (claim.token,)).fetchone() is not None

    def finish(
        self,
        claim: Claim,
        *,
        result: Mapping[str, Any],
        original: Mapping[str, Any] | None,
        duration: int,
        sound: Path | None,
        keep: bool = False,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> bool:
        """Complete the job, if the claim still holds; whether it did.

        The file ``sound`` is moved to where it is served, before the row says so: a kill in between leaves a file
        without a row, which is removed. With ``keep`` it stays until the job is deleted. ``also`` is called in the
        same transaction.
        """
        container = sound.suffix[1:] if sound else None
        with self.writing() as db:
            ended = db.execute(
                "UPDATE jobs SET status = 'completed', claim = NULL, lease = NULL, worker = NULL, secret = NULL,"
                " ended = ?, result = ?, original = ?, duration = ?, sound = ?, sound_until = ? WHERE claim = ?",
                (
                    now(),
                    as_json(result),
                    as_json(original) if original is not None else None,
                    duration,
                    container,
                    now() + _DAY_MS if sound and not keep else None,
                    claim.token,
                ),
            ).rowcount
            if ended and sound and container:
                sound.replace(self.sound_path(claim.id, container))
            if ended and also:
                also(db)
            gone = _ended(db, claim.id, with_sound=sound is not None) if ended else []
        return self._swept(claim, gone, done=ended > 0)

    def fail(self, claim: Claim, error: str) -> bool:
        """End the job with ``error`` for its client to read, if the claim still holds; whether it did."""
        with self.writing() as db:
            ended = db.execute(f"{_FAIL} WHERE claim = ?", (now(), error, claim.token)).rowcount
            gone = _ended(db, claim.id) if ended else []
        return self._swept(claim, gone, done=ended > 0)

    def give_back(
        self, *, worker: int | None = None, attempts: int, all_: bool = False, counted: bool = True
    ) -> Sequence[tuple[str, int]]:
        """Queue again what workers hold that are gone, as (job, worker); jobs that had their ``attempts`` end in error.

        Gone is ``worker``; or, when None is named, any whose lease has run out; or, with ``all_``, every one. Where
        the worker was ended on purpose, the attempt is not ``counted``.
        """
        stuck, values = ("worker = ?", [worker]) if worker is not None else ("(lease < ? OR ?)", [now(), all_])
        held = f"SELECT id, worker, attempts FROM jobs WHERE status = 'processing' AND {stuck}"  # noqa: S608
        with self.reading() as db:  # asked for several times a second, and nearly always in vain
            if db.execute(held, values).fetchone() is None:
                return []
        with self.writing() as db:
            rows = db.execute(held, values).fetchall()
            gone: list[str] = []
            for job, _, tried in rows:
                if tried < attempts or not counted:
                    db.execute(
                        "UPDATE jobs SET status = 'queued', claim = NULL, lease = NULL, worker = NULL, attempts = ?"
                        " WHERE id = ?",
                        (tried if counted else tried - 1, job),
                    )
                else:
                    db.execute(f"{_FAIL} WHERE id = ?", (now(), _POISON.format(tried), job))
                    gone += _ended(db, job)
        for job, _, _ in rows:
            self.remove_files(job)
        for upload in gone:
            self.upload_path(upload).unlink(missing_ok=True)
        return [(job, of) for job, of, _ in rows]

    # Webhooks.

    def owed(self, limit: int) -> Sequence[Notice]:
        """The messages that are due, oldest first. The second of a job waits until the first is settled."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT seq, job, kind, attempts FROM notices WHERE due <= ?"
                " AND seq = (SELECT min(seq) FROM notices AS n WHERE n.job = notices.job) ORDER BY due LIMIT ?",
                (now(), limit),
            ).fetchall()
        return [Notice(*row) for row in rows]

    def header(self, job: str) -> tuple[str, str] | None:
        """Name and value of the header that the job's webhook asked for."""
        with self.reading() as db:
            row = db.execute("SELECT header FROM jobs WHERE id = ?", (job,)).fetchone()
        return tuple(json.loads(row[0])) if row and row[0] else None

    def told(self, notice: Notice, status: int | None, *, again_at: int | None) -> None:
        """Note what the webhook answered, and that it is told again, or that this message is settled."""
        with self.writing() as db:
            if status is not None:
                db.execute("UPDATE jobs SET webhook_status = ? WHERE id = ? AND NOT deleted", (status, notice.job))
            if again_at is not None:
                attempts = notice.attempts + 1
                db.execute("UPDATE notices SET attempts = ?, due = ? WHERE seq = ?", (attempts, again_at, notice.seq))
                return
            db.execute("DELETE FROM notices WHERE seq = ?", (notice.seq,))
            db.execute(
                "UPDATE jobs SET header = NULL WHERE id = ? AND id NOT IN (SELECT job FROM notices)", (notice.job,)
            )

    # What has had its time.

    def purge(self, *, ttl_ms: int | None) -> None:
        """Remove redacted sound and uploads after a day, transcripts after ``ttl_ms``, and files that no row knows."""
        with self.writing() as db:
            old = db.execute("SELECT id FROM jobs WHERE sound_until < ?", (now(),)).fetchall()
            db.execute("UPDATE jobs SET sound = NULL WHERE sound_until < ?", (now(),))
            waiting = f"SELECT upload FROM jobs WHERE upload IS NOT NULL AND {_NEEDS}"  # noqa: S608
            db.execute(f"DELETE FROM uploads WHERE created < ? AND id NOT IN ({waiting})", (now() - _DAY_MS,))  # noqa: S608
            gone: list[str] = []
            if ttl_ms is not None:
                ended = "SELECT id FROM jobs WHERE ended < ? AND NOT deleted"
                for (job,) in db.execute(ended, (now() - ttl_ms,)).fetchall():
                    old += [(one,) for one in (job, *finishing(db, job))]
                    gone += empty(db, job)
        for (job,) in old:
            self.remove_files(job)
        for upload in gone:
            self.upload_path(upload).unlink(missing_ok=True)
        self._remove_strays()
        self.shrink()
        self.settle()

    def _remove_strays(self) -> None:
        """Files without a row: a process was killed between the row and the file. Fresh ones may be on their way."""
        before = (now() - 60_000) / 1_000
        with self.reading() as db:
            uploads = {row[0] for row in db.execute("SELECT id FROM uploads")}
            running = {row[0] for row in db.execute("SELECT id || '.' || claim FROM jobs WHERE claim IS NOT NULL")}
            sounds = {f"{job}.{kind}" for job, kind in db.execute("SELECT id, sound FROM jobs WHERE sound IS NOT NULL")}
            sounds |= {f"{job}.zip" for (job,) in db.execute("SELECT job FROM reviews WHERE finished IS NOT NULL")}
        for directory, known in (("uploads", uploads), ("work", running), ("sound", sounds)):
            for path in (self.media / directory).iterdir():
                with suppress(FileNotFoundError):  # it was on its way, or another has removed it
                    # A half upload is named after its id and grows: its time is that of the last byte.
                    if path.name not in known and path.stat().st_mtime < before:
                        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    def _swept(self, claim: Claim, uploads: Sequence[str], *, done: bool) -> bool:
        shutil.rmtree(self.work_path(claim), ignore_errors=True)
        for upload in uploads:
            self.upload_path(upload).unlink(missing_ok=True)
        self.settle()
        return done


def finishing(db: sqlite3.Connection, job: str) -> Sequence[str]:
    """The job that makes the files of this one's review, if there is one: their files go together."""
    return [row[0] for row in db.execute("SELECT finish FROM reviews WHERE job = ? AND finish IS NOT NULL", (job,))]


def empty(db: sqlite3.Connection, job: str) -> Sequence[str]:
    """Take everything out of the job's row but that it was there; the uploads that nobody needs any more."""
    for other in finishing(db, job):
        db.execute("DELETE FROM jobs WHERE id = ?", (other,))
    for table in ("openings", "decisions", "drafts", "progress", "reviews"):
        db.execute(f"DELETE FROM {table} WHERE job = ?", (job,))  # noqa: S608 - ours
    rows = db.execute(
        "UPDATE jobs SET deleted = 1, status = 'completed', ended = coalesce(ended, ?), url = '', origin = '',"
        " asked = '{}', secret = NULL, header = NULL, claim = NULL, lease = NULL, worker = NULL, error = NULL,"
        " result = NULL, original = NULL, sound = NULL, sound_until = NULL, webhook_status = NULL WHERE id = ?"
        " RETURNING upload",
        (now(), job),
    ).fetchall()
    db.execute("DELETE FROM notices WHERE job = ?", (job,))
    return [upload for (upload,) in rows if upload and unused(db, upload)]


def _ended(db: sqlite3.Connection, job: str, *, with_sound: bool = False) -> Sequence[str]:
    """What follows the end of a job, in its transaction; the uploads that nobody needs any more."""
    db.execute("DELETE FROM progress WHERE job = ?", (job,))
    upload, asked = db.execute("SELECT upload, asked FROM jobs WHERE id = ?", (job,)).fetchone()
    if json.loads(asked).get("webhook_url"):
        for kind in ("transcript", "sound") if with_sound else ("transcript",):
            db.execute("INSERT INTO notices (job, kind, due) VALUES (?, ?, ?)", (job, kind, now()))
    return [upload] if upload and unused(db, upload) else []


def unused(db: sqlite3.Connection, upload: str) -> bool:
    """Whether no job waits for this upload; if so, its row goes."""
    if db.execute(f"SELECT 1 FROM jobs WHERE upload = ? AND {_NEEDS}", (upload,)).fetchone():  # noqa: S608
        return False
    db.execute("DELETE FROM uploads WHERE id = ?", (upload,))
    return True


_NEEDS = (
    "(status IN ('queued', 'processing') OR"
    " id IN (SELECT job FROM reviews WHERE kept AND jobs.status = 'completed' AND NOT jobs.deleted))"
)
"""Which jobs need their upload: those that are not done, and those whose original is kept to be reviewed."""

_FAIL = (
    "UPDATE jobs SET status = 'error', claim = NULL, lease = NULL, worker = NULL, secret = NULL, ended = ?, error = ?"
)
