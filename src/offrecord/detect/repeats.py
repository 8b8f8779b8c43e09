"""What was found once is hidden everywhere: said again, in part, spelled out, or read back by its last digits.

`find` claims whole words only. `may_repeat` tells, word by word, what it could ever claim, so that a sentence can be
given out before the rest of the recording is known. The two agree: of the words of one sentence, a claim holds at
least one that may repeat and that nothing had found before, or else only words that may repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from offrecord.detect.atoms import read
from offrecord.detect.runs import Run, runs, stretches
from offrecord.detect.sentences import Covered, Sentences, may_repeat
from offrecord.detect.spoken import written
from offrecord.detect.tokens import Token, folded, is_word, tokens
from offrecord.detect.vocabulary import NUMBER_WORDS
from offrecord.labels import LABELS
from offrecord.types import Span

__all__ = ["find", "may_repeat"]


_Key = TypeVar("_Key")
_Labels = dict[str, float]
"""The labels under which a value was found, with the score of its repetitions."""


@dataclass(slots=True)
class _Wanted:
    """What to look for: phrases by first word and length, spelled words, and numbers by their first four characters."""

    phrases: dict[str, dict[int, dict[tuple[str, ...], _Labels]]] = field(default_factory=dict)
    spelled: dict[str, _Labels] = field(default_factory=dict)
    numbers: dict[str, dict[str, _Labels]] = field(default_factory=dict)
    locals: dict[str, _Labels] = field(default_factory=dict)

    def phrase(self, words: Sequence[str], claim: tuple[str, float]) -> None:
        if words:
            by_length = self.phrases.setdefault(words[0], {})
            _keep(by_length.setdefault(len(words), {}), tuple(words), claim)

    def number(self, compact: str, claim: tuple[str, float]) -> None:
        for at in range(len(compact) - 3):
            _keep(self.numbers.setdefault(compact[at : at + 4], {}), compact, claim)
        if len(compact) == 3:
            _keep(self.numbers.setdefault(compact, {}), compact, claim)


def _keep(table: dict[_Key, _Labels], key: _Key, claim: tuple[str, float]) -> None:
    labels = table.setdefault(key, {})
    labels[claim[0]] = max(claim[1], labels.get(claim[0], 0.0))


_GROUPS = frozenset(row.group for row in LABELS.values()) - {"time", "birth", "business"}
_NUMBERED = frozenset({"contact", "government", "vehicle", "card", "financial", "account", "credential"}) | {"place"}
_LONGEST_VALUE = 400
_LONGEST_NUMBER = 64
_LEAST_NAME = 3
_NO_PARTS = frozenset("van von der den del della dos las los bin ibn ben the and mac mrs sir miss".split())


def _wanted(text: str, found: Iterable[Span]) -> _Wanted:
    wanted = _Wanted()
    seen: set[tuple[str, str]] = set()
    for span in sorted(found, key=lambda span: -span.score):
        said = text[span.start : span.end]
        if len(said) > _LONGEST_VALUE or (said, span.label) in seen:
            continue
        seen.add((said, span.label))
        group = LABELS[span.label].group if span.label in LABELS else "name"
        if group in _GROUPS or span.label == "date_of_birth":
            _want(wanted, said, span.label, group, round(0.95 * span.score, 4))
    return wanted


def _want(wanted: _Wanted, said: str, label: str, group: str, score: float) -> None:
    """Add one found value, and what it may come back as."""
    low = folded(said)
    toks = tokens(low)
    words = [t.low.removesuffix("'s") for t in toks if is_word(t)]
    parts = runs(toks, read(said, toks))
    numeric = all(w in NUMBER_WORDS or w.isdecimal() for w in words)
    if not numeric and (len(words) > 1 or len(words[0]) > 1):
        wanted.phrase(words, (label, score))
    if group in _NUMBERED:
        compact = "".join(run.compact.lstrip("+") for run in parts)
        enough = len(compact) > 3 or label in ("credit_card_cvv", "password")
        if enough and len(compact) <= _LONGEST_NUMBER and any(run.digits > 2 for run in parts):
            wanted.number(compact, (label, score))
    if label == "person_name":
        _want_name(wanted, words, parts, round(0.95 * score, 4))
    if label == "email_address":
        _want_local(wanted, said, round(0.9 * score, 4))


def _want_name(wanted: _Wanted, words: Sequence[str], parts: Sequence[Run], score: float) -> None:
    names = [w for w in words if len(w) >= _LEAST_NAME and w.isalpha() and w not in _NO_PARTS and w not in NUMBER_WORDS]
    names += [run.compact.lower() for run in parts if not run.digits and run.letters >= _LEAST_NAME]
    for name in names:
        wanted.phrase([name], ("person_name", score))
        if len(name) > _LEAST_NAME:
            wanted.phrase([name + "s"], ("person_name", score))
        for end in range(_LEAST_NAME, len(name) + 1):
            _keep(wanted.spelled, name[:end], ("person_name", score))
    _keep(wanted.spelled, "".join(words), ("person_name", score))


def _want_local(wanted: _Wanted, said: str, score: float) -> None:
    """The part of an e-mail address before the "at", as it is written and as it is said."""
    low = folded(said)
    local = folded(written(said).text).partition("@")[0]
    if len(local) > _LEAST_NAME:
        _keep(wanted.locals, local, ("email_address", score))
    before, at, _ = low.rpartition(" at ")
    if at:
        wanted.phrase([t.low for t in tokens(before) if is_word(t)], ("email_address", score))


_PIECE = 20_000
_CHUNK = re.compile(r"[\w+-]{1,64}(?:\.[\w+-]{1,64}){0,8}")


def find(text: str, found: Sequence[Span]) -> list[Span]:
    """Claims on everything in ``text`` that repeats one of the ``found`` spans, in order; ``source`` is ``repeats``.

    The label is that of the original, the score slightly lower. Whole words only; what `may_repeat` excludes is never
    claimed alone. What a span of the same label covers already is left out. Takes time in proportion to the text.
    """
    if not found:
        return []
    wanted = _wanted(text, found)
    covered = Covered(found)
    claims: set[Span] = set()
    start = 0
    while start < len(text):
        end = _piece_end(text, start)
        sentences = Sentences(text, start, end, covered)
        for first, last, labels in _matches(text[start:end], wanted):
            for a, b in sentences.claimable(first + start, last + start):
                claims.update(
                    Span(a, b, label, score, "repeats")
                    for label, score in labels.items()
                    if not covered.covers(a, b, label)
                )
        start = end
    return sorted(claims, key=lambda span: (span.start, span.end, span.label, span.score))


def _piece_end(text: str, start: int) -> int:
    end = start + _PIECE
    if end >= len(text):
        return len(text)
    cut = text.rfind("\n", start, end)
    cut = text.rfind(" ", start, end) if cut < 0 else cut
    return cut + 1 if cut > start else end


_Match = tuple[int, int, _Labels]


def _matches(piece: str, wanted: _Wanted) -> Iterator[_Match]:
    toks = tokens(folded(piece))
    yield from _phrases(toks, wanted)
    if wanted.spelled or wanted.numbers:
        for run in runs(toks, read(piece, toks)):
            claim = _numbered(run, wanted) if run.digits else _spelled(run, wanted)
            if claim is not None:
                for start, end in stretches(toks, run):
                    yield start, end, claim
    if wanted.locals:
        view = written(piece)
        low = folded(view.text)
        for match in _CHUNK.finditer(low):
            claim = wanted.locals.get(match[0])
            if claim is not None:
                yield (*view.source(*match.span()), claim)


def _phrases(toks: Sequence[Token], wanted: _Wanted) -> Iterator[_Match]:
    said = [t for t in toks if is_word(t) or t.low == "\n"]
    words = [t.low.removesuffix("'s") for t in said]
    for i, word in enumerate(words):
        for length, phrases in wanted.phrases.get(word, {}).items():
            claim = phrases.get(tuple(words[i : i + length]))
            if claim is not None:
                last = said[i + length - 1]
                yield said[i].start, last.end - (2 if last.low.endswith("'s") else 0), claim


def _spelled(run: Run, wanted: _Wanted) -> _Labels | None:
    if run.singles < run.letters:
        return None
    return wanted.spelled.get(run.compact.lower())


def _numbered(run: Run, wanted: _Wanted) -> _Labels | None:
    """The number that a run repeats: whole, from five characters on, or by its first or last four."""
    compact = run.compact.lstrip("+")
    if compact == compact[:3] * (len(compact) // 3) and run.singles == len(compact) and compact[:3] in wanted.numbers:
        return wanted.numbers[compact[:3]].get(compact[:3])
    for at in range(min(len(compact), _LONGEST_NUMBER) - 3):
        for number, claim in wanted.numbers.get(compact[at : at + 4], {}).items():
            if number in compact and len(number) > 3:
                return claim
            ends = number.endswith(compact) or number.startswith(compact)
            if at == 0 and compact in number and (len(compact) > 4 or (ends and not run.quantity)):
                return claim
    return None
