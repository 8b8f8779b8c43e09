"""Redacted sentences, said as soon as they are final, while the recording is still being recognised.

A sentence is final when nothing that comes later can add to it: every detector has read past it, and none of the words
left to read in it could turn out to repeat a detail found later (`repeats.may_repeat`). Sentences come in order, so one
that has to wait holds back those after it. What is said is what the finished redaction says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from offrecord.detect import OVERLAP, Detector, detect_window, repeated, repeats, windows
from offrecord.redact import text
from offrecord.resolve import resolve
from offrecord.types import Policy, Redaction, Span, Transcript, Word

__all__ = ["Live", "sentences"]

_SIZE = 2_000
"""Characters that detectors are given at a time: some two minutes of speech."""

_AROUND = 20
"""Words kept in sight on each side of what is being said: a phrase of a user's list may cross the end of a sentence."""


class Live:
    """Takes words in reading order as they are recognised, and hands redacted sentences to ``say``."""

    def __init__(self, detectors: Sequence[Detector], policy: Policy, say: Callable[[str], None]) -> None:
        self._detectors, self._policy, self._say = detectors, policy, say
        self._words: list[Word] = []
        self._view = ""
        self._offsets: list[int] = []
        self._read = 0
        """How far the detectors have come in the view."""
        self._said = 0
        """How many words have been said."""
        self._spans: list[Span] = []
        self._waiting = False
        """Whether the next sentence has to wait for the end."""

    def hear(self, words: Sequence[Word]) -> None:
        """Take the next words and say what is final. ``numbered`` entities wait: their words change places."""
        pieces, length = [self._view], len(self._view)
        for word in words:
            gap = ("\n" if self._words[-1].ends_utterance_before(word) else " ") if self._words else ""
            self._offsets.append(length + len(gap))
            self._words.append(word)
            pieces += gap, word.text
            length += len(gap) + len(word.text)
        self._view = "".join(pieces)
        for window in windows(self._view, _SIZE, start=self._read, whole=False):
            self._spans += detect_window(self._view, window, self._detectors, self._policy.own)
            self._read = window.core_end
        if self._policy.substitution != "numbered" and not self._waiting:
            self._say_final()

    def finish(self, transcript: Transcript) -> list[Span]:
        """Read the rest, and give all claims on the whole ``transcript``, whose words are those that were heard."""
        for window in windows(transcript.view, _SIZE, start=self._read):
            self._spans += detect_window(transcript.view, window, self._detectors, self._policy.own)
        return self._spans + repeated(transcript.view, self._spans, self._policy.own)

    def say_rest(self, redaction: Redaction) -> None:
        """Say every sentence of the finished ``redaction`` that has not been said."""
        for words in sentences(redaction.transcript):
            if words.start >= self._said:
                self._say(_joined(redaction.transcript, words))

    def _say_final(self) -> None:
        settled = bisect_left(self._offsets, self._read - OVERLAP)
        first = max(0, self._said - _AROUND)
        if settled <= self._said:
            return
        base = self._offsets[first]
        words = tuple(self._words[first:settled])
        part = Transcript(words, duration=max(word.end for word in words))
        # Words are one space apart in the part as in the view, so the claims only have to be moved.
        claims = [
            replace(span, start=max(0, span.start - base), end=span.end - base)
            for span in self._spans
            if span.end > base
        ]
        entities = resolve(part, claims, self._policy)
        hidden = {i for entity in entities for i in entity.words}
        redacted, _ = text.substitute(part, entities, self._policy.substitution)
        for sentence in sentences(part):
            if first + sentence.start < self._said:
                continue
            if sentence.stop > len(words) - _AROUND:
                return
            if any(
                repeats.may_repeat(words[i].text, starts_sentence=i == sentence.start)
                for i in sentence
                if i not in hidden
            ):
                self._waiting = True
                return
            self._say(_joined(redacted, sentence))
            self._said = first + sentence.stop


def sentences(transcript: Transcript) -> Iterator[range]:
    """The sentences as ranges of words: they end at a full stop, question or exclamation mark, or with an utterance."""
    for utterance in transcript.utterances:
        first = utterance.words.start
        for i in utterance.words:
            if i + 1 == utterance.words.stop or transcript.words[i].text.rstrip("\"')]”’").endswith(
                (".", "?", "!", "…")
            ):
                yield range(first, i + 1)
                first = i + 1


def _joined(transcript: Transcript, words: range) -> str:
    return " ".join(transcript.words[i].text for i in words)
