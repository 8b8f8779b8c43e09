"""The personal details of a conversation, taken out before it leaves: every text in it is read as one.

Who is asked "and your name?" answers in the next message, and what was found in one is hidden in all of them; so the
texts are redacted together and put back in their places, word for word. What cannot be read is refused: a picture, a
recording, a shape that nobody knows. Names of functions and of fields stay as they are, for both sides must agree on
them; a field whose name reads like a detail is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offrecord.errors import FailedClosed
from offrecord.server.replies import Refused
from offrecord.transcribe import imported
from offrecord.types import Redaction

__all__ = ["Text", "joined", "parted", "texts_of", "with_texts"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the conversation, and what it is called there: the name of its field, or nothing."""

    cue: str = field(repr=False)
    text: str = field(repr=False)


Visit = Callable[[Text], str]


def texts_of(body: Mapping[str, Any]) -> Sequence[Text]:
    """Every text of a request in its order. Raises `Refused` for what cannot be read."""
    found: list[Text] = []

    def keep(text: Text) -> str:
        found.append(text)
        return text.text

    _visited(body, keep)
    return found


def with_texts(body: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The request with these texts in the places of its own."""
    left = iter(texts)
    return _visited(body, lambda _: next(left))


def joined(texts: Sequence[Text]) -> str:
    """All texts as one, each on lines of its own."""
    return "".join(f"{_cue(text)}{text.text}\n" for text in texts)


def parted(texts: Sequence[Text], redaction: Redaction) -> Sequence[str]:
    """The texts again, as the redaction of `joined` left them: by labels, which keep the number of words.

    Raises `FailedClosed` if the words do not come out even, and `Refused` if the name of a field was hidden.
    """
    words = list(redaction.transcript.words)
    at, result = 0, []
    for text in texts:
        cue = imported.from_text(_cue(text)).words
        if [word.text for word in words[at : at + len(cue)]] != [word.text for word in cue]:
            raise Refused(400, "a field's name reads like a personal detail; rename it")
        at += len(cue)
        own = imported.from_text(text.text)
        hidden = words[at : at + len(own.words)]
        at += len(own.words)
        if len(hidden) != len(own.words):
            raise FailedClosed("a message did not come back whole from its redaction; nothing was sent")
        pieces = (f"{new.text}{old.gap}" for new, old in zip(hidden, own.words, strict=True))
        result.append(own.lead + "".join(pieces))
    if at != len(words):
        raise FailedClosed("the messages did not come back whole from their redaction; nothing was sent")
    return result


def _cue(text: Text) -> str:
    return f"{_SEPARATORS.sub(' ', text.cue)}: " if text.cue else ""


def _visited(body: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    new = dict(body)
    new["messages"] = [_message(message, visit) for message in body["messages"]]
    for name in ("tools", "tool_choice", "response_format"):
        if name in body:
            new[name] = _schema(body[name], visit)
    if "stop" in body:
        new["stop"] = _data(body["stop"], visit)
    return new


def _message(message: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    # `name` is left out: it tells who speaks.
    new: dict[str, Any] = {"role": message["role"], "content": _content(message.get("content"), visit)}
    if message.get("tool_call_id") is not None:
        new["tool_call_id"] = _identifier(message["tool_call_id"])
    if message.get("tool_calls"):
        new["tool_calls"] = [_call(call, visit) for call in message["tool_calls"]]
    return new


def _content(content: Any, visit: Visit) -> Any:
    if content is None or isinstance(content, str):
        return content if content is None else visit(Text("", content))
    parts = []
    for part in content:
        if part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise Refused(400, "a message holds a part that is no text, which cannot be redacted and is not sent on")
        parts.append({"type": "text", "text": visit(Text("", part["text"]))})
    return parts


def _call(call: Any, visit: Visit) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments", ""), str):
        raise Refused(400, "a tool call is not of the form {id, type, function: {name, arguments}}")
    arguments = function.get("arguments", "")
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):  # cut off by a model, say: a text like any other
        new = visit(Text("", arguments))
    else:
        new = json.dumps(_data(given, visit), ensure_ascii=False)
    return {
        "id": _identifier(call.get("id")),
        "type": "function",
        "function": {"name": _identifier(function.get("name")), "arguments": new},
    }


def _schema(value: Any, visit: Visit, key: str = "", depth: int = 0) -> Any:
    """A tool or a format: descriptions and values are read; what both sides must agree on stays as it is."""
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(value, dict):
        return {
            _identifier(name): _data(item, visit) if name in _VALUES else _schema(item, visit, name, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_schema(item, visit, key, depth + 1) for item in value]
    if isinstance(value, str) and not (key in _AGREED and _IDENTIFIER.fullmatch(value)):
        return visit(Text("", value))
    return value


def _data(value: Any, visit: Visit, key: str = "", depth: int = 0) -> Any:
    """Arguments and the like: every text is read beside its field's name, and every number, for it might be one."""
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(value, dict):
        return dict(_entries(value, visit, depth))
    if isinstance(value, list):
        return [_data(item, visit, key, depth + 1) for item in value]
    if isinstance(value, str):
        return visit(Text(key, value))
    if value is None or isinstance(value, bool):
        return value
    said = str(value)
    new = visit(Text(key, said))
    return value if new == said else new


def _entries(value: Mapping[str, Any], visit: Visit, depth: int) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        # The name of a field is read even where its value is no text.
        if isinstance(item, dict | list | bool | None):
            visit(Text(key, ""))
        yield key, _data(item, visit, key, depth + 1)


def _too_deep() -> Refused:
    return Refused(400, f"the request is nested more than {_DEEPEST} deep")


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise Refused(
            400, "an id, or the name of a function or a field, must be of 1 to 128 letters, digits and . _ $ / # -"
        )
    return value


_SEPARATORS = re.compile(r"[_\s]+|(?<=[a-z])(?=[A-Z])")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._$/#-]{1,128}")
_AGREED = frozenset({"type", "name", "required", "$ref", "format"})
"""Fields of a JSON schema whose values both sides must agree on."""
_VALUES = frozenset({"enum", "const", "default", "examples"})
"""Fields of a JSON schema that hold values of the user's, whatever these are called in there."""
_DEEPEST = 60
