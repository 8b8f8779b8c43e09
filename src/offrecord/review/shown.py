"""What the review page is told: jobs, documents and details, as JSON's types. No hidden word is in any of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from offrecord.review.draft import Draft, concealed
from offrecord.review.listing import Listed
from offrecord.review.marks import Mark, Marks
from offrecord.types import Transcript

__all__ = ["document", "entities", "job"]


def job(row: Listed) -> dict[str, Any]:
    """One job, as in the list."""
    status = "deleted" if row.deleted else row.status
    stage, share, left = row.progress or ("waiting", None, None)
    busy = status == "processing" or row.review == "finishing"
    if not busy:
        stage, share, left = {"completed": "done", "queued": "waiting"}.get(status, ""), None, None
    found = row.verification
    return {
        "id": row.id,
        "status": status,
        "stage": stage or None,
        "share": share,
        "left_s": None if left is None else -(-left // 1_000),
        "error": row.error or row.finish_error,
        "created": row.created,
        "duration": row.duration,
        "timed": row.kind != "text",
        "entities": row.entities,
        "verification": {
            "found": found["found"],
            "widened": found["widened"] + found["added"],
            "left": len(found["left"]),
            "mode": found["mode"],
        }
        if found
        else None,
        "review": row.review,
        "original": row.original,
    }


def document(
    row: Listed, draft: Draft, transcript: Transcript, marks: Marks, *, revision: int, can_undo: bool, can_redo: bool
) -> dict[str, Any]:
    """All that the page of a job shows."""
    hidden = concealed(draft, marks)
    utterances = transcript.utterances
    of = [number for number, utterance in enumerate(utterances) for _ in utterance.words]
    return {
        "job": job(row),
        "revision": revision,
        "can_undo": can_undo,
        "can_redo": can_redo,
        "lead": transcript.lead,
        "words": [
            ["" if i in hidden else word.text, word.start, word.end, word.gap, of[i], word.confidence]
            for i, word in enumerate(transcript.words)
        ],
        "utterances": [
            {"start": u.words.start, "end": u.words.stop, "speaker": u.speaker, "channel": u.channel}
            for u in utterances
        ],
        "entities": entities(draft, marks),
        "muted": [list(interval) for interval in draft.muted],
        "suspects": list(_suspects(draft)),
    }


def entities(draft: Draft, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """The details as they are now."""
    return [_entity(draft, mark) for mark in marks]


def _entity(draft: Draft, mark: Mark) -> dict[str, Any]:
    spans = draft.spans(mark.id)
    return {
        "id": mark.id,
        "words": [mark.words.start, mark.words.stop] if mark.words is not None else None,
        "label": mark.label.upper(),
        "source": sorted({span.source for span in spans}) or ["reviewer"],
        "score": round(max((span.score for span in spans), default=1.0), 3),
        "state": mark.state,
        "pad": list(mark.pad),
        "time": list(mark.time) if mark.time else None,
        "at": mark.at,
    }


def _suspects(draft: Draft) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(draft.suspects, 1):
        yield {
            "id": f"s{number}",
            "kind": each.kind,
            "start": each.start,
            "end": each.end,
            "words": [each.words.start, each.words.stop] if each.words else None,
            "entity": each.entity,
        }
