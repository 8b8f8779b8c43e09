"""Where a person should look first: what the machine itself is not sure of. Types in, places out.

Four kinds: words of low confidence soon after something announced a detail; speech without words; what the second
listening found; and what one detector alone claimed without being sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from offrecord.redact.envelope import Envelope
from offrecord.redact.unrecognised import unread, unsure
from offrecord.review.draft import Suspect
from offrecord.types import Entity, Interval, Policy, Transcript, Verification
from offrecord.verify import Muted

__all__ = ["suspects"]

_UNSURE = 0.5
"""Confidence below which a word after a cue is worth a look. Strict mode, which mutes it, is surer of itself."""
_SURE = 0.9
"""What one detector claims with this score and more is no suspect: most names are claimed by the tagger alone."""


def suspects(
    transcript: Transcript,
    entities: Sequence[Entity],
    policy: Policy,
    envelope: Envelope | None = None,
    *,
    before: Muted = (),
    after: Muted = (),
    done: Verification | None = None,
) -> tuple[Suspect, ...]:
    """All that there are, in the order of their times, or words in a text.

    ``before`` and ``after``: what was muted in each row before and after the second listening, which was ``done``.
    """
    found = list(_single(transcript, entities))
    if envelope is not None:
        found += _unsure(transcript, entities, policy)
        found += (Suspect("unrecognised", start, end) for mine in unread(transcript, envelope) for start, end in mine)
        found += _verified(transcript, entities, before, after, done)
    return tuple(sorted(found, key=lambda each: (each.start, each.words.start if each.words else -1, each.kind)))


def _single(transcript: Transcript, entities: Sequence[Entity]) -> Iterator[Suspect]:
    for number, entity in enumerate(entities):
        detectors = {span.source.partition(":")[0] for span in entity.spans} - {"repeats", "deny"}
        sure = max((span.score for span in entity.spans), default=1.0)
        if len(detectors) == 1 and sure < _SURE:
            yield Suspect("single_claim", *_times(transcript, entity.words), entity.words, f"e{number}")


def _unsure(transcript: Transcript, entities: Sequence[Entity], policy: Policy) -> Iterator[Suspect]:
    """Runs of unsure words that nobody hides."""
    hidden = {i for entity in entities for i in entity.words}
    words = sorted(set(unsure(transcript, policy.labels, below=_UNSURE)) - hidden)
    for _, run in groupby(enumerate(words), key=lambda pair: pair[1] - pair[0]):
        indices = [i for _, i in run]
        found = range(indices[0], indices[-1] + 1)
        yield Suspect("unsure_speech", *_times(transcript, found), found)


def _verified(
    transcript: Transcript, entities: Sequence[Entity], before: Muted, after: Muted, done: Verification | None
) -> Iterator[Suspect]:
    grown = [piece for old, new in zip(before, after, strict=False) for piece in _grown(old, new)]
    places = {f"e{n}": _times(transcript, entity.words) for n, entity in enumerate(entities)}
    for start, end in sorted({*grown, *(done.left if done else ())}):
        near = [name for name, (a, b) in places.items() if a - _NEAR_MS < end and start < b + _NEAR_MS]
        yield Suspect("verification", start, end, None, near[0] if near else None)


_NEAR_MS = 500
"""What grew this close to a detail grew for it."""


def _grown(old: Sequence[Interval], new: Sequence[Interval]) -> Iterator[Interval]:
    """What is muted in ``new`` and was not in ``old``; both are in order and disjoint."""
    for start, end in new:
        at = start
        for a, b in old:
            if b <= at or a >= end:
                continue
            if a > at:
                yield at, a
            at = b
        if at < end:
            yield at, end


def _times(transcript: Transcript, words: range) -> Interval:
    inside = [transcript.words[i] for i in words]
    return min(word.start for word in inside), max(word.end for word in inside)
