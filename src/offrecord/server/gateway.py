"""AssemblyAI's LLM gateway: chat completions of the configured models, with redacted text in the place of a transcript.

With ``OFFRECORD_GATEWAY_REDACT`` nothing leaves before the personal details of the whole conversation are out of it,
the tools and their answers included; what cannot be read is refused. A log line holds an id, a model and a duration.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from offrecord.errors import OffrecordError
from offrecord.records import redaction_from
from offrecord.server import conversation, replies
from offrecord.server.bodies import json_of
from offrecord.server.completions import Completion, parse
from offrecord.server.forwarding import Forwarder, events, while_there, whole
from offrecord.server.keys import Keys
from offrecord.server.replies import BadReply, Refused
from offrecord.server.texts import Texts
from offrecord.store import Store
from offrecord.upstreams import NAME, Upstream

__all__ = ["Gateway"]

log = logging.getLogger("offrecord.gateway")


class Gateway:
    """The routes, as methods. ``redact``: whether every message is redacted before it leaves."""

    def __init__(
        self, store: Store, keys: Keys, texts: Texts, upstreams: Mapping[str, Upstream], *, redact: bool
    ) -> None:
        self._store, self._keys, self._texts, self._redact = store, keys, texts, redact
        self._upstreams = upstreams
        self._forwarder = Forwarder()

    async def close(self) -> None:
        """Close the connections to the upstreams."""
        await self._forwarder.close()

    def models(self, request: Request) -> Response:  # noqa: ARG002
        """The models that can be asked, by the names that the operator gave them. No key is needed."""
        return JSONResponse(replies.models(self._upstreams.values()))

    async def chat(self, request: Request) -> Response:
        """Pass a conversation on to a model. `{{ transcript }}` is replaced by the text of `transcript_id`."""
        request_id, began = str(uuid.uuid4()), time.monotonic_ns()
        model, status = "-", 200
        try:
            owner = self._keys.owner(request.headers.get("authorization"))
            asked = parse(await json_of(request))
            upstream = self._upstream(asked.model)
            model = upstream.name
            asked = await self._with_transcript(asked, owner)
            if asked.stream:
                return await while_there(request, self._streamed(request_id, asked, upstream))
            answer = await while_there(request, self._whole(request_id, asked, upstream, began))
            return JSONResponse(answer)
        except BadReply:
            status = 502
            return replies.error(request_id, Refused(502, "the model's server sent what is no completion"))
        except (HTTPException, OffrecordError) as fault:
            status = replies.told(fault)[0]
            return replies.error(request_id, fault)
        finally:
            seconds = (time.monotonic_ns() - began) / 1e9
            log.info("completion %s by %s: %d, %.1f s", request_id, model, status, seconds)

    def _upstream(self, name: str) -> Upstream:
        found = self._upstreams.get(name)
        if found is None:
            shown = f"model {name}" if NAME.fullmatch(name) else "this model"
            raise Refused(400, "invalid request body", [f"{shown} is not supported"])
        return found

    async def _with_transcript(self, asked: Completion, owner: str) -> Completion:
        if not asked.wants_transcript:
            return asked
        text = await run_in_threadpool(self._transcript, str(asked.transcript_id), owner)
        return asked.with_transcript(text)

    def _transcript(self, transcript_id: str, owner: str) -> str:
        try:
            found = self._store.job(str(uuid.UUID(transcript_id)), owner)
        except ValueError:
            found = None
        if found is None:
            raise Refused(404, "transcript not found")
        if found.deleted:
            raise Refused(404, "transcript deleted")
        if found.result is None:
            raise Refused(400, f"transcript is not completed: its status is {found.status.value}")
        return redaction_from(found.result).text.strip()

    async def _sent(self, asked: Completion) -> Mapping[str, Any]:
        """What is sent on, redacted where that is on."""
        if not self._redact:
            return asked.body
        texts = conversation.texts_of(asked.body)
        redaction = await self._texts.redacted(conversation.joined(texts), substitute="label")
        return conversation.with_texts(asked.body, conversation.parted(texts, redaction))

    async def _whole(self, request_id: str, asked: Completion, upstream: Upstream, began: int) -> dict[str, Any]:
        sent = await self._sent(asked)
        async with self._forwarder.ask(upstream, sent) as response:
            return replies.completion(request_id, asked.body, await whole(response), began)

    async def _streamed(self, request_id: str, asked: Completion, upstream: Upstream) -> Response:
        sent = await self._sent(asked)
        async with AsyncExitStack() as stack:
            response = await stack.enter_async_context(self._forwarder.ask(upstream, sent))
            pieces = _pieces(request_id, asked.model, response)
            # From here on, the answer closes it.
            return _Stream(pieces, stack.pop_all())
        raise AssertionError  # an exit stack swallows nothing


class _Stream(StreamingResponse):
    """A streamed answer, which lets go of the upstream when it ends, or its client does."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        super().__init__(pieces, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._held.aclose()


async def _pieces(request_id: str, model: str, response: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for event in events(response):
            yield b"data: " + json.dumps(replies.chunk(request_id, model, event)).encode() + b"\n\n"
    except (BadReply, httpx2.HTTPError) as error:
        # The status is long sent. A stream without its last line, and a reason to finish, is one that broke off.
        log.warning("completion %s: the stream broke off (%s)", request_id, type(error).__name__)
        return
    yield b"data: [DONE]\n\n"
