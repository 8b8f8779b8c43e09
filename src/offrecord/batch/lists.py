"""A list of recordings, line by line: JSON objects (``.jsonl``) or a table with a header (``.csv``).

Each line names a ``source`` (or ``path``, or ``url``): a path, which is relative to the list, or an address. It may
give the ``name`` that its outputs are mirrored under, and options of its own. A line that cannot be used is a `Problem`
with its number, which quotes nothing of it; the rest goes on.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from offrecord import sources
from offrecord.batch import places
from offrecord.batch.finding import Found, Problem, mirrored
from offrecord.errors import OffrecordError, UsageError
from offrecord.labels import labels_for, names_in
from offrecord.settings import settings

__all__ = ["OPTIONS", "listed"]

OPTIONS = (
    "policy", "substitute", "sound", "pad", "strict", "key_tones", "channels", "language", "strictness", "verify",
)  # fmt: skip
"""What a line may set for its own recording, as the options of the command. ``transcript`` is a path or an address."""

_SOURCES = ("source", "path", "url")
_Line = tuple[int, dict[str, Any] | None]


def listed(address: str) -> Iterator[Found | Problem]:
    """What each line names, in order. Raises `InputError` where the list itself cannot be read."""
    seen: dict[bytes, tuple[int, bytes]] = {}
    with places.opened(address) as file:
        rows = _table(file) if address.lower().endswith(".csv") else _objects(file)
        for line, row in rows:
            read = _read(row, address) if row is not None else "it is not what a line of this list should be"
            if isinstance(read, str):
                yield Problem(read, line)
                continue
            # Digests: a million names would be more to keep in memory.
            name, source = _digest(read.name), _digest(read.source)
            first, of = seen.setdefault(name, (line, source))
            if first == line:
                yield read
            else:
                yield Problem(f"the {'recording' if of == source else 'name'} of line {first} again", line)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(os.fsencode(text), digest_size=16).digest()


def _objects(file: IO[bytes]) -> Iterator[_Line]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except ValueError:  # no UTF-8, or no JSON
            row = None
        yield number, row if isinstance(row, dict) else None


def _table(file: IO[bytes]) -> Iterator[_Line]:
    lines = (line.decode("utf-8-sig" if i == 0 else "utf-8", "surrogateescape") for i, line in enumerate(file))
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            yield number, None
            continue
        if row is None:
            return
        if header is None:
            header = [name.strip().lower() for name in row]
        elif row:
            told = {name: value for name, value in zip(header, row, strict=False) if value}
            yield number, told if len(row) == len(header) and _is_text(row) else None


def _is_text(row: list[str]) -> bool:
    return not any("\udc80" <= character <= "\udcff" for value in row for character in value)


def _read(row: Mapping[str, Any], of: str) -> Found | str:
    """The recording of a line, or what is wrong with it."""
    named = [row[key] for key in _SOURCES if row.get(key)]
    options = {key: row[key] for key in OPTIONS if row.get(key) is not None}
    try:
        if len(named) != 1 or "\0" in named[0]:
            return f"expected one of {', '.join(_SOURCES)}, a path or an address"
        source, name = _address(named[0], of), row.get("name") or _name(named[0])
        if row.get("transcript"):
            options["transcript"] = _address(row["transcript"], of)
        kind = sources.kind(Path(PurePosixPath(name).name))
        wrong = _wrong(json.dumps({key: options[key] for key in options.keys() & OPTIONS}, sort_keys=True))
    except (OffrecordError, ValueError, TypeError, AttributeError):
        return "its address, its name or an option is of a kind that is not read"
    if row.keys() - {*_SOURCES, "name", "transcript", *OPTIONS}:
        wrong = f"it has a field that is not known; expected {', '.join((*_SOURCES, 'name', 'transcript', *OPTIONS))}"
    elif kind != "recording":
        wrong = "it is no recording by its name"
    elif mirrored(name) is None:
        wrong = "its name would lead out of OUT; expected a relative path without .."
    return wrong or _found(name, source, options)


def _found(name: str, source: str, options: Mapping[str, Any]) -> Found:
    if places.scheme(source) is not None:
        return Found(name, source, options=options)
    try:
        found = Path(source).stat()
    except OSError:  # said when it is worked on, as of every recording that cannot be read
        return Found(name, source, options=options)
    return Found(name, source, f"{found.st_size}.{found.st_mtime_ns}.{found.st_ctime_ns}", found.st_size, options)


def _address(given: str, of: str) -> str:
    """``given``, where a path is relative to the list that names it."""
    if places.scheme(given) is not None:
        return given
    if places.scheme(of) is None:
        return str(Path(of).parent / given)
    if given.startswith("/"):
        return given
    return f"{of.rpartition('/')[0]}/{given}"


def _name(given: str) -> str:
    """What the outputs are mirrored under where the list does not say: the path, or host and path of an address."""
    if places.scheme(given) is not None:
        parts = urlsplit(given)
        return f"{parts.hostname or ''}/{unquote(parts.path).lstrip('/')}"
    return given.removeprefix("./").lstrip("/")


@lru_cache(maxsize=1_000)
def _wrong(options: str) -> str | None:
    """What is wrong with the options of a line, as JSON; checked once for all lines that have the same."""
    given = json.loads(options)
    try:
        chosen = settings(**given)
    except UsageError:
        return "an option of it cannot be so"
    try:
        labels_for(names_in(chosen.policy))
    except UsageError:
        return "its policy is no preset and no label"
    return None
