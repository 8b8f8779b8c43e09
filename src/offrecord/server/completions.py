"""The body of ``POST /v1/chat/completions``, made into what is sent on: known fields of known kinds, and no others.

Parsed by hand, once, here. What AssemblyAI's gateway knows and upstreams do not (fallbacks, regions, its steps after
the answer) is accepted and ignored, and so is what nobody knows; nothing that is ignored leaves the machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offrecord.server.replies import Refused
from offrecord.server.texts import storable

__all__ = ["CHAT_SCHEMA", "TAG", "Completion", "parse"]

TAG = "{{ transcript }}"
"""What a transcript is put in the place of: the first in the first message that has it, written just so."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A parsed request: ``body`` is what is sent on, but for the model's real name."""

    model: str
    stream: bool
    body: Mapping[str, Any] = field(repr=False)
    transcript_id: str | None = None

    @property
    def wants_transcript(self) -> bool:
        """Whether there is a place for a transcript, and one is named."""
        return self.transcript_id is not None and any(TAG in text for text in _contents(self.body["messages"]))

    def with_transcript(self, text: str) -> Completion:
        """The same with ``text`` in the place of the tag."""
        messages = [dict(message) for message in self.body["messages"]]
        for message in messages:
            if TAG not in "\n".join(_contents([message])):
                continue
            content = message["content"]
            if isinstance(content, str):
                message["content"] = content.replace(TAG, text, 1)
            else:
                message["content"] = _in_parts(content, text)
            break
        return Completion(self.model, self.stream, {**self.body, "messages": messages}, None)


