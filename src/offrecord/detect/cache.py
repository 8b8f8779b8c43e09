"""Answers that were paid for once, on disk: labels and positions under a digest of what was asked. No words.

An entry holds where in a window something was claimed, never what. Whoever has the directory and a guess at a whole
window can check the guess, so it belongs where only the user can read. An entry that is damaged is asked again.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from offrecord.errors import OutputError
from offrecord.types import Span

__all__ = ["Cache", "Claims"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a window's answer came to: spans of the window's characters, and quotes without a place."""

    spans: tuple[Span, ...]
    ungrounded: int = 0
    unplaced: int = 0
    flooded: int = 0


class _Entry(BaseModel):
    """As on disk. ``check`` is a digest of the rest and of the name, so that no part of an entry passes for it all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    spans: list[tuple[int, int, str, float, str]]
    counts: tuple[int, int, int]
    check: str


class Cache:
    """The directory; ``label`` turns a name into the label that was asked for, or None if it was not."""

    def __init__(self, directory: Path, label: Callable[[str], str | None]) -> None:
        self._directory, self._label = directory, label
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"cannot make the cache {directory}: {error.strerror}; choose another") from None

    @staticmethod
    def key(*parts: str) -> str:
        """The digest of everything that an answer depends on."""
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def get(self, key: str, length: int) -> Claims | None:
        """The claims under ``key`` on a window of ``length`` characters, or None: nothing there, or not whole."""
        try:
            entry = _Entry.model_validate_json((self._directory / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        spans = [(start, end, self._label(label), score, source) for start, end, label, score, source in entry.spans]
        whole = entry.check == _check(key, entry.spans, entry.counts)
        if not whole or any(label is None or not 0 <= start < end <= length for start, end, label, *_ in spans):
            return None
        claims = (Span(start, end, label, score, source) for start, end, label, score, source in spans if label)
        return Claims(tuple(claims), *entry.counts)

    def put(self, key: str, claims: Claims) -> None:
        """Keep the claims, whole or not at all. Raises `OutputError` where that cannot be."""
        spans = [(span.start, span.end, str(span.label), span.score, span.source) for span in claims.spans]
        counts = (claims.ungrounded, claims.unplaced, claims.flooded)
        entry = _Entry(spans=spans, counts=counts, check=_check(key, spans, counts))
        try:
            # The name before is the digest, too; only its owner may read the file.
            with tempfile.NamedTemporaryFile("w", prefix=f".{key[:16]}-", dir=self._directory, delete=False) as file:
                try:
                    file.write(entry.model_dump_json())
                    file.flush()
                    Path(file.name).replace(self._directory / f"{key}.json")
                except OSError:
                    Path(file.name).unlink()
                    raise
        except OSError as error:
            raise OutputError(f"cannot write to the cache {self._directory}: {error.strerror}") from None


def _check(key: str, spans: list[tuple[int, int, str, float, str]], counts: tuple[int, int, int]) -> str:
    return hashlib.sha256(json.dumps([key, spans, counts]).encode()).hexdigest()[:32]
