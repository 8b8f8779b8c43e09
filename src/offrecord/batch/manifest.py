"""The manifest: one SQLite file with a row for each recording that was ever found, which is how a batch goes on.

A row is written when the outputs have their places, in a transaction of its own, so a killed run loses nothing but what
it was at. Rows hold digests, counts, and names relative to IN and OUT, which say no more than the names of the outputs;
they hold no text, no address and no option. SQLite, because a million rows are looked up and counted there without
being in memory, and because it is whole after a crash. The file belongs to one process at a time, without shared
memory.
"""

from __future__ import annotations

import json
import os
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from offrecord.batch.finding import Found
from offrecord.batch.rows import COLUMNS, JSON, SCHEMA, Planned, Row
from offrecord.errors import StateError

__all__ = ["AROUND", "Manifest"]

AROUND = (2, 5, 7)
"""Exit codes of what lies around a recording and not in it: a setting, a model, a disk. The next run tries it again."""

_VERSION = 1
_PAGE = 500


class Manifest:
    """The manifest in the file ``path``, made if it is not there. Used by one thread at a time.

    Raises `StateError` for a file that is none of ours, damaged, of a later version, or on a full disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fresh = not path.exists()
        """Whether there was none before."""
        with self._errors():
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # Held by this process alone: then the journal needs no shared memory, which network file systems lack.
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
                self._db.execute(f"PRAGMA {pragma}")
            self._prepare()
            with self._writing():
                self._db.execute("INSERT INTO facts VALUES ('run', 1) ON CONFLICT DO UPDATE SET value = value + 1")
            self.run: int = self._db.execute("SELECT value FROM facts WHERE name = 'run'").fetchone()[0]
            self._db.execute(
                "CREATE TEMP TABLE plan (id INTEGER PRIMARY KEY, source BLOB, options TEXT, settings TEXT, "
                "signature TEXT, size INTEGER, known TEXT, turn INTEGER)"
            )

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            with self._writing():
                for statement in SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise StateError(f"{self.path.name} is no manifest of this version ({version}); it was left as it is")

    def close(self) -> None:
        """Fold the journal into the file and close it."""
        self._db.close()

    # Finding.

    @contextmanager
    def finding(self) -> Iterator[None]:
        """A transaction around all that is found: one is faster than as many as there are recordings."""
        with self._errors(), self._writing():
            yield

    def see(self, found: Found) -> tuple[int, Row | None]:
        """Say that a recording was found in this run: its number, and what is known of it from before.

        One that is new gets the name of its outputs.
        """
        known = self._db.execute(
            "UPDATE recordings SET seen = ?, size = ? WHERE name = ? "
            "RETURNING id, state, signature, settings, content, code, kind, outputs",
            (self.run, found.size, _bytes(found.name)),
        ).fetchall()
        if known:
            ((*columns, outputs),) = known
            recording, state, signature, settings, content, code, kind = columns
            there = tuple((name, size, digest) for name, size, digest in json.loads(outputs))
            return recording, Row(recording, state, signature, settings, content, code, kind, there)
        stem, folded = self._stem(found.name)
        made = self._db.execute(
            "INSERT INTO recordings (name, stem, folded, seen, size) VALUES (?, ?, ?, ?, ?)",
            (_bytes(found.name), _bytes(stem), folded, self.run, found.size),
        )
        return int(made.lastrowid or 0), None

    def _stem(self, name: str) -> tuple[str, bytes]:
        """What the outputs are called before ``.redacted``: by the name, and told from others by more than case."""
        path = PurePosixPath(name)
        candidate, number = str(path.with_suffix("")), 1
        while True:
            folded = _bytes(unicodedata.normalize("NFC", candidate.casefold()))
            if not self._db.execute("SELECT 1 FROM recordings WHERE folded = ?", (folded,)).fetchone():
                return candidate, folded
            candidate = name if number == 1 else f"{name}~{number}"
            number += 1

    def plan(self, recording: int, found: Found, settings: str, known: str | None) -> None:
        """Have this run work on it."""
        self._db.execute(
            "INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (recording, _bytes(found.source), json.dumps(dict(found.options)), settings, found.signature, found.size,
             known),
        )  # fmt: skip

    def arrange(self, *, shuffle: bool, limit: int | None) -> None:
        """Put the plan in its order, and leave what is beyond the limit for another run."""
        order = "random()" if shuffle else "id"
        with self._errors(), self._writing():
            self._db.execute(
                f"UPDATE plan SET turn = o.turn FROM (SELECT id, row_number() OVER (ORDER BY {order}) AS turn "  # noqa: S608
                "FROM plan) AS o WHERE plan.id = o.id"
            )
            if limit is not None:
                self._db.execute("DELETE FROM plan WHERE turn > ?", (limit,))
            self._db.execute("CREATE INDEX temp.by_turn ON plan (turn)")

    def planned(self) -> Iterator[Planned]:
        """The plan in its order, a page at a time, so that it is never all in memory."""
        turn = 0
        while True:
            with self._errors():
                rows = self._db.execute(
                    "SELECT turn, id, name, stem, source, options, plan.settings, plan.signature, plan.size, known, "
                    "recordings.outputs != '[]' FROM plan JOIN recordings USING (id) WHERE turn > ? "
                    "ORDER BY turn LIMIT ?",
                    (turn, _PAGE),
                ).fetchall()
            if not rows:
                return
            for turn, recording, name, stem, source, options, settings, signature, size, known, ours in rows:  # noqa: B007
                yield Planned(
                    recording, _text(name), _text(stem), _text(source), json.loads(options), settings, signature, size,
                    known, bool(ours),
                )  # fmt: skip

    # Working.

    def record(self, recording: int, row: Mapping[str, Any]) -> list[str]:
        """Write what became of a recording; the names of outputs that it had before and has no more.

        A failure leaves the content and the outputs of an earlier success on the row, for they are there still.
        """
        if row["state"] == "unchanged":
            columns: dict[str, Any] = {"state": "done", "signature": row["signature"]}
        else:
            columns = {"error": None, "kind": None, **row}
        values = [json.dumps(value) if key in JSON and value is not None else value for key, value in columns.items()]
        with self._errors(), self._writing():
            before = self._db.execute("SELECT outputs FROM recordings WHERE id = ?", (recording,)).fetchone()
            self._db.execute(
                f"UPDATE recordings SET {', '.join(f'{key} = ?' for key in columns)} WHERE id = ?",  # noqa: S608
                (*values, recording),
            )
        if before is None or "outputs" not in row:
            return []
        now = {name for name, *_ in row["outputs"]}
        return [name for name, *_ in json.loads(before[0]) if name not in now]

    # Counting.

    def query(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a reading statement, in which ``seen`` is `Manifest.seen`."""
        with self._errors():
            return self._db.execute(statement, values).fetchall()

    def exported(self) -> Iterator[dict[str, Any]]:
        """Every row, as the lines of manifest.jsonl have it."""
        names = COLUMNS.split(", ")
        last = 0
        while True:
            statement = f"SELECT {COLUMNS} FROM recordings WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
            rows = self.query(statement, last, _PAGE)
            if not rows:
                return
            for values in rows:
                row = dict(zip(names, values, strict=True))
                last = row["id"]
                row |= {key: json.loads(row[key]) for key in JSON if row[key] is not None}
                yield row | {"name": _text(row["name"]), "stem": _text(row["stem"])}

    def import_(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the rows that another manifest exported. Raises `StateError` for what none did."""
        names = COLUMNS.split(", ")
        with self._errors(), self._writing():
            for row in rows:
                try:
                    values = {
                        key: json.dumps(row[key]) if key in JSON and row[key] is not None else row[key] for key in names
                    }
                    values |= {"name": _bytes(row["name"]), "stem": _bytes(row["stem"])}
                    values["folded"] = _bytes(unicodedata.normalize("NFC", row["stem"].casefold()))
                except (KeyError, TypeError, AttributeError):
                    raise StateError("manifest.jsonl in OUT is not what a batch wrote; move it away") from None
                marks = ", ".join(f":{key}" for key in values)
                self._db.execute(f"INSERT INTO recordings (seen, {', '.join(values)}) VALUES (0, {marks})", values)  # noqa: S608

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(f"the manifest in {self.path.parent}: {_reason(error)}") from None
        except OSError as error:
            raise StateError(f"the manifest in {self.path.parent} cannot be used: {error.strerror}") from None


def _reason(error: sqlite3.Error) -> str:
    """What to do about SQLite's complaint; its message holds no value."""
    said = str(error)
    if "locked" in said:
        return "another run works on it; let it end, or choose another OUT"
    if "full" in said or "disk I/O" in said:
        return "the disk is full or cannot be written; make room and start again, it goes on where it was"
    if "malformed" in said or "not a database" in said:
        return "it is damaged and was left as it is; move it away, and what is in manifest.jsonl is taken instead"
    return f"the database refused ({type(error).__name__}: {said})"


def _bytes(text: str) -> bytes:
    """Names of files need not be text in UTF-8."""
    return os.fsencode(text)


def _text(name: bytes) -> str:
    return os.fsdecode(name)
