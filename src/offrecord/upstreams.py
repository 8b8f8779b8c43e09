"""The models that the gateway may ask, by the names that clients use: from ``OFFRECORD_UPSTREAMS``, and nowhere else.

    {"fast": {"url": "http://127.0.0.1:11434/v1", "model": "qwen2.5:7b"},
     "claude-sonnet-4-5-20250929": {"url": "https://llm.example/v1", "key": "LLM_API_KEY"}}

``url`` is what stands before ``/chat/completions``; ``key`` the environment variable that holds the key, which itself
is never written down; ``model`` what the upstream calls the model, if not the same. No client can name an address.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from offrecord.errors import UsageError

__all__ = ["NAME", "Upstream", "keys_of", "upstreams_of"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A model. ``context``: tokens that it takes in all, 0 where nobody said. ``key`` is sent as a bearer token."""

    name: str
    url: str
    model: str
    context: int = 0
    key: str | None = field(default=None, repr=False)


def upstreams_of(text: str, environment: Mapping[str, str] = os.environ) -> dict[str, Upstream]:
    """The models of ``text``: JSON, or the path of a file that holds it; none for an empty one.

    Raises `UsageError` for what cannot be: also for a key whose variable is not set. No message shows a value.
    """
    return {name: _upstream(name, row, environment) for name, row in _rows(text).items()}


def keys_of(text: str) -> frozenset[str]:
    """The variables that hold the keys, for those who start processes which need none of them."""
    return frozenset(row["key"] for row in _rows(text).values() if isinstance(row.get("key"), str))


def _rows(text: str) -> dict[str, dict[str, Any]]:
    if not text.strip():
        return {}
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise UsageError(f"{_WHERE} is neither a JSON object nor a file that can be read") from None
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{_WHERE} is not valid JSON") from None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise UsageError(f'{_WHERE} must be an object of objects: {{"name": {{"url": "https://…/v1"}}}}')
    return rows


def _upstream(name: str, row: Mapping[str, Any], environment: Mapping[str, str]) -> Upstream:
    if not NAME.fullmatch(name):
        raise UsageError(f"{_WHERE}: a model's name must be of 1 to 200 letters, digits and . _ : / @ -")
    unknown = row.keys() - {"url", "model", "key", "context"}
    if unknown:
        raise UsageError(f"{_WHERE}: {name} has an unknown field; expected url, model, key and context")
    url, model, variable, context = row.get("url"), row.get("model", name), row.get("key"), row.get("context", 0)
    if not isinstance(url, str) or not _is_base(url):
        raise UsageError(f"{_WHERE}: the url of {name} must be http or https, without name, password and query")
    if not isinstance(model, str) or not model or type(context) is not int or context < 0:
        raise UsageError(f"{_WHERE}: {name} needs a text as its model, and an integer as its context")
    if variable is not None and (not isinstance(variable, str) or not _VARIABLE.fullmatch(variable)):
        raise UsageError(f"{_WHERE}: the key of {name} must be the name of an environment variable, not the key")
    key = environment.get(variable, "").strip() if variable else None
    if variable and not key:
        raise UsageError(f"{_WHERE}: {name} has its key in {variable}, which is not set")
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError(f"{_WHERE}: {variable} holds what no header can carry")
    return Upstream(name, url.rstrip("/"), model, context, key)


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    return known and not parts.query and not parts.fragment and url.isascii() and url.isprintable() and " " not in url


NAME = re.compile(r"[A-Za-z0-9._:/@-]{1,200}")
"""What a model may be called."""
_VARIABLE = re.compile("[A-Z][A-Z0-9_]{0,99}")
_WHERE = "OFFRECORD_UPSTREAMS"
