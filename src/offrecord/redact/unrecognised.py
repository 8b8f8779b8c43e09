"""Speech that no word stands for: strict mode mutes it, because no detector could read it.

Two kinds: somebody speaks and the recogniser wrote nothing; and words that it was not sure of where a detail was
announced ("my number is …").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from offrecord.detect import cues
from offrecord.detect.tokens import tokens
from offrecord.ranges import merged
from offrecord.redact.envelope import Envelope
from offrecord.types import Interval, Transcript, Word

__all__ = ["unread", "unrecognised", "unsure"]

_LEAST_MS = 500
"""Speech without words is told from a wrong time of a word by its length."""
_LETTER_MS, _WORD_MS = 350, 400
"""No word lasts longer than this for each of its letters, and this: what a recogniser stretches over more is no
account of it."""
_AROUND_MS = 100
"""Muted on each side: voice activity is found in steps of 32 ms, and a little late."""
_UNSURE = 0.3
"""Confidence below which a word is no account of what was said."""
_AFTER_MS, _AFTER_WORDS = 6_000, 12
"""How far after its announcement a detail is waited for."""


def unrecognised(transcript: Transcript, labels: Iterable[str], envelope: Envelope) -> tuple[tuple[Interval, ...], ...]:
    """For each channel of the ``envelope``, which must know the speech, where it is that nobody could read.

    ``labels`` are those that are hidden: a cue of another one announces nothing. In order, disjoint, within the
    recording.
    """
    guessed = [transcript.words[i] for i in unsure(transcript, labels)]
    found = []
    for channel, spans in enumerate(unread(transcript, envelope)):
        spans += [(word.start, word.end) for word in guessed if word.channel in (None, channel)]
        found.append(
            merged((max(0, a - _AROUND_MS), min(transcript.duration, max(a + 1, b) + _AROUND_MS)) for a, b in spans)
        )
    return tuple(found)


def unread(transcript: Transcript, envelope: Envelope) -> list[list[Interval]]:
    """For each channel of the ``envelope``, which must know the speech, where somebody speaks and no word stands."""
    return [
        list(_without_words(speech, [word for word in transcript.words if word.channel in (None, channel)]))
        for channel, speech in enumerate(envelope.speech or ())
    ]


def _without_words(speech: Iterable[Interval], words: Iterable[Word]) -> Iterator[Interval]:
    """What is left of the speech when each word has taken its time, where that is long."""
    claims = merged(
        ((word.start, min(word.end, word.start + _WORD_MS + _LETTER_MS * len(word.text))) for word in words), apart=1
    )
    starts, ends = [start for start, _ in claims], [end for _, end in claims]
    for start, end in speech:
        at = start
        for claim in claims[bisect_right(ends, start) : bisect_left(starts, end)]:
            if claim[0] - at >= _LEAST_MS:
                yield at, claim[0]
            at = max(at, claim[1])
        if end - at >= _LEAST_MS:
            yield at, end


def unsure(transcript: Transcript, labels: Iterable[str], *, below: float = _UNSURE) -> Iterator[int]:
    """The words of a confidence ``below`` this, soon after a cue of one of the ``labels``; a word may come twice."""
    hidden = frozenset(labels)
    view = transcript.view
    toks = tokens(view)
    for hit in cues.scan(toks):
        if hit.cue.label is None or not (hit.cue.weak or hit.cue.label in hidden):
            continue
        announced = transcript.words_of(toks[hit.first].start, toks[hit.last - 1].end)
        last = transcript.words[announced[-1]]
        for i in range(announced.stop, min(announced.stop + _AFTER_WORDS, len(transcript.words))):
            word = transcript.words[i]
            if word.start - last.end > _AFTER_MS:
                break
            if word.confidence is not None and word.confidence < below:
                yield i
