"""Which runs of digits and letters are personal: by how they are said, by what was asked, and by their shape.

Said digit by digit it is no quantity; a cue before it in the turn, or the question in the turn before, names it; a
checksum that holds makes it sure (`offrecord.detect.checks`) and one that fails changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from offrecord.detect.atoms import Atom, Token
from offrecord.detect.checks import shapes_of
from offrecord.detect.cues import ACKNOWLEDGEMENTS, Cue, Hit, scan
from offrecord.detect.runs import Run, runs, stretches
from offrecord.detect.vocabulary import CONNECTIVES, HESITATIONS, INITIALISMS
from offrecord.types import Span

__all__ = ["find"]


@dataclass(frozen=True, slots=True)
class _Claim:
    label: str
    score: float
    row: str


@dataclass(frozen=True, slots=True)
class _Context:
    """The cue that a run stands under and how near it is: ``adjacent``, ``answer``, ``near``, ``far``, or none."""

    cue: Cue | None = None
    near: str = ""


def find(toks: Sequence[Token], atoms: Sequence[Atom]) -> Iterator[Span]:
    """The claims on runs. Offsets are those of the tokens."""
    said = runs(toks, atoms)
    if not said:
        return
    lines = _Lines(toks)
    claims: dict[int, _Claim] = {}
    for k, run in enumerate(said):
        claim = _numbered(run, lines.context(run)) if run.digits else _spelled(run, lines)
        if claim is not None:
            claims[k] = claim
    _continue(said, claims, lines)
    _assemble(said, claims, lines)
    for k, claim in claims.items():
        for start, end in stretches(toks, said[k]):
            yield Span(start, end, claim.label, claim.score, f"patterns:{claim.row}")


_LONGEST = 4_000


def _numbered(run: Run, context: _Context) -> _Claim | None:
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
            if shape.score and told:
                best = max(best, (sure or shape.score, shape.label, shape.name))
    return _Claim(best[1], best[0], best[2]) if best[0] >= 0.5 else None


_BASE = {"adjacent": 0.93, "answer": 0.92, "near": 0.85, "far": 0.7}
_COUNTING = ("0123456789", "9876543210")


def _score(run: Run, context: _Context) -> tuple[float, str]:
    """How sure it is that a run is an identifier, and why."""
    cue, n = context.cue, run.digits + run.letters
    if cue is not None and cue.label is None:
        return (0.55, "long_number") if run.digits >= 9 and not run.quantity else (0.0, "")
    dictated = run.singles >= 3 and not (run.quantity and any(a.text == "." for a in run.atoms))
    coded = any(a.kind == "code" and len(a.text) > 4 for a in run.atoms)
    if cue is not None and n >= cue.least and (run.digits > 1 or coded or cue.least == 1):
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
    if run.digits >= 7:
        paired = all(a.style == "pair" for a in run.atoms if a.kind == "digits")
        return (0.6 if paired else 0.8), "long_number"
    if run.digits >= 5 and run.compact[0] == "0":
        return 0.75, "leading_zero"
    if run.digits >= 3 and run.letters and n >= 6 and any(a.kind == "code" for a in run.atoms):
        return (0.7 if run.digits >= 4 else 0.6), "code"
    return 0.0, ""


_VOWELS = frozenset("AEIOUY")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _spelled(run: Run, lines: _Lines) -> _Claim | None:
    """The claim on a run of letters: a name that is spelled, or what was asked for."""
    n = len(run.compact)
    if n < 3 or run.singles < n or n > _LONGEST or run.compact in _ALPHABET:
        return None
    hit = lines.nearest(run)
    label = hit.cue.label if hit is not None and not hit.cue.weak else None
    if label in ("account_number", "vehicle_id", "password", "username") and hit is not None and n >= hit.cue.least:
        return _Claim(label, 0.75, "cue")
    if label == "person_name":
        return _Claim("person_name", 0.9, "spelled")
    if run.compact.lower() in INITIALISMS or not _VOWELS & set(run.compact):
        return None
    return _Claim("person_name", 0.8 if n > 4 else 0.72 if n > 3 else 0.58, "spelled")


def _continue(said: Sequence[Run], claims: dict[int, _Claim], lines: _Lines) -> None:
    """Claim what goes on with a claimed run: the rest of it, over an aside or a short turn, before or after."""
    for order in (range(1, len(said)), range(len(said) - 2, -1, -1)):
        for k in order:
            other = claims.get(k - order.step)
            if k in claims or other is None or not _goes_on(said[k], said[k - order.step], lines):
                continue
            claims[k] = _Claim(other.label, max(0.5, other.score - 0.15), "continued")


def _goes_on(run: Run, other: Run, lines: _Lines) -> bool:
    low, high = sorted((run.line, other.line))
    if run.quantity or not run.digits or not other.digits or high - low > 2:
        return False
    if low == high:
        gap = max(run.first, other.first) - min(run.last, other.last)
        return gap <= (12 if run.singles >= max(2, run.digits) else 6 if run.digits > 2 and other.singles > 2 else 0)
    if run.singles < max(2, run.digits):
        return False
    start, end = lines.range(run.line)
    bare = 2 * (run.last - run.first) >= end - start or run.singles >= 3
    return bare and (high - low == 1 or lines.short(low + 1))


def _assemble(said: Sequence[Run], claims: dict[int, _Claim], lines: _Lines) -> None:
    """Claim a number that is said a piece a turn: turns of nothing but digits, five of them in all."""
    chain: list[int] = []
    for k in [*range(len(said)), -1]:
        run = said[k]
        fits = k >= 0 and run.digits > 0 and not run.quantity and lines.bare(run)
        if chain and not (fits and _follows(said[chain[-1]], run, lines)):
            turns = {said[i].line for i in chain}
            if len(turns) > 1 and sum(said[i].digits for i in chain) > 4 and any(said[i].singles > 1 for i in chain):
                for i in chain:
                    claims.setdefault(i, _Claim("number_sequence", 0.65, "pieces"))
            chain = []
        if fits:
            chain.append(k)


def _follows(a: Run, b: Run, lines: _Lines) -> bool:
    return b.line - a.line <= 1 or (b.line - a.line == 2 and lines.short(a.line + 1))


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
        if end - start > 30:
            return False
        words = [t.low for t in self._toks[start:end] if t.low[0].isalnum()]
        return len(words) <= 2 or (len(words) <= 12 and all(w in ACKNOWLEDGEMENTS for w in words))

    def bare(self, run: Run) -> bool:
        """Whether nothing that means anything is said in the turn beside the run."""
        start, end = self.range(run.line)
        if end - start > run.last - run.first + 16:
            return False
        around = [*self._toks[start : run.first], *self._toks[run.last : end]]
        return all(
            t.low in ACKNOWLEDGEMENTS or t.low in HESITATIONS or t.low in CONNECTIVES
            for t in around
            if t.low[0].isalnum()
        )

    def nearest(self, run: Run) -> Hit | None:
        """The last cue of any kind before a run, in its turn or in the one before."""
        own = [h for h in self._hits.get(run.line, ()) if h.last <= run.first and run.first - h.last <= 20]
        named = [h for h in own if h.cue.label == "person_name"]
        if named or own:
            return (named or own)[-1]
        before = self._hits.get(run.line - 1) or (self._hits.get(run.line - 2) if self.short(max(0, run.line - 1)) else None)
        named = [h for h in before or () if h.cue.label == "person_name"]
        return (named or before or [None])[-1]

    def context(self, run: Run) -> _Context:
        """The cue for a run with digits."""
        start, end = self.range(run.line)
        own = [h for h in self._numeric(run.line) if h.last <= run.first and self._distance(h.last, run.first) <= 25]
        bare = run.first - start <= 8 or 2 * (run.last - run.first) >= end - start
        asked = self._asked(run, bare=bare)
        if own:
            hit = own[-1]
            distance = self._distance(hit.last, run.first)
            if hit.cue.weak:
                typed = [h for h in own if not h.cue.weak and h.cue.label and hit.first - h.last <= 12]
                named = typed[-1].cue if typed else asked.cue if asked.cue and asked.cue.label and bare else None
                if named is not None:
                    hit = hit._replace(cue=replace(named, least=min(hit.cue.least, named.least)))
            if hit.cue.label is not None or distance <= 8:
                return _Context(hit.cue, "adjacent" if distance <= 4 else "near" if distance <= 12 else "far")
        after = self._after(run, end)
        return asked if after is None else _Context(after.cue, "near")

    def _numeric(self, line: int) -> list[Hit]:
        return [h for h in self._hits.get(line, ()) if h.cue.label != "person_name"]

    def _distance(self, first: int, last: int) -> int:
        """How many words stand between two tokens; at least 100 when they are far apart."""
        return 100 if last - first > 80 else sum(t.low[0].isalnum() for t in self._toks[first:last])

    def _after(self, run: Run, end: int) -> Hit | None:
        """ "4421 is the code", "four four two one on the card"."""
        words = [t.low for t in self._toks[run.last : min(run.last + 1, end)]]
        if not words or words[0] not in ("is", "was", "for", "on", "as"):
            return None
        near = [h for h in self._numeric(run.line) if run.last < h.first <= run.last + 4]
        return near[0] if near and near[0].cue.label else None

    def _asked(self, run: Run, *, bare: bool) -> _Context:
        """The last cue of the turn before, or of an earlier one if only short turns stand between.

        For what is said digit by digit a typed cue counts from further back, but for less.
        """
        open_ = True
        for back in range(1, 5):
            line = run.line - back
            if line < 0 or not (open_ or run.singles >= 3):
                break
            hits = self._numeric(line)
            typed = [h for h in hits if h.cue.label and not h.cue.weak]
            if hits and open_:
                hit = typed[-1] if typed and hits[-1].cue.weak else hits[-1]
                return _Context(hit.cue, "answer" if bare else "far")
            if typed:
                return _Context(typed[-1].cue, "far")
            open_ = open_ and self.short(line)
        return _Context()
