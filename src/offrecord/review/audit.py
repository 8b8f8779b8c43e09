"""The audit record of a review: who decided what about which detail, and when. No text, no time of the recording.

A place is a detail's id or an index of words. What was decided in milliseconds (a wider cover, a marked time) is
recorded as that it was decided.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from offrecord.review.decisions import Decision
from offrecord.review.steps import Entry

__all__ = ["FIELDS", "as_csv", "as_json", "rows"]

FIELDS = ("at", "who", "what", "revision", "decision", "entity", "label", "first_word", "end_word")
"""The columns. ``what``: decide, undo, redo, or an event (held and released: the unredacted view; finish, finished,
erased). ``revision``: after it. A step of several decisions has a row for each."""


def rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """A row for each decision and event, oldest first."""
    for entry in entries:
        when = datetime.fromtimestamp(entry.at / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        head = {"at": when, "who": entry.who, "what": entry.what, "revision": entry.revision}
        if not entry.decisions:
            yield head | dict.fromkeys(FIELDS[4:])
        for decision in entry.decisions:
            yield head | _decision(decision, entry.revision)


def _decision(decision: Decision, revision: int) -> dict[str, Any]:
    first, end = decision.words or (None, None)
    adds = decision.do in ("add", "add_time")
    return {
        "decision": f"everywhere {decision.decision}" if decision.decision else decision.do,
        # What a step adds is named after it; several have a number more.
        "entity": f"a{revision}" if adds else decision.entity,
        "label": decision.label,
        "first_word": first,
        "end_word": end,
    }


def as_json(entries: Iterable[Entry]) -> str:
    """The record as JSON."""
    return json.dumps({"schema": 1, "events": list(rows(entries))}, ensure_ascii=False, indent=1) + "\n"


def as_csv(entries: Iterable[Entry]) -> str:
    """The record as CSV, with a line of names."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, FIELDS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows(entries))
    return written.getvalue()
