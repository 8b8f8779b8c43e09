"""What the gateway answers, in the shape of AssemblyAI's LLM gateway, which OpenAI's clients read as well.

Made field by field from what the upstream said, so nothing of an upstream's comes through that is not known here; least
of all its error texts, which like to quote the request.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from offrecord.errors import InputError, OffrecordError, OutputError, StateError
from offrecord.upstreams import Upstream

__all__ = ["BadReply", "Refused", "chunk", "completion", "error", "models", "told"]


class Refused(HTTPException):
    """An answer that is no completion. ``errors`` say what is wrong, one by one."""

    def __init__(
        self, status: int, text: str, errors: Iterable[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, text, dict(headers) if headers else None)
        self.errors = tuple(errors)


class BadReply(Exception):
    """What the upstream sent is no completion. Says nothing of what it is."""


def completion(request_id: str, asked: Mapping[str, Any], said: Any, began: int) -> dict[str, Any]:
    """A completion from an upstream's. ``began``: nanoseconds of the monotonic clock. Raises `BadReply`."""
    choices = said.get("choices") if isinstance(said, dict) else None
    if not isinstance(choices, list) or not choices:
        raise BadReply
    return {
        "request_id": request_id,
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked["model"],
        "choices": [_choice(i, choice, "message") for i, choice in enumerate(choices)],
        "usage": _usage(said.get("usage")) or _usage({}),
        "request": {name: asked[name] for name in _ECHOED if name in asked},
        "http_status_code": 200,
        "response_time": time.monotonic_ns() - began,
        "llm_status_code": 200,
    }


def chunk(request_id: str, model: str, said: Any) -> dict[str, Any]:
    """A piece of a streamed completion from an upstream's. Raises `BadReply`."""
    choices = said.get("choices") if isinstance(said, dict) else None
    if not isinstance(choices, list):
        raise BadReply
    piece = {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [_choice(i, choice, "delta") for i, choice in enumerate(choices)],
    }
    usage = _usage(said.get("usage"))
    return piece | {"usage": usage} if usage else piece


def _choice(number: int, choice: Any, kind: str) -> dict[str, Any]:
    said = choice.get(kind) if isinstance(choice, dict) else None
    if not isinstance(said, dict):
        raise BadReply
    content, reason = said.get("content"), choice.get("finish_reason")
    if not isinstance(content, str | None) or not isinstance(reason, str | None):
        raise BadReply
    new: dict[str, Any] = {"content": content} if content is not None or kind == "message" else {}
    if kind == "message" or said.get("role"):
        new["role"] = "assistant"
    if isinstance(said.get("refusal"), str):
        new["refusal"] = said["refusal"]
    if said.get("tool_calls"):
        new["tool_calls"] = _calls(said["tool_calls"], whole=kind == "message")
    index = choice.get("index")
    row = {"index": index if type(index) is int else number, kind: new, "finish_reason": reason}
    return row | {"logprobs": choice["logprobs"]} if isinstance(choice.get("logprobs"), dict) else row


def _calls(calls: Any, *, whole: bool) -> list[dict[str, Any]]:
    """Tool calls; of a stream, the pieces of them, which name only what is new."""
    if not isinstance(calls, list):
        raise BadReply
    rows = []
    for number, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise BadReply
        known = {name: function[name] for name in ("name", "arguments") if isinstance(function.get(name), str)}
        if whole and len(known) < 2:
            raise BadReply
        row: dict[str, Any] = {"function": known}
        if whole or isinstance(call.get("id"), str):
            row |= {"id": str(call.get("id") or f"call_{number}"), "type": "function"}
        if not whole:
            row["index"] = call["index"] if type(call.get("index")) is int else number
        rows.append(row)
    return rows


def _usage(said: Any) -> dict[str, Any] | None:
    """Both namings of the counts; zeros where the upstream does not count."""
    if not isinstance(said, dict):
        return None
    given = _count(said, "prompt_tokens", "input_tokens")
    made = _count(said, "completion_tokens", "output_tokens")
    usage: dict[str, Any] = {"input_tokens": given, "output_tokens": made, "prompt_tokens": given}
    usage |= {"completion_tokens": made, "total_tokens": _count(said, "total_tokens") or given + made}
    for name, counts in _DETAILS.items():
        if isinstance(said.get(name), dict):  # each of the counts is required by AssemblyAI's SDK
            usage[name] = {count: _count(said[name], count) for count in counts}
    return usage


def _count(said: Mapping[str, Any], *names: str) -> int:
    found = [said[name] for name in names if type(said.get(name)) is int and said[name] >= 0]
    return found[0] if found else 0


def models(upstreams: Iterable[Upstream]) -> dict[str, Any]:
    """The body of ``GET /v1/models``: every field that AssemblyAI's SDK requires, and those of OpenAI's."""
    return {"object": "list", "data": [_model(upstream) for upstream in upstreams]}


def _model(upstream: Upstream) -> dict[str, Any]:
    own = {"id": "offrecord", "name": "Offrecord"}
    return {
        "id": upstream.name,
        "object": "model",
        "created": 0,
        "owned_by": "offrecord",
        "name": upstream.name,
        "description": "A model that this server's operator has configured.",
        "default_parameters": {},
        "supported_parameters": list(_PARAMETERS),
        "top_provider": {
            "is_moderated": False,
            "context_length": upstream.context,
            "max_completion_tokens": upstream.context,
        },
        "context_length": upstream.context,
        "pricing": {"global": {"prompt": 0.0, "completions": 0.0}},
        "creator": "",
        "retirement_date": 0,
        "available_regions": ["global"],
        "providers": [own],
        "default_provider": own,
    }


def error(request_id: str, fault: HTTPException | OffrecordError) -> JSONResponse:
    """An error in one of the two shapes that AssemblyAI's SDKs read: of the key, or of the request."""
    status, text = told(fault)
    headers = fault.headers if isinstance(fault, HTTPException) else None
    if status == 401:
        return JSONResponse({"error": text, "status": "error", "request_id": request_id}, 401, headers)
    errors = list(fault.errors) if isinstance(fault, Refused) and fault.errors else [text]
    body = {"code": status, "message": text, "request_id": request_id, "metadata": {"errors": errors}}
    return JSONResponse(body, status, headers)


def told(fault: HTTPException | OffrecordError) -> tuple[int, str]:
    """Status and text of a fault, for those who know nothing of our files."""
    if isinstance(fault, HTTPException):
        return fault.status_code, str(fault.detail)
    if isinstance(fault, StateError | OutputError):
        return fault.http_status, "This server has no room, or its database is busy; try again later"
    return 400 if isinstance(fault, InputError) else fault.http_status, str(fault)


_ECHOED = ("model", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream")
_DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens"),
    "completion_tokens_details": (
        "reasoning_tokens",
        "audio_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
}
_PARAMETERS = ("max_tokens", "temperature", "top_p", "stop", "tools", "tool_choice", "response_format")
