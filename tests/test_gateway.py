"""The gateway: what reaches a model, what comes back, and what does neither."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import KEY, Script, failing, gated, said, stored, streamed
from serving import Server, until

CANARY = "Zyxanderwick"
TEXT = f"My name is {CANARY} Thompson, call me at 415-555-0132."


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Script]]:
    """A server that passes messages on as they are."""
    with gated(tmp_path_factory.mktemp("plain") / "home", "--workers", "0") as pair:
        yield pair


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Script]]:
    """A server that redacts what leaves it."""
    home = tmp_path_factory.mktemp("strict") / "home"
    with gated(home, "--workers", "0", OFFRECORD_GATEWAY_REDACT="true") as pair:
        yield pair


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Each test has the script to itself."""
    for name in {"both", "strict"} & set(request.fixturenames):
        request.getfixturevalue(name)[1].reset()


def ask(server: Server, content: Any = "Hello", model: str = "small", **fields: Any) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": content}], **fields}
    return server.json("POST", "/v1/chat/completions", body)


def test_a_completion_has_the_contracts_shape(both: tuple[Server, Script]) -> None:
    """Both namings of the counts, an id, integer nanoseconds, and the name that the client knows."""
    server, _ = both
    status, answer = ask(server, temperature=0)
    assert status == 200
    assert uuid.UUID(answer["request_id"])
    assert (answer["model"], answer["object"]) == ("small", "chat.completion")
    assert answer["choices"] == [
        {"index": 0, "message": {"content": "Fine.", "role": "assistant"}, "finish_reason": "stop"}
    ]
    assert answer["usage"] == {
        "input_tokens": 9, "output_tokens": 3, "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
    }  # fmt: skip
    assert answer["request"] == {"model": "small", "max_tokens": 1000, "temperature": 0, "stream": False}
    assert (answer["http_status_code"], answer["llm_status_code"]) == (200, 200)
    assert type(answer["response_time"]) is int


