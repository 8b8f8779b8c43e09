"""OpenAI's ``POST /v1/audio/transcriptions``: a recording goes in, the redacted transcript comes back, nothing stays.

It is a job like any other, in the same queue, and the client waits for it. When it has its answer, or goes away, the
job is erased. Redaction is on; a client turns it off by saying so, and only where the server's operator allows that.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from offrecord import export
from offrecord.errors import OffrecordError
from offrecord.live import sentences
from offrecord.orders import Order
from offrecord.pipeline import Redactor
from offrecord.records import redaction_from
from offrecord.rows import Job, Status
from offrecord.server.forms import Form
from offrecord.server.forwarding import while_there
from offrecord.server.keys import Keys
from offrecord.server.replies import told
from offrecord.server.texts import labels_named
from offrecord.server.uploads import receive
from offrecord.settings import ServerSettings
from offrecord.store import Store
from offrecord.types import Redaction

__all__ = ["FORM_SCHEMA", "Transcriptions"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A form's fields: the job, and what the answer is to look like."""

    order: Order
    shape: str
    words: bool
    segments: bool


class Transcriptions:
    """The route, as a method. ``redactor``: whose policy and substitution hold where a client names none."""

    def __init__(
        self, store: Store, keys: Keys, redactor: Redactor, settings: ServerSettings, *, english_only: bool
    ) -> None:
        self._store, self._keys, self._redactor = store, keys, redactor
        self._settings, self._english_only = settings, english_only

    async def transcribe(self, request: Request) -> Response:
        """Transcribe and redact a recording, and wait for it. The form is OpenAI's, with three fields more."""
        try:
            owner = self._keys.owner(request.headers.get("authorization"))
            self._refuse_without_workers()
            form = Form(request, lambda fields: self._wanted(fields, request.headers))
            upload = await receive(form, self._store, owner, self._settings.max_upload)
            return await self._answer(form, owner, upload)
        except (HTTPException, OffrecordError) as fault:
            status, text = told(fault)
            kind = "invalid_request_error" if status < 500 else "server_error"
            error = {"message": text, "type": kind, "param": None, "code": None}
            headers = fault.headers if isinstance(fault, HTTPException) else None
            return JSONResponse({"error": error}, status, headers)

    def _refuse_without_workers(self) -> None:
        if not self._settings.workers:
            raise HTTPException(503, "This server has no workers, so nothing would come of it")

    async def _answer(self, form: Form[Wanted], owner: str, upload: str) -> Response:
        job = await run_in_threadpool(self._submit, owner, upload, form.asked.order)
        try:
            ended = await while_there(form, self._ended(job.id, owner))
        finally:
            await run_in_threadpool(self._store.forget, job.id, owner)
        if ended is None:
            raise HTTPException(410, "The job was deleted while it ran")
        if ended.result is None:
            raise HTTPException(400, ended.error or "The recording could not be processed")
        return _shown(redaction_from(ended.result), form.asked)

    def _submit(self, owner: str, upload: str, order: Order) -> Job:
        asked = {"order": order.asked(), "echo": {}, "brief": True}
        return self._store.submit(owner, "", asked=asked, secret={}, upload=upload)

    async def _ended(self, job: str, owner: str) -> Job | None:
        while True:
            found = await run_in_threadpool(self._store.job, job, owner)
            if found is None or found.deleted:
                return None
            if found.status in (Status.COMPLETED, Status.ERROR):
                return found
            await asyncio.sleep(_LOOK_S)

    def _wanted(self, fields: Mapping[str, Sequence[str]], headers: Mapping[str, str]) -> Wanted:
        def one(name: str) -> str:
            # A header where a client has no way to a field of its own; the field comes first.
            given = fields.get(name) or [headers.get(f"x-offrecord-{name}", "") if name in _OURS else ""]
            return given[-1].strip()

        if not one("model"):
            raise HTTPException(400, "`model` is required; any name will do: the server's own recogniser does it")
        if _flag("stream", one("stream") or "false"):
            raise HTTPException(400, "`stream` is not offered: words are final when the whole recording was heard")
        shape = one("response_format") or "json"
        if shape not in _SHAPES:
            raise HTTPException(400, f"`response_format` must be one of {', '.join(_SHAPES)}")
        parts = {part for name in _GRANULARITIES for part in fields.get(name, ())}
        if parts - {"word", "segment"} or (parts and shape != "verbose_json"):
            raise HTTPException(400, "`timestamp_granularities` must be word or segment, and goes with verbose_json")
        order = self._order(one("redact"), one("policy"), one("substitute"), one("language").lower())
        return Wanted(order, shape, "word" in parts, "segment" in parts or not parts)

    def _order(self, redact: str, policy: str, substitute: str, language: str) -> Order:
        on = _flag("redact", redact or "true")
        if not on and not self._settings.allow_unredacted:
            raise HTTPException(403, "`redact` cannot be false here: OFFRECORD_ALLOW_UNREDACTED is not set")
        if substitute and substitute not in ("label", "hash", "numbered"):
            raise HTTPException(400, "`substitute` must be label, hash or numbered")
        if language and not (language.isascii() and language.isalpha() and len(language) in (2, 3)):
            raise HTTPException(400, "`language` must be a code as en or es")
        if language not in ("", "en") and self._english_only:
            raise HTTPException(400, "`language` is not available: the recogniser of this server knows English only")
        own = self._redactor.policy
        labels = labels_named(policy[:10_000].split(",")) if policy else own.labels
        return Order(
            redact=on,
            labels=tuple(sorted(labels)) if on else (),
            substitution=substitute or own.substitution,  # type: ignore[arg-type] # checked above
            language=language or None,
        )


