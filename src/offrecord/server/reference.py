"""The page at /docs: every route with its purpose and fields, made from OpenAPI.

Plain HTML. The usual viewers load their scripts from elsewhere, and nothing is loaded from elsewhere here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["reference"]


def reference(schema: Mapping[str, Any]) -> str:
    """The page for an OpenAPI schema."""
    info = schema["info"]
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>',
            f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>",
            '<p>The same for programs: <a href="openapi.json">openapi.json</a></p>',
            *_routes(schema["paths"]),
            "</html>",
        ]
    )


def _routes(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, route in methods.items():
            yield f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(route.get('description', ''))}</p>"
            content = route.get("requestBody", {}).get("content", {})
            bodies: list[Any] = list(content.values())
            fields = bodies[0].get("schema", {}).get("properties", {}) if bodies else {}
            if fields:
                yield "<dl>"
                yield from (
                    f"<dt><code>{escape(name)}</code></dt><dd>{escape(field['description'])}</dd>"
                    for name, field in fields.items()
                )
                yield "</dl>"
