"""Finds in a text what a language model says it has read there. Its quotes are taken; its positions never are.

A quote is looked for as it stands, then without case, space and punctuation, then in the spoken view ("double four" for
"44"), then by similarity. All places of it are claimed, whole words only. What resembles something but has no place
claims the whole sentence: a quote that is nearly right is no reason to hide nothing. What resembles nothing is counted.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz import fuzz, process

from offrecord.detect.english import is_common
from offrecord.detect.spoken import written
from offrecord.detect.tokens import folded, is_word, tokens
from offrecord.types import Span

__all__ = ["Ground", "Quote", "mentions"]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a model says it read, and under which label."""

    label: str
    text: str = field(repr=False)


_PLACED = 85.0
_RESEMBLES = 68.0
"""How alike, in per cent (`rapidfuzz.fuzz.ratio`), a quote and a stretch of text are to be it, and to have to do with
it. Chosen on invented calls: with one letter in eight wrong, 5% of their details resemble nothing any more; of quotes
from another call, 12% resemble something (`python bench/llm.py --grounding`)."""

_SHORT = 6
_RESEMBLES_SHORT = 74.0
"""The same for quotes of few letters, where likeness is rather chance."""

_NOTHING = frozenset("a an and at in is it of on or that the then to um uh i".split())
"""Words that are no detail, whatever a model says: hiding each "a" would leave no text."""


class Ground:
    """A text made ready for quotes to be placed in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = _Folded(text, lambda start, end: (start, end))

    @cached_property
    def _spoken(self) -> _Folded | None:
        view = written(self._text)
        return None if view.text == self._text else _Folded(view.text, view.source)

    @cached_property
    def _sentences(self) -> list[int]:
        """Where sentences begin: after a line break, or white space behind a mark that ends one."""
        return [0, *(m.end() for m in re.finditer(r"\n|(?<=[.!?…])\s+|(?<=[。！？])", self._text))]

    def place(self, quote: Quote) -> list[Span]:
        """The claims that the quote comes to; none if it resembles nothing. ``source`` says how it was placed."""
        words = [token.low for token in tokens(folded(quote.text)) if is_word(token)]
        if not words or all(word in _NOTHING for word in words):
            return []
        exact = set(_exact(self._text, quote.text.strip()))
        if exact and _is_ambiguous(words):
            # "Will" is a name where it has its capital; "will" is not.
            return _spans(exact, quote.label, 0.9, "exact")
        folds = set(self._plain.find(quote.text)) - exact
        told = set(self._spoken.find(written(quote.text).text)) if self._spoken else set()
        told = {place for place in told if not any(_touch(place, other) for other in exact | folds)}
        found = _spans(exact, quote.label, 0.9, "exact") + _spans(folds, quote.label, 0.88, "folded")
        found += _spans(told, quote.label, 0.86, "spoken")
        return found or self._alike(quote, words)

    def _alike(self, quote: Quote, words: Sequence[str]) -> list[Span]:
        likes = [*self._plain.alike(quote.text)]
        if self._spoken:
            likes += self._spoken.alike(written(quote.text).text)
        best = max((score for score, *_ in likes), default=0.0)
        near = [(start, end) for score, start, end in likes if score >= best - 2]
        if best >= _PLACED:
            return _spans(near, quote.label, 0.7, "similar")
        # A word of it that is no common one is a trace, too: "John Q. Smith" where the text has "John Smyth".
        rare = [word for word in words if not is_common(word) and len(word) >= 3]
        near += [place for word in rare for place in self._plain.find(word)]
        return _spans({self._sentence(start, end) for start, end in near}, quote.label, 0.5, "sentence")

    def _sentence(self, start: int, end: int) -> tuple[int, int]:
        """The sentences that a place lies in, without white space around them."""
        first = self._sentences[bisect_right(self._sentences, start) - 1]
        after = bisect_right(self._sentences, end - 1)
        last = self._sentences[after] if after < len(self._sentences) else len(self._text)
        said = self._text[first:last]
        return last - len(said.lstrip()), first + len(said.rstrip())


def mentions(text: str, found: Iterable[Span]) -> list[Span]:
    """Every other mention, anywhere in ``text``, of what was placed: the same words in any case and punctuation.

    One common word ("Will") is mentioned only where it has the same case. Takes time in proportion to the text.
    """
    wanted: dict[str, dict[tuple[str, ...], tuple[Span, str | None]]] = {}
    for span in sorted(found, key=lambda span: (-span.score, span.start, span.end, span.label)):
        said = text[span.start : span.end]
        words = _words(said)
        if span.source == "llm:sentence" or not words or all(word in _NOTHING for word, *_ in words):
            continue
        key = tuple(word for word, *_ in words)
        cased = said if _is_ambiguous(key) else None
        wanted.setdefault(key[0], {}).setdefault((*key, cased or ""), (span, cased))
    claims = []
    said_words = _words(text)
    for i, (word, start, _) in enumerate(said_words):
        for key, (span, cased) in wanted.get(word, {}).items():
            here = said_words[i : i + len(key) - 1]
            if tuple(low for low, *_ in here) != key[:-1]:
                continue
            end = here[-1][2]
            if cased is None or _words_cased(text[start:end]) == _words_cased(cased):
                claims.append(Span(start, end, span.label, 0.85, "llm:mention"))
    return claims


def _is_ambiguous(words: Sequence[str]) -> bool:
    """Whether a quote is one word that in another case is an everyday one: "Will", "May", "Rose"."""
    return len(words) == 1 and is_common(words[0])


def _words(text: str) -> list[tuple[str, int, int]]:
    found = []
    for token in tokens(folded(text)):
        if is_word(token):
            bare = token.low.removesuffix("'s")
            found.append((bare, token.start, token.start + len(bare)))
    return found


def _words_cased(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _spans(places: Iterable[tuple[int, int]], label: str, score: float, how: str) -> list[Span]:
    return [Span(start, end, label, score, f"llm:{how}") for start, end in sorted(set(places))]


def _touch(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _exact(text: str, quote: str) -> Iterator[tuple[int, int]]:
    at = text.find(quote) if quote else -1
    while at >= 0:
        if not _inside_word(text, at) and not _inside_word(text, at + len(quote)):
            yield at, at + len(quote)
        at = text.find(quote, at + 1)


# Scripts that put no space between words: there, a word may begin and end anywhere.
_RUN_ON = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _letter(c: str) -> bool:
    return c.isalnum() or unicodedata.category(c)[0] == "M" or c in "\u200c\u200d"


def _inside_word(text: str, at: int) -> bool:
    """Whether position ``at`` parts a word: "al" stands in "finally" and "don" in "don't", but not as words."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if _RUN_ON.match(before) or _RUN_ON.match(after):
        return False
    if _letter(before) and _letter(after):
        return True
    if after in "'’" and _letter(before):
        ending = re.match(r"\w+", text[at + 1 :])
        return ending is not None and ending[0].lower() != "s"
    return before in "'’" and _letter(after) and at > 1 and _letter(text[at - 2])


