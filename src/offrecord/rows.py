"""The rows of the server's database as values, and its tables."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["COLUMNS", "LEASE_MS", "REVIEWS", "SCHEMA", "Claim", "Job", "Notice", "Status", "as_json", "job_of", "now"]

LEASE_MS = 30_000
"""How long a claim holds without a sign of life from its worker."""


class Status(StrEnum):
    """Where a job stands, in the words of AssemblyAI's API, with all the ways on from there."""

    QUEUED = "queued"  # -> processing: claimed by a worker
    PROCESSING = "processing"  # -> completed, error: by its worker; -> queued, error: its worker is gone
    COMPLETED = "completed"  # the end; deleting a job leaves its emptied row here
    ERROR = "error"  # the end


@dataclass(frozen=True, slots=True)
class Job:
    """A row. Times are milliseconds since 1970; ``duration`` is the recording's length in milliseconds."""

    seq: int
    id: str
    owner: str = field(repr=False)
    status: Status
    created: int
    ended: int | None
    url: str = field(repr=False)
    origin: str
    asked: Mapping[str, Any] = field(repr=False)
    attempts: int
    error: str | None
    duration: int | None
    result: Mapping[str, Any] | None = field(repr=False)
    original: Mapping[str, Any] | None = field(repr=False)
    sound: str | None
    sound_until: int | None
    webhook_status: int | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker may run: nobody else has it while the lease holds."""

    id: str
    token: str
    attempt: int
    upload: str | None
    url: str = field(repr=False)
    asked: Mapping[str, Any] = field(repr=False)
    secret: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that a webhook is owed."""

    seq: int
    job: str
    kind: str
    attempts: int


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def as_json(value: object) -> str:
    """``value`` as the columns hold it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def job_of(row: Sequence[Any]) -> Job:
    """A `Job` from a row of `COLUMNS`."""
    (seq, job, owner, status, created, ended, url, origin, asked, attempts, error, duration, result, original,
     sound, sound_until, webhook_status, deleted) = row  # fmt: skip
    return Job(
        seq, job, owner, Status(status), created, ended, url, origin, json.loads(asked), attempts, error, duration,
        json.loads(result) if result else None, json.loads(original) if original else None,
        sound, sound_until, webhook_status, bool(deleted),
    )  # fmt: skip


COLUMNS = (
    "seq, id, owner, status, created, ended, url, origin, asked, attempts, error, duration, result, original,"
    " sound, sound_until, webhook_status, deleted"
)
"""What `job_of` takes."""

# The long columns are the last: SQLite reads a row as far as what it is asked for, and housekeeping asks all rows.
SCHEMA = """
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'completed', 'error')),
  created INTEGER NOT NULL,
  ended INTEGER,
  url TEXT NOT NULL,
  upload TEXT,
  origin TEXT NOT NULL,
  asked TEXT NOT NULL,
  secret TEXT,
  header TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  claim TEXT UNIQUE,
  lease INTEGER,
  worker INTEGER,
  error TEXT,
  duration INTEGER,
  sound TEXT,
  sound_until INTEGER,
  webhook_status INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0,
  result TEXT,
  original TEXT,
  CHECK ((status = 'processing') = (claim IS NOT NULL))
);
CREATE INDEX by_status ON jobs (status, seq);
CREATE INDEX by_owner ON jobs (owner, seq);
CREATE INDEX by_upload ON jobs (upload) WHERE upload IS NOT NULL;
CREATE TABLE uploads (id TEXT PRIMARY KEY, owner TEXT NOT NULL, size INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE notices (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL REFERENCES jobs (id),
  kind TEXT NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
)
"""

REVIEWS = """
CREATE TABLE reviews (
  job TEXT PRIMARY KEY REFERENCES jobs (id),
  kind TEXT NOT NULL CHECK (kind IN ('recording', 'text')),
  revision INTEGER NOT NULL DEFAULT 0,
  entities INTEGER,
  verification TEXT,
  ready INTEGER NOT NULL DEFAULT 0,
  kept INTEGER NOT NULL DEFAULT 1,
  finish TEXT,
  finished INTEGER
);
CREATE TABLE drafts (
  job TEXT PRIMARY KEY REFERENCES reviews (job),
  draft TEXT NOT NULL,
  original TEXT NOT NULL,
  peaks BLOB
);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL REFERENCES reviews (job),
  revision INTEGER NOT NULL,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  body TEXT,
  token TEXT,
  UNIQUE (job, token)
);
CREATE INDEX by_review ON decisions (job, seq);
CREATE TABLE openings (
  digest TEXT PRIMARY KEY, owner TEXT NOT NULL, job TEXT REFERENCES reviews (job), until INTEGER NOT NULL
);
CREATE TABLE progress (job TEXT PRIMARY KEY, stage TEXT NOT NULL, share REAL, left_ms INTEGER)
"""
"""What version 2 of the database has beyond version 1: recordings and texts that people go over.

``original`` holds what was said until it is erased (``kept``); ``draft`` and the decisions hold positions and labels.
Drafts have a table of their own, so that a step does not write them anew. A row of ``decisions`` is never changed.
``finish`` is the job, of nobody, that makes the files of ``finished``, which is a revision. ``openings`` are addresses
that are good once.
"""
