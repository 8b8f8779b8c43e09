"""One source of the `redact` command: redacted, printed, written, and reported, with the exit code that it comes to."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from offrecord import export, sources, terminal
from offrecord.errors import NoSpeech, NotDeleted, OffrecordError, Unverified, UsageError
from offrecord.pipeline import Redactor
from offrecord.transcribe import imported
from offrecord.types import Redaction

__all__ = ["one", "outputs"]


def outputs(file: Path, output: Path | None, formats: str | None, redactor: Redactor) -> dict[str, Path]:
    """Where each format of a source is written; nothing without a directory. Raises as `export.outputs` does."""
    if output is None:
        return {}
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is no directory")
    wanted = [part.strip() for part in formats.split(",")] if formats else []
    name = Path("stdin.txt") if file == sources.STDIN else file
    kind = sources.kind(file)
    sound = kind == "recording" and redactor.policy.sound != "none"
    return export.outputs(name, output, wanted, recording=kind != "text", sound=sound)


def one(
    redactor: Redactor,
    file: Path,
    paths: dict[str, Path],
    transcript: Path | None,
    as_json: bool,
    console: Console,
    *,
    alone: bool,
) -> int:
    """Redact one source and print it; its exit code. One of several that fails does not stop the others."""
    began = time.monotonic()
    try:
        with terminal.working(console, f"{file.name}: working"):
            redaction = _run(redactor, file, transcript, None if as_json else terminal.data, export.sounds(paths))
            if as_json:
                terminal.data(json.dumps(json.loads(export.as_json(redaction)), ensure_ascii=False))
            silent = sources.kind(file) == "recording" and not redaction.transcript.words
            if silent and not paths.keys() <= export.SOUNDS:
                paths = {name: path for name, path in paths.items() if name not in export.SOUNDS}
            notices = export.write(redaction, file, paths, redactor.policy)
    except OffrecordError as error:
        if alone:
            raise
        terminal.notices.print(f"offrecord: {file.name}: {error}", markup=False)
        return error.exit_code
    terminal.report(console, file, redaction, paths, time.monotonic() - began)
    for notice in notices:
        console.print(f"{file.name}: {notice}", markup=False)
    if silent:
        console.print(f"{file.name}: nobody speaks in it, so there was nothing to redact", markup=False)
    if redaction.verification and redaction.verification.left:
        return Unverified.released_exit_code
    if redaction.made_with.get("remote_copy") == "not deleted":
        terminal.tell(f"{file.name}: the result is complete, but its copy elsewhere may still be there")
        return NotDeleted.exit_code
    return NoSpeech.exit_code if silent else 0


def _run(
    redactor: Redactor, file: Path, transcript: Path | None, say: Callable[[str], None] | None, sound: bool
) -> Redaction:
    kind = sources.kind(file)
    if kind == "recording":
        return redactor.redact(file, transcript=transcript, say=say, verifying=sound)
    if kind == "transcript":
        return redactor.redact_transcript(file, say=say)
    stdin = file == sources.STDIN
    text = imported.decode_text(sys.stdin.buffer.read(), "standard input") if stdin else imported.read_text(file)
    redaction = redactor.redact_text(text)
    if say:
        say(redaction.text.removesuffix("\n"))
    return redaction
