"""The clients' side of the database: submitting, reading, listing and deleting jobs, and uploads.

Every reader names the owner, so nobody is told of what belongs to another.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from offrecord.queue import Queue, empty, finishing
from offrecord.rows import COLUMNS, Job, Status, as_json, job_of, now

__all__ = ["Store"]


class Store(Queue):
    """The whole of the database, as the server has it."""

    def submit(
        self,
        owner: str,
        url: str,
        *,
        asked: Mapping[str, Any],
        secret: Mapping[str, Any],
        header: tuple[str, str] | None = None,
        upload: str | None = None,
        origin: str = "",
        review: Literal["recording", "text"] | None = None,
    ) -> Job:
        """A new job at the end of the queue.

        ``asked``: settings. ``secret``: what the client gave that might name people; it goes when the job ends.
        ``header``: what its webhook is to be sent along; it goes when the webhook was told.
        ``review``: somebody will go over this recording, or text, which is kept for that.
        """
        with self.writing() as db:
            row = db.execute(
                "INSERT INTO jobs (id, owner, status, created, url, upload, origin, asked, secret, header)"  # noqa: S608
                f" VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?) RETURNING {COLUMNS}",
                (
                    str(uuid.uuid4()),
                    owner,
                    now(),
                    url,
                    upload,
                    origin,
                    as_json(asked),
                    as_json(secret) if secret else None,
                    as_json(header) if header else None,
                ),
            ).fetchone()
            job = job_of(row)
            if review:
                db.execute("INSERT INTO reviews (job, kind) VALUES (?, ?)", (job.id, review))
        return job

    def job(self, job: str, owner: str) -> Job | None:
        """The owner's job of this id, deleted or not."""
        found = self.anyones(job)
        return found if found and found.owner == owner else None

    def anyones(self, job: str) -> Job | None:
        """The job of this id: for links that authorise themselves, and for webhooks."""
        with self.reading() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job,)).fetchone()  # noqa: S608
        return job_of(row) if row else None

    def jobs(
        self,
        owner: str,
        *,
        limit: int,
        status: str | None = None,
        since: int | None = None,
        until: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> Sequence[Job]:
        """The owner's jobs, newest first: those created in ``since`` to ``until``, before or after another job.

        Without their results: a page of long transcripts would be read for nothing.
        """
        conditions = {
            "status = ?": status,
            "created >= ?": since,
            "created < ?": until,
            "seq < (SELECT seq FROM jobs AS j WHERE j.id = ? AND j.owner = jobs.owner)": before,
            "seq > (SELECT seq FROM jobs AS j WHERE j.id = ? AND j.owner = jobs.owner)": after,
        }
        chosen = {condition: value for condition, value in conditions.items() if value is not None}
        # What comes after a job is what comes next after it, not the newest of all.
        order = "ASC" if after and not before else "DESC"
        columns = COLUMNS.replace("result, original", "NULL, NULL")
        query = f"SELECT {columns} FROM jobs WHERE {' AND '.join(['owner = ?', *chosen])} ORDER BY seq {order} LIMIT ?"  # noqa: S608
        with self.reading() as db:
            rows = db.execute(query, (owner, *chosen.values(), limit)).fetchall()
        return sorted((job_of(row) for row in rows), key=lambda job: -job.seq)

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each status."""
        with self.reading() as db:
            rows = db.execute("SELECT status, count(*) FROM jobs GROUP BY status").fetchall()
        return {status.value: 0 for status in Status} | dict(rows)

    def delete(self, job: str, owner: str) -> Job | None:
        """Empty the owner's job and remove its files, whatever it is doing. The emptied row tells that it was there."""
        with self.writing() as db:
            if db.execute("SELECT 1 FROM jobs WHERE id = ? AND owner = ?", (job, owner)).fetchone() is None:
                return None
            others = finishing(db, job)
            uploads = empty(db, job)
        for other in others:
            self.remove_files(other)
        self.remove_files(job, uploads)
        self.settle()
        return self.job(job, owner)

    def add_upload(self, upload: str, owner: str, size: int) -> None:
        """Note that the upload is this owner's. Its file takes its place after that."""
        with self.writing() as db:
            db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?)", (upload, owner, size, now()))

    def upload_owner(self, upload: str) -> str | None:
        """Whose upload it is, or None if it is not there, or no more."""
        with self.reading() as db:
            row = db.execute("SELECT owner FROM uploads WHERE id = ?", (upload,)).fetchone()
        return row[0] if row else None

    def forget(self, job: str, owner: str) -> None:
        """Delete the owner's job, and its row as well: nobody will ask what has become of it."""
        self.delete(job, owner)
        with self.writing() as db:
            db.execute("DELETE FROM jobs WHERE id = ? AND owner = ?", (job, owner))

    def forget_brief(self) -> None:
        """Forget the jobs that clients waited for and that are still there: the server ended meanwhile."""
        with self.reading() as db:
            rows = db.execute("SELECT id, owner FROM jobs WHERE json_extract(asked, '$.brief')").fetchall()
        for job, owner in rows:
            self.forget(job, owner)
