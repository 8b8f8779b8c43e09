"""A clock that a test turns: waiting takes no time."""

from __future__ import annotations

from offrecord.transcribe.remote import Clock


class Wound(Clock):
    """Says when it was waited for, and for how long."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
