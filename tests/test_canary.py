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
from typing import Any

import numpy as np
import pytest
import reviews
from archives import Saying, order, ran, recording
from assemblyai_stub import KEY as STUB_KEY
from assemblyai_stub import AssemblyAIStub, word
from clocks import Wound
from gateways import Play, Turn, answer, completion, error, gateway, perfect
from hearings import Dictated, Dreamer, Script, clock, said
from pydantic import SecretStr
from reviews import drafted, spoken
from rich.console import Console
from servers import Answer
from sounds import voice, write
from starlette.exceptions import HTTPException
from transcriptions_stub import TranscriptionsStub
from videos import Hangers, write_clip

import offrecord
from offrecord import audio, export, page, terminal
from offrecord.batch import progress
from offrecord.detect.grounding import Ground, Quote
from offrecord.detect.masking import Mask, mask
from offrecord.detect.replies import Reply
from offrecord.errors import OffrecordError
from offrecord.executors import Task
from offrecord.executors.local import Local
from offrecord.fetch import Limits, download
from offrecord.orders import Order
from offrecord.redact.cover import cover
from offrecord.redact.envelope import Envelope
from offrecord.review import audit, counts, decisions, listing
from offrecord.review.ledger import Ledger
from offrecord.review.marks import Original, decided
from offrecord.second import Second
from offrecord.server.asking import parse
from offrecord.server.desk import Desk
from offrecord.server.sessions import Session
from offrecord.store import Store
from offrecord.transcribe import imported, sending
from offrecord.transcribe.assemblyai import AssemblyAI
from offrecord.transcribe.openai import OpenAI
from offrecord.types import Entity, Policy, Span, Transcript, Word

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


def _assemblyai(answered: dict[str, Any]) -> Callable[[Path], object]:
    """AssemblyAI's recogniser, whose transcript has these fields beside a word that is the canary."""

    def surface(directory: Path) -> object:
        with AssemblyAIStub([word(CANARY, 0, 100)], changed=answered, looks=1) as stub:
            recogniser = AssemblyAI(stub.url, SecretStr(STUB_KEY), print, delete=True, clock=Wound())
            return recogniser, list(recogniser.transcribe(_sound(directory)))

    surface.__name__ = "_assemblyai_" + ("_".join(answered) or "well")
    return surface


def _transcriptions(answered: dict[str, Any]) -> Callable[[Path], object]:
    """A recogniser behind `/v1/audio/transcriptions` that answers so."""

    def surface(directory: Path) -> object:
        with TranscriptionsStub(lambda _: answered, key=None) as stub:
            recogniser = OpenAI(f"{stub.url}/v1", SecretStr(STUB_KEY), print, clock=Wound())
            return recogniser, list(recogniser.transcribe(_sound(directory)))

    surface.__name__ = "_transcriptions_" + ("_".join(answered) or "nothing")
    return surface


def _refused_there(directory: Path) -> object:
    with AssemblyAIStub() as stub:
        stub.next("POST /v2/upload", Answer(400, {"error": TEXT}, {"x-reason": "none"}))
        return list(AssemblyAI(stub.url, SecretStr(STUB_KEY), print, clock=Wound()).transcribe(_sound(directory)))


def _broken_there(directory: Path) -> object:
    with AssemblyAIStub() as stub:
        stub.next("POST /v2/upload", Answer(200, f'{{"upload_url": "{CANARY}'.encode()))
        return list(AssemblyAI(stub.url, SecretStr(STUB_KEY), print, clock=Wound()).transcribe(_sound(directory)))


def _sound(directory: Path) -> Path:
    path = directory / "a.wav"
    path.write_bytes(sending.header(sending.Sound(1, 16_000)) + bytes(32_000))
    return path


def _asked(play: Play, **given: Any) -> object:
    """A redaction by a model behind ``play``, with everything that is held on the way to it."""
    with gateway(play) as server:
        redactor = offrecord.Redactor(
            detector="llm", llm_base_url=server.url, llm_model="m", entities={"SHIP": "the ship"}, **given
        )
        redaction = redactor.redact_text(TEXT)
    return redaction, redaction.usage, vars(redactor), export.as_json(redaction)


def _model_finds(directory: Path) -> object:
    words = [
        ("person_name", CANARY),
        ("person_name", f"{CANARY} Thompson"),
        ("email_address", f"{CANARY.lower()}@lakemail.com"),
    ]
    return _asked(perfect(words), policy="all", llm_cache=directory / "cache", llm_premask=True)


def _model_misquotes(_: Path) -> object:
    return _asked(lambda _: answer(("person_name", f"{CANARY} Quackenbush"), ("email_address", CANARY)), policy="all")


def _model_echoes(_: Path) -> object:
    return _asked(lambda asked: completion(asked.transcript))


def _gateway_echoes(_: Path) -> object:
    return _asked(lambda asked: error(401, asked.transcript, **{"X-Echo": CANARY}))


def _gateway_is_no_gateway(_: Path) -> object:
    return _asked(lambda asked: Turn(f"<html>{asked.transcript}</html>".encode()))


