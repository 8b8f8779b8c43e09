"""The server as any HTTP client sees it: a real process, real recordings, and what no SDK would send."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from serving import NAMES, SHORT, Server, running, until, web

from offrecord import audio
from offrecord.server.fields import FIELDS

PII = {"redact_pii": True, "redact_pii_policies": ["person_name"], "redact_pii_sub": "entity_name"}


def test_static_entities_are_hidden_under_the_clients_labels(server: Server) -> None:
    """Beside the policies, in text and sound; neither echoed nor kept."""
    fields = {"redact_static_entities": {"product line": ["microsoft speech"]}, "redact_pii_audio": True}
    body = server.finished(server.submit(server.upload(NAMES), **PII, **fields, entity_detection=True))
    assert "[PRODUCT_LINE] [PRODUCT_LINE] Service?" in body["text"]
    assert {entity["entity_type"] for entity in body["entities"]} == {"person_name"}
    assert "icrosoft" not in json.dumps(body)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"redact_pii_return_unredacted": True},
     "`redact_pii_return_unredacted` can only be set to True if `redact_pii` is True"),
    ({"redact_pii_audio": True}, "`redact_pii_audio` can only be set to True if `redact_pii` is True"),
    ({"speaker_options": {"min_speakers_expected": 2}, "speakers_expected": 2},
     "Both speaker_options and speakers_expected can not be used in the same request."),
    ({"speech_understanding": {"request": {"speaker_identification": {}, "x": 1}}},
     "not offered by this server"),
    ({"speech_understanding": {"request": {"speaker_identification": {"speaker_type": "name"}}}},
     "speaker_labels or multichannel required"),
    ({**PII, "redact_pii_policies": ["phone_number"],
      "speech_understanding": {"request": {"custom_formatting": {"phone_number": "x"}}}},
     "redact pii phone_number not compatible with formatting phone_number"),
    ({**PII, "redact_pii_policies": ["Zyxanderwick"],
      "speech_understanding": {"request": {"custom_formatting": {"Zyxanderwick": "x"}}}}, "not offered by this server"),
    ({"language_code": "es"}, "knows English only"),
    ({"language_code": "klingon"}, "not a known language"),
    ({"language_code": "en", "language_detection": True}, "can not be used in the same request"),
    ({**PII, "redact_pii_policies": ["person_nam"]}, "did you mean person_name?"),
    ({**PII, "redact_pii_policies": "person_name"}, "`redact_pii_policies` must be a list of texts"),
    ({**PII, "redact_pii_policies": [1]}, "`redact_pii_policies` must be a list"),
    ({**PII, "redact_pii_sub": "entity_type"}, "must be one of hash, entity_name"),
    ({**PII, "redact_pii_audio_quality": "flac"}, "must be one of mp3, wav"),
    ({**PII, "redact_pii_audio_options": {"override_audio_redaction_method": "noise"}}, "silence, beep"),
    ({**PII, "format_text": False}, "`format_text` is True"),
    ({"redact_pii": "yes"}, "`redact_pii` must be true or false"),
    ({"redact_pii": 1}, "`redact_pii` must be true or false"),
    ({"redact_static_entities": {"a": ["b"]}}, "`redact_pii` is True"),
    ({**PII, "redact_static_entities": {"a!": ["b"]}}, "label 1"),
    ({**PII, "redact_static_entities": {"a": ["b" * 201]}}, "1 to 200 characters"),
    ({**PII, "redact_static_entities": {"a": ["b"] * 201}}, "at most 200 texts"),
    ({**PII, "redact_static_entities": {"a": ["--"]}}, "no letter or digit"),
    ({**PII, "redact_static_entities": {str(i): ["b"] for i in range(101)}}, "at most 100 labels"),
    ({"audio_start_from": 5, "audio_end_at": 5}, "must be greater than"),
    ({"audio_start_from": 1.5}, "`audio_start_from` must be an integer"),
    ({"audio_end_at": -1}, "`audio_end_at` must be an integer"),
    ({"custom_spelling": [{"from": ["a"], "to": "two words"}]}, "`custom_spelling` needs"),
    ({"custom_spelling": ["a"]}, "`custom_spelling` needs"),
    ({"keyterms_prompt": "a"}, "`keyterms_prompt` must be a list of texts"),
    ({"keyterms_prompt": ["a b c d e f g"]}, "one to six words"),
    ({"keyterms_prompt": [" "]}, "one to six words"),
    ({"word_boost": ["a" * 201]}, "at most 200 characters"),
    ({"keyterms_prompt": ["a"] * 1_001}, "at most 1000 texts"),
    ({"webhook_url": "ftp://a"}, "`webhook_url` must be a http or https URL"),
    ({"webhook_url": "http://me:secret@a"}, "without a name and password"),
    *(({"webhook_url": url}, "must be a http or https URL")
      for url in ("http://\u00ad/", "http://a b/", "http://a:99999/", "http://\u2100/", "//a/b", "http://")),
    ({"webhook_url": "http://a", "webhook_auth_header_name": "X"}, "go together"),
    ({"webhook_url": "http://a", "webhook_auth_header_name": "Host", "webhook_auth_header_value": "x"}, "HTTP needs"),
    ({"webhook_url": "http://a", "webhook_auth_header_name": "X", "webhook_auth_header_value": "a\r\nb"}, "printable"),
    ({"audio_url": "\ud800"}, "`audio_url` must be a text"),
    ({"audio_url": None}, "`audio_url` is required"),
    *(({name: True}, "is not offered by this server") for name, row in FIELDS.items()
      if row.state == "refused" and row.type == "boolean"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "text"), BAD, ids=range(len(BAD)))
def test_a_bad_request_is_told_what_is_wrong(server: Server, fields: dict[str, Any], text: str) -> None:
    """400 with AssemblyAI's text where it is known, and never the value."""
    status, body = server.json("POST", "/v2/transcript", {"audio_url": "http://127.0.0.1/a.wav", **fields})
    assert (status, list(body)) == (400, ["error"])
    assert text in body["error"]
    assert "Zyxanderwick" not in body["error"]


