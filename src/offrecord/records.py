"""A `Redaction` and a `Transcript` as the database keeps them, and back. Only what is served is kept: no claims.

The layout is ours alone and stays in one version of the database; docs/json.md describes the one for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offrecord.types import Entity, Redaction, Transcript, Word

__all__ = ["redaction_from", "redaction_record", "transcript_from", "transcript_record"]


def transcript_record(transcript: Transcript) -> dict[str, Any]:
    """``transcript`` as JSON's types."""
    words = [[w.text, w.start, w.end, w.confidence, w.speaker, w.channel] for w in transcript.words]
    return {"words": words, "duration": transcript.duration, "language": transcript.language}


def transcript_from(record: Mapping[str, Any]) -> Transcript:
    """The transcript that became ``record``; words are one space apart, as in all speech."""
    last = len(record["words"]) - 1
    rows: list[list[Any]] = [[*fields, " " if i < last else ""] for i, fields in enumerate(record["words"])]
    words = (Word(*row) for row in rows)
    return Transcript(tuple(words), record["duration"], record["language"])


def redaction_record(redaction: Redaction) -> dict[str, Any]:
    """``redaction`` as JSON's types."""
    entities = [[entity.label, entity.words.start, entity.words.stop] for entity in redaction.entities]
    return transcript_record(redaction.transcript) | {"entities": entities, "made_with": dict(redaction.made_with)}


def redaction_from(record: Mapping[str, Any]) -> Redaction:
    """The redaction that became ``record``, without the claims behind its entities and the muted intervals."""
    entities = tuple(Entity(range(start, stop), label, ()) for label, start, stop in record["entities"])
    return Redaction(transcript_from(record), entities, (), record["made_with"])
