"""What is logged: our own lines, on standard error. Those of the packages that we use go nowhere.

They log the addresses that they ask, which may hold names and keys, and errors with what they were about.
"""

from __future__ import annotations

import logging

__all__ = ["ours"]

_WHOSE = ("offrecord", "uvicorn")


def ours(level: int = logging.INFO, form: str = "%(asctime)s %(name)s %(message)s") -> None:
    """Have this process log our own lines from ``level`` on, and nobody else's, in the place of whatever it did."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(form))
    handler.addFilter(lambda record: record.name.partition(".")[0] in _WHOSE)
    logging.basicConfig(level=level, handlers=[handler], force=True)
