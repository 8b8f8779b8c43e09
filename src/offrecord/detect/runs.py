"""Runs: digits and letters that are said as one, joined over signs, fillers and corrections.

A run never crosses a line break and holds no quantity with a unit or a currency. `find` in `offrecord.detect.dictated`
decides which runs are claimed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from offrecord.detect.tokens import Atom, Token, link
from offrecord.detect.vocabulary import CURRENCY, UNITS

__all__ = ["Run", "runs", "stretches"]


@dataclass(frozen=True, slots=True)
class Run:
    """Atoms that are said as one.

    ``gaps`` tells how each is linked to the one before; the first is ``start``. ``compact``: its letters, digits and a
    leading plus, in upper case. ``singles``: how many of them are said one by one. ``quantity``: it reads like a
    decimal, an amount, a version, years or a date rather than an identifier.
    """

    atoms: tuple[Atom, ...]
    gaps: tuple[str, ...]
    line: int
    compact: str
    digits: int
    letters: int
    singles: int
    quantity: bool

    @property
    def first(self) -> int:
        """The first token."""
        return self.atoms[0].first

    @property
    def last(self) -> int:
        """The token after the last."""
        return self.atoms[-1].last


_SIDES = frozenset({"digits", "letters", "code", "mark"})


def runs(toks: Sequence[Token], atoms: Sequence[Atom]) -> list[Run]:
    """The runs of a text in order, quantities with a unit or a currency left out."""
    breaks = [i for i, t in enumerate(toks) if t.low == "\n"]
    result: list[Run] = []
    group: list[Atom] = []
    gaps: list[str] = []
    measured = _measured(toks, atoms)
    for atom in atoms:
        usable = atom.kind in _SIDES and atom.first not in measured
        how = link(toks, group[-1], atom) if group and usable else None
        if how is None and group:
            result += _closed(toks, group, gaps, breaks)
            group, gaps = [], []
        if usable and (group or atom.kind != "mark" or atom.text in "+*#"):
            group.append(atom)
            gaps.append(how or "start")
    return result + list(_closed(toks, group, gaps, breaks))


def _closed(toks: Sequence[Token], group: list[Atom], gaps: list[str], breaks: Sequence[int]) -> Iterator[Run]:
    while group and group[-1].kind == "mark" and group[-1].text not in "*#":
        group, gaps = group[:-1], gaps[:-1]
    said = [a for a in group if a.kind != "mark"]
    if not said:
        return
    compact = "".join(a.text for a in said).upper()
    digits = sum(map(str.isdecimal, compact))
    plus = "+" if group[0].text == "+" else ""
    yield Run(
        tuple(group),
        tuple(gaps),
        bisect_left(breaks, group[0].first),
        plus + compact,
        digits,
        len(compact) - digits,
        sum(len(a.text) for a in said if a.style == "single"),
        any(a.style == "amount" for a in said) or _QUANTITY.fullmatch(_raw(toks, group)) is not None,
    )


def _measured(toks: Sequence[Token], atoms: Sequence[Atom]) -> set[int]:
    """First tokens of the atoms that a unit follows or a currency precedes."""
    out: set[int] = set()
    group: list[Atom] = []
    for k, atom in enumerate(atoms):
        group.append(atom)
        if k + 1 < len(atoms) and _tight(toks, atom.last, atoms[k + 1].first):
            continue
        after = atom.last + 1 if atom.last < len(toks) and toks[atom.last].low == "-" else atom.last
        following = [t.low for t in toks[after : after + 3]]
        unit = following[:1] and (following[0] in UNITS or following[1:] == [".", "m"])
        priced = group[0].first > 0 and toks[group[0].first - 1].low in CURRENCY
        if unit or priced:
            singles = sum(a.style == "single" for a in group)
            out.update(a.first for a in (group if priced or singles < 4 else group[-1:]))
        group = []
    return out


def _tight(toks: Sequence[Token], before: int, after: int) -> bool:
    """Nothing between two atoms, or one sign without white space around it."""
    if before == after:
        return True
    return (
        after == before + 1
        and toks[before].low in ".,-:/"
        and toks[before - 1].end == toks[before].start
        and toks[before].end == toks[after].start
    )


_YEARS = r"(?:(?:19|20)\d\d[ ,/-]{0,2}){1,9}"
_DATE = r"(?:0?[1-9]|[12]\d|3[01])[/.-](?:0?[1-9]|[12]\d|3[01])[/.-](?:\d\d|\d{4})|\d{4}-[01]\d-[0-3]\d"
_QUANTITY = re.compile(
    rf"\d{{1,3}}(?:,\d{{3}}){{2,4}}(?:\.\d{{1,2}})?|\d{{1,6}}(?:,\d{{3}}){{0,3}}\.\d{{1,3}}|\d{{1,3}}(?:\.\d{{1,4}}){{1,5}}|"
    rf"{_YEARS}|{_DATE}|\d{{1,4}}-\d{{1,3}}|(?:\d{{0,6}}00[ ,]{{0,2}}){{2,9}}"
)
"""Decimals, versions, years, dates, scores, round numbers."""


def _raw(toks: Sequence[Token], group: Sequence[Atom]) -> str:
    """The run with the signs between its atoms, as it would be written."""
    out = [group[0].text]
    for a, b in pairwise(group):
        sign = toks[a.last].low if b.first - a.last == 1 and _tight(toks, a.last, b.first) else ""
        spaced = b.first > a.last or toks[a.last - 1].end < toks[b.first].start
        dictated = a.style == b.style == "single" or "mark" in (a.kind, b.kind)
        out.append(sign or (" " if spaced and not dictated else ""))
        out.append(b.text)
    return "".join(out)


_CONNECTED = frozenset(", . - and then again uh um er that's thats the a it's".split())


def stretches(toks: Sequence[Token], run: Run) -> Iterator[tuple[int, int]]:
    """The characters of a run without the asides in it."""
    parts: list[list[Atom]] = []
    for atom, gap in zip(run.atoms, run.gaps, strict=True):
        aside = gap == "filled" and any(t.low not in _CONNECTED for t in toks[parts[-1][-1].last : atom.first])
        if gap == "start" or aside:
            parts.append([])
        parts[-1].append(atom)
    for part in parts:
        yield toks[part[0].first].start, toks[part[-1].last - 1].end