def test_unknown_keys_are_ignored(server: Server) -> None:
    """A later client sends what this server does not know."""
    job = server.submit(server.upload(SHORT), something_new={"a": 1}, speech_models=["universal-9", "évil"], prompt="x")
    body = server.finished(job)
    assert body["status"] == "completed"
    assert body["speech_models"] == ["universal-9"]
    assert body["speech_model"] is None
    assert body["prompt"] is None


def test_all_policies_are_meant_where_none_is_named(server: Server) -> None:
    """An empty list hides everything, not nothing."""
    body = server.finished(server.submit(server.upload(NAMES), redact_pii=True, redact_pii_policies=[]))
    assert len(body["redact_pii_policies"]) == 65
    assert "Steve" not in body["text"]


def test_every_required_field_is_there(server: Server) -> None:
    """Those that AssemblyAI's OpenAPI calls required, in every state."""
    required = (
        "id speech_model language_model acoustic_model status audio_url webhook_auth auto_highlights redact_pii "
        "summarization language_confidence_threshold language_confidence"
    ).split()
    job = server.submit(server.upload(SHORT))
    _, queued = server.json("GET", f"/v2/transcript/{job}")
    done = server.finished(job)
    _, deleted = server.json("DELETE", f"/v2/transcript/{job}")
    for body in (queued, done, deleted):
        assert set(required) <= set(body)
        assert body["audio_url"]


def test_an_upload_goes_with_its_job(server: Server) -> None:
    """The file is gone when the job has ended, and its URL says so."""
    url = server.upload(SHORT)
    path = server.home / "uploads" / url.rpartition("/")[2]
    assert path.exists()
    server.finished(server.submit(url))
    assert not path.exists()
    status, body = server.json("POST", "/v2/transcript", {"audio_url": url})
    assert (status, body["error"]) == (400, "Cannot access uploaded file: it is gone. Please upload it again")


def test_two_jobs_share_an_upload(server: Server) -> None:
    """It stays until the last of them has ended."""
    url = server.upload(SHORT)
    jobs = [server.submit(url), server.submit(url)]
    assert [server.finished(job)["status"] for job in jobs] == ["completed"] * 2
    upload = server.home / "uploads" / url.rpartition("/")[2]
    until(lambda: not upload.exists())  # it goes after the status has been told


