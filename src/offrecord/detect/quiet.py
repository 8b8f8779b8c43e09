"""Keeps the HTTP client's own logging silent while what was said passes through it.

Its records hold requests and headers at some levels and versions, and a user's ``OPENAI_LOG=debug`` turns them on. They
are dropped in the thread that is asking, and nowhere else: another use of the same client logs as before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]

_NAMES = ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "h11", "h2", "hpack")
_asking = threading.local()


def _passes(_: logging.LogRecord) -> bool:
    return not getattr(_asking, "now", False)


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, this thread logs nothing of the HTTP client's."""
    # Each time, for a logger may have come into being since; a filter is added once.
    for name in list(logging.Logger.manager.loggerDict):
        if name.partition(".")[0] in _NAMES:
            logging.getLogger(name).addFilter(_passes)
    _asking.now = True
    try:
        yield
    finally:
        _asking.now = False
