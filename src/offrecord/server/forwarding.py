"""Requests to the configured upstreams, and what can go wrong with them, in one table.

A request is made anew: no header of the client's goes on, and none of the upstream's comes back but for how long to
wait. Redirects are not followed and no proxy is taken from the environment, so the key goes to the configured address
and nowhere else. What an upstream says of its errors is not read: it may quote what it was sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
from starlette.exceptions import HTTPException
from starlette.requests import Request

from offrecord.server.replies import BadReply, Refused
from offrecord.upstreams import Upstream

__all__ = ["Forwarder", "while_there"]

T = TypeVar("T")

_LARGEST = 16 << 20
"""Bytes of an answer, and of a line of a streamed one."""


class Forwarder:
    """One client with its connections, for all upstreams."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        """Close what connections there are."""
        if self._client:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def ask(self, upstream: Upstream, body: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """The upstream's answer, of status 200, before its body is read. Raises `Refused` for any other end of it."""
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT, limits=_LIMITS, trust_env=False)
        headers = {"accept-encoding": "identity", "user-agent": "offrecord"}
        if upstream.key:
            headers["authorization"] = f"Bearer {upstream.key}"
        try:
            sent = {**body, "model": upstream.model}
            async with self._client.stream(
                "POST", f"{upstream.url}/chat/completions", json=sent, headers=headers
            ) as response:
                if response.status_code != 200:
                    raise _refused(response)
                yield response
        except httpx2.HTTPError as error:
            status, text = next((row for kind, row in _FAULTS.items() if isinstance(error, kind)), _BROKEN)
            raise Refused(status, text) from None


async def whole(response: httpx2.Response) -> Any:
    """The answer's body as JSON's types. Raises `BadReply`."""
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _LARGEST:
            raise BadReply
    return _json(bytes(body))


async def events(response: httpx2.Response) -> AsyncIterator[Any]:
    """The pieces of a streamed answer as JSON's types, until it says that it is done.

    Raises `BadReply` for what is none, or where the stream ends before.
    """
    held = bytearray()
    async for piece in response.aiter_raw():
        held += piece
        *lines, rest = held.split(b"\n")
        held = bytearray(rest)
        if len(held) > _LARGEST:
            raise BadReply
        for line in lines:
            name, _, data = bytes(line).strip().partition(b":")
            if name != b"data":  # a comment, an empty line, or the name of an event
                continue
            if data.strip() == b"[DONE]":
                return
            yield _json(data)
    raise BadReply


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BadReply from None


async def while_there(request: Request, work: Awaitable[T]) -> T:
    """What ``work`` gives, which is cancelled when the client goes away. The request's body must have been read."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPException(499, "The client went away")
        return task.result()
    finally:
        for either in (task, gone):
            either.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refused(response: httpx2.Response) -> Refused:
    status = response.status_code
    if status == 429:
        wait = response.headers.get("retry-after", "")
        return Refused(
            429, "too many requests for this action", headers={"retry-after": wait if wait.isdigit() else "10"}
        )
    if status in (400, 413, 422):
        return Refused(400, f"the model's server refused the request ({status}); its reason is not passed on")
    if status in (401, 403, 404):
        return Refused(502, f"the model's server answered {status}: its address, key or model in OFFRECORD_UPSTREAMS")
    return Refused(502, f"the model's server answered {status}; try again later")


_TIMEOUT = httpx2.Timeout(connect=10.0, read=300.0, write=60.0, pool=10.0)
_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
_BROKEN = (502, "the connection to the model's server broke; try again later")
_FAULTS: Mapping[type[Exception], tuple[int, str]] = {
    httpx2.PoolTimeout: (503, "too many requests are under way; try again later"),
    httpx2.ConnectTimeout: (502, "the model's server does not answer"),
    httpx2.ConnectError: (502, "the model's server cannot be reached"),
    httpx2.TimeoutException: (504, "the model's server took too long"),
    httpx2.HTTPError: _BROKEN,
}
"""httpx2's errors, the narrower ones first: status and text."""
