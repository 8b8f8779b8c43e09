"""IN, read: which recordings there are in a directory, below a prefix, by a pattern or in a list.

A `Search` yields each once, with the name that its outputs are mirrored under, and remembers what it passed over and
what was wrong. A directory is walked without following circles, and OUT is not looked into. No problem that is reported
holds a name: names may name people.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from offrecord import audio
from offrecord.batch import places
from offrecord.errors import InputError

__all__ = ["LISTS", "WORK", "Found", "Problem", "Search", "mirrored"]

LISTS = (".jsonl", ".ndjson", ".csv")
"""A file, or an object in a bucket, with one of these is a list of recordings."""

WORK = ".offrecord"
"""The directory in OUT that holds the manifest and what is being made; nothing in IN may begin so."""

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Found:
    """A recording. ``name`` is relative, with ``/``; ``source`` is where it is.

    ``signature`` is what can be known of the content without reading it: equal, it is taken for unchanged. It is
    compared for equality alone, so no clock matters. ``size`` is in bytes, where the listing says it.
    """

    name: str = field(repr=False)
    source: str = field(repr=False)
    signature: str = ""
    size: int = 0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong while looking, without a name; ``line`` is that of the list."""

    reason: str
    line: int | None = None


@dataclass(slots=True)
class Search:
    """The recordings of ``source``. ``out`` is passed over where it lies inside.

    Iterate once. Raises `InputError` for a source that is not there or cannot be read at all, and `UsageError` for a
    kind of address that is not read; what is wrong with a part of it is one of the `problems`, and the rest goes on.
    """

    source: str = field(repr=False)
    out: str = field(repr=False)
    passed: int = 0
    """How much was passed over because it is no recording by its name, or hidden."""
    problems: list[Problem] = field(default_factory=list)

    def __iter__(self) -> Iterator[Found]:
        kind = places.scheme(self.source)
        if PurePosixPath(self.source).suffix.lower() in LISTS:
            from offrecord.batch.lists import listed  # noqa: PLC0415 - which yields what is defined here

            for row in listed(self.source):
                if isinstance(row, Problem):
                    self.problems.append(row)
                else:
                    yield row
        elif kind:
            yield from self._bucket(kind)
        else:
            yield from self._local()

    def _local(self) -> Iterator[Found]:
        root = Path(self.source)
        pattern: tuple[str, ...] = ()
        with places.reading(None):
            if not root.exists() and _MAGIC & set(self.source):
                fixed = next(i for i, part in enumerate(root.parts) if _MAGIC & set(part))
                root, pattern = Path(*root.parts[:fixed]), root.parts[fixed:]
            if not root.exists():
                raise InputError("IN does not exist; expected a directory, a pattern in quotes, a list or an address")
            alone = None if root.is_dir() else root.stat()
        if alone:
            yield _file(root.name, str(root), alone)
            return
        for name, entry in self._walk(root):
            if pattern and not _matches(tuple(name.split("/")), pattern):
                continue
            if not _is_media(name) or not entry.is_file():
                self.passed += 1
                continue
            yield _file(name, entry.path, entry.stat())

    def _walk(self, root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Everything below ``root`` but directories, each of which is entered once.

        Those behind links come last: what can be reached without one is mirrored where it is.
        """
        out = Path(self.out).resolve() if places.scheme(self.out) is None else None
        seen: set[tuple[int, int]] = set()
        waiting, linked = [(str(root), "")], list[tuple[str, str]]()
        while waiting or linked:
            where, prefix = waiting.pop() if waiting else linked.pop(0)
            try:
                found = Path(where).stat()
                if (found.st_dev, found.st_ino) in seen:
                    continue
                seen.add((found.st_dev, found.st_ino))
                with os.scandir(where) as scanned:
                    entries = sorted(scanned, key=lambda entry: entry.name)
            except OSError as error:
                self.problems.append(Problem(f"a directory cannot be read: {error.strerror}"))
                continue
            directories = []
            for entry in entries:
                if entry.name.startswith("."):
                    self.passed += 1
                elif not _leads_somewhere(entry):
                    self.problems.append(Problem("a link leads nowhere"))
                elif not entry.is_dir():
                    yield f"{prefix}{entry.name}", entry
                elif out is None or Path(entry.path).resolve() != out:
                    directories.append(entry)
            for entry in reversed(directories):
                (linked if entry.is_symlink() else waiting).append((entry.path, f"{prefix}{entry.name}/"))

    def _bucket(self, kind: str) -> Iterator[Found]:
        parts = self.source.split("/")
        fixed = next((i for i, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
        root, pattern = "/".join(parts[:fixed]).rstrip("/"), tuple(parts[fixed:])
        if PurePosixPath(root).suffix.lower() in audio.SUFFIXES:
            name = root.rpartition("/")[2]
            yield Found(name, root)
            return
        within = self.out.rstrip("/") + "/" if self.out.startswith(f"{root}/") else None
        for address, info in places.listed(root):
            name = address[len(root) :].lstrip("/")
            if pattern and not _matches(tuple(name.split("/")), pattern):
                continue
            inside = within is not None and address.startswith(within)
            if not _is_media(name) or info.get("type") == "directory" or inside:
                self.passed += 1
            elif mirrored(name) is None:
                self.problems.append(Problem(f"an object of the {kind}:// prefix has a name that cannot be a path"))
            else:
                yield Found(name, address, _tag(info), int(info.get("size") or 0))


def mirrored(name: str) -> str | None:
    """``name`` as a relative path inside OUT, or None where it would lead out of it or into what is ours."""
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") or part.startswith(WORK) for part in parts):
        return None
    return name


def _file(name: str, path: str, found: os.stat_result) -> Found:
    return Found(name, path, f"{found.st_size}.{found.st_mtime_ns}.{found.st_ctime_ns}", found.st_size)


def _tag(info: Mapping[str, Any]) -> str:
    """What a bucket says of an object's content: its tag, or when it was last written."""
    told = [info.get(key) for key in ("size", "ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated")]
    return ".".join(str(part).strip('"') for part in told if part is not None)


def _leads_somewhere(entry: os.DirEntry[str]) -> bool:
    try:
        entry.stat()
    except OSError:  # nothing is there, or a circle of links
        return False
    return True


def _is_media(name: str) -> bool:
    """Whether it is a recording by its name, and none of our outputs."""
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return bool(dot) and f".{suffix.lower()}" in audio.SUFFIXES and ".redacted." not in f"{stem}."


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path matches a pattern; ``**`` stands for any number of directories."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
