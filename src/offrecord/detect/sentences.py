"""Which words a repetition may claim, sentence by sentence.

`may_repeat` is a promise: a sentence in which no word that is left to read may repeat is final. `Sentences` keeps it:
of a stretch it gives, within each sentence, all words if one that may repeat has not been found before, or else only
the words that may repeat.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from offrecord.detect.english import is_common
from offrecord.detect.tokens import folded, is_word, tokens
from offrecord.detect.vocabulary import NUMBER_WORDS
from offrecord.types import Span

__all__ = ["Covered", "Sentences", "may_repeat"]


def may_repeat(word: str, *, starts_sentence: bool) -> bool:
    """Whether a detail found later in the recording could make `offrecord.detect.repeats.find` claim this word.

    False for a common English word in lower case or at the start of a sentence, and for a word without a letter or
    digit. ``word`` stands between white space, punctuation and all; ``starts_sentence``: it is the first of a text or
    line, or the word before it ends in a full stop, a question or exclamation mark or an ellipsis (closing quotation
    marks and brackets aside).
    """
    at_start = starts_sentence
    for token in tokens(folded(word)):
        if is_word(token):
            if _telling(token.low, capital=word[token.start].isupper() and not at_start):
                return True
            at_start = False
    return False


def _telling(low: str, *, capital: bool) -> bool:
    if low in ("a", "i", "oh") or low.startswith("i'"):
        return False
    if low in NUMBER_WORDS or len(low) == 1:
        return True
    return capital or not is_common(low)


class Covered:
    """What has been found already."""

    def __init__(self, found: Sequence[Span]) -> None:
        by_label: dict[str, list[Span]] = {}
        for span in found:
            by_label.setdefault(span.label, []).append(span)
        self._by_label = {label: _united(spans) for label, spans in by_label.items()}
        self._all = _united(found)

    def covers(self, start: int, end: int, label: str) -> bool:
        """Whether spans of a label cover a stretch from start to end."""
        starts, ends = self._by_label.get(label, ([], []))
        k = bisect_right(starts, start) - 1
        return k >= 0 and ends[k] >= end

    def touches(self, start: int, end: int) -> bool:
        """Whether any span covers a character of a stretch."""
        starts, ends = self._all
        k = bisect_right(starts, end - 1) - 1
        return k >= 0 and ends[k] > start


def _united(spans: Iterable[Span]) -> tuple[list[int], list[int]]:
    """Starts and ends of the stretches that spans cover together."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends


_WORD = re.compile(r"\S+")
_CLOSING = "\"')]\u201d\u2019"
_TRAILING = frozenset(".,;:?!\u2026" + _CLOSING)
_BEFORE = 60
"""Characters before a word in which the end of the sentence before is looked for."""


class Sentences:
    """The words of a text from ``start`` to ``end``: which begin a sentence, and which may be claimed."""

    def __init__(self, text: str, start: int, end: int, covered: Covered) -> None:
        self._text, self._covered = text, covered
        self._words = [match.span() for match in _WORD.finditer(text, start, end)]
        self._ends = [stop for _, stop in self._words]
        self._begins = [_sentence_ends(text[max(0, first - _BEFORE) : first]) for first, _ in self._words]
        self._telling: dict[int, bool] = {}

    def claimable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What of a stretch may be claimed."""
        sentence: list[int] = []
        for k in range(bisect_right(self._ends, start), len(self._words)):
            if self._words[k][0] >= end:
                break
            if self._begins[k] and sentence:
                yield from self._of_sentence(sentence, start, end)
                sentence = []
            sentence.append(k)
        if sentence:
            yield from self._of_sentence(sentence, start, end)

    def _of_sentence(self, words: Sequence[int], start: int, end: int) -> Iterator[tuple[int, int]]:
        if any(self._tells(k) and not self._covered.touches(*self._words[k]) for k in words):
            yield self._clipped(words[0], words[-1], start, end)
            return
        for telling, together in groupby(words, key=self._tells):
            group = list(together)
            if telling:
                yield self._clipped(group[0], group[-1], start, end)

    def _clipped(self, first: int, last: int, start: int, end: int) -> tuple[int, int]:
        low, high = max(start, self._words[first][0]), min(end, self._words[last][1])
        while high - 1 > low and self._text[high - 1] in _TRAILING:
            high -= 1
        return low, high

    def _tells(self, k: int) -> bool:
        if k not in self._telling:
            start, end = self._words[k]
            self._telling[k] = may_repeat(self._text[start:end], starts_sentence=self._begins[k])
        return self._telling[k]


def _sentence_ends(before: str) -> bool:
    """Whether the word after these characters is the first of a sentence."""
    said = before.rstrip()
    return not said or "\n" in before[len(said) :] or said.rstrip(_CLOSING).endswith((".", "?", "!", "\u2026"))
