"""Where a batch's manifest is, and who has it: a lock on a file, which the system gives back whatever ends a run."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

from offrecord.batch import places
from offrecord.batch.finding import WORK
from offrecord.errors import StateError

__all__ = ["hold", "home_of", "own_of"]


def home_of(out: str, state: Path | None = None) -> Path:
    """Where the manifest is: in ``state``, in OUT, or for a bucket in the user's directory for such things."""
    if state:
        return state
    if own := own_of(out):
        return own[0]
    base = os.environ.get("XDG_STATE_HOME", "")
    ours = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return ours / "offrecord" / "batch" / hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:16]


def own_of(out: str) -> list[Path]:
    """The directory of ours in OUT; a bucket has none."""
    return [] if places.scheme(out) else [Path(out) / WORK]


def hold(home: Path) -> IO[bytes]:
    """The lock on a directory, which is made; closing it gives it back.

    Raises `StateError` where another run has it.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / "lock").open("ab")
    except OSError as error:
        raise StateError(f"{home} cannot be used: {error.strerror}; choose another OUT, or --state") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StateError("another run works on this OUT; let it end, or choose another one") from None
    return lock
