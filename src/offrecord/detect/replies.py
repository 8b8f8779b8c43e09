"""What a gateway is asked, and what its reply means: an answer, one that is too long, or a reason to ask otherwise.

Every reply is checked. A gateway may drop the schema without a word, wrap the answer in prose, break it off, or send a
web page: none of these is an answer, and none of them is "nothing found".
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from offrecord.detect.grounding import Quote
from offrecord.detect.spending import Price
from offrecord.errors import FailedClosed, ModelError

__all__ = ["Again", "Broken", "Reply", "Shape", "TooLong", "judge", "read_reply"]

_ALLOWANCE = 4_096
"""Tokens that an answer may have. The windows are small enough for less; a model that needs more is going round."""
_LONGEST_ANSWER = 200_000
"""Characters of an answer: forty times the longest window."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it came."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TooLong:
    """The question, or its answer, is too long for the model: ask about less."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A reply that is no answer, and why. Ask again, for models are not the same twice."""

    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """A gateway that is busy or broken: why, what the user can do, and how many seconds it asks for."""

    reason: str
    advice: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the gateway wants to be asked. ``settled``: an answer of the right shape has come back."""

    form: str = "schema"
    """``schema`` (strict), ``json`` (any JSON) or ``text``."""
    limit: str | None = "max_tokens"
    temperature: bool = True
    settled: bool = False

    @property
    def allowance(self) -> int:
        """Tokens that an answer may have."""
        return _ALLOWANCE

    def body(self, model: str, system: str, user: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The request."""
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        body: dict[str, Any] = {"model": model, "messages": messages}
        if self.limit:
            body[self.limit] = _ALLOWANCE
        if self.temperature:
            body["temperature"] = 0
        if self.form == "schema":
            form = {"name": "personal_details", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif self.form == "json":
            body["response_format"] = {"type": "json_object"}
        return body

    def lower(self) -> Shape | None:
        """The next form that asks less of the gateway, or None after the last."""
        following = {"schema": "json", "json": "text"}.get(self.form)
        return replace(self, form=following, settled=False) if following else None

    def bare(self) -> Shape | None:
        """The shape with one parameter less, or None if it has none."""
        if self.temperature:
            return replace(self, temperature=False)
        return replace(self, limit=None) if self.limit else None

    def as_settled(self) -> Shape:
        """The same, known to work."""
        return replace(self, settled=True)

    def without(self, complaint: str) -> Shape | None:
        """The shape without what the ``complaint`` of a gateway names, or None if it names nothing of it."""
        if self.limit and (self.limit in complaint or "max_completion_tokens" in complaint):
            return replace(self, limit="max_completion_tokens" if self.limit == "max_tokens" else None)
        if self.temperature and "temperature" in complaint:
            return replace(self, temperature=False)
        if self.form != "text" and re.search(r"response_format|json_schema|json_object|schema|structured", complaint):
            return self.lower()
        return None


class _Entity(BaseModel):
    model_config = ConfigDict(strict=True)
    label: str
    quote: str


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True)
    entities: list[_Entity]


_FENCE = re.compile(r"```(?:json|JSON)?\s*\n?(.*?)\s*```", re.DOTALL)
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_ENDS = frozenset({"stop", "end_turn", "stop_sequence", "eos", "eos_token"})
_CUT = frozenset({"length", "max_tokens", "model_length"})
_REFUSED = frozenset({"content_filter", "refusal", "safety", "recitation", "prohibited_content", "blocklist", "spii"})


def read_reply(reply: Reply) -> tuple[list[Quote] | TooLong | Broken | Again | ModelError, Price]:
    """What a reply with status 200 holds, and its price."""
    start = reply.data[:200].lstrip().lower()
    if start.startswith(b"<") or "text/html" in reply.headers.get("content-type", ""):
        return ModelError("answers with a web page; correct the base URL, which mostly ends in /v1"), Price()
    try:
        envelope = json.loads(reply.data)
    except (ValueError, RecursionError):
        return Broken("answers with something else than JSON"), Price()
    if not isinstance(envelope, dict):
        return Broken("answers with JSON that is no completion"), Price()
    return _read_envelope(envelope), _price(envelope, reply.headers)


