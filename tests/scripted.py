"""A model's server that answers by a script, and a server of ours that asks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from serving import Answer, Seen, Server, running, web

from offrecord.store import Store
from offrecord.types import Redaction, Transcript, Word

KEY = "sk-upstream-0123456789"
"""The key of the model's server."""


def said(content: str | None = "Fine.", **more: Any) -> dict[str, Any]:
    """A completion as OpenAI's API gives it."""
    message = {"role": "assistant", "content": content, **more}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "real",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        "system_fingerprint": "fp",
    }


def answering(make: Callable[[dict[str, Any]], Any], seen: list[Seen]) -> Answer:
    """Answers each request by what ``make`` gives for its body: JSON's types, or bytes of a stream."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        made = make(json.loads(seen[-1].body))
        content = made if isinstance(made, bytes) else json.dumps(made).encode()
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream" if isinstance(made, bytes) else "application/json")
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def failing(status: int, body: str, **headers: str) -> Answer:
    """Answers with an error, whose text may quote what it was sent."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def streamed(*pieces: dict[str, Any] | str, done: bool = True) -> bytes:
    """A stream of contents, or of deltas."""
    deltas = [{"content": piece} if isinstance(piece, str) else piece for piece in pieces]
    rows: list[dict[str, Any]] = [
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "real",
            "choices": [{"index": 0, "delta": d}],
        }
        for d in deltas
    ]
    if done:
        rows[-1]["choices"][0]["finish_reason"] = "stop"
    lines = [f"data: {json.dumps(row)}\n\n" for row in rows] + (["data: [DONE]\n\n"] if done else [])
    return "".join(lines).encode()


class Script:
    """A model's server under ``/v1``, whose next answers are set by ``answer``."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], Any] = lambda _: said()
        self.fault: Answer | None = None
        self.seen: list[Seen] = []
        self.url = ""

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        if self.fault:
            self.fault(handler)
        else:
            answering(self.answer, self.seen)(handler)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies that it was sent."""
        return [json.loads(one.body) for one in self.seen]

    def reset(self) -> None:
        """Forget what was sent, and answer as at first."""
        self.seen.clear()
        self.fault = None
        self.answer = lambda _: said()


@contextmanager
def gated(home: Path, *arguments: str, **environment: str) -> Iterator[tuple[Server, Script]]:
    """A server of ours, whose gateway knows the model ``small`` of a scripted server, and what that server is sent."""
    script = Script()
    with web({"/v1/chat/completions": script}) as (url, seen):
        script.seen, script.url = seen, url
        upstreams = {
            "small": {"url": f"{url}/v1", "model": "real", "key": "SCRIPT_KEY", "context": 4_096},
            "claude-sonnet-4-5-20250929": {"url": f"{url}/v1", "model": "real"},
            "gone": {"url": "http://127.0.0.1:9/v1"},
        }
        given = {"OFFRECORD_UPSTREAMS": json.dumps(upstreams), "SCRIPT_KEY": KEY} | environment
        with running(home, *arguments, **given) as server:
            yield server, script


def stored(home: Path, text: str, owner: str = "local") -> str:
    """The id of a completed job of this text, put into the database as a worker does it."""
    store = Store(home)
    order = {"redact": True, "sound": False, "multichannel": False, "speakers": False, "entities": False}
    job = store.submit(owner, "", asked={"order": order, "echo": {}}, secret={})
    claim = store.claim(1)
    assert claim
    assert claim.id == job.id
    words = [Word(word, i * 100, i * 100 + 90) for i, word in enumerate(text.split())]
    redaction = Redaction(Transcript.spoken(words, len(words) * 100), (), (), {})
    from offrecord.records import redaction_record

    assert store.finish(claim, result=redaction_record(redaction), original=None, duration=1_000, sound=None)
    store.close()
    return job.id
