"""Connections on which no request comes: they are closed, so that whoever opens many of them holds up nobody for long.

uvicorn waits for ever for the end of a request's head. What comes after the head is waited for where it is read.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Impatient"]

_HEAD_S = 20.0
"""A head is a few hundred bytes; whoever takes longer is in no hurry to be answered."""


class Impatient(H11Protocol):
    """uvicorn's protocol with a limit on the time until a head is there, that of the first request and of the next."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a head, or no more."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the limit."""
        self._forget()
        super().connection_lost(exc)

    @property
    def _between(self) -> bool:
        """Whether there is no request under way. uvicorn's annotation says that there always was one."""
        cycle = cast("Any", self.cycle)
        return cycle is None or bool(cycle.response_complete)

    def _look(self) -> None:
        if not self._between:
            self._forget()
        elif self._limit is None:
            self._limit = self.loop.call_later(_HEAD_S, self._give_up)

    def _forget(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        self._limit = None
        if self._between:
            self.transport.close()
