"""The rows of a batch's manifest as values, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["COLUMNS", "JSON", "SCHEMA", "Planned", "Row"]

SCHEMA = """
CREATE TABLE recordings (
  id INTEGER PRIMARY KEY,
  name BLOB NOT NULL UNIQUE,
  stem BLOB NOT NULL,
  folded BLOB NOT NULL UNIQUE,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed', 'quarantined')),
  seen INTEGER NOT NULL,
  size INTEGER NOT NULL DEFAULT 0,
  signature TEXT NOT NULL DEFAULT '',
  content TEXT,
  settings TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  code INTEGER NOT NULL DEFAULT 0,
  kind TEXT,
  error TEXT,
  duration INTEGER NOT NULL DEFAULT 0,
  words INTEGER,
  muted INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  entities TEXT NOT NULL DEFAULT '{}',
  verification TEXT,
  notices TEXT NOT NULL DEFAULT '[]',
  outputs TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
"""
JSON = ("entities", "verification", "notices", "outputs")
"""The columns that hold JSON."""
COLUMNS = (
    "id, name, state, content, settings, signature, size, stem, attempts, code, kind, error, duration, words, muted, "
    "seconds, entities, verification, notices, outputs"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a recording before this run."""

    id: int
    state: str
    signature: str
    settings: str | None
    content: str | None
    code: int
    kind: str | None
    outputs: tuple[tuple[str, int, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Planned:
    """A recording that this run works on. ``known``: the content that is done with these settings, if it is."""

    id: int
    name: str = field(repr=False)
    stem: str = field(repr=False)
    source: str = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    settings: str
    signature: str
    size: int
    known: str | None
    ours: bool
