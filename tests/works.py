"""Work for executors that does as it is told: the stub of redaction where it is executors that are tested."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offrecord.errors import InputError, ModelError


class Obedient:
    """Does what ``body["do"]`` says. Notes in ``given["notes"]`` who was built, and what was begun."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._notes = Path(given["notes"])
        if given.get("refuse"):
            raise ModelError("there is no model here")
        if given.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        self._note("built", os.environ["OFFRECORD_THREADS"])

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._note("begun", body.get("name", ""))
        answer: dict[str, Any] | None = getattr(self, f"_{body['do']}")(body)
        return {"pid": os.getpid(), "name": body.get("name", "")} if answer is None else answer

    def _note(self, what: str, of: str) -> None:
        with self._notes.open("a") as file:
            file.write(f"{what} {os.getpid()} {of}\n")

    def _well(self, body: Mapping[str, Any]) -> None:
        time.sleep(body.get("seconds", 0))

    def _fail(self, body: Mapping[str, Any]) -> None:
        raise InputError(f"{body['name']}: this is\nno recording")

    def _fault(self, body: Mapping[str, Any]) -> None:
        raise ZeroDivisionError(body["name"])

    def _die(self, _: Mapping[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _die_once(self, body: Mapping[str, Any]) -> None:
        mark = self._notes.with_suffix(f".{body['name']}")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _print(self, body: Mapping[str, Any]) -> None:
        sys.stdout.write(f"{body['name']}\n")
        sys.stdout.flush()
        os.write(1, body["name"].encode())
        logging.getLogger("azure.core.pipeline").info(body["name"])
        logging.getLogger("gcsfs").error(body["name"])
        logging.getLogger("offrecord").info("done")

    def _environment(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return dict(os.environ)


class Jobs:
    """In the place of `offrecord.elsewhere.Work`: the upload says what to do."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        work, says = Path(body["work"]), Path(body["upload"]).read_text()
        (work / "begun").touch()
        if says == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if says == "refuse":
            raise InputError(f"{body['upload']}: this is no recording")
        if says == "wait":
            time.sleep(600)
        if says != "forget":
            words = {"words": [[says, 0, 100, 1.0, None, None]], "duration": 1_000, "language": "en"}
            (work / "result.json").write_text(json.dumps(words))
            (work / "original.json").write_text("null")
        (work / "redacted.mp3").write_text(says)
        return {"duration": 1_000, "sound": "redacted.mp3"}
