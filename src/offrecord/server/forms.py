"""A multipart form with a recording in it: it goes to the disk as it comes, the fields are kept in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["Form"]

T = TypeVar("T")


class Form(Request, Generic[T]):
    """A request whose body is a form. `stream` gives the bytes of the part ``file``, for `uploads.receive`.

    At its end the fields are checked: what ``check`` makes of them is in ``asked``, and what it raises ends the stream,
    so of a form that is refused nothing is kept.
    """

    asked: T

    def __init__(self, request: Request, check: Callable[[Mapping[str, Sequence[str]]], T]) -> None:
        super().__init__(request.scope, request.receive)
        self._check = check

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The bytes of the file as they come. Raises 400 for what is no such form, and what ``check`` raises."""
        kind, options = parse_options_header(self.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
            raise HTTPException(400, "The body must be multipart/form-data, with the recording as `file`")
        parts = _Parts()
        parser = MultipartParser(boundary, parts.callbacks())
        async for chunk in super().stream():
            try:
                parser.write(chunk)
            except FormParserError:
                raise HTTPException(400, "The body is not valid multipart/form-data") from None
            if parts.taken:
                data, parts.taken = bytes(parts.taken), bytearray()
                yield data
        if not parts.complete:
            raise HTTPException(400, "The form was cut off: its last boundary is missing")
        if not parts.size:
            raise HTTPException(400, "`file` is required: a recording, which must not be empty")
        self.asked = self._check(parts.fields)


class _Parts:
    """What the parser calls, and what has come of it. ``taken``: bytes of the file that nobody has fetched yet."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}
        self.taken = bytearray()
        self.size = 0
        self.complete = False
        self._files = 0
        self._name = ""
        self._header = [b"", b""]
        self._disposition = b""
        self._value = bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._head(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._head(1, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._named,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._name, self._disposition, self._value = "", b"", bytearray()

    def _head(self, which: int, data: bytes) -> None:
        self._header[which] += data
        if len(self._header[which]) > _HEADER:
            raise HTTPException(400, "A header of the form is too long")

    def _header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = value
        self._header = [b"", b""]

    def _named(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._files += self._name == "file"
        if self._files > 1 or len(self.fields) > _FIELDS:
            raise HTTPException(400, f"The form must have one `file` and at most {_FIELDS} fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self.taken += data[start:end]
            self.size += end - start
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD:
            raise HTTPException(413, f"A field of the form is larger than {_FIELD} bytes")

    def _end(self) -> None:
        if self._name != "file":
            values = self.fields.setdefault(self._name, [])
            values.append(self._value.decode("utf-8", "replace"))
            if len(values) > _FIELDS:
                raise HTTPException(400, f"The form must have at most {_FIELDS} fields")

    def _all(self) -> None:
        self.complete = True


_FIELDS = 60
_FIELD = 64 << 10
_HEADER = 8 << 10
