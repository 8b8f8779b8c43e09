"""Reads spoken text into a written view: "double four two one" becomes "4421", "dot" becomes ".".

Patterns written once then work on spoken and on written forms. Every character of the view knows the source that it
stands for: `Written.source` leads back, always to whole words, and never out of order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from offrecord.detect.atoms import read
from offrecord.detect.dotted import Joins, joins
from offrecord.detect.tokens import Atom, Token, folded, link, tokens

__all__ = ["Written", "written"]

_RUN_KINDS = frozenset({"digits", "letters", "code"})


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it would be written, and the way back to the text.

    ``text`` is the view. ``tokens`` and ``atoms`` are the reading that it was made from: words and signs of the
    source, and what is dictated among them.
    """

    text: str = field(repr=False)
    tokens: tuple[Token, ...] = field(repr=False)
    atoms: tuple[Atom, ...] = field(repr=False)
    _starts: tuple[int, ...] = field(repr=False)
    _sources: tuple[tuple[int, int], ...] = field(repr=False)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the source, whole words, that the characters ``start`` to ``end`` of the view stand for.

        Raises `ValueError` for an empty range or one that leaves the view.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"the range {start} to {end} is empty or leaves a view of {len(self.text)} characters")
        first = self._sources[bisect_right(self._starts, start) - 1]
        last = self._sources[bisect_right(self._starts, end - 1) - 1]
        return first[0], last[1]


def written(text: str) -> Written:
    """The written view of a text. White space and words that stand for nothing else are as in the source."""
    low = folded(text)
    toks = tokens(low)
    atoms = read(text, toks)
    starts: list[int] = []
    sources: list[tuple[int, int]] = []
    pieces: list[str] = []
    position = 0
    for piece, source in _view(text, toks, atoms):
        starts.append(position)
        sources.append(source)
        pieces.append(piece)
        position += len(piece)
    return Written("".join(pieces), tuple(toks), tuple(atoms), tuple(starts), tuple(sources))


def _view(text: str, toks: Sequence[Token], atoms: Sequence[Atom]) -> Iterator[tuple[str, tuple[int, int]]]:
    """The pieces of the view, in order, none empty, each with the characters that it stands for."""
    plan = joins(toks, atoms)
    _plan_runs(toks, atoms, plan)
    end = 0
    for first, last, said in _units(toks, atoms, plan):
        start = toks[first].start
        if start > end and first not in plan.glued:
            yield text[end:start], (end, start)
        end = toks[last - 1].end
        if first not in plan.dropped:
            yield (said or text[start:end]), (start, end)
    if end < len(text):
        yield text[end:], (end, len(text))


def _units(toks: Sequence[Token], atoms: Sequence[Atom], plan: Joins) -> Iterator[tuple[int, int, str]]:
    """Token ranges with what they are said for; an empty text for what stays as it is."""
    i = 0
    for atom in atoms:
        for t in range(i, atom.first):
            yield t, t + 1, plan.signs.get(t, "")
        same = atom.last == atom.first + 1 and atom.text == toks[atom.first].low
        yield atom.first, atom.last, "" if same else atom.text
        i = atom.last
    for t in range(i, len(toks)):
        yield t, t + 1, plan.signs.get(t, "")


def _plan_runs(toks: Sequence[Token], atoms: Sequence[Atom], plan: Joins) -> None:
    """Join what is dictated: digits and letters with nothing or only fillers between, signs to both neighbours."""
    for k, atom in enumerate(atoms):
        if atom.kind == "mark" and atom.style == "single":
            _plan_mark(toks, atom, plan)
        if k == 0 or atom.kind not in _RUN_KINDS or atoms[k - 1].kind not in _RUN_KINDS:
            continue
        before = atoms[k - 1].last
        how = link(toks, atoms[k - 1], atom)
        if how == "join":
            plan.glued.add(atom.first)
        elif how == "filled":
            plan.glued.update(range(before, atom.first + 1))
            plan.dropped.update(range(before, atom.first))


def _plan_mark(toks: Sequence[Token], atom: Atom, plan: Joins) -> None:
    before, after = atom.first - 1, atom.last
    if before >= 0 and toks[before].low == ",":
        plan.dropped.add(before)
        plan.glued.add(before)
    if after < len(toks) and toks[after].low == ",":
        plan.dropped.add(after)
        plan.glued.add(after)
        after += 1
    if before >= 0 and toks[before].low != "\n":
        plan.glued.add(atom.first)
    if after < len(toks) and toks[after].low != "\n":
        plan.glued.add(after)
