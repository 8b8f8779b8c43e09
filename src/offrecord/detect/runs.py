"""Numbers that are dictated: runs of digits and letters, joined over fillers, asides, turns and corrections.

Which runs are claimed follows from how they are said (digit by digit is no quantity), from the cue before them in the
same turn or the question before it, and from their shape (`offrecord.detect.checks`). Claims end at word edges.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from offrecord.detect.atoms import Atom, Token, link
from offrecord.detect.checks import shapes_of
from offrecord.detect.cues import ACKNOWLEDGEMENTS, CURRENCY, UNITS, Cue, Hit, scan
from offrecord.types import Span

__all__ = ["Run", "find", "runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """Atoms that are said as one. ``gaps`` tells how each is linked to the one before; the first is ``start``."""

    atoms: tuple[Atom, ...]
    gaps: tuple[str, ...]
    line: int

    @property
    def compact(self) -> str:
        """Letters, digits and a leading plus, in upper case."""
        plus = "+" if self.atoms[0].text == "+" else ""
        return plus + "".join(a.text for a in self.atoms if a.kind != "mark").upper()

    @property
    def first(self) -> int:
        return self.atoms[0].first

    @property
    def last(self) -> int:
        return self.atoms[-1].last

    @property
    def digits(self) -> int:
        return sum(sum(map(str.isdecimal, a.text)) for a in self.atoms)

    @property
    def letters(self) -> int:
        return sum(len(a.text) for a in self.atoms if a.kind != "mark") - self.digits

    @property
    def singles(self) -> int:
        """How many digits and letters are said one by one."""
        return sum(len(a.text) for a in self.atoms if a.style == "single" and a.kind != "mark")


_SIDES = frozenset({"digits", "letters", "code", "mark"})


def runs(toks: Sequence[Token], atoms: Sequence[Atom]) -> list[Run]:
    """The runs of a text in order, quantities with a unit or a currency left out."""
    breaks = [i for i, t in enumerate(toks) if t.low == "\n"]
    result: list[Run] = []
    group: list[Atom] = []
    gaps: list[str] = []
    measured = _measured(toks, atoms)
    for atom in atoms:
        usable = atom.kind in _SIDES and atom.first not in measured and (group or _starts(atom))
        how = _linked(toks, group[-1], atom) if group and usable else None
        if how is None and group:
            result += _closed(group, gaps, breaks)
            group, gaps = [], []
            usable = usable and _starts(atom)
        if usable:
            group.append(atom)
            gaps.append(how or "start")
    if group:
        result += _closed(group, gaps, breaks)
    return result


def _starts(atom: Atom) -> bool:
    return atom.kind != "mark" or atom.text in "+*#"


def _closed(group: list[Atom], gaps: list[str], breaks: Sequence[int]) -> Iterator[Run]:
    while group and group[-1].kind == "mark" and group[-1].text not in "*#":
        group, gaps = group[:-1], gaps[:-1]
    if any(a.kind != "mark" for a in group):
        yield Run(tuple(group), tuple(gaps), bisect_left(breaks, group[0].first))


def _linked(toks: Sequence[Token], a: Atom, b: Atom) -> str | None:
    how = link(toks, a.last, b.first)
    if how == "filled":
        between = {t.low for t in toks[a.last : b.first]}
        loose = "pair" in (a.style, b.style) or "amount" in (a.style, b.style)
        if loose and between & {"and", "a", "is", "on", "then"}:
            return None
    return how


def _measured(toks: Sequence[Token], atoms: Sequence[Atom]) -> set[int]:
    """First tokens of the atoms that a unit follows or a currency precedes."""
    out: set[int] = set()
    group: list[Atom] = []
    for k, atom in enumerate(atoms):
        following = atoms[k + 1] if k + 1 < len(atoms) else None
        group.append(atom)
        if following is not None and following.first - atom.last <= 1 and _tight(toks, atom.last, following.first):
            continue
        after = atom.last + 1 if atom.last < len(toks) and toks[atom.last].low == "-" else atom.last
        unit = after < len(toks) and toks[after].low in UNITS
        priced = group[0].first > 0 and toks[group[0].first - 1].low in CURRENCY
        if unit or priced:
            singles = sum(a.style == "single" for a in group)
            out.update(a.first for a in (group if priced or singles < 4 else group[-1:]))
        group = []
    return out


def _tight(toks: Sequence[Token], before: int, after: int) -> bool:
    """Nothing between, or one sign without white space around it."""
    return before == after or (
        toks[before].low in ".,-:/" and toks[before - 1].end == toks[before].start and toks[before].end == toks[after].start
    )


_QUANTITY = re.compile(
    r"\d{1,3}(?:,\d{3}){2,4}(?:\.\d{1,2})?|\d{1,6}(?:,\d{3}){0,3}\.\d{1,3}|\d{1,3}(?:\.\d{1,4}){1,5}|"
    r"(?:(?:19|20)\d\d[ ,/-]{0,2}){1,9}|\d{1,2}[/.-]\d{1,2}[/.-](?:\d\d|\d{4})|\d{4}-\d\d-\d\d|"
    r"\d{1,4}-\d{1,3}|(?:\d{0,6}00[ ,]{0,2}){2,9}|\d{1,3}(?:\.\d{1,3}){3}"
)
"""Decimals, versions, years, dates, scores, round numbers, addresses of machines: not identifiers by themselves."""


def _raw(toks: Sequence[Token], run: Run) -> str:
    """The run with the signs between its atoms, as it would be written."""
    out = [run.atoms[0].text]
    for a, b in zip(run.atoms, run.atoms[1:], strict=False):
        sign = toks[a.last].low if b.first - a.last == 1 and _tight(toks, a.last, b.first) else ""
        spaced = b.first > a.last or toks[a.last - 1].end < toks[b.first].start
        dictated = a.style == b.style == "single" or "mark" in (a.kind, b.kind)
        out.append(sign or (" " if spaced and not dictated else ""))
        out.append(b.text)
    return "".join(out)


_COUNTING = ("0123456789", "9876543210", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class _Context:
    """The cue that a run stands under and how near it is: ``adjacent``, ``answer``, ``near``, ``far``, or none."""

    cue: Cue | None = None
    near: str = ""


_BASE = {"adjacent": 0.93, "answer": 0.92, "near": 0.85, "far": 0.7}


@dataclass(frozen=True, slots=True)
class _Claim:
    run: Run
    label: str
    score: float
    row: str


def find(toks: Sequence[Token], atoms: Sequence[Atom]) -> list[Span]:
    """The claims on runs. Offsets are those of the tokens."""
    said = runs(toks, atoms)
    if not said:
        return []
    lines = _Lines(toks)
    claims: dict[int, _Claim] = {}
    quantities = set()
    for k, run in enumerate(said):
        if _is_quantity(toks, run):
            quantities.add(k)
        claim = _claim(toks, run, lines.context(run), quantity=k in quantities)
        if claim is not None:
            claims[k] = claim
    _continue(said, claims, lines, quantities)
    return [span for claim in claims.values() for span in _spans(toks, claim)]


def _claim(toks: Sequence[Token], run: Run, context: _Context, *, quantity: bool) -> _Claim | None:
    if run.digits == 0 or len(run.compact) > 4_000:
        return None if run.digits == 0 else _Claim(run, "number_sequence", 0.8, "long_number")
    score, row = _score(run, context, quantity=quantity)
    cue = context.cue
    label = cue.label if cue is not None and cue.label and not cue.weak else None
    best = (score, label or "number_sequence", row)
    for shape, holds in shapes_of(run.compact):
        if shape.label == label:
            best = max(best, (shape.sure if holds else score, label, shape.name))
        elif label is None or (holds and shape.sure > 0.95 and shape.score):
            shaped = shape.sure if holds else shape.score
            if shaped and shape.score and (score or run.singles > 3 or (holds and run.digits > 8)):
                best = max(best, (shaped, shape.label, shape.name))
    return _Claim(run, best[1], best[0], best[2]) if best[0] >= 0.5 else None


def _is_quantity(toks: Sequence[Token], run: Run) -> bool:
    return any(a.style == "amount" for a in run.atoms) or _QUANTITY.fullmatch(_raw(toks, run)) is not None


def _score(run: Run, context: _Context, *, quantity: bool) -> tuple[float, str]:
    n, singles = run.digits + run.letters, run.singles
    dictated = singles >= 3
    cue = context.cue
    if cue is not None and cue.label is None:
        return (0.55, "long_number") if run.digits >= 9 else (0.0, "")
    pointed = any(a.text == "." for a in run.atoms)
    if cue is not None and n >= cue.least and run.digits > 1:
        base = _BASE[context.near] - (0.1 if cue.weak else 0)
        if dictated and not (pointed and quantity):
            return base, "cue"
        if not quantity or context.near == "adjacent":
            far = context.near in ("near", "far") and n < 6
            return (0.0 if far else base - 0.1), "cue"
    if dictated and singles >= 4 and run.digits > 1 and not (pointed and quantity):
        if n < 7 and any(run.compact in row for row in _COUNTING):
            return 0.0, ""
        return (0.9 if n >= 7 else 0.8 if n >= 5 else 0.7), "dictated"
    if quantity:
        return 0.0, ""
    if run.digits >= 7:
        return 0.8, "long_number"
    if run.digits >= 3 and any(a.kind == "code" and len(a.text) >= 6 for a in run.atoms):
        return 0.7, "code"
    return 0.0, ""


class _Lines:
    """Where the turns of a text begin, and the cues in each."""

    def __init__(self, toks: Sequence[Token]) -> None:
        self._toks = toks
        self._breaks = [i for i, t in enumerate(toks) if t.low == "\n"]
        self._hits: dict[int, list[Hit]] = {}
        for hit in scan(toks):
            self._hits.setdefault(bisect_left(self._breaks, hit.first), []).append(hit)

    def range(self, line: int) -> tuple[int, int]:
        """The tokens of a turn."""
        start = self._breaks[line - 1] + 1 if line else 0
        return start, self._breaks[line] if line < len(self._breaks) else len(self._toks)

    def short(self, line: int) -> bool:
        """Whether a turn only keeps the other going: a few words, or nothing but acknowledgements."""
        start, end = self.range(line)
        words = [t.low for t in self._toks[start:end] if t.low[0].isalnum()]
        return len(words) <= 2 or (len(words) <= 12 and all(w in ACKNOWLEDGEMENTS for w in words))

    def context(self, run: Run) -> _Context:
        start, end = self.range(run.line)
        own = [h for h in self._hits.get(run.line, ()) if h.last <= run.first and run.first - h.last <= 30]
        bare = run.first - start <= 8 or 2 * (run.last - run.first) >= end - start
        asked = self._asked(run.line)
        if own:
            hit = own[-1]
            distance = run.first - hit.last
            if hit.cue.label is None and distance > 8 and len(own) > 1:
                hit = own[-2]
            if hit.cue.weak:
                typed = [h for h in own if not h.cue.weak and h.cue.label and hit.first - h.last <= 12]
                before = asked if asked and asked.cue.label and bare else None
                named = typed[-1] if typed else before
                hit = replace_cue(hit, named) if named else hit
            near = "adjacent" if distance <= 4 else "near" if distance <= 12 else "far"
            if hit.cue.label is not None or distance <= 8:
                return _Context(hit.cue, near)
        after = self._after(run, end)
        if after is not None:
            return _Context(after.cue, "near")
        if asked is not None:
            return _Context(asked.cue, "answer" if bare else "far")
        return _Context()

    def _after(self, run: Run, end: int) -> Hit | None:
        """ "4421 is the code", "four four two one on the card"."""
        words = [t.low for t in self._toks[run.last : min(run.last + 2, end)]]
        if not words or words[0] not in ("is", "was", "'s", "for", "on", "as"):
            return None
        near = [h for h in self._hits.get(run.line, ()) if run.last < h.first <= run.last + 4]
        return near[0] if near and near[0].cue.label else None

    def _asked(self, line: int) -> Hit | None:
        """The last cue of the turn before, or of the one before that if a short one stands between."""
        for back in (1, 2, 3):
            if line - back < 0:
                return None
            hits = self._hits.get(line - back)
            if hits:
                typed = [h for h in hits if h.cue.label and not h.cue.weak]
                return typed[-1] if typed and hits[-1].cue.weak else hits[-1]
            if not self.short(line - back):
                return None
        return None


def replace_cue(hit: Hit, named: Hit) -> Hit:
    """The place of one cue with the meaning of another."""
    return hit._replace(cue=replace(named.cue, least=min(hit.cue.least, named.cue.least)))


def _continue(said: Sequence[Run], claims: dict[int, _Claim], lines: _Lines, quantities: set[int]) -> None:
    """Claim what goes on with a claimed run: the rest of it, over an aside or a short turn, before or after."""
    for order in (range(1, len(said)), range(len(said) - 2, -1, -1)):
        for k in order:
            other = claims.get(k - order.step)
            run = said[k]
            if k in claims or k in quantities or other is None or not _goes_on(run, other, lines):
                continue
            claims[k] = _Claim(run, other.label, max(0.5, other.score - 0.15), "continued")


def _goes_on(run: Run, other: _Claim, lines: _Lines) -> bool:
    low, high = sorted((run.line, other.run.line))
    if run.singles < 2 or run.singles < run.digits or high - low > 2:
        return False
    if low == high:
        gap = max(run.first, other.run.first) - min(run.last, other.run.last)
        return gap <= 12 and run.digits > 0
    start, end = lines.range(run.line)
    bare = 2 * (run.last - run.first) >= end - start or run.singles >= 3
    return bare and (high - low == 1 or lines.short(low + 1))


_CONNECTIVES = frozenset(", . - and then again uh um er that's thats the a is it's".split())


def _spans(toks: Sequence[Token], claim: _Claim) -> Iterator[Span]:
    """The claim's stretches: an aside inside it is left to read."""
    stretches: list[list[Atom]] = []
    for atom, gap in zip(claim.run.atoms, claim.run.gaps, strict=True):
        aside = gap == "filled" and any(
            t.low not in _CONNECTIVES for t in toks[stretches[-1][-1].last : atom.first]
        )
        if gap == "start" or aside:
            stretches.append([])
        stretches[-1].append(atom)
    for stretch in stretches:
        start, end = toks[stretch[0].first].start, toks[stretch[-1].last - 1].end
        yield Span(start, end, claim.label, claim.score, f"patterns:{claim.row}")


def line_of(breaks: Sequence[int], token: int) -> int:
    """The turn that a token stands in."""
    return bisect_right(breaks, token)
