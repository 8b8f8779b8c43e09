"""Where a process keeps what is not finished: rooms of its own, swept when it is gone.

A copy of a recording that was fetched, an output that has no place yet, or a review that is to leave nothing must not
outlive a killed process. Each process holds a lock on its own directory, which the system gives back whatever ends it;
the next one to start on this machine sweeps those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offrecord.errors import OutputError

__all__ = ["Rooms", "sweep"]


class Rooms:
    """The rooms of one process, below the system's directory for temporary files. Raises `OutputError`."""

    def __init__(self) -> None:
        house = _house()
        try:
            house.mkdir(mode=0o700, exist_ok=True)
            if house.is_symlink() or house.stat().st_uid != os.geteuid():
                raise OutputError(f"{house} belongs to another user; set TMPDIR to a directory of your own")
            sweep()
            self._directory, self._lock = _taken(house)
        except OSError as error:
            raise OutputError(f"{house} cannot be used: {error.strerror}; set TMPDIR to another directory") from None

    @contextmanager
    def room(self) -> Iterator[Path]:
        """An empty directory that goes with all that is left in it."""
        try:
            room = Path(tempfile.mkdtemp(dir=self._directory))
        except OSError as error:
            raise OutputError(f"there is no room for temporary files: {error.strerror}") from None
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def close(self) -> None:
        """Remove what is left, and give the lock back."""
        shutil.rmtree(self._directory, ignore_errors=True)
        os.close(self._lock)


def _house() -> Path:
    return Path(tempfile.gettempdir()) / f"offrecord-{os.geteuid()}"


def _taken(house: Path) -> tuple[Path, int]:
    """A directory of our own and the lock on it."""
    while True:
        directory = Path(tempfile.mkdtemp(dir=house))
        lock = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (directory / _LOCK).exists():
            return directory, lock
        os.close(lock)  # one that started beside us found nobody holding it, and swept it


def sweep() -> None:
    """Remove the directories of processes that are gone from this machine."""
    for directory in _house().glob("*"):
        with suppress(OSError):  # just made, or just swept by another
            lock = os.open(directory / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)


_LOCK = "lock"