class _Folded:
    """Letters and digits of a text without case, accents, space and punctuation, and where each of them stood."""

    def __init__(self, text: str, source: Callable[[int, int], tuple[int, int]]) -> None:
        self._text, self._source = text, source
        pieces: list[str] = []
        self._at = array("q")
        for i, c in enumerate(text):
            low = _fold(c)
            pieces.append(low)
            self._at.extend([i] * len(low))
        self._low = "".join(pieces)

    def find(self, quote: str) -> Iterator[tuple[int, int]]:
        """All places of the quote in the source, whole words each."""
        wanted = "".join(map(_fold, quote))
        at = self._low.find(wanted) if wanted else -1
        while at >= 0:
            start, end = self._at[at], self._at[at + len(wanted) - 1] + 1
            while end < len(self._text) and unicodedata.category(self._text[end])[0] == "M":
                end += 1
            if not _inside_word(self._text, start) and not _inside_word(self._text, end):
                yield self._source(start, end)
            at = self._low.find(wanted, at + 1)

    def alike(self, quote: str) -> Iterator[tuple[float, int, int]]:
        """Stretches of about as many words as the quote that resemble it: how much, and where in the source."""
        wanted = "".join(map(_fold, quote))
        if len(wanted) < 3:
            return
        least = _RESEMBLES_SHORT if len(wanted) < _SHORT else _RESEMBLES
        width = len(quote.split())
        for words in sorted({max(1, width - 1), width, width + 1}):
            runs, places = self._runs(words)
            for _, score, i in process.extract(wanted, runs, scorer=fuzz.ratio, score_cutoff=least, limit=None):
                yield score, *self._source(*places[i])

    def _runs(self, count: int) -> tuple[list[str], list[tuple[int, int]]]:
        """Each run of ``count`` words, folded, and where it stands."""
        words = self._said
        runs, places = [], []
        for i in range(max(1, len(words) - count + 1)):
            run = words[i : i + count]
            if run:
                runs.append("".join(low for low, *_ in run))
                places.append((run[0][1], run[-1][2]))
        return runs, places

    @cached_property
    def _said(self) -> list[tuple[str, int, int]]:
        said = ((m, "".join(map(_fold, m[0]))) for m in re.finditer(r"\S+", self._text))
        return [(low, m.start(), m.end()) for m, low in said if low]


def _fold(c: str) -> str:
    """A character's letters and digits, in no case and without accents."""
    if c.isascii():
        return c.lower() if c.isalnum() else ""
    return "".join(low for low in unicodedata.normalize("NFKD", c.casefold()) if low.isalnum())
