"""A stub of ``POST /v1/audio/transcriptions``: it answers as OpenAI, speaches or whisper.cpp do, and keeps what came."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from servers import Answer, Request, Server

KEY = "sk-stub-77aa"

Spoken = Callable[[float], Mapping[str, Any]]
"""From the seconds of a sound to the answer about it."""


def form(request: Request) -> dict[str, bytes]:
    """The fields of a multipart form (RFC 7578)."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts()
    return {str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) for part in parts}  # type: ignore[misc]


def seconds(sound: bytes) -> float:
    """How long a WAV is."""
    with wave.open(io.BytesIO(sound)) as file:
        return float(file.getnframes() / file.getframerate())


class TranscriptionsStub(Server):
    """``spoken`` gives the answer; ``largest``: bytes of a request that are taken; ``key``: what it wants, if any."""

    def __init__(self, spoken: Spoken, *, largest: int = 25 << 20, key: str | None = KEY) -> None:
        super().__init__()
        self.spoken, self.largest, self.key = spoken, largest, key

    def answer(self, request: Request) -> Answer:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return Answer(401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
        if (request.method, request.path) != ("POST", "/v1/audio/transcriptions"):
            return Answer(404, {"error": {"message": "Invalid URL"}})
        if len(request.body) > self.largest:
            return Answer(413, {"error": {"message": "Maximum content size limit (26214400) exceeded"}})
        fields = form(request)
        if fields["response_format"] != b"verbose_json" or fields["timestamp_granularities[]"] != b"word":
            return Answer(400, {"error": {"message": "words want verbose_json"}})
        return Answer(200, self.spoken(seconds(fields["file"])))
