"""A server's job on any machine: it takes and gives files in the job's own directory, on storage that is shared.

The message to the worker names two paths, and the answer counts. What the client asked for, with what it gave in
confidence, is in a file that the worker removes as it reads it; the result and the original are files that the server
reads. The database is on the server's machine alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offrecord.errors import FailedClosed, OutputError
from offrecord.fetch import Limits
from offrecord.jobs import Models, compute
from offrecord.orders import Order
from offrecord.pipeline import Redactor
from offrecord.rows import Claim, as_json
from offrecord.settings import ServerSettings

__all__ = ["Work", "given", "read", "task"]


def given(settings: ServerSettings, redactor: Mapping[str, Any]) -> dict[str, Any]:
    """What `Work` and its executor are given, as JSON's types, so that jobs are done with these settings. No keys."""
    chosen = Redactor(**redactor).settings
    return {
        "redactor": {name: str(value) if isinstance(value, Path) else value for name, value in redactor.items()},
        "limits": [settings.max_upload, _DOWNLOAD_S, [host for host in settings.fetch_allow.split(",") if host]],
        "threads": chosen.threads,
        "device": chosen.device,
    }


class Work:
    """Runs jobs (`offrecord.executors` says who builds it). ``given``: the settings of `Models`, and of `Limits`."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._models = Models(**given["redactor"])
        self._models.load()
        size, seconds, allowed = given["limits"]
        self._limits = Limits(size, seconds, tuple(allowed))

    def __call__(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do the job; where its files are, by name, and how long its recording is (ms). Raises for its client."""
        work = Path(body["work"])
        try:
            asked = json.loads((work / _ASKED).read_text(encoding="utf-8"))
            (work / _ASKED).unlink()
            upload = Path(body["upload"]) if body["upload"] else None
            order = Order.of(asked["order"], asked["secret"])
            done = compute(order, upload, asked["url"], work, self._models, self._limits)
            for name in ("result", "original"):
                _write(work / f"{name}.json", as_json(done[name]))
        except OSError as error:
            raise OutputError(f"The result cannot be written: {error.strerror}.") from None
        except MemoryError:
            raise FailedClosed("The recording needs more memory than a worker may use.") from None
        return {"duration": done["duration"], "sound": done["sound"].name if done["sound"] else None}


def task(claim: Claim, work: Path, upload: Path | None) -> dict[str, Any]:
    """Make the directory ``work`` with what the client asked for in it; the body of a task for `Work`."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    asked = {"order": claim.asked["order"], "secret": claim.secret, "url": claim.url}
    _write(work / _ASKED, as_json(asked))
    return {"work": str(work.resolve()), "upload": str(upload.resolve()) if upload else None}


def read(body: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """What `Queue.finish` takes, from what `Work` gave. Raises `OutputError` for files that are not there, or whole."""
    try:
        files = {name: json.loads((work / f"{name}.json").read_bytes()) for name in ("result", "original")}
    except (OSError, ValueError):
        raise OutputError("the result that a worker wrote cannot be read; is the media directory shared?") from None
    return {**files, "duration": body["duration"], "sound": work / body["sound"] if body["sound"] else None}


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # on shared storage, what is closed may be seen later than what is said


_ASKED = "asked.json"
_DOWNLOAD_S = 1_800.0
