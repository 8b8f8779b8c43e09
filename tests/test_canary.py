"""Property 8: a planted word appears in no log line, error, repr, notice or temporary file name of any surface.

Extend `SURFACES` with every new way in.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

import offrecord
from offrecord import export
from offrecord.errors import OffrecordError
from offrecord.fetch import Limits, download
from offrecord.orders import Order
from offrecord.server.asking import parse
from offrecord.store import Store
from offrecord.transcribe import imported
from offrecord.types import Policy, Span, Transcript, Word

CANARY = "Zyxanderwick"
TEXT = f"Hello, my name is {CANARY} Thompson, call 415-555-0132, {CANARY.lower()}@lakemail.com. {CANARY}."


def _redact_text(_: Path) -> object:
    return offrecord.redact_text(TEXT, policy="all")


def _json(_: Path) -> object:
    return export.as_json(offrecord.redact_text(TEXT, policy="all"))


def _detect(_: Path) -> object:
    return offrecord.detect(TEXT)


def _denied(_: Path) -> object:
    return offrecord.Redactor(deny=[CANARY], allow=[CANARY + "x"]).policy


def _transcript(directory: Path) -> object:
    (directory / "a.json").write_text(json.dumps({"words": [{"text": CANARY, "start": 0, "end": 500}]}))
    return offrecord.Redactor(deny=[CANARY]).redact_transcript(directory / "a.json")


def _broken_json(directory: Path) -> object:
    (directory / "a.json").write_text(f'{{"words": [{{"text": "{CANARY}", "start": "{CANARY}"}}]}}')
    return imported.read(directory / "a.json")


def _bad_json(directory: Path) -> object:
    (directory / "a.json").write_text(f'{{"{CANARY}')
    return imported.read(directory / "a.json")


def _broken_srt(directory: Path) -> object:
    (directory / "a.srt").write_text(f"1\n00:00:09,000 --> 00:00:01,000\n{CANARY}\n")
    return imported.read(directory / "a.srt")


def _nul(_: Path) -> object:
    return offrecord.redact_text(f"{CANARY}\0")


def _not_utf8(directory: Path) -> object:
    (directory / "a.txt").write_bytes(f"{CANARY} é".encode("latin-1"))
    return imported.read_text(directory / "a.txt")


def _bad_word(_: Path) -> object:
    return Word(f" {CANARY} ")


def _bad_order(_: Path) -> object:
    return Transcript((Word(CANARY, 500, 600), Word(CANARY, 0, 100)))


def _values(_: Path) -> object:
    transcript = Transcript((Word(CANARY, 0, 100),), 200)
    return (
        transcript,
        transcript.words,
        transcript.utterances,
        Policy(frozenset({"date"}), deny=(CANARY,)),
        Span(0, 3, "date", 1, "x"),
    )


def _conversation(_: Path) -> object:
    from offrecord.server import completions, conversation

    call = {"id": "a", "function": {"name": "a", "arguments": json.dumps({CANARY: CANARY})}}
    message = {"role": "user", "content": TEXT, "tool_calls": [call]}
    asked = completions.parse({"model": "a", "messages": [message], "transcript_id": "a"})
    return asked, asked.with_transcript(CANARY), conversation.texts_of(asked.body)


def _bad_conversation(_: Path) -> object:
    from starlette.exceptions import HTTPException

    from offrecord.server import completions

    try:
        return completions.parse({"model": CANARY, "messages": [{"role": CANARY, "content": TEXT}]})
    except HTTPException as error:
        return error, error.detail, getattr(error, "errors", None)


def _order(_: Path) -> object:
    return Order(redact=True, terms=(("a", (CANARY,)),), spelling=(((CANARY,), CANARY),))


def _rows(directory: Path) -> object:
    with closing(Store(directory)) as store:
        secret = {"terms": [["a", [CANARY]]]}
        job = store.submit("me", f"http://a/{CANARY}", asked={CANARY: CANARY}, secret=secret, header=("x", CANARY))
        claim = store.claim(1)
        assert claim
        store.finish(claim, result={"words": [[CANARY]]}, original={"a": CANARY}, duration=1, sound=None)
        return job, claim, store.job(job.id, "me")


def _asked(_: Path) -> object:
    return parse({"audio_url": CANARY, "webhook_url": f"http://{CANARY}"}, english_only=True)


def _refused_body(_: Path) -> object:
    with pytest.raises(HTTPException) as raised:
        parse({"audio_url": "a", "redact_pii": True, "redact_pii_policies": [CANARY]}, english_only=True)
    return raised.value


def _refused_url(directory: Path) -> object:
    download(f"http://127.0.0.1:1/a?{CANARY}", directory / "a", Limits(1, 1))
    return None


SURFACES: list[Callable[[Path], object]] = [
    _redact_text, _json, _detect, _denied, _transcript, _broken_json, _bad_json, _broken_srt, _nul, _not_utf8, _bad_word,
    _bad_order, _values, _order, _rows, _asked, _refused_body, _refused_url, _conversation, _bad_conversation,
]  # fmt: skip


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_the_canary_is_nowhere(
    surface: Callable[[Path], object],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in the repr of the result, not in the error with all its causes, not in any log, not on the terminal."""
    caplog.set_level(logging.DEBUG)
    try:
        shown = repr(surface(tmp_path))
    except OffrecordError as error:
        shown = "".join(traceback.format_exception(error, limit=0)) + repr(error)
    out, err = capfd.readouterr()
    assert CANARY.lower() not in (shown + caplog.text + out + err).lower()


def test_the_command_line_shows_the_canary_only_hidden(tmp_path: Path) -> None:
    """Standard output, standard error, the written files, and every name that appears in the directory meanwhile."""
    (tmp_path / "in.txt").write_text(TEXT * 300)
    names: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            names.update(path.name for path in tmp_path.rglob("*"))
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [sys.executable, "-m", "offrecord", "redact", "in.txt", "-o", "out", "--policy", "all"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, check=False, text=True, env=os.environ | {"OFFRECORD_DEBUG": "1"}
    )
    stop.set()
    watcher.join()
    assert result.returncode == 0
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert CANARY.lower() not in (result.stdout + result.stderr + written + " ".join(names)).lower()


def test_a_fault_of_ours_shows_no_value() -> None:
    """An exception that nobody foresaw is shown by its type and place alone."""
    code = (
        "import sys, offrecord.cli as cli, offrecord.pipeline as pipeline\n"
        "def broken(self, text): raise ZeroDivisionError(text)\n"
        "pipeline.Redactor.redact_text = broken\n"
        "sys.argv = ['offrecord', 'redact', '-']\n"
        "cli.main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], input=TEXT, capture_output=True, check=False, text=True)
    assert result.returncode == 1
    assert "internal fault: ZeroDivisionError" in result.stderr
    assert CANARY not in result.stderr + result.stdout
