"""What a second listening came to, as a value: a part of a `offrecord.types.Redaction`, imported from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from offrecord.ranges import Interval

__all__ = ["Verification"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a second listening to the redacted sound came to. Holds no text.

    ``mode``: ``around`` the muted intervals, ``full`` for all of the sound, or ``off``: then nothing else is set.
    ``model`` and ``decoding`` say who listened and how, ``listened`` how many milliseconds in all, those heard anew
    in each of the ``rounds`` included. ``understood``: how many of 100 words that are let pass it heard as well.
    ``found``: how often something was heard that gives a detail away; for that, ``widened`` intervals grew and
    ``added`` are new. In the intervals ``left`` it is heard still.
    """

    mode: Literal["around", "full", "off"]
    model: str = ""
    decoding: str = ""
    listened: int = 0
    rounds: int = 0
    found: int = 0
    widened: int = 0
    added: int = 0
    understood: int | None = None
    left: tuple[Interval, ...] = ()
