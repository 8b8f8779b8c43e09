"""OpenAI's transcriptions, by OpenAI's own client and by hand: redacted unless said otherwise, and nothing stays."""

from __future__ import annotations

import io
import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import NAMES, SHORT, Server, running, until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that no other file's tests talk to: these look at all that is left in it."""
    with running(tmp_path_factory.mktemp("transcriptions") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    """Only the base URL is changed."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as made:
        yield made


def left(home: Path) -> tuple[int, list[str]]:
    """How many jobs that were waited for are in the database, and the names of the files beside it."""
    with sqlite3.connect(home / "offrecord.db") as db:
        rows = db.execute("SELECT count(*) FROM jobs WHERE url = ''").fetchone()[0]
    db.close()
    files = [path.name for name in ("uploads", "sound", "work") for path in (home / name).rglob("*")]
    return rows, files


def test_a_recording_comes_back_redacted(client: openai.OpenAI, server: Server) -> None:
    """Redaction is on, with the server's labels; afterwards there is no row and no file."""
    with NAMES.open("rb") as file:
        answer = client.audio.transcriptions.create(file=file, model="whisper-1")
    assert answer.text.startswith("Good morning, [PERSON_NAME]. Good morning, [PERSON_NAME].")
    assert left(server.home) == (0, [])
    assert b"Steve" not in b"".join(path.read_bytes() for path in server.home.glob("offrecord.db*"))


def test_verbose_answers_have_words_and_segments(client: openai.OpenAI) -> None:
    """Seconds, in order, with the redacted words; the sentences say the same."""
    answer = client.audio.transcriptions.create(
        file=NAMES, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert answer.words
    assert answer.segments
    assert " ".join(word.word for word in answer.words) == answer.text
    assert " ".join(segment.text for segment in answer.segments) == answer.text
    assert [word.start for word in answer.words] == sorted(word.start for word in answer.words)
    assert answer.words[-1].end <= answer.duration == pytest.approx(29.4, abs=1)
    assert answer.language == "english"
    assert "Steve" not in answer.model_dump_json()


@pytest.mark.parametrize(
    ("shape", "begins"),
    [("text", "Good morning, [PERSON_NAME]."), ("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n00:00:0")],
)
def test_plain_answers(client: openai.OpenAI, shape: Any, begins: str) -> None:
    """As text, and as subtitles."""
    answer = client.audio.transcriptions.create(file=NAMES, model="whisper-1", response_format=shape)
    assert str(answer).startswith(begins)
    assert "[PERSON_NAME]" in str(answer)
    assert "Steve" not in str(answer)


@pytest.mark.parametrize("way", ["fields", "headers"])
def test_policy_and_substitution_are_chosen(client: openai.OpenAI, way: str) -> None:
    """By fields of the form, or by headers for clients that have no way to a field."""
    named = {"policy": "person_name", "substitute": "numbered"}
    given: dict[str, Any] = (
        {"extra_body": named}
        if way == "fields"
        else {"extra_headers": {f"X-Offrecord-{name}": value for name, value in named.items()}}
    )
    answer = client.audio.transcriptions.create(file=NAMES, model="whisper-1", **given)
    assert answer.text.startswith("Good morning, [PERSON_NAME_1]. Good morning, [PERSON_NAME_2].")


def test_redaction_is_not_turned_off_by_clients(client: openai.OpenAI, server: Server) -> None:
    """403, whichever way it is said, and the recording is not kept."""
    for given in ({"extra_body": {"redact": "false"}}, {"extra_headers": {"X-Offrecord-Redact": "false"}}):
        with pytest.raises(openai.PermissionDeniedError, match="OFFRECORD_ALLOW_UNREDACTED"):
            client.audio.transcriptions.create(file=SHORT, model="whisper-1", **given)  # type: ignore[call-overload]
    assert left(server.home) == (0, [])


def test_redaction_is_turned_off_where_that_is_allowed(tmp_path: Path) -> None:
    """Only with the setting, and only by saying so."""
    with running(tmp_path / "home", OFFRECORD_ALLOW_UNREDACTED="1") as own:
        with openai.OpenAI(base_url=f"{own.url}/v1", api_key="any", max_retries=0) as client:
            plain = client.audio.transcriptions.create(file=NAMES, model="m", extra_body={"redact": "false"})
            hidden = client.audio.transcriptions.create(file=NAMES, model="m")
        assert left(own.home) == (0, [])
    assert plain.text.startswith("Good morning, Steve.")
    assert hidden.text.startswith("Good morning, [PERSON_NAME].")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": ""}, "`model` is required"),
        ({"response_format": "diarized_json"}, "`response_format` must be one of"),
        ({"extra_body": {"policy": "person_nam"}}, "did you mean 'person_name'"),
        ({"extra_body": {"substitute": "stars"}}, "`substitute` must be label, hash or numbered"),
        ({"extra_body": {"redact": "perhaps"}}, "`redact` must be true or false"),
        ({"language": "es"}, "knows English only"),
        ({"language": "../en"}, "`language` must be a code"),
        ({"stream": True}, "`stream` is not offered"),
        ({"timestamp_granularities": ["word"]}, "goes with verbose_json"),
    ],
)
def test_bad_fields_are_refused(client: openai.OpenAI, server: Server, fields: dict[str, Any], error: str) -> None:
    """400 in OpenAI's shape with the reason; the recording is not kept."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(**({"file": SHORT, "model": "whisper-1"} | fields))  # type: ignore[call-overload]
    assert error in refused.value.message
    assert refused.value.type == "invalid_request_error"
    assert left(server.home) == (0, [])


def test_what_is_no_recording_is_an_error(client: openai.OpenAI, server: Server) -> None:
    """400 with the job's words."""
    with pytest.raises(openai.BadRequestError, match="File does not appear to contain audio"):
        client.audio.transcriptions.create(file=("a.mp3", io.BytesIO(b"{}")), model="whisper-1")
    assert left(server.home) == (0, [])