def _flag(name: str, text: str) -> bool:
    value = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if value is None:
        raise HTTPException(400, f"`{name}` must be true or false")
    return value


def _shown(redaction: Redaction, wanted: Wanted) -> Response:
    text = redaction.text.strip()
    seconds = math.ceil(redaction.transcript.duration / 1_000)
    if wanted.shape == "text":
        return PlainTextResponse(f"{text}\n")
    if wanted.shape in ("srt", "vtt"):
        return PlainTextResponse(export.as_srt(redaction) if wanted.shape == "srt" else export.as_vtt(redaction))
    usage = {"type": "duration", "seconds": seconds}
    if wanted.shape == "json":
        return JSONResponse({"text": text, "usage": usage})
    transcript = redaction.transcript
    verbose: dict[str, Any] = {
        "task": "transcribe",
        "language": "english" if (transcript.language or "en") == "en" else transcript.language,
        "duration": transcript.duration / 1_000,
        "text": text,
        "usage": usage,
    }
    if wanted.segments:
        verbose["segments"] = [_segment(i, redaction, words) for i, words in enumerate(sentences(transcript))]
    if wanted.words:
        verbose["words"] = [
            {"word": word.text, "start": word.start / 1_000, "end": word.end / 1_000} for word in transcript.words
        ]
    return JSONResponse(verbose)


def _segment(number: int, redaction: Redaction, words: range) -> dict[str, Any]:
    """A sentence. What Whisper says of its tokens is made from the redacted words, or left at nothing."""
    inside = [redaction.transcript.words[i] for i in words]
    text = " ".join(word.text for word in inside)
    sure = [math.log(max(word.confidence or 0.0, 1e-4)) for word in inside]
    raw = text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": inside[0].start / 1_000,
        "end": max(word.end for word in inside) / 1_000,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sum(sure) / len(sure), 4),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 4),
        "no_speech_prob": 0.0,
    }


_LOOK_S = 0.1
_SHAPES = ("json", "text", "srt", "vtt", "verbose_json")
_OURS = frozenset({"redact", "policy", "substitute"})
_GRANULARITIES = ("timestamp_granularities[]", "timestamp_granularities")
_TEXT = {"type": "string"}
FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file", "model"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "the recording; it is not kept"},
        "model": _TEXT | {"description": "any name: the server's recogniser does it"},
        "language": _TEXT | {"description": "as en"},
        "response_format": _TEXT | {"enum": list(_SHAPES), "default": "json", "description": "of the answer"},
        "timestamp_granularities[]": {
            "type": "array",
            "items": _TEXT | {"enum": ["word", "segment"]},
            "description": "with verbose_json",
        },
        "redact": {"type": "boolean", "default": True, "description": "false only with OFFRECORD_ALLOW_UNREDACTED"},
        "policy": _TEXT | {"description": "a preset or labels, separated by commas; also X-Offrecord-Policy"},
        "substitute": _TEXT | {"enum": ["label", "hash", "numbered"], "description": "also X-Offrecord-Substitute"},
    },
}