def test_what_is_sent_is_what_is_known(both: tuple[Server, Script]) -> None:
    """The model's own name, the default of tokens, the key of the environment; no header and no unknown field goes on."""
    server, script = both
    body = {
        "model": "small", "prompt": "Hello", "zero_data_retention": True, "user": "me", "metadata": {"a": "b"},
        "fallbacks": [{"model": "other"}], "model_region": "global", "top_k": 3,
    }  # fmt: skip
    status, _ = server.json("POST", "/v1/chat/completions", body, Authorization="client-key", Cookie="a=b", X_Mine="1")
    assert status == 200
    assert script.sent == [
        {"model": "real", "messages": [{"role": "user", "content": "Hello"}], "stream": False, "max_tokens": 1000}
    ]
    headers = script.seen[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert not headers.keys() & {"cookie", "x-mine", "forwarded", "x-forwarded-for"}


def test_tools_and_formats_go_both_ways(both: tuple[Server, Script]) -> None:
    """Tools, their answers and a JSON schema are passed on; calls come back with their arguments as text."""
    server, script = both
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"city": "Paris"}'}}
    script.answer = lambda _: said(None, tool_calls=[call])
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    body = {
        "model": "small",
        "messages": [
            {"role": "user", "content": "where?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "there"}]},
        ],
        "tools": tools, "tool_choice": "auto", "response_format": shape,
    }  # fmt: skip
    _, answer = server.json("POST", "/v1/chat/completions", body)
    assert answer["choices"][0]["message"] == {"content": None, "role": "assistant", "tool_calls": [call]}
    assert script.sent[0]["messages"] == body["messages"]
    assert [script.sent[0][name] for name in ("tools", "tool_choice", "response_format")] == [tools, "auto", shape]


def test_a_transcript_takes_the_place_of_the_first_tag(both: tuple[Server, Script]) -> None:
    """Written just so, in the first message that has it, once; anything else stays."""
    server, script = both
    job = stored(server.home, "Hi, [PERSON_NAME]. It is {{ transcript }} here.")
    messages = [
        {"role": "system", "content": "{{transcript}}"},
        {"role": "user", "content": [{"type": "text", "text": "A {{ transcript }} B {{ transcript }}"}]},
        {"role": "user", "content": "{{ transcript }}"},
    ]
    body = {"model": "small", "messages": messages, "transcript_id": job}
    assert server.json("POST", "/v1/chat/completions", body)[0] == 200
    first, second, third = script.sent[0]["messages"]
    assert first["content"] == "{{transcript}}"
    assert second["content"][0]["text"] == ("A Hi, [PERSON_NAME]. It is {{ transcript }} here. B {{ transcript }}")
    assert third["content"] == "{{ transcript }}"
    assert "transcript_id" not in script.sent[0]


def test_transcripts_of_nobody_and_of_others_are_not_found(both: tuple[Server, Script]) -> None:
    """404 for an unknown id, no id at all, and one that was deleted; without a tag it is not even looked for."""
    server, script = both
    gone = stored(server.home, "Hello there")
    foreign = stored(server.home, "Hello there", owner="another")
    assert server.ask("DELETE", f"/v2/transcript/{gone}")[0] == 200
    cases = {
        str(uuid.uuid4()): "transcript not found",
        foreign: "transcript not found",
        "../x": "transcript not found",
        gone: "transcript deleted",
    }
    for job, text in cases.items():
        status, answer = ask(server, "{{ transcript }}", transcript_id=job)
        assert (status, answer["message"], answer["code"]) == (404, text, 404)
    assert not script.seen
    assert ask(server, "no tag", transcript_id=gone)[0] == 200


def test_a_stream_has_the_contracts_shape(both: tuple[Server, Script]) -> None:
    """Lines of `data: `, each with what the SDKs require, and a last one that says so."""
    server, script = both
    script.answer = lambda _: streamed({"role": "assistant", "content": ""}, "One", " two.")
    status, body = server.ask(
        "POST", "/v1/chat/completions", json.dumps({"model": "small", "prompt": "x", "stream": True}).encode()
    )
    lines = body.decode().split("\n\n")
    assert (status, lines[-2:]) == (200, ["data: [DONE]", ""])
    pieces = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    assert all(piece["object"] == "chat.completion.chunk" and piece["model"] == "small" for piece in pieces)
    assert len({piece["id"] for piece in pieces}) == 1
    assert "".join(piece["choices"][0]["delta"]["content"] for piece in pieces) == "One two."
    assert pieces[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "stream",
    [streamed("One", done=False), streamed("One", done=False) + b"data: {broken\n\n", streamed("One", done=False) + b"data: []\n\n"],
    ids=["cut", "broken", "no piece"],
)  # fmt: skip
def test_a_stream_that_breaks_off_ends(both: tuple[Server, Script], stream: bytes) -> None:
    """What was said comes through, the answer ends as HTTP does, and nothing claims that it was done."""
    server, script = both
    script.answer = lambda _: stream
    body = json.dumps({"model": "small", "prompt": "x", "stream": True}).encode()
    status, answer = server.ask("POST", "/v1/chat/completions", body)
    assert status == 200
    assert b'"One"' in answer
    assert b"[DONE]" not in answer


@pytest.mark.parametrize(
    ("fault", "status"),
    [(400, 400), (401, 502), (403, 502), (404, 502), (422, 400), (429, 429), (500, 502), (503, 502), (302, 502)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_upstreams_are_told_in_our_words(
    both: tuple[Server, Script], fault: int, status: int, stream: bool
) -> None:
    """A status that fits, the flat envelope, and nothing of a text that quotes the request, the key or an address."""
    server, script = both
    text = json.dumps({"error": {"message": f"{TEXT} {KEY}"}})
    script.fault = failing(fault, text, retry_after="7", location="http://169.254.169.254/")
    got, answer = ask(server, TEXT, stream=stream)
    assert (got, answer["code"], set(answer)) == (status, status, {"code", "message", "request_id", "metadata"})
    assert len(script.seen) == 1
    shown = json.dumps(answer)
    assert not [word for word in (CANARY, KEY, "555", "127.0.0.1", "169.254", script.url) if word in shown]


@pytest.mark.parametrize("answer", [{}, [], "text", {"choices": []}, {"choices": [{}]}, {"choices": [{"message": 1}]}])
def test_what_is_no_completion_is_an_error(both: tuple[Server, Script], answer: Any) -> None:
    """502, and not an empty answer."""
    server, script = both
    script.answer = lambda _: answer
    assert ask(server)[0] == 502


def test_an_upstream_that_is_not_there(both: tuple[Server, Script]) -> None:
    """502 with words that name no address."""
    status, answer = ask(both[0], model="gone")
    assert (status, answer["message"]) == (502, "the model's server cannot be reached")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], "the body must be a JSON object"),
        ({}, "model is required"),
        ({"model": 3, "prompt": "x"}, "model is required"),
        ({"model": "small"}, "messages or prompt is required"),
        ({"model": "small", "messages": []}, "messages or prompt is required"),
        ({"model": "small", "messages": ["x"]}, "messages[0] must be an object with a role of system, developer, user, assistant, tool"),
        ({"model": "small", "messages": [{"role": "user", "content": 1}]}, "messages[0].content must be a text, a list of parts, or null"),
        ({"model": "small", "messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content must be a list of objects"),
        ({"model": "small", "messages": [{"role": "user", "tool_calls": "x"}]}, "messages[0].tool_calls must be a list of objects"),
        ({"model": "other", "prompt": "x"}, "model other is not supported"),
        ({"model": f"I am {CANARY}", "prompt": "x"}, "this model is not supported"),
        ({"model": "small", "prompt": "x", "max_tokens": 0}, "max_tokens must be an integer of 1 or more"),
        ({"model": "small", "prompt": "x", "max_tokens": True}, "max_tokens must be an integer of 1 or more"),
        ({"model": "small", "prompt": "x", "temperature": "hot"}, "temperature must be a number from 0 to 2"),
        ({"model": "small", "prompt": "x", "temperature": 2.1}, "temperature must be a number from 0 to 2"),
        ({"model": "small", "prompt": "x", "stream": "yes"}, "stream must be true or false"),
        ({"model": "small", "prompt": "x", "tools": [1]}, "tools must be a list of objects"),
        ({"model": "small", "prompt": "x", "tool_choice": CANARY}, "tool_choice must be none, auto, required, or an object"),
        ({"model": "small", "prompt": "x", "stop": [1]}, "stop must be a text or a list of texts"),
        ({"model": "small", "prompt": "x", "transcript_id": 4}, "transcript_id must be a text"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(both: tuple[Server, Script], body: Any, error: str) -> None:
    """400 in the gateway's envelope, and nothing is sent."""
    server, script = both
    status, answer = server.json("POST", "/v1/chat/completions", body)
    assert (status, answer["message"], answer["metadata"]["errors"]) == (400, "invalid request body", [error])
    assert not script.seen


HOSTILE = {
    "not JSON": b"{",
    "not UTF-8": b'{"model": "\xff"}',
    "half of a character": rb'{"model": "small", "prompt": "\ud800"}',
    "endless number": b'{"model": "small", "prompt": "x", "temperature": 1e999}',
    "endless integer": b'{"model": "small", "prompt": "x", "max_tokens": ' + b"9" * 5_000 + b"}",
    "deep": b'{"model": "small", "prompt": "x", "tools": ' + b"[" * 500 + b"]" * 500 + b"}",
    "far too deep": b"[" * 100_000,
    "deep in a message": b'{"model": "small", "messages": [{"role": "user", "content": [' + b'{"a": ' * 200 + b"1" + b"}" * 200 + b"]}]}",
    "a model that is a path": b'{"model": "../../etc/passwd", "prompt": "x"}',
    "a model that is an address": b'{"model": "http://169.254.169.254/v1", "prompt": "x"}',
    "a model of many characters": b'{"model": "' + b"a" * 100_000 + b'", "prompt": "x"}',
    "NaN": b'{"model": "small", "prompt": "x", "temperature": NaN}',
    "nothing": b"",
    "too many messages": json.dumps({"model": "small", "messages": [{"role": "user", "content": "x"}] * 3_000}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_are_refused(both: tuple[Server, Script], kind: str) -> None:
    """400, in JSON, at once; nothing is sent."""
    server, script = both
    status, answer = server.ask("POST", "/v1/chat/completions", HOSTILE[kind])
    assert status == 400
    assert json.loads(answer)["request_id"]
    assert not script.seen


def test_a_body_that_is_too_large(both: tuple[Server, Script]) -> None:
    """413 after the limit, not after the end."""
    body = json.dumps({"model": "small", "prompt": "x" * (9 << 20)}).encode()
    assert both[0].ask("POST", "/v1/chat/completions", body)[0] in (413, 0)
    assert not both[1].seen


def test_a_client_that_goes_away_is_no_fault(both: tuple[Server, Script]) -> None:
    """In the middle of its body, or while the model thinks: the server goes on, and its log shows no fault."""
    server, _ = both
    for body in (b'{"model": "sm', b'{"model": "small", "prompt": "x"}'):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body) + 20 * (body[-1:] != b'}')}\r\n\r\n"
            client.sendall(head.encode() + body)
    assert ask(server)[0] == 200
    assert b"internal fault" not in server.log.read_bytes()


def test_keys_are_asked_for(tmp_path: Path) -> None:
    """401 in the auth envelope without one, as a raw key and as a bearer token; the list of models needs none."""
    with gated(tmp_path / "home", "--workers", "0", OFFRECORD_API_KEYS="right") as (server, script):
        status, answer = ask(server)
        assert (status, answer["error"]) == (401, "Authentication error, API token missing/invalid")
        assert answer["status"] == "error"
        assert uuid.UUID(answer["request_id"])
        assert server.json("POST", "/v1/redact", {"text": "x"})[0] == 401
        assert server.ask("POST", "/v1/audio/transcriptions", b"")[0] == 401
        assert server.get("/v1/models")[0] == 200
        for header in ("right", "Bearer right"):
            body = {"model": "small", "prompt": "x"}
            assert server.json("POST", "/v1/chat/completions", body, Authorization=header)[0] == 200
    assert len(script.seen) == 2


def test_models_are_those_that_are_configured(both: tuple[Server, Script]) -> None:
    """Names, and nothing of where they are or how they are paid for."""
    status, answer = both[0].get("/v1/models")
    assert status == 200
    assert [model["id"] for model in json.loads(answer)["data"]] == ["small", "claude-sonnet-4-5-20250929", "gone"]
    assert not [word for word in (b"127.0.0.1", b"SCRIPT_KEY", KEY.encode(), b"real") if word in answer]


# With redaction on.


def test_no_message_leaves_with_its_details(strict: tuple[Server, Script]) -> None:
    """Texts, parts, tool calls with their arguments, tools' answers, tools, formats and stops; names of speakers go."""
    server, script = strict
    call = {
        "name": "book",
        "arguments": json.dumps({"customer_name": f"{CANARY} Thompson", "phone": 4155550132, "seats": 2}),
    }
    body = {
        "model": "small",
        "messages": [
            {"role": "system", "content": f"You speak with {CANARY} Thompson.", "name": CANARY},
            {"role": "user", "content": [{"type": "text", "text": TEXT}, {"type": "text", "text": "Bye."}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": "c1", "content": f"Booked for {CANARY}."},
            {"role": "assistant", "content": "And your phone number?"},
            {"role": "user", "content": "four one five, five five five, oh one three two", "cache_control": {"a": CANARY}},
        ],
        "tools": [{"type": "function", "function": {"name": "book", "description": f"For {CANARY} Thompson.",
                   "parameters": {"type": "object", "properties": {"customer_name": {"type": "string", "enum": [f"{CANARY} Thompson"]}}, "required": ["customer_name"]}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "description": f"{CANARY} Thompson"}}},
        "stop": [f"{CANARY} Thompson"], "user": CANARY,
    }  # fmt: skip
    status, answer = server.json("POST", "/v1/chat/completions", body)
    assert status == 200, answer
    sent = script.seen[0].body.decode()
    assert not [word for word in (CANARY, CANARY.lower(), "Thompson", "0132", "4155550132", "five") if word in sent]
    system, user, assistant, tool, question, number = script.sent[0]["messages"]
    assert system == {"role": "system", "content": "You speak with [PERSON_NAME] [PERSON_NAME]."}
    assert user["content"][0]["text"].startswith("My name is [PERSON_NAME] [PERSON_NAME], call me at [PHONE_NUMBER].")
    assert user["content"][1] == {"type": "text", "text": "Bye."}
    made = assistant["tool_calls"][0]
    assert (made["id"], made["function"]["name"]) == ("c1", "book")
    assert json.loads(made["function"]["arguments"])["seats"] == 2
    assert tool == {"role": "tool", "tool_call_id": "c1", "content": "Booked for [PERSON_NAME]."}
    assert question["content"] == "And your phone number?"
    assert set(number["content"].replace(",", "").split()) == {"[PHONE_NUMBER]"}
    function = script.sent[0]["tools"][0]["function"]
    assert (function["name"], function["parameters"]["required"]) == ("book", ["customer_name"])


def test_a_transcript_is_redacted_with_the_rest(strict: tuple[Server, Script]) -> None:
    """Also one whose job hid nothing."""
    server, script = strict
    job = stored(server.home, "Hello, my name is Margaret Thompson.")
    assert ask(server, "Sum it up: {{ transcript }}", transcript_id=job)[0] == 200
    assert script.sent[0]["messages"][0]["content"] == ("Sum it up: Hello, my name is [PERSON_NAME] [PERSON_NAME].")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:{CANARY}"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": CANARY}}]},
        {"role": "user", "content": [{"type": "text", "text": {"value": CANARY}}]},
        {"role": "user", "content": [{"text": CANARY}]},
        {"role": "user", "content": f"{CANARY}\0"},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": CANARY, "arguments": {"a": 1}}}]},
        {"role": "assistant", "tool_calls": [{"id": "a b", "function": {"name": "a", "arguments": "{}"}}]},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": f"I am {CANARY}", "arguments": "{}"}}]},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a", "arguments": "[" * 70 + "]" * 70}}]},
        {"role": "tool", "tool_call_id": f"{CANARY} Thompson", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a", "arguments": '{"my name is Ann Thompson": 1}'}}]},
    ],
    ids=["picture", "sound", "no text", "no kind", "NUL", "no arguments", "id", "name", "deep", "tool id", "field"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(strict: tuple[Server, Script], message: dict[str, Any]) -> None:
    """400 that quotes nothing, and no byte leaves."""
    server, script = strict
    status, answer = server.json("POST", "/v1/chat/completions", {"model": "small", "messages": [message]})
    assert status == 400
    assert CANARY not in json.dumps(answer)
    assert not script.seen


def test_too_much_text_is_refused(strict: tuple[Server, Script]) -> None:
    """413, not a thread that reads for minutes."""
    assert ask(strict[0], "word " * 300_000)[0] == 413
    assert not strict[1].seen


def test_placeholders_stay_as_they_are(strict: tuple[Server, Script]) -> None:
    """What was redacted once goes through unchanged, with its lines and spaces."""
    server, script = strict
    text = "  Hi, [PERSON_NAME].\n\n\tYour code is ####.  "
    assert ask(server, text)[0] == 200
    assert script.sent[0]["messages"][0]["content"] == text


def test_the_canary_is_nowhere(strict: tuple[Server, Script]) -> None:
    """Planted in messages, in errors of the model's server, in texts: in no log, metric, error, file, and no file's bytes."""
    server, script = strict
    shown = [ask(server, TEXT)[1]]
    for status in (400, 429, 500):
        script.fault = failing(status, TEXT)
        shown.append(ask(server, TEXT)[1])
    script.fault = None
    script.answer = lambda _: streamed("ok", done=False) + f"data: {TEXT}\n\n".encode()
    shown.append(
        server.ask(
            "POST", "/v1/chat/completions", json.dumps({"model": "small", "prompt": TEXT, "stream": True}).encode()
        )
    )
    shown.append(server.json("POST", "/v1/redact", {"text": TEXT, "policy": "all"}))
    shown.append(server.json("POST", "/v1/redact", {"text": f"{CANARY}\0"}))
    shown.append(server.json("POST", "/v1/redact", {"text": "x", "policy": 5, "substitute": CANARY}))
    form = f'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n{CANARY}\r\n--b--\r\n'.encode()
    shown.append(server.ask("POST", "/v1/audio/transcriptions", form, Content_Type="multipart/form-data; boundary=b"))
    shown.append(server.get("/metrics"))
    files = b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file())
    everything = repr(shown).encode() + server.log.read_bytes() + files
    assert CANARY.lower().encode() not in everything.lower()
    assert KEY.encode() not in everything


def test_the_workers_have_no_key(tmp_path: Path) -> None:
    """The processes that read strangers' recordings are not given the models' keys."""
    with gated(tmp_path / "home") as (server, _):
        pids = until(server.workers)
        seen = Path(f"/proc/{pids[0]}/environ").read_bytes()
    assert b"OFFRECORD_UPSTREAMS=" in seen
    assert KEY.encode() not in seen
