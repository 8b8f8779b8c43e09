"""Where recordings come from and where results go: paths, and addresses in buckets or on the web.

A path is opened as it is; ``s3://``, ``gs://`` and ``az://`` go through fsspec, whose packages are extras; ``http(s)://``
is read only. What a service says of an address is mapped here, in one table, to errors that name no address: it may
hold a name, or a key.
"""

from __future__ import annotations

import errno
import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from offrecord import audio
from offrecord.errors import InputError, OffrecordError, OutputError, UsageError

__all__ = ["bucket", "fetch", "listed", "opened", "put", "reading", "remove", "removed", "scheme", "writing"]

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
"""What reads each kind of bucket. The extra has the name of the scheme."""
_WEB = ("http", "https")
# What the packages raise beside OSError: no credentials, no such host, a refusal.
_FAULTS = {
    "s3": ("botocore.exceptions:BotoCoreError", "botocore.exceptions:ClientError"),
    "gs": ("gcsfs.retry:HttpError", "google.auth.exceptions:GoogleAuthError"),
    "az": ("azure.core.exceptions:AzureError",),
    "http": ("httpx2:HTTPError", "httpx2:InvalidURL"),
    "https": ("httpx2:HTTPError", "httpx2:InvalidURL"),
}
_PATIENCE_S = 60
_BLOCK = 1 << 20


def scheme(address: str) -> str | None:
    """``s3``, ``gs``, ``az``, ``http`` or ``https``; None for a path. Raises `UsageError` for another one."""
    head, found, _ = address.partition("://")
    if not found:
        return None
    if head.lower() not in (*_PACKAGES, *_WEB):
        raise UsageError(f"{head}:// is not read; expected a path, s3://, gs://, az://, or in a list http(s)://")
    return head.lower()


@cache
def bucket(kind: str) -> Any:
    """The file system of a bucket's scheme. Raises `UsageError` where its package is not installed."""
    try:
        fsspec = importlib.import_module("fsspec")
        # A listing that is remembered would be of another moment than the work.
        return fsspec.filesystem(kind, use_listings_cache=False)
    except ValueError:
        if kind != "az":
            raise
        raise UsageError(  # adlfs, before it has asked anybody
            "az:// addresses need the name of an account and its key; set AZURE_STORAGE_CONNECTION_STRING, or "
            "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
        ) from None
    except ImportError:
        package = _PACKAGES[kind]
        raise UsageError(
            f"{kind}:// addresses need {package}, which is not installed: pip install 'offrecord[{kind}]'"
        ) from None


@contextmanager
def reading(kind: str | None) -> Iterator[None]:
    """What the system or a service says while something is read becomes an `InputError`."""
    with _mapped(kind, InputError, "read"):
        yield


@contextmanager
def writing(kind: str | None) -> Iterator[None]:
    """What the system or a service says while something is written becomes an `OutputError`."""
    with _mapped(kind, OutputError, "written"):
        yield


@contextmanager
def _mapped(kind: str | None, error: type[OffrecordError], done: str) -> Iterator[None]:
    faults: tuple[type[Exception], ...] = (OSError, *_faults(kind))
    try:
        yield
    except faults as said:
        where = f"the {kind}:// address" if kind else "the path"
        raise error(f"{where} cannot be {done}: {_reason(said)}") from None


def _reason(said: Exception) -> str:
    """Why, without the address: the packages put that into their messages."""
    if isinstance(said, OSError) and (said.errno or 0) > 0:  # below are faults of name servers
        return os.strerror(said.errno or 0)
    if isinstance(said, PermissionError) or getattr(said, "status_code", None) in (401, 403):
        return "there is no right to it"
    if isinstance(said, FileNotFoundError):
        return "there is no such thing"
    return type(said).__name__


@cache
def _faults(kind: str | None) -> tuple[type[Exception], ...]:
    found = []
    for where in _FAULTS.get(kind or "", ()):
        module, _, name = where.partition(":")
        try:
            found.append(getattr(importlib.import_module(module), name))
        except ImportError:  # another version of the package, without it
            continue
    return tuple(found)


@contextmanager
def opened(address: str) -> Iterator[IO[bytes]]:
    """The bytes at an address or path. Raises `InputError` for what cannot be read."""
    kind = scheme(address)
    with reading(kind):
        if kind in _WEB:
            raise InputError("a list is read from a path or a bucket, not from the web; fetch it first")
        with bucket(kind).open(address, "rb") if kind else Path(address).open("rb") as file:
            yield file


def fetch(address: str, target: Path) -> None:
    """Bring the recording at ``address`` to ``target``: a link to a path, a copy of everything else.

    Raises `InputError` for what cannot be read and `OutputError` where there is no room for the copy.
    """
    kind = scheme(address)
    if kind is None:
        with writing(None):
            target.symlink_to(Path(address).absolute())
        return
    with writing(None), target.open("xb") as file:
        target.chmod(0o600)
        for block in _blocks(address, kind):
            file.write(block)


def _blocks(address: str, kind: str) -> Iterator[bytes]:
    with reading(kind):
        if kind not in _WEB:
            with bucket(kind).open(address, "rb", block_size=8 * _BLOCK, cache_type="readahead") as source:
                while block := source.read(_BLOCK):
                    yield block
            return
        import httpx2  # noqa: PLC0415 - only addresses on the web need it

        if not urlsplit(address).hostname:
            raise InputError("the address names no host")
        with httpx2.stream("GET", address, follow_redirects=True, timeout=_PATIENCE_S) as answer:
            if answer.status_code != 200:
                raise InputError(f"the host of the address answered {answer.status_code}")
            yield from answer.iter_bytes(_BLOCK)


def put(staged: Path, out: str, name: str) -> None:
    """Give the file ``staged`` its place ``name`` in the directory or prefix ``out``, whole or not at all.

    In a directory it is renamed, or copied beside its place and renamed where it is on another file system. Raises
    `OutputError` where it cannot be.
    """
    kind = scheme(out)
    with writing(kind):
        if kind:
            bucket(kind).put_file(str(staged), f"{out.rstrip('/')}/{name}")
            return
        target = Path(out) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with audio.taking_place_of(target) as beside:
                shutil.copyfile(staged, beside)
            staged.unlink()


def listed(prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object below a prefix: its address, and what the listing says of it. Raises `InputError`."""
    kind = scheme(prefix) or ""
    with reading(kind):
        system = bucket(kind)
        for _, _, files in system.walk(prefix, detail=True, on_error="raise"):
            for info in sorted(files.values(), key=lambda info: str(info["name"])):
                yield f"{kind}://{info['name']}", info


def remove(out: str, name: str) -> None:
    """Remove an output that is of no recipe any more, if it is there. Raises `OutputError` where it cannot be."""
    kind = scheme(out)
    with writing(kind):
        if kind is None:
            (Path(out) / name).unlink(missing_ok=True)
        elif bucket(kind).exists(f"{out.rstrip('/')}/{name}"):
            bucket(kind).rm_file(f"{out.rstrip('/')}/{name}")


def removed(directory: Path) -> None:
    """Remove a directory of ours with all that is in it, if it is there."""
    shutil.rmtree(directory, ignore_errors=True)
