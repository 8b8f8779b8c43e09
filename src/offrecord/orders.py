"""What a job is asked to do, in our own terms, and how the database keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from offrecord.types import Sound, Substitution

__all__ = ["Order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One job's settings. Times are milliseconds of the recording.

    ``redact`` off: nothing is hidden, and the transcript is the original. ``sound``: whether the redacted recording is
    made, and ``covered`` by what; ``silent_sound``: also where nobody speaks. ``keep_original``: the original
    transcript is kept beside the redacted one. ``entities``: find details although nothing is redacted. ``speakers``:
    tell voices apart, which takes a channel for each. ``terms``: texts to hide, by the label that stands for them;
    ``spelling``: what was heard, and how it is to be written; ``expected``: words to listen for. These three are kept
    apart from the rest, and not after the job.
    """

    redact: bool = False
    labels: tuple[str, ...] = ()
    substitution: Substitution = "hash"
    sound: bool = False
    covered: Sound = "beep"
    container: Literal["mp3", "wav"] = "mp3"
    silent_sound: bool = False
    keep_original: bool = False
    entities: bool = False
    speakers: bool = False
    multichannel: bool = False
    language: str | None = None
    start: int | None = None
    end: int | None = None
    terms: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    spelling: tuple[tuple[tuple[str, ...], str], ...] = field(default=(), repr=False)
    expected: tuple[str, ...] = field(default=(), repr=False)

    def asked(self) -> dict[str, Any]:
        """The settings, without what might name people."""
        return {name: value for name, value in asdict(self).items() if name not in _SECRET}

    def secret(self) -> dict[str, Any]:
        """What might name people; empty if there is nothing of the kind."""
        return {name: value for name, value in asdict(self).items() if name in _SECRET and value}

    @classmethod
    def of(cls, asked: Mapping[str, Any], secret: Mapping[str, Any]) -> Order:
        """The order that was kept as these two."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: _tuples(value) for name, value in {**asked, **secret}.items() if name in known})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


_SECRET = frozenset({"terms", "spelling", "expected"})
