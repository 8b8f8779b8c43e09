"""The bytes of an upload, from the connection to the disk as they come: nothing is held in memory."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from offrecord.errors import StateError
from offrecord.store import Store

__all__ = ["receive"]

_SILENCE_S = 60.0
"""A client that sends nothing for so long is given up."""
_BLOCK = 1 << 20
_SPARE = 64 << 20
"""Bytes of the disk that uploads leave to the database."""


async def receive(request: Request, store: Store, owner: str, most: int) -> str:
    """Store the request's body; its id. What is cut off, too large or too slow leaves nothing behind."""
    declared = request.headers.get("content-length", "")
    expected = int(declared) if declared.isdigit() and len(declared) < 19 else 0
    if expected > most:
        raise HTTPException(413, f"The upload is larger than {most} bytes")
    if expected + _SPARE > shutil.disk_usage(store.media).free:
        raise HTTPException(507, "The disk of this server has no room for the upload")
    upload = uuid.uuid4().hex
    half = store.media / "uploads" / f"{upload}.half"
    try:
        size = await _write(request, half, most)
        await run_in_threadpool(_keep, store, half, upload, owner, size)
    except ClientDisconnect:
        raise HTTPException(400, "The upload was cut off") from None
    except OSError:
        raise StateError("the upload cannot be stored: the disk is full or cannot be written; make room") from None
    finally:
        half.unlink(missing_ok=True)
    return upload


async def _write(request: Request, path: Path, most: int) -> int:
    size, held = 0, bytearray()
    chunks = request.stream()
    with path.open("wb") as file:
        path.chmod(0o600)
        while True:
            try:
                chunk = await asyncio.wait_for(anext(chunks), _SILENCE_S)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise HTTPException(408, f"Nothing was sent for {_SILENCE_S:.0f} seconds") from None
            size += len(chunk)
            if size > most:
                raise HTTPException(413, f"The upload is larger than {most} bytes")
            held += chunk
            if len(held) >= _BLOCK:
                await run_in_threadpool(file.write, bytes(held))
                held.clear()
        await run_in_threadpool(file.write, bytes(held))
    return size


def _keep(store: Store, half: Path, upload: str, owner: str, size: int) -> None:
    # The row first: a file without a row is removed, a row without its file is found out by the job.
    store.add_upload(upload, owner, size)
    half.replace(store.upload_path(upload))