def test_redacted_audio_is_there_before_completed(server: Server) -> None:
    """202 while it is being made, and never after the status is `completed`."""
    job = server.submit(server.upload(NAMES), **PII, redact_pii_audio=True)
    assert server.json("GET", f"/v2/transcript/{job}/redacted-audio") == (202, {"status": "redacted_audio_processing"})
    server.finished(job)
    status, body = server.json("GET", f"/v2/transcript/{job}/redacted-audio")
    assert (status, body["status"]) == (200, "redacted_audio_ready")


def test_redacted_audio_is_served_in_ranges_to_whoever_has_the_link(server: Server, tmp_path: Path) -> None:
    """No key, a part of it by range, and all of it; another link, or a changed one, is refused."""
    job = server.submit(server.upload(NAMES), **PII, redact_pii_audio=True)
    server.finished(job)
    url = server.json("GET", f"/v2/transcript/{job}/redacted-audio")[1]["redacted_audio_url"]
    status, whole = server.get(url)
    assert status == 200
    assert server.get(url, range="bytes=10-19") == (206, whole[10:20])
    (tmp_path / "a.mp3").write_bytes(whole)
    assert audio.probe(tmp_path / "a.mp3").format == "mp3"
    assert server.get(url[:-1] + ("0" if url[-1] != "0" else "1"))[0] == 403
    assert server.get(re.sub(r"expires=\d+", "expires=9999999999", url))[0] == 403
    assert server.get(url.partition("?")[0])[0] == 403
    server.json("DELETE", f"/v2/transcript/{job}")
    assert server.get(url)[0] == 404


def test_redacted_audio_that_is_not_there_is_400(server: Server, tmp_path: Path) -> None:
    """Not asked for; the job failed; it was deleted; an unknown id. (Where nobody speaks: the next test but one.)"""
    (tmp_path / "a.mp3").write_text("{}")
    plain = server.submit(server.upload(SHORT))
    failed = server.submit(server.upload(tmp_path / "a.mp3"), **PII, redact_pii_audio=True)
    deleted = server.submit(server.upload(SHORT), **PII, redact_pii_audio=True)
    assert [server.finished(job)["status"] for job in (plain, failed, deleted)] == ["completed", "error", "completed"]
    assert server.get(f"/v2/transcript/{deleted}/redacted-audio")[0] == 200
    server.json("DELETE", f"/v2/transcript/{deleted}")
    for job in (plain, failed, deleted, "9ea68fd3-f953-42c1-9742-976c447fb463"):
        status, body = server.json("GET", f"/v2/transcript/{job}/redacted-audio")
        assert (status, list(body)) == (400, ["error"])


def test_a_silent_recording_has_no_redacted_audio_unless_asked_for(server: Server, tmp_path: Path) -> None:
    """`return_redacted_no_speech_audio` decides; the job completes either way."""
    import numpy as np
    import sounds

    silence = sounds.write(tmp_path / "a.wav", np.zeros((1, 16_000)), 16_000, "pcm_s16le", "wav")
    for wanted, expected in ((False, 400), (True, 200)):
        options = {"return_redacted_no_speech_audio": wanted}
        job = server.submit(server.upload(silence), **PII, redact_pii_audio=True, redact_pii_audio_options=options)
        body = server.finished(job)
        assert (body["status"], body["text"], body["words"]) == ("completed", "", [])
        assert server.get(f"/v2/transcript/{job}/redacted-audio")[0] == expected


def test_a_recording_shorter_than_160_ms_is_an_error(server: Server, tmp_path: Path) -> None:
    """With AssemblyAI's text."""
    import sounds

    short = sounds.write(tmp_path / "a.wav", sounds.voice(0.1, 16_000), 16_000, "pcm_s16le", "wav")
    assert server.finished(server.submit(server.upload(short)))["error"] == "Audio duration is too short."


