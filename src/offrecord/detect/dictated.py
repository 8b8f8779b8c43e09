"""Which runs of digits and letters are personal: by how they are said, by what was asked, and by their shape.

Said digit by digit it is no quantity; a cue before it in the turn, or the question in the turn before, names it; a
checksum that holds makes it sure (`offrecord.detect.checks`) and one that fails changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offrecord.detect.checks import shapes_of
from offrecord.detect.runs import Run, runs, stretches
from offrecord.detect.tokens import Atom, Token
from offrecord.detect.turns import Context, Turns
from offrecord.detect.vocabulary import INITIALISMS
from offrecord.types import Span

__all__ = ["find"]


@dataclass(frozen=True, slots=True)
class _Claim:
    label: str
    score: float
    row: str


def find(toks: Sequence[Token], atoms: Sequence[Atom]) -> Iterator[Span]:
    """The claims on runs. Offsets are those of the tokens."""
    said = runs(toks, atoms)
    if not said:
        return
    turns = Turns(toks)
    claims: dict[int, _Claim] = {}
    for k, run in enumerate(said):
        claim = _numbered(run, turns.context(run)) if run.digits else _spelled(run, turns)
        if claim is not None:
            claims[k] = claim
    _continue(said, claims, turns)
    _assemble(said, claims, turns)
    for k, claim in claims.items():
        for start, end in stretches(toks, said[k]):
            yield Span(start, end, claim.label, claim.score, f"patterns:{claim.row}")


_LONGEST = 4_000


def _numbered(run: Run, context: Context) -> _Claim | None:
    """The claim on a run that holds a digit."""
    if len(run.compact) > _LONGEST:
        return _Claim("number_sequence", 0.8, "long_number")
    score, row = _score(run, context)
    label = context.cue.label if context.cue is not None and not context.cue.weak else None
    best = (score, label or "number_sequence", row)
    for shape, holds in shapes_of(run.compact):
        sure = shape.sure if holds else 0.0
        if shape.label == label:
            best = max(best, (sure, shape.label, shape.name))
        elif label is None or (sure > 0.95 and shape.score):
            told = score or run.singles > 3 or (sure and run.digits > 8)
            shaped = sure or shape.score
            if shape.score and told and (shaped > best[0] or best[1] == "number_sequence"):
                best = (max(shaped, best[0]), shape.label, shape.name)
    return _Claim(best[1], best[0], best[2]) if best[0] >= 0.5 else None


_BASE = {"adjacent": 0.93, "answer": 0.92, "near": 0.85, "far": 0.7}
_COUNTING = ("0123456789", "9876543210")


def _score(run: Run, context: Context) -> tuple[float, str]:
    """How sure it is that a run is an identifier, and why."""
    cue, n = context.cue, run.digits + run.letters
    if cue is not None and cue.label is None:
        return (0.55, "long_number") if run.digits >= 9 and not run.quantity else (0.0, "")
    dictated = run.singles >= 3 and not (run.quantity and any(a.text == "." for a in run.atoms))
    coded = any(a.kind == "code" and len(a.text) > 4 for a in run.atoms) and (run.digits > 2 or not (cue and cue.weak))
    if cue is not None and n >= cue.least and (run.digits > (2 if cue.weak else 1) or coded or cue.least == 1):
        base = _BASE[context.near] - (0.1 if cue.weak else 0)
        if dictated:
            return base, "cue"
        if not run.quantity or context.near == "adjacent":
            distant = context.near in ("near", "far") and n < 6
            return (0.0 if distant else base - 0.1), "cue"
    return _uncued(run, n, dictated=dictated)


def _uncued(run: Run, n: int, *, dictated: bool) -> tuple[float, str]:
    if dictated and run.singles >= 4 and run.digits > 1:
        counted = n < 7 and any(run.compact in row for row in _COUNTING)
        return (0.0, "") if counted else (0.9 if n >= 7 else 0.8 if n >= 5 else 0.7, "dictated")
    if run.quantity:
        return 0.0, ""
    if dictated and run.digits >= 5:
        return 0.75, "dictated"  # "9-7-4-01"
    return _written(run, n)


def _written(run: Run, n: int) -> tuple[float, str]:
    """The score of a run that is mostly written numerals, or said in pairs."""
    if run.digits >= 7:
        paired = all(a.style == "pair" for a in run.atoms if a.kind == "digits")
        return (0.6 if paired else 0.8), "long_number"
    if run.compact[0] == "0" and run.digits >= (3 if len(run.atoms) == 1 else 5):
        return (0.75 if run.digits >= 5 else 0.6 if not _CLOCK.fullmatch(run.compact) else 0.0), "leading_zero"
    if len(run.atoms) == 1 and run.digits == n >= 5 and run.atoms[0].style == "plain":
        return (0.55 if run.compact[-2:] != "00" else 0.0), "bare_number"
    if run.digits >= 3 and run.letters and n >= 6 and any(a.kind == "code" for a in run.atoms):
        return (0.7 if run.digits >= 4 else 0.6), "code"
    return 0.0, ""


_CLOCK = re.compile(r"(?:0\d|1\d|2[0-3])?[0-5]\d")
"""Times as some say them: "0830", "oh five"."""
_VOWELS = frozenset("AEIOUY")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _spelled(run: Run, turns: Turns) -> _Claim | None:
    """The claim on a run of letters: a name that is spelled, or what was asked for."""
    n = len(run.compact)
    if n < 3 or run.singles < n or n > _LONGEST or run.compact in _ALPHABET:
        return None
    cue = turns.spelling(run)
    label = cue.label if cue is not None and not cue.weak else None
    if cue is not None and label in ("account_number", "vehicle_id", "password", "username") and n >= cue.least:
        return _Claim(label, 0.75, "cue")
    if label == "person_name":
        return _Claim("person_name", 0.9, "spelled")
    if n < 5 and "filled" in run.gaps:
        return None  # "a B and a C"
    if run.compact.lower() in INITIALISMS or not _VOWELS & set(run.compact):
        return None
    return _Claim("person_name", 0.8 if n > 4 else 0.72 if n > 3 else 0.58, "spelled")


def _continue(said: Sequence[Run], claims: dict[int, _Claim], turns: Turns) -> None:
    """Claim what goes on with a claimed run: the rest of it, over an aside or a short turn, before or after."""
    for order in (range(1, len(said)), range(len(said) - 2, -1, -1)):
        for k in order:
            other = claims.get(k - order.step)
            if k in claims or other is None or not _goes_on(said[k], said[k - order.step], turns):
                continue
            claims[k] = _Claim(other.label, max(0.5, other.score - 0.15), "continued")


def _goes_on(run: Run, other: Run, turns: Turns) -> bool:
    low, high = sorted((run.line, other.line))
    if run.quantity or not run.digits or not other.digits or high - low > 2:
        return False
    if low == high:
        gap = max(run.first, other.first) - min(run.last, other.last)
        return gap <= (12 if run.singles >= max(2, run.digits) else 6 if run.digits > 2 and other.singles > 2 else 0)
    if run.singles < max(2, run.digits):
        return False
    start, end = turns.range(run.line)
    bare = 2 * (run.last - run.first) >= end - start or run.singles >= 3
    return bare and (high - low == 1 or turns.short(low + 1))


def _assemble(said: Sequence[Run], claims: dict[int, _Claim], turns: Turns) -> None:
    """Claim a number that is said a piece a turn: turns of nothing but digits, five of them in all."""
    chain: list[int] = []
    for k in [*range(len(said)), -1]:
        run = said[k]
        fits = k >= 0 and run.digits > 0 and not run.quantity and turns.bare(run)
        if chain and not (fits and _follows(said[chain[-1]], run, turns)):
            lines = {said[i].line for i in chain}
            if len(lines) > 1 and sum(said[i].digits for i in chain) > 4 and any(said[i].singles > 1 for i in chain):
                for i in chain:
                    claims.setdefault(i, _Claim("number_sequence", 0.65, "pieces"))
            chain = []
        if fits:
            chain.append(k)


def _follows(a: Run, b: Run, turns: Turns) -> bool:
    return b.line - a.line <= 1 or (b.line - a.line == 2 and turns.short(a.line + 1))
