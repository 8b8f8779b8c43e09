"""The jobs of an owner as the review page lists them: where each stands, and nothing of what was said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from offrecord.database import Database

__all__ = ["STATE", "Listed", "listed", "one"]

State = Literal["open", "finishing", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list of jobs. ``review`` is None where nobody can review it. Milliseconds."""

    id: str
    status: str
    created: int
    duration: int | None
    error: str | None
    deleted: bool
    kind: Literal["recording", "text"] | None
    revision: int
    entities: int | None
    verification: Mapping[str, Any] | None
    review: State | None
    original: bool
    sound: str | None
    upload: str | None
    progress: tuple[str, float | None, int | None] | None
    finish_error: str | None = None


def listed(database: Database, owner: str, *, limit: int, before: str | None = None) -> Sequence[Listed]:
    """The owner's jobs, newest first, without those that were deleted."""
    wanted = "j.owner = ? AND NOT j.deleted AND json_extract(j.asked, '$.brief') IS NULL"
    older = " AND j.seq < (SELECT seq FROM jobs WHERE id = ? AND owner = ?)" if before else ""
    query = f"{_LISTED} WHERE {wanted}{older} ORDER BY j.seq DESC LIMIT ?"
    with database.reading() as db:
        rows = db.execute(query, (owner, *((before, owner) if before else ()), limit)).fetchall()
    return [_listed(row) for row in rows]


def one(database: Database, job: str, owner: str) -> Listed | None:
    """The owner's job of this id, deleted or not."""
    with database.reading() as db:
        row = db.execute(f"{_LISTED} WHERE j.owner = ? AND j.id = ?", (owner, job)).fetchone()
    return _listed(row) if row else None


def _listed(row: Sequence[Any]) -> Listed:
    (job, status, created, duration, error, deleted, kind, revision, entities, verification, review, original, sound,
     upload, stage, share, left_ms, finish_error) = row  # fmt: skip
    return Listed(
        job, status, created, duration, error, bool(deleted), kind, revision, entities,
        json.loads(verification) if verification else None, review, bool(original), sound, upload,
        (stage, share, left_ms) if stage else None, finish_error if review == "failed" else None,
    )  # fmt: skip


STATE = """
CASE
  WHEN r.finish IS NULL THEN 'open'
  WHEN (SELECT f.status FROM jobs AS f WHERE f.id = r.finish) IN ('queued', 'processing') THEN 'finishing'
  WHEN r.finished = r.revision THEN 'finished'
  WHEN (SELECT f.status = 'error' AND json_extract(f.asked, '$.revision') = r.revision
        FROM jobs AS f WHERE f.id = r.finish) THEN 'failed'
  ELSE 'open'
END
"""
"""Where a review stands: by the job that makes its files, and whether they are those of the last revision."""

_LISTED = f"""
SELECT j.id, j.status, j.created, j.duration, j.error, j.deleted, r.kind, coalesce(r.revision, 0),
  coalesce(r.entities, json_array_length(j.result, '$.entities')), r.verification,
  CASE WHEN r.ready THEN {STATE} END, coalesce(r.kept AND r.ready, 0), j.sound, j.upload,
  p.stage, p.share, p.left_ms, (SELECT f.error FROM jobs AS f WHERE f.id = r.finish)
FROM jobs AS j LEFT JOIN reviews AS r ON r.job = j.id LEFT JOIN progress AS p ON p.job = j.id
"""  # noqa: S608 - ours
