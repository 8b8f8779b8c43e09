"""Redaction of texts by `POST /v1/redact`, the configuration of models, forms cut anywhere, and conversations as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import Server, running
from starlette.exceptions import HTTPException
from starlette.requests import Request

from offrecord.errors import FailedClosed, UsageError
from offrecord.pipeline import Redactor
from offrecord.server import conversation
from offrecord.server.conversation import Text
from offrecord.server.forms import Form
from offrecord.types import Redaction, Transcript, Word
from offrecord.upstreams import Upstream, keys_of, upstreams_of


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without workers: texts need none."""
    with running(tmp_path_factory.mktemp("texts") / "home", "--workers", "0") as server:
        yield server


SAID = "Hi, I'm Siobhan Kelly.\n\n  Call 415-555-0132."


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "Hi, I'm [PERSON_NAME] [PERSON_NAME].\n\n  Call [PHONE_NUMBER]."),
        ({"policy": "person_name"}, "Hi, I'm [PERSON_NAME] [PERSON_NAME].\n\n  Call 415-555-0132."),
        ({"policy": ["phone_number"], "substitute": "hash"}, "Hi, I'm Siobhan Kelly.\n\n  Call ###-###-####."),
        ({"policy": "guide", "substitute": "numbered"}, "Hi, I'm [PERSON_NAME_1].\n\n  Call [PHONE_NUMBER_1]."),
    ],
)
def test_a_text_is_redacted(plain: Server, asked: dict[str, Any], text: str) -> None:
    """With lines and spaces as they were; each entity is where the answer says."""
    status, answer = plain.json("POST", "/v1/redact", {"text": SAID, **asked})
    assert (status, answer["text"]) == (200, text)
    for entity in answer["entities"]:
        hidden = answer["text"][entity["start"] : entity["end"]]
        assert hidden.startswith(("[", "#"))
        assert hidden.rstrip(".").endswith(("]", "#"))


@pytest.mark.parametrize("text", ["", " \n", "nothing here"])
def test_a_text_without_details_comes_back_as_it_is(plain: Server, text: str) -> None:
    """Also an empty one."""
    assert plain.json("POST", "/v1/redact", {"text": text}) == (200, {"text": text, "entities": []})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400), (b"{}", 400), (b'{"text": 1}', 400), (rb'{"text": "\ud800"}', 400),
        (rb'{"text": "a\u0000"}', 422), (b'{"text": "a", "policy": "nobody"}', 400), (b'{"text": "a", "policy": []}', 400),
        (b'{"text": "a", "policy": [1]}', 400), (b'{"text": "a", "policy": {}}', 400),
        (b'{"text": "a", "substitute": "stars"}', 400), (b'{"text": "a", "substitute": []}', 400), (b"\xff", 400),
        (json.dumps({"text": "a" * 1_000_001}).encode(), 413), (b'{"text": "a", "policy": "' + b"x" * 9_000 + b'"}', 400),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(plain: Server, body: bytes, status: int) -> None:
    """With `{"error": …}`, which shows nothing of what was given."""
    got, answer = plain.ask("POST", "/v1/redact", body)
    assert got == status
    assert set(json.loads(answer)) == {"error"}
    assert not [word for word in (b"nobody", b"stars", b"xxx") if word in answer]


def test_models_are_read_from_text_and_file(tmp_path: Path) -> None:
    """The key is taken from its variable, and not shown; only the variable's name is known to others."""
    text = '{"a": {"url": "https://llm.example/v1/", "model": "b", "key": "A_KEY", "context": 5}, "c": {"url": "http://h"}}'
    (tmp_path / "models.json").write_text(text)
    for given_ in (text, str(tmp_path / "models.json")):
        found = upstreams_of(given_, {"A_KEY": " secret "})
        assert found["a"] == Upstream("a", "https://llm.example/v1", "b", 5, "secret")
        assert found["c"] == Upstream("c", "http://h", "c")
        assert "secret" not in repr(found)
        assert keys_of(given_) == {"A_KEY"}
    assert upstreams_of(" ") == {}