def _quotes(_: Path) -> object:
    span = Span(0, 5, "date", 1, "x")
    return (
        Quote("date", CANARY),
        Ground(TEXT),
        mask(TEXT, [span]),
        Mask.none(TEXT),
        Reply(200, {"a": CANARY}, CANARY.encode()),
    )


def _verified(directory: Path) -> object:
    """Once where the second listening finds it and mutes it, and once where it hears it whatever is muted."""
    path = clock(directory / "clock.wav")
    words = tuple(said(f"my name is {CANARY} and I need some help today"))
    redactor = offrecord.Redactor(deny=[CANARY], allow_unverified=True)
    redactor.verifier = Script(words)
    found = redactor.redact(path, transcript=Transcript(words, 12_000))
    redactor.verifier = Dreamer(CANARY)
    left = redactor.redact(path, transcript=Transcript(words, 12_000))
    assert left.verification
    assert left.verification.left
    return found, left, export.as_json(left)


def _unverified(directory: Path) -> object:
    words = tuple(said(f"my name is {CANARY} and I need some help today"))
    redactor = offrecord.Redactor(deny=[CANARY])
    redactor.verifier = Dreamer(CANARY)
    return redactor.redact(clock(directory / "clock.wav"), transcript=Transcript(words, 12_000))


def _second(directory: Path) -> object:
    """A second recogniser hears it where the first wrote another word, and where that wrote none."""
    made = offrecord.Redactor(verify="off", second_model="another", deny=[CANARY])
    heard = said(f"my name is {CANARY} and once more {CANARY} today")
    vars(made).update(recogniser=Dictated(said("my name is sick and")), second=Dictated(heard))
    found = made.redact(clock(directory / "clock.wav"))
    assert found.text == "my name is [PERSON_NAME] and [REDACTED]"
    return found, vars(made), export.as_json(found), Second(Transcript.spoken(heard, 12_000), found.entities)


def _cover(_: Path) -> object:
    transcript = Transcript((Word("my", 0, 100), Word("name", 100, 300), Word(CANARY, 300, 900, 0.1, gap="")), 5_000)
    envelope = Envelope(np.full((1, 500), 200, np.uint8), (((0, 4_000),),), ((),))
    policy = Policy(frozenset({"person_name"}), strict=True)
    entities = [Entity(range(2, 3), "person_name", ())]
    return envelope, cover(transcript, entities, policy, envelope)


def _cover_of_another(_: Path) -> object:
    transcript = Transcript((Word(CANARY, 300, 900, gap=""),), 5_000)
    return cover(transcript, [Entity(range(1, 2), "person_name", ())], Policy(frozenset()))


def _page(_: Path) -> object:
    return page.as_html(offrecord.redact_text(TEXT, policy="all"))


def _tags(directory: Path) -> object:
    tags = {"title": CANARY, "comment": CANARY, CANARY: CANARY}
    source = write(directory / "in.mp3", voice(1, 16_000), 16_000, "libmp3lame", "mp3", tags=tags)
    return audio.write_redacted(source, directory / "out.mp3", [], sound="beep"), (directory / "out.mp3").read_bytes()


def _video(directory: Path) -> object:
    source = write_clip(directory / "in.mkv", "matroska", with_=Hangers(True, True, True, True, 2, name=CANARY))
    return audio.write_redacted(source, directory / "out.mkv", [], sound="room"), (directory / "out.mkv").read_bytes()


def _changed(directory: Path) -> object:
    source = write(directory / "in.wav", voice(1, 16_000), 16_000, "pcm_s16le", "wav")
    words = (Word(CANARY, 0, 100, gap=""),)
    redaction = offrecord.Redactor(deny=[CANARY]).redact(source, transcript=Transcript(words, 1_000))
    source.touch()
    return export.write(redaction, source, {"html": directory / "out.html"}, Policy(frozenset({"date"})))


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


def _order_asked(_: Path) -> object:
    return parse({"audio_url": CANARY, "webhook_url": f"http://{CANARY}"}, english_only=True)


def _review(directory: Path) -> object:
    """What a review holds of what was said, and a decision that cannot be."""
    said_ = spoken(f"my name is {CANARY} and so on")
    with closing(Store(directory)) as store:
        ledger = Ledger(store)
        job = reviews.done(store, said_, drafted(said_, (3, 4, "person_name")))
        desk = Desk(ledger)
        row = listing.one(store, job, "local")
        assert row
        everywhere = decisions.parse([{"do": "everywhere", "entity": "e0", "decision": "reject"}])
        taken = desk.step(row, "me", "decide", 0, decisions=everywhere)
        shown = desk.document(row), taken, audit.as_csv(ledger.entries(job)), counts.counted(ledger)
        return ledger.review(job), vars(desk), row, shown, Session(CANARY, 0)


def _undecided(_: Path) -> object:
    said_ = spoken(f"my name is {CANARY}")
    return decided(Original(said_), (), decisions.parse([{"do": "words", "entity": CANARY, "words": [0, 1]}]), 1)


