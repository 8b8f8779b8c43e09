"""Talks to a language model behind an OpenAI-compatible gateway, and takes nothing for an answer that is not one.

`Gateway.ask` is the one place where a question is repeated. It returns an answer that is complete and of the right
shape, or says that the answer would be too long; everything else ends in an error that names the gateway, what it did
and what to do, and nothing of what was asked or answered. What the gateway can do (a strict schema, JSON, neither;
which parameters) is found with the first questions and remembered.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import AbstractContextManager, closing
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from offrecord.cloud import is_here
from offrecord.detect.client import Client, address
from offrecord.detect.grounding import Quote
from offrecord.detect.quiet import quiet
from offrecord.detect.replies import (
    Again,
    Broken,
    Shape,
    TooLong,
    judge,
    read_reply,
)
from offrecord.detect.spending import Budget, Meter
from offrecord.errors import FailedClosed, ModelError

__all__ = ["Gateway", "TooLong"]

_ATTEMPTS = 5
"""How often one question is asked when the gateway is busy or broken."""
_USELESS = 3
"""How often one question is asked when what comes back is no answer."""


class Gateway:
    """One model behind one gateway; several threads may ask it."""

    def __init__(
        self,
        base_url: str,
        model: str,
        key: SecretStr | None,
        *,
        budget: Budget,
        timeout: float = 60,
        pause: float = 0.5,
    ) -> None:
        """``timeout``: seconds for one answer. ``pause``: seconds before the first repetition, doubled for each other.

        Raises `UsageError` for an address, or a proxy in the environment, that cannot be.
        """
        self.base_url, self.model = address(base_url), model
        self.local = is_here(self.base_url)
        self.host = urlsplit(self.base_url).netloc
        self._key, self._budget, self._timeout, self._pause = key, budget, timeout, pause
        with self.open():  # A key or a proxy that cannot be is found now, before any work is done.
            pass
        self._shape = Shape()
        self._lock = threading.Lock()

    @property
    def settled(self) -> bool:
        """Whether it is known what the gateway can do, so that questions may be asked side by side."""
        return self._shape.settled

    def open(self) -> AbstractContextManager[Client]:
        """Connections, for as long as one redaction takes."""
        return closing(Client(self.base_url, self._key, self._timeout))

    def ask(
        self, client: Client, system: str, user: str, schema: dict[str, Any], meter: Meter, deadline: float
    ) -> list[Quote] | TooLong:
        """The quotes that the model answers with, or `TooLong` if question or answer are too long for it.

        ``deadline`` is a reading of `time.monotonic`. Raises `ModelError` where asking again would not help
        (key, model, address, certificate), and `FailedClosed` where it did not help, or a limit of the budget is met.
        """
        failures = 0
        useless = 0
        again = False
        while True:
            shape = self._shape
            body = shape.body(self.model, system, user, schema)
            meter.add(calls=1, retries=int(again))
            outcome = self._once(client, body, shape, meter, deadline)
            again = True
            if isinstance(outcome, Shape):
                self._turn(shape, outcome)
                continue
            if isinstance(outcome, Broken):
                useless += 1
                lower = None if shape.settled else shape.lower()
                if lower:
                    self._turn(shape, lower)
                    useless = 0
                elif useless >= _USELESS:
                    raise FailedClosed(f"{self._named} {outcome.reason}; nothing is released without its answer")
                continue
            if isinstance(outcome, Again):
                failures += 1
                self._wait(outcome, failures, deadline)
                continue
            self._settle(shape)
            return outcome

    @property
    def _named(self) -> str:
        return f"the gateway {self.host} (model {self.model})"

    def _turn(self, old: Shape, new: Shape) -> None:
        """Remember another shape, unless another thread has turned it already."""
        with self._lock:
            if self._shape == old:
                self._shape = new

    def _settle(self, shape: Shape) -> None:
        with self._lock:
            if not self._shape.settled:
                self._shape = shape.as_settled()

    def _wait(self, outcome: Again, failures: int, deadline: float) -> None:
        """Wait before a repetition: as long as the gateway says, else longer each time, never in step with others."""
        if failures >= _ATTEMPTS:
            raise FailedClosed(f"{self._named} {outcome.reason}, {failures} times; {outcome.advice}")
        pause = min(self._pause * 2 ** (failures - 1), 30.0) * (1 + random.random()) / 2  # noqa: S311 - no secret
        pause = max(pause, outcome.after or 0.0)
        if time.monotonic() + pause > deadline:
            raise FailedClosed(
                f"{self._named} {outcome.reason}, and would have to be asked again after the time that all answers may "
                f"take; {outcome.advice}"
            )
        time.sleep(pause)

    def _once(
        self, client: Client, body: dict[str, Any], shape: Shape, meter: Meter, deadline: float
    ) -> list[Quote] | TooLong | Shape | Broken | Again:
        """Ask once. The errors of the client stay in here: what they hold may quote the question."""
        limit = max(0.1, min(self._timeout, deadline - time.monotonic()))
        asked = sum(len(message["content"]) for message in body["messages"])
        with self._budget.call(asked + 3 * shape.allowance) as prices, quiet():
            reply, failure = client.fetch(body, limit)
            if reply is not None and reply.status == 200:
                outcome, price = read_reply(reply)
                prices.append(price)
                meter.add(price)
                if isinstance(outcome, ModelError):
                    raise self._final(outcome)
                return outcome
        if reply is None:
            return self._unreachable(failure)
        verdict = judge(reply, shape)
        if isinstance(verdict, Exception):
            raise self._final(verdict)
        return verdict

    def _final(self, error: Exception) -> Exception:
        return type(error)(f"{self._named} {error}")

    def _unreachable(self, failure: str) -> Again:
        """What to do about a failure without a reply."""
        if failure == "certificate":
            raise ModelError(
                f"{self._named} has a certificate that this machine does not trust; correct the address, or name your "
                "authority's certificate in SSL_CERT_FILE"
            )
        if failure == "long":
            return Again("sends more than four megabytes for an answer", "choose another model")
        advice = "is it running, and is the base URL right?"
        reasons = {
            "timeout": (
                f"does not answer within {self._timeout:g} s",
                "raise OFFRECORD_LLM_TIMEOUT, or choose a faster model",
            ),
            "proxy": ("is behind a proxy that refuses", "correct HTTPS_PROXY, or name the host in NO_PROXY"),
            "protocol": ("does not speak HTTP, or breaks off", "correct the base URL"),
        }
        return Again(*reasons.get(failure, ("cannot be reached", advice)))
