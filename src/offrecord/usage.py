"""What a language model was asked, what it cost, and what became of its answers: numbers, never words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model behind one gateway was asked for one redaction.

    ``gateway`` is its host. ``calls``: requests that were sent; ``retries``: those of them that repeat another;
    ``cached``: windows that were in the cache. Tokens and ``cost`` (US dollars) are as the gateway reports them; a cost
    that it does not report is None. ``ungrounded``: quotes that resemble nothing in the text. ``unplaced``: quotes for
    which whole sentences are hidden. ``flooded``: windows of which the model claims more than half.
    """

    gateway: str
    model: str
    calls: int = 0
    retries: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    ungrounded: int = 0
    unplaced: int = 0
    flooded: int = 0
