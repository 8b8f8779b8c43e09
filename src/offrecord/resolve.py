"""From claims to entities: which words are hidden, and under which label.

Every word that an accepted claim touches is hidden, even if it is touched in part; nothing else is. The surest claim
names a word. The result does not depend on the order of the claims. A user's lists come last and win: an allowed word
is never hidden, a denied one always, and deny wins over allow.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from offrecord.labels import DENIED
from offrecord.types import Entity, Policy, Span, Transcript

__all__ = ["fold", "phrases", "resolve"]

_ENDS = frozenset(",.;:?!")
"""Punctuation after a word that parts it from the next: "Anna, Berta" are two persons unless one claim holds both."""


def resolve(transcript: Transcript, spans: Iterable[Span], policy: Policy) -> tuple[Entity, ...]:
    """The entities of ``transcript`` in order: disjoint, of whole words of one utterance each."""
    claims: defaultdict[int, set[Span]] = defaultdict(set)
    for span in spans:
        if span.label in policy.labels or span.label == DENIED:
            for i in transcript.words_of(span.start, span.end):
                claims[i].add(span)
    for words in phrases(transcript, policy.allow):
        for i in words:
            claims.pop(i, None)
    for words in phrases(transcript, policy.deny):
        span = Span(*transcript.characters_of(words), DENIED, 1.0, "deny")
        for i in words:
            claims[i].add(span)
    names = {i: min(claimed, key=_rank).label for i, claimed in claims.items() if claimed}
    return tuple(_entity(run, claims, names) for run in _runs(transcript, claims, names))


def _rank(span: Span) -> tuple[bool, float, int, str]:
    """What a claim weighs: finding over repetition, then the score, then the length; the name only to be definite."""
    return span.source == "repeats", -span.score, span.start - span.end, span.label


def _entity(run: range, claims: dict[int, set[Span]], names: dict[int, str]) -> Entity:
    behind = {span for i in run for span in claims[i]}
    return Entity(run, names[run[0]], tuple(sorted(behind, key=lambda s: (s.start, s.end, s.label, s.source, s.score))))


def _runs(transcript: Transcript, claims: dict[int, set[Span]], names: dict[int, str]) -> Iterator[range]:
    """Runs of neighbouring words that are one entity."""
    for utterance in transcript.utterances:
        first = None
        for i in utterance.words:
            if i not in names:
                first = None
                continue
            first = i if first is None else first
            following = i + 1
            joined = (
                following in utterance.words
                and names.get(following) == names[i]
                and (claims[i] & claims[following] or transcript.words[i].text[-1] not in _ENDS)
            )
            if not joined:
                yield range(first, following)
                first = None


def phrases(transcript: Transcript, terms: Sequence[str]) -> Iterator[range]:
    """The words that say one of ``terms``: whole words, in any case, whatever punctuation is glued to them."""
    wanted: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for term in terms:
        folded = tuple(part for part in map(fold, term.split()) if part)
        if folded:
            wanted[folded[0]].append(folded)
    if not wanted:
        return
    said = [fold(word.text) for word in transcript.words]
    for i, word in enumerate(said):
        for term_words in wanted.get(word, ()):
            if tuple(said[i : i + len(term_words)]) == term_words:
                yield range(i, i + len(term_words))


def fold(word: str) -> str:
    """A word without case, accents' encoding, punctuation around and in it, and possessive 's."""
    text = unicodedata.normalize("NFKC", word).casefold().replace("’", "'").strip()
    text = text.rstrip(".,;:?!\"')]}")
    text = text.removesuffix("'s")
    return "".join(c for c in text if c.isalnum() or unicodedata.category(c).startswith("M"))