@pytest.mark.parametrize(
    "text",
    [
        "nowhere.json", "{", "[]", '{"a": 1}', '{"a": {}}', '{"a": {"url": 1}}', '{"a": {"url": "file:///etc"}}',
        '{"a": {"url": "http://me:secret@h"}}', '{"a": {"url": "http://h?key=secret"}}', '{"a": {"url": "http://h:x"}}',
        '{"a b": {"url": "http://h"}}', '{"a": {"url": "http://h", "secret": 1}}', '{"a": {"url": "http://h", "key": "sk-secret"}}',
        '{"a": {"url": "http://h", "key": "MISSING"}}', '{"a": {"url": "http://h", "key": "BAD_KEY"}}',
        '{"a": {"url": "http://h", "model": 1}}', '{"a": {"url": "http://h", "context": true}}',
    ],
)  # fmt: skip
def test_models_that_cannot_be_are_refused(text: str) -> None:
    """With what to do, and without what might be a secret."""
    with pytest.raises(UsageError, match="OFFRECORD_UPSTREAMS") as refused:
        upstreams_of(text, {"BAD_KEY": "secret\nline"})
    assert "secret" not in str(refused.value)


def form(pieces: Sequence[bytes], boundary: str) -> tuple[bytes, Mapping[str, Sequence[str]]]:
    """The file and the fields of a form that arrives in these pieces."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        body = left.pop(0) if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    headers = [(b"content-type", f"multipart/form-data; boundary={boundary}".encode())]
    made = Form(Request({"type": "http", "headers": headers, "method": "POST"}, receive), dict)

    async def read() -> bytes:
        return b"".join([piece async for piece in made.stream()])

    return asyncio.run(read()), made.asked


BODY = (
    b'--bb\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--bb\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b"RIFF\r\n--b\r\n-\n\r\x00\xff--bb\r\n"
    b'--bb\r\nContent-Disposition: form-data; name="policy"\r\n\r\npci\r\n--bb--\r\n'
)


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_a_form_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    """Also in the middle of a boundary, a header, and what looks like a boundary in the file."""
    edges = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[a:b] for a, b in pairwise(edges)]
    content, fields = form(pieces, "bb")
    assert content == b"RIFF\r\n--b\r\n-\n\r\x00\xff--bb"
    assert fields == {"model": ["m"], "policy": ["pci"]}


@given(st.integers(0, len(BODY) - 5))
def test_a_form_that_is_cut_off_is_refused(end: int) -> None:
    """Wherever it ends before its last boundary."""
    with pytest.raises(HTTPException) as refused:
        form([BODY[:end]], "bb")
    assert refused.value.status_code == 400


WORDS = st.sampled_from(["a", "Ann", "415-555-0132", "\n", "  ", "\t", "(Ann)", "é", ""])
TEXTS = st.lists(st.builds(Text, st.sampled_from(["", "phone_number", "seat"]), st.lists(WORDS, max_size=4).map(" ".join)), max_size=5)  # fmt: skip


@given(TEXTS)
def test_texts_part_as_they_were_joined(texts: list[Text]) -> None:
    """Where nothing is hidden, each comes back character by character."""
    whole = Redactor(policy="zodiac_sign").redact_text(conversation.joined(texts))
    assert conversation.parted(texts, whole) == [text.text for text in texts]


@pytest.mark.parametrize("words", [["one"], ["one", "two", "three"]])
def test_texts_that_do_not_come_out_even_are_not_sent(words: list[str]) -> None:
    """A word too few or too many is a fault, never a guess."""
    redaction = Redaction(Transcript(tuple(Word(word) for word in words)), ())
    with pytest.raises(FailedClosed):
        conversation.parted([Text("", "one two")], redaction)
