"""The routes under ``/v1``: AssemblyAI's LLM gateway, OpenAI's transcriptions, redaction of texts; with their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offrecord.jobs import english_only
from offrecord.pipeline import Redactor
from offrecord.server.completions import CHAT_SCHEMA
from offrecord.server.gateway import Gateway
from offrecord.server.keys import Keys
from offrecord.server.texts import REDACT_SCHEMA, TextRoute, Texts
from offrecord.server.transcriptions import FORM_SCHEMA, Transcriptions
from offrecord.settings import ServerSettings
from offrecord.store import Store
from offrecord.upstreams import Upstream

__all__ = ["V1"]


class V1:
    """What these routes share."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        redactor: Redactor,
        settings: ServerSettings,
        upstreams: Mapping[str, Upstream],
    ) -> None:
        texts = Texts(redactor)
        self._store = store
        self._gateway = Gateway(store, keys, texts, upstreams, redact=settings.gateway_redact)
        self._text = TextRoute(texts, keys)
        self._recordings = Transcriptions(store, keys, redactor, settings, english_only=english_only(redactor))

    def start(self) -> None:
        """Erase what clients waited for when the server last ended: nobody will ask for it."""
        self._store.forget_brief()

    async def stop(self) -> None:
        """Let go of the upstreams."""
        await self._gateway.close()

    def routes(self) -> Sequence[tuple[str, str, Any, dict[str, Any] | None]]:
        """Method, path, handler, and what OpenAPI is told beyond the handler's docstring."""
        return (
            ("POST", "/v1/chat/completions", self._gateway.chat, _body("application/json", CHAT_SCHEMA)),
            ("GET", "/v1/models", self._gateway.models, None),
            (
                "POST",
                "/v1/audio/transcriptions",
                self._recordings.transcribe,
                _body("multipart/form-data", FORM_SCHEMA),
            ),
            ("POST", "/v1/redact", self._text.redact, _body("application/json", REDACT_SCHEMA)),
        )


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}