def parse(body: Any) -> Completion:
    """The request's body. Raises `Refused` with all that is wrong, in the gateway's shape; it quotes no message."""
    if not isinstance(body, dict):
        raise _bad("the body must be a JSON object")
    _check_values(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _bad("model is required")
    stream = body.get("stream")
    if not isinstance(stream, bool | None):
        raise _bad("stream must be true or false")
    sent = {"model": model, "messages": _messages(body), "stream": bool(stream), **_known(body)}
    options = body.get("stream_options")
    if stream and isinstance(options, dict) and options.get("include_usage") is True:
        sent["stream_options"] = {"include_usage": True}
    transcript_id = body.get("transcript_id")
    if not isinstance(transcript_id, str | None):
        raise _bad("transcript_id must be a text")
    return Completion(model, bool(stream), sent, transcript_id)


def _known(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the table that are there, each of its kind."""
    sent: dict[str, Any] = {}
    for name, (kind, what) in _FIELDS.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise _bad(f"{name} must be {what}")
        low, high = _RANGES.get(name, (-math.inf, math.inf))
        if isinstance(value, int | float) and not low <= value <= high:
            raise _bad(f"{name} must be {what}")
        sent[name] = value
    if "max_tokens" not in sent and "max_completion_tokens" not in sent:
        sent["max_tokens"] = _MAX_TOKENS
    if isinstance(sent.get("tool_choice"), str) and sent["tool_choice"] not in ("none", "auto", "required"):
        raise _bad("tool_choice must be none, auto, required, or an object")
    if not all(isinstance(tool, dict) for tool in sent.get("tools", ())):
        raise _bad("tools must be a list of objects")
    if not isinstance(sent.get("stop", ""), str) and not all(isinstance(text, str) for text in sent["stop"]):
        raise _bad("stop must be a text or a list of texts")
    return sent


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages, prompt = body.get("messages"), body.get("prompt")
    if messages is None and isinstance(prompt, str):
        messages = [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not messages:
        raise _bad("messages or prompt is required")
    if len(messages) > _MOST:
        raise _bad(f"messages must be at most {_MOST}")
    return [_message(number, message) for number, message in enumerate(messages)]


def _message(number: int, message: Any) -> dict[str, Any]:
    where = f"messages[{number}]"
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise _bad(f"{where} must be an object with a role of {', '.join(_ROLES)}")
    content = message.get("content")
    if not isinstance(content, str | list | None):
        raise _bad(f"{where}.content must be a text, a list of parts, or null")
    if isinstance(content, list) and not all(isinstance(part, dict) for part in content):
        raise _bad(f"{where}.content must be a list of objects")
    calls = message.get("tool_calls")
    if calls is not None and (not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls)):
        raise _bad(f"{where}.tool_calls must be a list of objects")
    for name in ("name", "tool_call_id"):
        if not isinstance(message.get(name), str | None):
            raise _bad(f"{where}.{name} must be a text")
    known = {name: message[name] for name in ("name", "tool_call_id", "tool_calls") if message.get(name) is not None}
    return {"role": message["role"], "content": content, **known}


def _contents(messages: Any) -> list[str]:
    """The texts that may hold the tag."""
    found = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            found.append(content)
        elif content:
            found += [part["text"] for part in content if isinstance(part.get("text"), str)]
    return found


def _in_parts(parts: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    new = [dict(part) for part in parts]
    part = next(part for part in new if isinstance(part.get("text"), str) and TAG in part["text"])
    part["text"] = part["text"].replace(TAG, text, 1)
    return new


def _check_values(body: Any) -> None:
    """Refuse what no upstream could be sent: halves of characters, numbers beyond all numbers, endless nesting."""
    level = [body]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str) and not storable(value):
                raise _bad("a text holds half of a character")
            if isinstance(value, float) and not math.isfinite(value):
                raise _bad("a number is too large")
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
        if not inner:
            return
        level = inner
    raise _bad(f"the body is nested more than {_DEEPEST} deep")


def _bad(text: str) -> Refused:
    return Refused(400, "invalid request body", [text])


_ROLES = ("system", "developer", "user", "assistant", "tool")
_MAX_TOKENS = 1_000
_MOST = 2_000
_DEEPEST = 50
_NUMBER = (int, float)
_FIELDS: Mapping[str, tuple[Any, str]] = {
    "max_tokens": (int, "an integer of 1 or more"),
    "max_completion_tokens": (int, "an integer of 1 or more"),
    "temperature": (_NUMBER, "a number from 0 to 2"),
    "top_p": (_NUMBER, "a number from 0 to 1"),
    "presence_penalty": (_NUMBER, "a number from -2 to 2"),
    "frequency_penalty": (_NUMBER, "a number from -2 to 2"),
    "seed": (int, "an integer"),
    "n": (int, "an integer from 1 to 16"),
    "logprobs": (bool, "true or false"),
    "top_logprobs": (int, "an integer from 0 to 20"),
    "parallel_tool_calls": (bool, "true or false"),
    "tools": (list, "a list of objects"),
    "tool_choice": ((str, dict), "none, auto, required, or an object"),
    "response_format": (dict, "an object"),
    "stop": ((str, list), "a text or a list of texts"),
}
"""What is sent on, and of which kind it must be."""
_RANGES: Mapping[str, tuple[float, float]] = {
    "max_tokens": (1, 1e9),
    "max_completion_tokens": (1, 1e9),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "seed": (-(2**63), 2**63 - 1),
    "n": (1, 16),
    "top_logprobs": (0, 20),
}
CHAT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model"],
    "properties": {
        "model": {"type": "string", "description": "a name from /v1/models"},
        "messages": {"type": "array", "items": {"type": "object"}, "description": "as OpenAI has them"},
        "prompt": {"type": "string", "description": "one user message, if there are no messages"},
        "transcript_id": {"type": "string", "description": f"its text takes the place of the first {TAG}"},
        "stream": {"type": "boolean", "description": "server-sent events, as the model speaks"},
        "max_tokens": {"type": "integer", "minimum": 1, "default": _MAX_TOKENS, "description": "of the answer"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2, "description": "passed on"},
        "tools": {"type": "array", "items": {"type": "object"}, "description": "passed on"},
        "response_format": {"type": "object", "description": "passed on"},
    },
}