def _read_envelope(envelope: dict[str, Any]) -> list[Quote] | TooLong | Broken | Again:
    choices = envelope.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    choice = choice if isinstance(choice, dict) else {}
    message = choice.get("message")
    finish = str(choice.get("finish_reason")).lower()
    if envelope.get("error") or choice.get("error"):
        # OpenRouter and others report what failed behind them with status 200.
        return Again("reports an error behind it", "try later, or choose another model")
    if not isinstance(message, dict):
        return Broken("answers with JSON that is no completion")
    if message.get("refusal") or finish in _REFUSED:
        return Broken("refuses to read a part of the text; choose another model")
    if finish in _CUT:
        return TooLong()
    return _read_answer(message.get("content")) if finish in _ENDS else Broken("does not end its answers")


def _read_answer(content: object) -> list[Quote] | Broken:
    if not isinstance(content, str):
        return Broken("answers without text")
    if len(content) > _LONGEST_ANSWER:
        return Broken("gives answers that are far longer than the text")
    content = content[m.end() :] if (m := _THOUGHT.match(content)) else content
    content = content.strip()
    if fenced := _FENCE.fullmatch(content):
        content = fenced[1]
    try:
        answer = _Answer.model_validate_json(content)
    except ValidationError:
        return Broken("does not answer in the JSON that it is asked for; choose a model that can")
    return [Quote(entity.label, entity.quote) for entity in answer.entities]


def _price(envelope: Mapping[str, Any], headers: Mapping[str, str]) -> Price:
    usage = envelope.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    cost = usage.get("cost", headers.get("x-litellm-response-cost"))
    return Price(
        _count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        _count(usage.get("completion_tokens", usage.get("output_tokens"))),
        _dollars(cost),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _dollars(value: object) -> float | None:
    try:
        dollars = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return dollars if 0 <= dollars < 1e9 else None


_KEY = "set OFFRECORD_LLM_API_KEY, or OPENAI_API_KEY, or a file in OFFRECORD_LLM_API_KEY_FILE"
_ADDRESS = "the base URL mostly ends in /v1"
_VERDICTS: dict[int, Again | TooLong | ModelError | FailedClosed] = {
    401: ModelError(f"does not accept the key (status 401); {_KEY}"),
    403: ModelError(f"does not accept the key, or not for this model (status 403); {_KEY}"),
    402: FailedClosed("asks for payment, or its quota is used up; top the account up, or use another key"),
    404: ModelError(f"has no chat completions there (status 404); {_ADDRESS}"),
    405: ModelError(f"has no chat completions there (status 405); {_ADDRESS}"),
    410: ModelError(f"has no chat completions there any more (status 410); {_ADDRESS}"),
    413: TooLong(),
}
_BUSY = frozenset({408, 409, 425, 429, 498})


def judge(reply: Reply, shape: Shape) -> TooLong | Shape | Again | ModelError | FailedClosed:
    """What a reply with another status than 200 means. Its text decides, and goes no further."""
    status = reply.status
    complaint = reply.data[:20_000].decode("utf-8", "replace").lower()
    if status in (400, 422):
        return _refused(status, complaint, shape)
    # llama-cpp-python's server breaks over a response_format that it does not know.
    otherwise = shape.without(complaint) if status >= 500 and not shape.settled else None
    if otherwise is not None:
        return otherwise
    if status in _BUSY or status >= 500:
        if status == 429 and "insufficient_quota" in complaint:
            return _VERDICTS[402]
        advice = "lower --llm-concurrency, or try later" if status == 429 else "try later"
        return Again(f"answers with status {status}", advice, _after(reply.headers))
    if status == 404 and "model" in complaint:
        return ModelError("does not know this model (status 404); name another with --llm-model")
    reason = f"refuses with status {status}; see whether the base URL and --llm-model are right"
    if 300 <= status < 400:
        reason = f"sends us elsewhere (status {status}); set the base URL to where it really is"
    return _VERDICTS.get(status) or ModelError(reason)


_LENGTH = re.compile(
    r"context (?:length|window|size)|too long|too large|too many tokens|maximum.{0,20}(?:length|tokens)|token limit"
)


def _refused(status: int, complaint: str, shape: Shape) -> TooLong | Shape | ModelError:
    if "context_length" in complaint or (_LENGTH.search(complaint) and "max_" not in complaint):
        return TooLong()
    if otherwise := shape.without(complaint):
        return otherwise
    if "model" in complaint:
        return ModelError(f"does not take this model (status {status}); name another with --llm-model")
    # It does not say what it dislikes: leave away what not all of them know, one thing after another.
    if not shape.settled and (less := shape.lower() or shape.bare()):
        return less
    return ModelError(f"refuses the question (status {status}); see whether --llm-model is right")


def _after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