def test_the_sound_outside_a_slice_is_silent(server: Server, tmp_path: Path) -> None:
    """Nobody has looked for details there, so it is not released. The length stays."""
    job = server.submit(
        server.upload(NAMES), **PII, redact_pii_audio=True, redact_pii_audio_quality="wav",
        audio_start_from=10_000, audio_end_at=20_000,
    )  # fmt: skip
    server.finished(job)
    url = server.json("GET", f"/v2/transcript/{job}/redacted-audio")[1]["redacted_audio_url"]
    (tmp_path / "a.wav").write_bytes(server.get(url)[1])
    (samples,) = audio.decode(tmp_path / "a.wav", block=10**9)
    assert not samples[0, : 10 * 16_000].any()
    assert not samples[0, 20 * 16_000 :].any()
    assert samples[0, 10 * 16_000 : 20 * 16_000].any()
    assert abs(samples.shape[1] - 29.5 * 16_000) < 16_000


def test_exports_of_an_unfinished_transcript_are_400(tmp_path: Path) -> None:
    """And of a deleted one."""
    with running(tmp_path / "home", "--workers", "0") as own:
        job = own.submit("http://127.0.0.1/a.wav")
        paths = [
            f"/v2/transcript/{job}/{name}" for name in ("sentences", "paragraphs", "srt", "vtt", "word-search?words=a")
        ]
        assert [own.get(path)[0] for path in paths] == [400] * 5
        own.json("DELETE", f"/v2/transcript/{job}")
        assert [own.get(path)[0] for path in paths] == [400] * 5


def test_keys_see_only_their_own(tmp_path: Path) -> None:
    """Jobs, lists, deletion, sound and uploads of another key are as if they were not there."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_API_KEYS="one, two") as own:
        upload = own.upload(SHORT, authorization="one")
        mine = {"audio_url": upload}
        status, job = own.json("POST", "/v2/transcript", mine, authorization="one")
        assert status == 200
        path = f"/v2/transcript/{job['id']}"
        assert own.json("POST", "/v2/transcript", mine, authorization="two") == (
            403,
            {"error": "Cannot access uploaded file"},
        )
        for method, of in (("GET", path), ("DELETE", path), ("GET", f"{path}/srt"), ("GET", f"{path}/redacted-audio")):
            assert own.ask(method, of, authorization="two")[0] == 400
            assert own.ask(method, of)[0] == 401
            assert own.ask(method, of, authorization="onee")[0] == 401
        assert own.json("GET", "/v2/transcript", authorization="two")[1]["transcripts"] == []
        assert len(own.json("GET", "/v2/transcript", authorization="Bearer one")[1]["transcripts"]) == 1
        assert own.ask("POST", "/v2/upload", b"x")[0] == 401
        database = b"".join(file.read_bytes() for file in own.home.iterdir() if file.is_file())
        assert b"one" not in database.replace(b"none", b"")


OPEN = {"/healthz", "/readyz", "/metrics", "/v1/models", "/v2/redacted-audio/{name}"}
"""What needs no key: nothing personal is said there, or the link itself authorises."""


def test_every_route_asks_for_the_key(tmp_path: Path) -> None:
    """Without one, with a wrong one, and with one that is a part of the right one: 401, before anything is read or told."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_API_KEYS="right") as own:
        routes = own.json("GET", "/openapi.json")[1]["paths"]
        asked = 0
        for path, methods in routes.items():
            url = path.replace("{transcript_id}", "9ea68fd3-f953-42c1-9742-976c447fb463").replace("{name}", "a.mp3")
            if not path.startswith(("/v1", "/v2")) and path not in OPEN:
                continue  # pages for people, who sign in: their tests are elsewhere
            for method in methods:
                for key in ("", "wrong", "righ", "rightt", "Bearer", "Bearer wrong", "Basic right", "right,right"):
                    status, _ = own.ask(method.upper(), url, b"{}" if method == "post" else None, authorization=key)
                    assert (status == 401) == (path not in OPEN), (method, path, key, status)
                    asked += 1
        assert asked > 100
        assert set(routes) >= OPEN
        assert own.get("/v2/redacted-audio/a.mp3")[0] == 403
        assert [path for name in ("uploads", "work", "sound") for path in (own.home / name).iterdir()] == []


RANGES = [
    "bytes=0-0", "bytes=-5", "bytes=5-", "bytes=0-0,2-2", "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 9_000, 2)),
    "bytes=" + "0-," * 9_000, "bytes=9-1", "bytes=99999999-", "bytes=-0", "bytes=-99999999999999999999", "bytes=a-b", "bytes=",
    "bytes=0-99999999999999999999999999999999", "lines=0-1", "bytes=\u00b2-", "-", "bytes=0--1", "bytes=,,,",
]  # fmt: skip


