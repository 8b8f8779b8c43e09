"""One recording of a batch, from its address to its outputs: what a worker process does again and again.

A worker builds `Work` once, which loads the models. All files are under names of ours until the outputs take their
places, so no message can name the recording. Before they do, the row of the manifest is written beside them: whoever
finds it after a kill puts the outputs in their places and does nothing anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from offrecord import audio, export
from offrecord.batch import places
from offrecord.batch.finding import WORK
from offrecord.batch.recipe import redactor_of
from offrecord.errors import InputError, NotDeleted, OffrecordError, OutputError, OutputExists, Unverified
from offrecord.pipeline import Redactor
from offrecord.rooms import Rooms
from offrecord.types import Redaction

__all__ = ["ROW", "Work", "settle", "stage_of"]

ROW = "row.json"
"""In the directory of a recording whose outputs are complete."""

_LONGEST_NAME = 255
_OTHERS = 4


class Work:
    """Makes what a recipe says of one recording after the other.

    ``given``: ``recipe`` (of `offrecord.batch.recipe.Recipe.given`), ``out`` (a directory or prefix) and ``force``.
    ``redactor``: one that has its models already, instead of one that is made by the recipe.
    Raises `ModelError` or `UsageError` for models that cannot be loaded.
    """

    def __init__(self, given: Mapping[str, Any], redactor: Redactor | None = None) -> None:
        self._out: str = given["out"]
        self._force: bool = given["force"]
        self._formats: list[str] = given["recipe"]["formats"]
        self._redactor = redactor or redactor_of(given["recipe"])
        self._policy: str = given["recipe"]["settings"]["policy"]
        self._others: dict[str, Redactor] = {}
        self._redactor.load()
        self._rooms = Rooms()

    def __call__(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What became of the recording ``body``: the fields of its row, in JSON's types, which hold no text.

        ``body``: its ``id`` and its ``source``, the ``stem`` of its outputs relative to OUT, the ``suffix`` of its
        name, its own ``options``, the digest of its ``settings``, its ``signature``, the digest of the content that is
        ``known`` to be done, and whether the outputs are ``ours`` to replace.
        What is wrong with the recording is a row as well.
        """
        began = time.monotonic()
        with self._rooms.room() as room:
            stage = stage_of(self._out, int(body["id"])) or room / "out"
            try:
                row = self._row(body, room, stage)
            except OffrecordError as error:
                places.removed(stage)
                row = {
                    "state": "failed",
                    "code": error.exit_code,
                    "kind": type(error).__name__,
                    "error": self._told(error, body, room, stage),
                }
        return row | _of(body) | {"seconds": round(time.monotonic() - began, 3)}

    def close(self) -> None:
        """Remove what is in temporary directories."""
        self._rooms.close()

    def _row(self, body: Mapping[str, Any], room: Path, stage: Path) -> dict[str, Any]:
        source = room / f"recording{body['suffix']}"
        places.fetch(body["source"], source)
        audio.identity(source)
        content = _digest(source)
        if content == body["known"]:
            return {"state": "unchanged", "content": content}
        left = settle(self._out, stage)
        if left and (left["content"], left["settings"]) == (content, body["settings"]):
            return left
        places.removed(stage)
        redactor = self._of(body["options"])
        stem = PurePosixPath(body["stem"])
        sound = redactor.policy.sound != "none"
        outputs = export.outputs(source, stage, self._formats, recording=True, sound=sound)
        paths = {name: stage / f"{stem.name}{path.name.removeprefix('recording')}" for name, path in outputs.items()}
        self._refuse(body, stem, paths)
        redaction, paths = self._redacted(redactor, source, body, room, paths)
        notices = export.write(redaction, source, paths, redactor.policy)
        row = {"state": "done", "content": content, "notices": list(notices), **_measured(redaction)}
        row["outputs"] = [[str(stem.parent / path.name), path.stat().st_size, _digest(path)] for path in paths.values()]
        _keep(row | _of(body), stage)
        settle(self._out, stage)
        return row

    def _redacted(
        self, redactor: Redactor, source: Path, body: Mapping[str, Any], room: Path, paths: dict[str, Path]
    ) -> tuple[Redaction, dict[str, Path]]:
        """The redaction, and those of the outputs that it can have: nobody speaks, so there is no sound to redact."""
        transcript = None
        if given := body["options"].get("transcript"):
            transcript = room / f"transcript{PurePosixPath(given).suffix.lower()}"
            places.fetch(given, transcript)
        redaction = redactor.redact(source, transcript=transcript, verifying=export.sounds(paths))
        if not redaction.transcript.words and not paths.keys() <= export.SOUNDS:
            paths = {name: path for name, path in paths.items() if name not in export.SOUNDS}
        return redaction, paths

    def _refuse(self, body: Mapping[str, Any], stem: PurePosixPath, paths: Mapping[str, Path]) -> None:
        """Raise `InputError` for names that cannot be, `OutputExists` for files in the way that are not ours."""
        if any(len(os.fsencode(path.name)) > _LONGEST_NAME for path in paths.values()):
            raise InputError(f"its outputs would have names of more than {_LONGEST_NAME} bytes; give it a shorter one")
        if self._force or body["ours"] or places.scheme(self._out) is not None:
            return
        if any((Path(self._out) / stem.parent / path.name).exists() for path in paths.values()):
            raise OutputExists(
                "an output is there that the manifest does not know; move it, or replace it with --force"
            )

    def _of(self, options: Mapping[str, Any]) -> Redactor:
        """The redactor for a recording's own options; a few are kept, because lists repeat them."""
        changed = {name: value for name, value in options.items() if name != "transcript"}
        if not changed:
            return self._redactor
        key = json.dumps(changed, sort_keys=True)
        if key not in self._others:
            if len(self._others) == _OTHERS:
                del self._others[next(iter(self._others))]
            base = self._redactor
            lists = {"policy": self._policy, "allow": base.policy.allow, "deny": base.policy.deny}
            self._others[key] = base.again(**(lists | changed))
        return self._others[key]

    def _told(self, error: OffrecordError, body: Mapping[str, Any], room: Path, stage: Path) -> str:
        """The error in a line that names neither the recording nor where it is."""
        text = str(error).replace(f"{PurePosixPath(body['stem']).name}.redacted.", "recording.redacted.")
        for directory in (room, stage):
            text = text.replace(f"{directory}/", "").replace(str(directory), "OUT")
        return " ".join(text.replace(self._out, "OUT").split())