def _no_decision(_: Path) -> object:
    return decisions.parse([{"do": CANARY, "entity": CANARY, "words": [CANARY], "label": CANARY}])


def _refused_body(_: Path) -> object:
    with pytest.raises(HTTPException) as raised:
        parse({"audio_url": "a", "redact_pii": True, "redact_pii_policies": [CANARY]}, english_only=True)
    return raised.value


def _worker(do: str) -> Callable[[Path], object]:
    """A process that works on recordings, and prints, raises or dies of what it is told."""

    def surface(directory: Path) -> object:
        tasks = [Task("1", {"do": do, "name": CANARY})]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(Path(__file__).parent))
            with Local("works:Obedient", {"notes": str(directory / "notes")}, 1, 2) as executor:
                return tasks, list(executor.run(tasks))

    surface.__name__ = f"_worker_{do}"
    return surface


def _refused_url(directory: Path) -> object:
    download(f"http://127.0.0.1:1/a?{CANARY}", directory / "a", Limits(1, 1))
    return None


def _batch(directory: Path, name: str = "a") -> object:
    """A batch of a recording in which the canary is said, and of one that is damaged, with all that is shown of it."""
    recording(directory / "in" / f"{name}.wav")
    (directory / "in" / f"{name}2.wav").write_bytes(CANARY.encode())
    given = order(directory / "in", directory / "out", formats=["txt", "wav"], deny=[CANARY])
    done = ran(directory / "in", directory / "out", formats=["txt", "wav"], deny=[CANARY], saying=Saying(TEXT))
    assert done.summary.states == {"done": 1, "failed": 1}
    with progress.shown(Console(stderr=True, width=1_000)) as show:
        for event in done.events:
            show(event)
    sys.stderr.writelines(progress.told(done.summary))
    progress.as_lines(terminal.data)({"event": "end"} | done.summary.as_json())
    return given, done.summary, done.events, (directory / "out" / "report.html").read_text()


def _batch_kept(directory: Path) -> object:
    """What a batch keeps: the manifest, exported and as it is, and every other byte of OUT."""
    _batch(directory)
    return [path.read_bytes() for path in (directory / "out").rglob("*") if path.is_file()]


def _batch_named(directory: Path) -> object:
    """Names stand in OUT alone: nothing that is shown has them."""
    return _batch(directory, CANARY)


def _batch_listed(directory: Path) -> object:
    """Lines that cannot be used, and addresses that cannot be read."""
    lines = [
        CANARY, json.dumps({CANARY: CANARY}), json.dumps({"source": CANARY, "policy": CANARY}),
        json.dumps({"source": "a.wav", "name": f"../{CANARY}"}), json.dumps({"source": f"{CANARY}.wav"}),
        json.dumps({"source": f"{CANARY}://a.wav"}), json.dumps({"url": f"http://127.0.0.1:1/a.wav?{CANARY}", "name": "a.wav"}),
        json.dumps({"source": "a.wav", "pad": CANARY}),
    ]  # fmt: skip
    (directory / "list.jsonl").write_text("\n".join(lines))
    done = ran(directory / "list.jsonl", directory / "out")
    assert len(done.summary.problems) == 6
    assert done.summary.states == {"failed": 2}
    return done.summary, done.events, (directory / "out" / "report.html").read_text()


SURFACES: list[Callable[[Path], object]] = [
    _redact_text, _json, _detect, _denied, _transcript, _broken_json, _bad_json, _broken_srt, _nul, _not_utf8, _bad_word,
    _bad_order, _values, _refused_there, _broken_there,
    _assemblyai({}), _assemblyai({"status": "error", "error": TEXT}), _assemblyai({"audio_duration": CANARY}),
    _assemblyai({"words": [{"text": CANARY, "start": CANARY}]}), _assemblyai({"words": [], "text": TEXT}),
    _assemblyai({"status": CANARY}),
    _transcriptions({"duration": 1, "text": CANARY, "words": [{"word": CANARY, "start": 0, "end": 1}]}),
    _transcriptions({"duration": 1, "text": TEXT}), _transcriptions({"duration": CANARY, "text": CANARY}),
    _transcriptions({"duration": 1, "text": TEXT, "words": [{"word": CANARY, "start": CANARY}]}),
    _transcriptions({"duration": 1, "text": TEXT, "words": [CANARY]}), _transcriptions({"error": TEXT}),
    _model_finds, _model_misquotes, _model_echoes, _gateway_echoes, _gateway_is_no_gateway, _quotes,
    _cover, _cover_of_another,
    _page, _tags, _video, _changed,
    _verified, _unverified, _second,
    _batch, _batch_kept, _batch_named, _batch_listed,
    _order, _rows, _order_asked, _refused_body, _review, _undecided, _no_decision, _refused_url, _conversation, _bad_conversation,
    _worker("print"), _worker("fault"), _worker("die"),
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
    assert STUB_KEY not in shown + caplog.text + out + err


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
    try:
        result = subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            env=os.environ | {"OFFRECORD_DEBUG": "1"},
        )
    finally:
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