def test_no_range_is_a_fault_or_more_than_the_file(server: Server) -> None:
    """Many, overlapping, backward, beyond the end, and what is none: an answer below 500, and never the file many times."""
    job = server.submit(server.upload(SHORT), **PII, redact_pii_audio=True)
    server.finished(job)
    url = server.json("GET", f"/v2/transcript/{job}/redacted-audio")[1]["redacted_audio_url"]
    whole = server.get(url)[1]
    for given in RANGES:
        status, headers, body = server.told("GET", url, range=given)
        assert status in (200, 206, 400, 416), given[:40]
        # Each part of several has a head of its own.
        assert len(body) < 2 * len(whole) + 200 * (given.count(",") + 1), given[:40]
        assert headers["x-content-type-options"] == "nosniff"
    assert server.told("GET", url, range="bytes=-5")[2] == whole[-5:]


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"this is no database" * 99, "left as it is"), (b"", "")],
    ids=["not a database", "locked"],
)
def test_a_database_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, content: bytes, text: str) -> None:
    """Exit code 7 and one line, and the file is as it was."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "offrecord.db").write_bytes(content)
    database = sqlite3.connect(home / "offrecord.db", isolation_level=None)
    if not content:
        database.execute("BEGIN EXCLUSIVE")
    result = subprocess.run(
        [sys.executable, "-m", "offrecord", "serve", "--home", str(home), "--port", "0"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    database.close()
    assert result.returncode == 7
    assert "Traceback" not in result.stderr
    assert (text or "locked by another program") in result.stderr
    assert (home / "offrecord.db").read_bytes() == content


def test_others_cannot_reach_it_without_keys(tmp_path: Path) -> None:
    """An address beyond this machine needs keys: refused at the start, in one line."""
    server = Server(tmp_path / "home", arguments=("--host", "0.0.0.0"))
    result = subprocess.run(
        [sys.executable, "-m", "offrecord", "serve", "--home", str(server.home), *server.arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 2
    assert "set OFFRECORD_API_KEYS" in result.stderr
    assert "Traceback" not in result.stderr


def test_pages_of_others_are_kept_out(server: Server) -> None:
    """A web page of another origin, and one whose name was pointed here (DNS rebinding)."""
    assert server.get("/v2/transcript", origin="https://evil.example")[0] == 403
    assert server.get("/v2/transcript", host="evil.example")[0] == 403
    assert server.get("/v2/transcript", origin=server.url)[0] == 200


def test_pages_that_are_configured_are_let_in(tmp_path: Path) -> None:
    """CORS for the origins of the setting, and for no other."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_CORS="https://ours.example") as own:
        allowed = {"access-control-allow-origin": "https://ours.example", "vary": "origin"}
        for method in ("OPTIONS", "GET"):
            status, headers, _ = own.told(method, "/v2/transcript", origin="https://ours.example")
            assert (status, {name: headers[name] for name in allowed}) == (200, allowed)
        status, headers, _ = own.told("GET", "/v2/transcript", origin="https://other.example")
        assert (status, "access-control-allow-origin" in headers) == (403, False)


def test_a_job_deleted_while_it_runs_leaves_nothing(tmp_path: Path) -> None:
    """No result, no file; the worker goes on with the next job."""
    with running(tmp_path / "home") as own:
        long = own.submit(own.upload(NAMES), **PII, redact_pii_audio=True)
        until(lambda: own.json("GET", f"/v2/transcript/{long}")[1]["status"] == "processing")
        assert own.json("DELETE", f"/v2/transcript/{long}")[1]["text"] == "Deleted by user."
        assert own.finished(own.submit(own.upload(SHORT)))["status"] == "completed"
        assert own.json("GET", f"/v2/transcript/{long}")[1]["text"] == "Deleted by user."
        until(lambda: not list((own.home / "work").iterdir()))
        assert not list((own.home / "uploads").iterdir())
        assert not list((own.home / "sound").iterdir())