def stage_of(out: str, recording: int) -> Path | None:
    """Where the outputs of a recording wait for their places, on the same disk; None for a bucket, which has none."""
    return Path(out) / WORK / "work" / str(recording) if places.scheme(out) is None else None


def settle(out: str, stage: Path) -> dict[str, Any] | None:
    """Give what is complete in ``stage`` its places, those that have none yet. The row of it; None if it is not.

    Raises `OutputError` where a place cannot be taken.
    """
    try:
        row: dict[str, Any] = json.loads((stage / ROW).read_bytes())
    except (OSError, ValueError):  # not there, or cut off by a full disk: then nothing took its place
        return None
    for name, _, _ in row["outputs"]:
        staged = stage / PurePosixPath(name).name
        if staged.exists():
            places.put(staged, out, name)
    return row


def _keep(row: Mapping[str, Any], stage: Path) -> None:
    """Write the row whole: a disk may say only now that it is full."""
    try:
        stage.mkdir(parents=True, exist_ok=True)
        with (stage / f"{ROW}.part").open("w", encoding="utf-8") as file:
            json.dump(row, file)
            file.flush()
            os.fsync(file.fileno())
        (stage / f"{ROW}.part").replace(stage / ROW)
    except OSError as error:
        raise OutputError(f"OUT cannot be written to: {error.strerror}") from None


def _of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a task its row repeats."""
    return {"settings": body["settings"], "signature": body["signature"]}


def _measured(redaction: Redaction) -> dict[str, Any]:
    """What the row says of a redaction: numbers, labels, and whether all of it went well."""
    done = redaction.verification
    code = 0
    if done and done.left:
        code = Unverified.released_exit_code
    elif redaction.made_with.get("remote_copy") == "not deleted":
        code = NotDeleted.exit_code
    checked = done and {
        "mode": done.mode, "found": done.found, "widened": done.widened, "added": done.added, "left": len(done.left),
    }  # fmt: skip
    return {
        "code": code,
        "duration": redaction.transcript.duration,
        "words": len(redaction.transcript.words),
        "entities": redaction.counts(),
        "muted": sum(end - start for start, end in redaction.muted),
        "verification": checked,
    }


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"the recording cannot be read: {error.strerror}") from None
