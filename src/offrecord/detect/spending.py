"""What a language model costs: counted for each redaction, and held below the limits that the user set for all.

Nothing is asked that could go over a limit: what is under way is counted at the price of the dearest answer so far.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from offrecord.errors import FailedClosed
from offrecord.usage import Usage

__all__ = ["Budget", "Meter", "Price"]

_CHARACTERS = 3
"""Of a token, when nobody has counted: rather too many tokens than too few (English has about four)."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of one answer: tokens asked and answered, and US dollars, each None where the gateway does not report it."""

    prompt: int | None = None
    completion: int | None = None
    cost: float | None = None


@dataclass(slots=True)
class Meter:
    """Counts for one redaction; several threads may add to it."""

    usage: Usage
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, price: Price | None = None, **counts: int) -> None:
        """Add to the fields of `Usage` that are named, and the price of an answer."""
        with self._lock:
            usage = self.usage
            usage = replace(usage, **{name: getattr(usage, name) + count for name, count in counts.items()})
            if price is not None:
                cost = None if price.cost is None else price.cost + (usage.cost or 0)
                usage = replace(
                    usage,
                    prompt_tokens=usage.prompt_tokens + (price.prompt or 0),
                    completion_tokens=usage.completion_tokens + (price.completion or 0),
                    cost=usage.cost if cost is None else cost,
                )
            self.usage = usage


class Budget:
    """The limits of a run: tokens and US dollars, each None for no limit."""

    def __init__(self, tokens: int | None = None, dollars: float | None = None) -> None:
        self._tokens, self._dollars = tokens, dollars
        self._changed = threading.Condition()
        self._spent_tokens, self._spent_dollars = 0, 0.0
        self._pending_tokens, self._pending = 0, 0
        self._dearest = 0.0

    @contextmanager
    def call(self, characters: int) -> Iterator[list[Price]]:
        """Leave for one request of ``characters``; its price, if there is one, is put into the list.

        Waits for those that are under way where the limits may not be enough for all. Raises `FailedClosed` if the
        request alone may go over one, and afterwards if the gateway does not report what a limit is set on.
        """
        tokens = characters // _CHARACTERS
        with self._changed:
            while self._pending and self._excess(tokens):
                self._changed.wait()
            if excess := self._excess(tokens):
                raise FailedClosed(excess)
            self._pending_tokens += tokens
            self._pending += 1
        prices: list[Price] = []
        try:
            yield prices
        finally:
            with self._changed:
                self._pending_tokens -= tokens
                self._pending -= 1
                for price in prices:
                    counted = (price.prompt or 0) + (price.completion or 0)
                    self._spent_tokens += counted or tokens
                    self._spent_dollars += price.cost or 0
                    self._dearest = max(self._dearest, price.cost or 0)
                self._changed.notify_all()
        if self._dollars is not None and any(price.cost is None for price in prices):
            raise FailedClosed(
                "the gateway does not report what an answer costs, so --llm-max-usd cannot be kept; "
                "set --llm-max-tokens instead"
            )

    def _excess(self, tokens: int) -> str:
        """Which limit a request of ``tokens`` may go over with all that are under way; empty if none."""
        if self._tokens is not None and self._spent_tokens + self._pending_tokens + tokens > self._tokens:
            return (
                f"the next question may go over {self._tokens} tokens ({self._spent_tokens} used); "
                "raise --llm-max-tokens, or redact less at once"
            )
        expected = self._spent_dollars + (self._pending + 1) * self._dearest
        if self._dollars is not None and expected > self._dollars:
            return (
                f"the next question may cost more than ${self._dollars:g} in all (${self._spent_dollars:.4f} spent); "
                "raise --llm-max-usd, or redact less at once"
            )
        return ""