NOISE = """
import subprocess, sys
if sys.orig_argv[1:3] == ["-m", "offrecord.workers"]:
    print(("x" * 99 + "\\n") * 2_000, flush=True)
    left = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"])
    print(left.pid, file=open({path!r}, "w"))
"""


def test_neither_noise_nor_what_a_worker_leaves_behind_holds_up_the_server(tmp_path: Path) -> None:
    """A library prints more than a pipe holds, and starts a process that outlives it: ready all the same, and stopped."""
    left = tmp_path / "left"
    (tmp_path / "sitecustomize.py").write_text(NOISE.format(path=str(left)))
    with running(tmp_path / "home", PYTHONPATH=str(tmp_path)) as own:
        assert own.finished(own.submit(own.upload(SHORT)))["status"] == "completed"
        pid = int(until(left.read_text))
    os.kill(pid, signal.SIGKILL)  # it is still there: nobody has waited for it


def test_a_start_that_fails_gives_everything_back(tmp_path: Path) -> None:
    """The database is busy when the server starts: it says so, stops what it has begun, and lets go of the home."""
    import asyncio

    from offrecord.errors import StateError
    from offrecord.server.app import _lifespan
    from offrecord.settings import server_settings

    done: list[str] = []

    class Part:
        """Stands for the workers, the webhooks and the database: notes what is asked of it."""

        def __getattr__(self, name: str) -> Any:
            return lambda: done.append(name)

    class Busy:
        """Stands for the routes that cannot be started."""

        def start(self) -> None:
            raise StateError("the database is locked by another program; stop that one")

        async def stop(self) -> None:
            done.append("stop")

    async def start() -> None:
        part: Any = Part()
        async with _lifespan(part, part, part, Busy(), server_settings(home=tmp_path))(part):  # type: ignore[arg-type]
            raise AssertionError("it has started")

    with pytest.raises(StateError, match="locked by another program"):
        asyncio.run(start())
    assert done == ["stop", "stop", "stop", "close"]


def test_no_process_leaves_its_memory_on_the_disk(server: Server) -> None:
    """A core file would hold what was said: neither the server nor a worker may write one."""
    assert server.process
    for pid in (server.process.pid, *server.workers()):
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)


def test_a_worker_opens_no_more_files_from_job_to_job(tmp_path: Path) -> None:
    """Each job has a thread for its signs of life, and that one a connection, which goes with it."""
    with running(tmp_path / "home") as own:
        (worker,) = own.workers()

        def files() -> int:
            own.finished(own.submit(own.upload(SHORT)))
            return len(list(Path(f"/proc/{worker}/fd").iterdir()))

        first = max(files() for _ in range(2))
        assert max(files() for _ in range(4)) <= first + 2  # the thread of the last job may not be gone yet


