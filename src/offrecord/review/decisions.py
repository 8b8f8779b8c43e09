"""One step of a review as it is sent and as it is kept: what is decided about which detail. It holds no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offrecord.errors import UsageError
from offrecord.types import Interval

__all__ = ["Decision", "parse"]

MOST_PAD = 5_000
"""Milliseconds by which a cover may be wider, or narrower, than it would be."""
_MOST = 500
"""Decisions in one step."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, as it was sent and is kept: no text of the recording is in it."""

    do: str
    entity: str | None = None
    label: str | None = None
    words: tuple[int, int] | None = None
    pad: tuple[int, int] | None = None
    time: Interval | None = None
    decision: str | None = None

    def record(self) -> dict[str, Any]:
        """As the database keeps it; `parse` reads it again."""
        row: dict[str, Any] = {"do": self.do}
        for name in ("entity", "label", "decision"):
            if getattr(self, name) is not None:
                row[name] = getattr(self, name)
        for name, pair in (("words", self.words), ("pad", self.pad)):
            if pair is not None:
                row[name] = list(pair)
        return row | ({"start": self.time[0], "end": self.time[1]} if self.time else {})


def parse(rows: Any) -> tuple[Decision, ...]:
    """The decisions of one step from JSON's types. Raises `UsageError` for what is none; it quotes nothing."""
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST:
        raise UsageError(f"`decisions` must be a list of 1 to {_MOST}")
    return tuple(_parsed(row) for row in rows)


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "accept": ("entity",),
    "reject": ("entity",),
    "label": ("entity", "label"),
    "words": ("entity", "words"),
    "pad": ("entity", "pad"),
    "add": ("words", "label"),
    "add_time": ("time", "label"),
    "everywhere": ("entity", "decision"),
}
"""What each decision needs."""


def _parsed(row: Any) -> Decision:
    do = row.get("do") if isinstance(row, dict) else None
    if not isinstance(do, str) or do not in _FIELDS:
        raise UsageError(f"a decision's `do` must be one of {', '.join(_FIELDS)}")
    needs = _FIELDS[do]
    decision = row.get("decision") if "decision" in needs else None
    if "decision" in needs and decision not in ("accept", "reject", "label"):
        raise UsageError("`decision` must be accept, reject or label")
    named = "label" in needs or decision == "label"
    return Decision(
        do,
        entity=_text(row, "entity") if "entity" in needs else None,
        label=_text(row, "label").lower() if named else None,
        words=_pair(row.get("words"), "words", 0) if "words" in needs else None,
        pad=_pair(row.get("pad"), "pad", -MOST_PAD) if "pad" in needs else None,
        time=_pair([row.get("start"), row.get("end")], "start` and `end", 0) if "time" in needs else None,
        decision=decision,
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise UsageError(f"`{name}` must be a text")
    return value


def _pair(value: Any, name: str, least: int) -> tuple[int, int]:
    whole = isinstance(value, list | tuple) and len(value) == 2 and all(type(each) is int for each in value)
    if not whole or min(value) < least or max(value) > 1 << 40:
        raise UsageError(f"`{name}` must be two whole numbers, {least} or more")
    if name != "pad" and value[0] >= value[1]:
        raise UsageError(f"`{name}`: expected the first number below the second")
    if name == "pad" and max(value) > MOST_PAD:
        raise UsageError(f"`pad` must be {MOST_PAD} at most")
    return value[0], value[1]
