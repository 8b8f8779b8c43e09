"""The server's state: one SQLite file, whose table of jobs is the queue and the results.

A row is a job; its status column is the queue. A claim is one ``UPDATE … RETURNING`` and is held by a lease, so a
worker that is gone loses it; what it still writes is refused, because every write names the claim. Rows hold ids,
settings and results. A result is the redacted transcript; the original stands beside it only where it was asked for.
What a client gave that might name people (terms to hide, spellings) and the header for its webhook are in a column of
their own, which is emptied when they have been used.

Erased means erased: the database overwrites what is freed (``secure_delete``), and the journal is folded in and cut.
One process serves a home at a time: a second one is refused by a lock on a file, which a killed process gives back.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from offrecord.errors import StateError
from offrecord.rows import REVIEWS, SCHEMA, Claim

__all__ = ["Database"]


class _Held:
    """A thread's connection, which is closed when the thread ends. Left alone it would wait for the collector."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """The database of the directory ``home``, which is made if it is not there.

    Media (uploads, work, redacted sound) are in ``home`` too, or in the directory ``media``, which other machines may
    share; the database is never shared, for SQLite's locks do not hold on a network's file system.
    Used from any number of threads and processes. Raises `StateError` when the file is no database of ours, is
    damaged, locked, or of a later version; it is never written over. One of an earlier version gets the tables that it
    lacks.
    """

    def __init__(self, home: Path, media: Path | None = None) -> None:
        self.home, self.media = home, media or home
        self._local = threading.local()
        self._open: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._lock: IO[bytes] | None = None
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("uploads", "sound", "work"):
                (self.media / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(
                f"{error.filename} cannot be used: {error.strerror}; name another directory with --home or --media"
            ) from None
        try:
            self._prepare()
        except StateError:
            self.close()
            raise
        self.path.chmod(0o600)

    def _prepare(self) -> None:
        with self.reading() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and not tables:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # for `shrink`; it cannot be turned on later
                db.execute("PRAGMA journal_mode = WAL")
        with self.writing() as db:
            # Looked at again: another process may have made it meanwhile.
            version = db.execute("PRAGMA user_version").fetchone()[0]
            new = version == 0 and not tables
            if new or version in _EARLIER:
                for statement in ";".join(([SCHEMA] if new else []) + [REVIEWS]).split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise StateError(f"{self.path} is not ours, or of another version ({version}); it was left as it is")

    @property
    def path(self) -> Path:
        """The database file."""
        return self.home / "offrecord.db"

    def upload_path(self, upload: str) -> Path:
        """Where the bytes of an upload are."""
        return self.media / "uploads" / upload

    def sound_path(self, job: str, container: str) -> Path:
        """Where the redacted sound of a job is."""
        return self.media / "sound" / f"{job}.{container}"

    def work_path(self, claim: Claim) -> Path:
        """Where a worker keeps what it needs while it runs a job: a directory that goes with the claim."""
        return self.media / "work" / f"{claim.id}.{claim.token}"

    def close(self) -> None:
        """Close what all threads opened, and give the home back if it is held."""
        for held in tuple(self._open):
            held.connection.close()
        self._local = threading.local()
        if self._lock:
            self._lock.close()
            self._lock = None

    def hold(self) -> None:
        """Take the home for this process until it closes or ends. Raises `StateError` if another server has it.

        The whole database is checked: better not to start than to serve from a damaged file.
        """
        lock = (self.home / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise StateError(f"another server works in {self.home}; stop it, or name another with --home") from None
        self._lock = lock
        with self.reading() as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StateError(f"{self.path} is damaged; it was left as it is. Move it away, or restore a copy")

    # Connections: one for each thread, because SQLite's transactions belong to a connection. It goes with its thread:
    # a worker has a new one for each job, and a server for each burst of requests.

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, outside of a transaction."""
        known: _Held | None = getattr(self._local, "held", None)
        if known is not None:
            return known.connection
        connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        held = _Held(connection)
        for pragma in ("secure_delete = ON", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        self._open.add(held)
        self._local.held = held
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by. Raises `StateError` for whatever SQLite says."""
        try:
            yield self.connection()
        except sqlite3.Error as error:
            raise StateError(f"{self.path}: {_reason(error)}") from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it happens, or nothing. Raises `StateError` for whatever SQLite says."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def settle(self) -> None:
        """Fold the journal into the file and cut it: what was erased is in neither. If others read, later."""
        with self.reading() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def shrink(self) -> None:
        """Give what is free in the file back to the disk."""
        with self.reading() as db:
            db.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after the first page

    def remove_files(self, job: str, uploads: Iterable[str] = ()) -> None:
        """Remove the files of a job and of the ``uploads``: those that are there."""
        for directory in (self.media / "work").glob(f"{uuid.UUID(job)}.*"):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.media / "sound").glob(f"{uuid.UUID(job)}.*"):
            file.unlink(missing_ok=True)
        for upload in uploads:
            self.upload_path(upload).unlink(missing_ok=True)


def _reason(error: sqlite3.Error) -> str:
    """What to do about SQLite's complaint. Its message names tables and files, never a value."""
    said = str(error)
    if "locked" in said:
        return "the database is locked by another program; stop that one"
    if "full" in said or "disk I/O" in said:
        return "the disk is full or cannot be written; make room"
    if "malformed" in said or "not a database" in said:
        return "this is no sound database of Offrecord; it was left as it is. Move it away, or restore a copy"
    return f"the database refused ({type(error).__name__})"


_PATIENCE_S = 10
_VERSION = 2
_EARLIER = (1,)
"""Versions that only lack tables: they get them. Version 1 had no `REVIEWS`."""