def test_a_second_server_on_one_home_is_refused(server: Server) -> None:
    """With its own exit code, in one line; the first is not disturbed."""
    result = subprocess.run(
        [sys.executable, "-m", "offrecord", "serve", "--home", str(server.home), "--port", "0"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 7
    assert "another server works in" in result.stderr
    assert server.get("/healthz")[0] == 200


def test_health_and_metrics_say_nothing_of_anyone(server: Server) -> None:
    """No key is needed, so there is nothing in them but counts."""
    server.finished(server.submit(server.upload(SHORT)))
    assert server.json("GET", "/readyz") == (200, {"status": "ready"})
    status, text = server.get("/metrics")
    assert status == 200
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert all(
        re.fullmatch(r'offrecord_\w+(\{(method|status)="\w+"(,status="\d+")?\})? [\d.e+-]+', line) for line in lines
    )
    assert 'offrecord_jobs{status="completed"}' in text.decode()


def test_the_reference_lists_every_route(server: Server) -> None:
    """A page without scripts, made from OpenAPI; nothing of it comes from elsewhere."""
    status, page = server.get("/docs")
    schema = server.json("GET", "/openapi.json")[1]
    assert status == 200
    assert all(path in page.decode() for path in schema["paths"])
    assert len(schema["paths"]) == 17
    assert b"<script" not in page
    assert not re.search(rb"(src|href)=\"?(https?:|//)", page)


def test_answers_carry_security_headers(server: Server) -> None:
    """Nothing is cached, framed or guessed."""
    import urllib.request

    with urllib.request.urlopen(f"{server.url}/healthz") as response:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in response.headers
        assert "server" not in response.headers


def test_the_log_has_one_line_a_job(tmp_path: Path) -> None:
    """Id, end, attempt, seconds; nothing of URLs or words, and no access log."""
    with running(tmp_path / "home") as own, web({"/Steve.wav": SHORT.read_bytes()}) as (url, _):
        job = own.submit(f"{url}/Steve.wav?Steve=1")
        own.finished(job)
        own.get(f"/v2/transcript/{job}/word-search?words=Steve")
        lines = until(lambda: [line for line in own.log.read_text().splitlines() if job in line])
    assert len(lines) == 1
    assert re.fullmatch(rf".* offrecord.jobs job {job} completed: attempt 1, [\d.]+ s, 1\.\d s of sound", lines[0])
    assert "Steve" not in own.log.read_text()


def test_a_half_upload_leaves_nothing(server: Server) -> None:
    """The connection breaks in the middle: no file, no row, and the server goes on."""
    before = set((server.home / "uploads").iterdir())
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 70_000
        )
        until(lambda: set((server.home / "uploads").iterdir()) - before)
    until(lambda: set((server.home / "uploads").iterdir()) == before)
    assert server.get("/healthz")[0] == 200


def test_an_upload_beyond_the_limit_is_413(tmp_path: Path) -> None:
    """Whether it says its length before, or not."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_MAX_UPLOAD="1000") as own:
        assert own.ask("POST", "/v2/upload", b"x" * 1_001)[0] == 413
        assert own.ask("POST", "/v2/upload", b"x" * 1_000)[0] == 200
        chunk = b"3E8\r\n" + b"x" * 1_000 + b"\r\n"
        with socket.create_connection(("127.0.0.1", own.port)) as connection:
            connection.sendall(
                b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 2
            )
            assert b" 413 " in connection.recv(4_096).partition(b"\r\n")[0]
        until(lambda: len(list((own.home / "uploads").iterdir())) == 1)


def test_transcripts_go_when_they_are_too_old(tmp_path: Path) -> None:
    """OFFRECORD_TTL erases what is older, at the start too."""
    with running(tmp_path / "home") as own:
        job = own.submit(own.upload(NAMES), **PII)
        own.finished(job)
    with sqlite3.connect(tmp_path / "home" / "offrecord.db") as database:
        database.execute("UPDATE jobs SET ended = ended - 61000")
    database.close()
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_TTL="60") as own:
        until(lambda: own.json("GET", f"/v2/transcript/{job}")[1]["text"] == "Deleted by user.")


def test_a_recording_that_takes_too_long_ends_in_an_error(tmp_path: Path) -> None:
    """With the time of OFFRECORD_JOB_SECONDS, long before it would have been done; it is not tried again."""
    with running(tmp_path / "home", "--workers", "1", OFFRECORD_JOB_SECONDS="1", OFFRECORD_ATTEMPTS="2") as own:
        began = time.monotonic()
        body = own.finished(own.submit(own.upload(NAMES.parents[1] / "aws_callcenter" / "Auto0_mono.wav")))
        assert body["error"] == "The recording was not done in 1 seconds."
        assert time.monotonic() - began < 60
        assert [path for name in ("uploads", "work", "sound") for path in (own.home / name).iterdir()] == []


@pytest.mark.parametrize(("limit", "status"), [("480", "error"), ("0", "completed")])
def test_a_recording_that_takes_too_much_memory_ends_in_an_error(tmp_path: Path, limit: str, status: str) -> None:
    """Where OFFRECORD_WORKER_MEMORY says how much: the job says so, and its worker goes on. Without a limit, it is done."""
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((16, 1, 8_000, 0, "NONE", ""))
        file.writeframes(b"\x80" * 16 * 8_000 * 125)
    with running(tmp_path / "home", OFFRECORD_WORKER_MEMORY=limit) as own:
        before = own.workers()
        assert own.finished(own.submit(own.upload(SHORT)))["status"] == "completed"
        body = own.finished(own.submit(own.upload(tmp_path / "a.wav"), multichannel=True))
        text = "The recording needs more memory than a worker may use." if status == "error" else None
        assert (body["status"], body.get("error")) == (status, text)
        assert own.finished(own.submit(own.upload(SHORT)))["status"] == "completed"
        assert own.workers() == before


def test_a_worker_without_room_ends_the_job_in_an_error(tmp_path: Path) -> None:
    """The redacted sound does not fit on its disk: no half of it is left, and the next one that fits is done."""
    with running(tmp_path / "home") as own:
        (worker,) = own.workers()
        fields = {**PII, "redact_pii_audio": True, "redact_pii_audio_quality": "wav"}
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        full = own.finished(own.submit(own.upload(NAMES), **fields))
        assert full["status"] == "error"
        assert "cannot be written" in full["error"]
        assert str(tmp_path) not in full["error"]
        assert [path for name in ("uploads", "work", "sound") for path in (own.home / name).iterdir()] == []
        assert own.finished(own.submit(own.upload(SHORT), **fields))["status"] == "completed"
        assert own.workers() == [worker]


def test_a_database_without_room_refuses_jobs_and_nothing_else(tmp_path: Path) -> None:
    """503 in words; reading goes on, and with room again so does the rest, without a restart."""
    with running(tmp_path / "home", "--workers", "0") as own:
        assert own.process
        job = own.submit("http://127.0.0.1/a.wav")
        size = (own.home / "offrecord.db").stat().st_size
        resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        long = "http://127.0.0.1/" + "a" * 8_000
        refused = [own.json("POST", "/v2/transcript", {"audio_url": long}) for _ in range(20)]
        assert (503, {"error": "This server has no room, or its database is busy; try again later"}) in refused
        assert {status for status, _ in refused} <= {200, 503}
        assert own.json("GET", f"/v2/transcript/{job}")[1]["status"] == "queued"
        resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert own.submit(long)
        stored = [status for status, _ in refused].count(200)
        own.stop()
        assert b"fault" not in own.log.read_bytes()
        with sqlite3.connect(own.home / "offrecord.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM jobs").fetchone() == (stored + 2,)
        database.close()


def test_a_full_disk_refuses_the_upload_and_nothing_else(tmp_path: Path) -> None:
    """What was written of it goes, and the server answers on. The limit is on a file's size, as the disk's is."""
    with running(tmp_path / "home", "--workers", "0") as own:
        assert own.process
        resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        # Little more than fits: one refused in the middle of a long body may see a reset instead of the answer.
        status, body = own.ask("POST", "/v2/upload", b"x" * 2_050_000)
        assert status == 503
        assert "no room" in json.loads(body)["error"]
        until(lambda: not list((own.home / "uploads").iterdir()))
        assert own.ask("POST", "/v2/upload", b"x" * 1_000)[0] == 200
        assert own.get("/v2/transcript")[0] == 200


def test_a_webhook_that_fails_is_told_again(server: Server) -> None:
    """500 the first time; the message about the sound waits until the first has arrived."""
    answers = iter([500, 200, 200])

    def answer(handler: Any) -> None:
        handler.send_response(next(answers))
        handler.end_headers()

    with web({"/hook": answer}) as (url, seen):
        job = server.submit(server.upload(SHORT), **PII, redact_pii_audio=True, webhook_url=f"{url}/hook")
        until(lambda: len(seen) == 3)
        told = [json.loads(message.body) for message in seen]
        assert told[:2] == [{"transcript_id": job, "status": "completed"}] * 2
        assert (told[2]["transcript_id"], told[2]["status"]) == (job, "redacted_audio_ready")
        until(lambda: server.json("GET", f"/v2/transcript/{job}")[1]["webhook_status_code"] == 200)


def test_a_webhook_that_is_gone_is_left_alone(server: Server) -> None:
    """410 settles the message at once; so does every 4xx."""
    with web({"/hook": 410}) as (url, seen):
        job = server.submit(server.upload(SHORT), webhook_url=f"{url}/hook", redact_pii=True, redact_pii_audio=True)
        until(lambda: len(seen) == 2)  # one for the transcript, one for the sound, each once
        time.sleep(1)
        assert len(seen) == 2
        assert server.json("GET", f"/v2/transcript/{job}")[1]["webhook_status_code"] == 410
