"""Texts redacted in the server's own process: one after the other, in a thread, and nothing of them is kept.

The detector is loaded when the first text comes. There is one turn for all, so texts never take more than the cores
that the detector is allowed, and the workers go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from offrecord.labels import LABELS, PRESETS, labels_for, names_in
from offrecord.pipeline import Redactor
from offrecord.server.bodies import json_of
from offrecord.server.keys import Keys
from offrecord.types import Redaction

__all__ = ["LONGEST", "REDACT_SCHEMA", "Texts", "labels_named", "storable"]

LONGEST = 1_000_000
"""Characters of a text, or of all the messages of one request."""
_WAITING = 32


class Texts:
    """Redacts with the server's settings, and the detector that it shares with nobody."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def redacted(
        self, text: str, *, policy: Iterable[str] | None = None, substitute: str | None = None
    ) -> Redaction:
        """``text`` redacted by ``policy``, or the server's own. Raises as `Redactor.redact_text`.

        Raises the 413 of a text that is too long, and the 503 of a server that has too many waiting.
        """
        if len(text) > LONGEST:
            raise HTTPException(413, f"The text is longer than {LONGEST} characters")
        if self._waiting >= _WAITING:
            raise HTTPException(503, "Too many texts are waiting; try again later", {"retry-after": "5"})
        self._waiting += 1
        try:
            async with self._turn:
                return await run_in_threadpool(self._redact, text, policy, substitute)
        finally:
            self._waiting -= 1

    def _redact(self, text: str, policy: Iterable[str] | None, substitute: str | None) -> Redaction:
        _ = self._redactor.tagger  # loaded here, so that all that follow share it
        own = self._redactor.policy.labels
        changed = {} if substitute is None else {"substitute": substitute}
        return self._redactor.again(policy=own if policy is None else policy, **changed).redact_text(text)


class TextRoute:
    """``POST /v1/redact``."""

    def __init__(self, texts: Texts, keys: Keys) -> None:
        self._texts, self._keys = texts, keys

    async def redact(self, request: Request) -> Response:
        """Redact a text. Nothing of it is stored; `start` and `end` are characters of the text that comes back."""
        self._keys.owner(request.headers.get("authorization"))
        body = await json_of(request)
        if not isinstance(body, dict):
            raise HTTPException(400, "The body must be a JSON object")
        text, policy, substitute = body.get("text"), body.get("policy"), body.get("substitute")
        if not isinstance(text, str) or not storable(text):
            raise HTTPException(400, "`text` is required: a text")
        if substitute not in (None, "label", "hash", "numbered"):
            raise HTTPException(400, "`substitute` must be label, hash or numbered")
        redaction = await self._texts.redacted(text, policy=_labels(policy), substitute=substitute)
        return JSONResponse({"text": redaction.text, "entities": _entities(redaction)})


def _labels(policy: Any) -> Iterable[str] | None:
    if policy is None:
        return None
    names = [policy] if isinstance(policy, str) else policy
    if not isinstance(names, list) or len(names) > 200 or not all(isinstance(name, str) for name in names):
        raise HTTPException(400, "`policy` must be a preset, a label, or a list of them")
    if any(len(name) > 2_000 or not storable(name) for name in names):
        raise HTTPException(400, "`policy` must be a preset, a label, or a list of them")
    return labels_named([part for name in names for part in name.split(",")])


def labels_named(names: Iterable[str]) -> frozenset[str]:
    """What the names of presets and labels stand for. Raises a 400 that shows nothing of them, but what is near."""
    given = names_in(names)
    unknown = next((name for name in given if name not in LABELS and name not in PRESETS), None)
    if unknown is None:
        return labels_for(given)
    near = get_close_matches(unknown, [*PRESETS, *LABELS], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise HTTPException(400, f"`policy` holds what is neither a preset nor a label{hint}")


def _entities(redaction: Redaction) -> list[dict[str, Any]]:
    rows = []
    for entity in redaction.entities:
        start, end = redaction.transcript.characters_of(entity.words)
        rows.append({"label": entity.label, "start": start, "end": end})
    return rows


def storable(text: str) -> bool:
    """Whether it is a text: JSON can name half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


REDACT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "maxLength": LONGEST, "description": "what is redacted; it is not stored"},
        "policy": {
            "description": "a preset (default, guide, pci, hipaa, numbers, all), a label, or a list; the server's own",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        "substitute": {
            "type": "string",
            "enum": ["label", "hash", "numbered"],
            "description": "what stands for a hidden word; the server's own",
        },
    },
}
