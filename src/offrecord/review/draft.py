"""What a worker found, as a review begins with it: details with the claims behind them, suspects, what is muted.

A `Draft` holds positions, labels and scores, and no text: that is the `Original`, which is kept beside it, and erased
without it. Both are records of the database, in a layout that stays in one version of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from offrecord.review.marks import Mark, Marks
from offrecord.types import Entity, Interval, Span, Transcript, Verification, Word

__all__ = ["Draft", "Suspect", "censored", "concealed", "original_from", "original_record"]

Kind = Literal["unsure_speech", "unrecognised", "verification", "single_claim"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place to look at. ``entity`` is the id of the detail that it is about, ``words`` are its words, if any."""

    kind: Kind
    start: int
    end: int
    words: range | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What was found. ``kind``: what sort of file the recording is, by its extension; None for a text.

    ``muted``, ``verification``: of the redacted sound that is there now, after a finish of that.
    """

    entities: tuple[Entity, ...]
    suspects: tuple[Suspect, ...] = ()
    muted: tuple[Interval, ...] = ()
    verification: Verification | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None

    @property
    def marks(self) -> Marks:
        """The details as a review begins."""
        return tuple(
            Mark(f"e{i}", entity.words, entity.label, at=entity.words.start) for i, entity in enumerate(self.entities)
        )

    def spans(self, mark: str) -> tuple[Span, ...]:
        """The claims behind a mark; none for one that a person added."""
        return self.entities[int(mark[1:])].spans if mark.startswith("e") else ()

    def record(self) -> dict[str, Any]:
        """As JSON's types."""
        return {
            "entities": [
                [e.label, e.words.start, e.words.stop, [[s.start, s.end, s.label, s.score, s.source] for s in e.spans]]
                for e in self.entities
            ],
            "suspects": [
                [s.kind, s.start, s.end, [s.words.start, s.words.stop] if s.words else None, s.entity]
                for s in self.suspects
            ],
            "muted": [list(interval) for interval in self.muted],
            "verification": asdict(self.verification) if self.verification else None,
            "made_with": dict(self.made_with),
            "kind": self.kind,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Draft:
        """The draft that became ``record``."""
        found = record["verification"]
        return cls(
            tuple(
                Entity(range(start, stop), label, tuple(Span(*span) for span in spans))
                for label, start, stop, spans in record["entities"]
            ),
            tuple(
                Suspect(kind, start, end, range(*words) if words else None, entity)
                for kind, start, end, words, entity in record["suspects"]
            ),
            tuple((start, end) for start, end in record["muted"]),
            Verification(**{**found, "left": tuple((a, b) for a, b in found["left"])}) if found else None,
            record["made_with"],
            record["kind"],
        )


def original_record(transcript: Transcript) -> dict[str, Any]:
    """``transcript`` as JSON's types, with the white space of a text."""
    words = [[w.text, w.start, w.end, w.confidence, w.speaker, w.channel, w.gap] for w in transcript.words]
    return {
        "words": words,
        "duration": transcript.duration,
        "language": transcript.language,
        "lead": transcript.lead,
    }


def original_from(record: Mapping[str, Any]) -> Transcript:
    """The transcript that became ``record``."""
    words = tuple(Word(*row) for row in record["words"])
    return Transcript(words, record["duration"], record["language"], record["lead"])


def concealed(draft: Draft, marks: Iterable[Mark]) -> set[int]:
    """The words that are not shown unless a reviewer holds the unredacted view: all that were ever a detail's.

    Those of rejected details, too: they are let go when the files are made, and not before.
    """
    return {i for entity in draft.entities for i in entity.words} | {i for mark in marks for i in mark.mine}


def censored(transcript: Transcript, hidden: Iterable[int]) -> Transcript:
    """``transcript`` without the words that are ``hidden``: what is left of the original when it is erased."""
    words = list(transcript.words)
    for i in hidden:
        words[i] = replace(words[i], text="#")
    return replace(transcript, words=tuple(words))
