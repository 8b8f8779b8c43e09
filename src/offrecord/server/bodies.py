"""JSON bodies: of a bounded size, and of what JSON allows."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

__all__ = ["json_of"]

_MOST = 8 << 20
"""Bytes. The longest lists that are accepted take four million characters."""
_PATIENCE_S = 30.0


async def json_of(request: Request) -> Any:
    """The request's body as JSON's types. Raises 400 for what is no JSON, 413 for too much, 408 for too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST:
                    raise HTTPException(413, f"The body is larger than {_MOST} bytes")
    except TimeoutError:
        raise HTTPException(408, f"The body did not arrive in {_PATIENCE_S:.0f} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "The body was cut off") from None
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError, too
        raise HTTPException(400, "The body is not valid JSON") from None


def _no_number(_: str) -> NoReturn:
    raise ValueError