def form(*parts: tuple[str, bytes], boundary: str = "b", end: str = "--") -> bytes:
    """A form by hand."""
    made = b""
    for disposition, value in parts:
        made += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"
    return made + f"--{boundary}{end}\r\n".encode()


MODEL = ('form-data; name="model"', b"m")
FILE = ('form-data; name="file"; filename="a.wav"', b"RIFF")
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "multipart/form-data; boundary=b"),
    "no form": (b"{}", "application/json"),
    "no kind": (b"{}", ""),
    "no boundary": (form(MODEL, FILE), "multipart/form-data"),
    "a long boundary": (form(MODEL, FILE), f"multipart/form-data; boundary={'b' * 1_000}"),
    "another boundary": (form(MODEL, FILE, boundary="c"), "multipart/form-data; boundary=b"),
    "no file": (form(MODEL), "multipart/form-data; boundary=b"),
    "an empty file": (form(MODEL, (FILE[0], b"")), "multipart/form-data; boundary=b"),
    "two files": (form(MODEL, FILE, FILE), "multipart/form-data; boundary=b"),
    "no model": (form(FILE), "multipart/form-data; boundary=b"),
    "cut off": (form(MODEL, FILE, end=""), "multipart/form-data; boundary=b"),
    "cut in a part": (form(MODEL, FILE)[:-8], "multipart/form-data; boundary=b"),
    "many fields": (form(*([MODEL] * 500), FILE), "multipart/form-data; boundary=b"),
    "many names": (
        form(*((f'form-data; name="f{i}"', b"x") for i in range(500)), FILE),
        "multipart/form-data; boundary=b",
    ),
    "a long field": (form(('form-data; name="prompt"', b"x" * 100_000), FILE), "multipart/form-data; boundary=b"),
    "a long header": (
        form((f'form-data; name="file"; filename="{"a" * 20_000}"', b"x")),
        "multipart/form-data; boundary=b",
    ),
    "no header": (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    "binary": (bytes(range(256)) * 50, "multipart/form-data; boundary=b"),
    "a name that is a path": (
        form(('form-data; name="../../file"; filename="../../../etc/passwd"', b"x")),
        "multipart/form-data; boundary=b",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_forms_are_refused(server: Server, kind: str) -> None:
    """400 or 413, in OpenAI's shape; nothing is kept."""
    body, content_type = HOSTILE[kind]
    status, answer = server.ask("POST", "/v1/audio/transcriptions", body, Content_Type=content_type)
    assert status in (400, 413)
    assert json.loads(answer)["error"]["message"]
    assert left(server.home) == (0, [])


def test_a_recording_that_is_too_large(tmp_path: Path) -> None:
    """413, of the whole body when it is declared; nothing is kept."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_MAX_UPLOAD="1000") as own:
        assert (
            own.ask("POST", "/v1/audio/transcriptions", b"", Content_Type="multipart/form-data; boundary=b")[0] == 503
        )
    with running(tmp_path / "other", OFFRECORD_MAX_UPLOAD="1000") as own:
        body = form(MODEL, (FILE[0], b"x" * 2_000))
        status, _ = own.ask("POST", "/v1/audio/transcriptions", body, Content_Type="multipart/form-data; boundary=b")
        assert (status, left(own.home)) == (413, (0, []))


@pytest.mark.parametrize("whole", [False, True], ids=["in the middle of its form", "while it waits"])
def test_a_client_that_goes_away_leaves_nothing(server: Server, whole: bool) -> None:
    """The half upload goes; the job is taken back, whatever it is doing."""
    body = form(MODEL, (FILE[0], NAMES.read_bytes()))
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(head.encode() + (body if whole else body[: len(body) // 2]))
        until(lambda: any(left(server.home)))
    until(lambda: left(server.home) == (0, []))
    assert not re.search(rb"internal fault", server.log.read_bytes())


def test_what_was_waited_for_is_erased_after_a_crash(tmp_path: Path) -> None:
    """A server that was killed meanwhile forgets such a job when it starts again: nobody will ask for it."""
    body = form(MODEL, (FILE[0], NAMES.read_bytes()))
    with running(tmp_path / "home") as own:
        head = (
            f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", own.port)) as client:
            client.sendall(head.encode() + body)
            until(lambda: left(own.home)[0])
            own.kill()
        own.start()
        assert left(own.home) == (0, [])
