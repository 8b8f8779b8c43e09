"""The turns of a text, and what is asked in them: under which cue a run of digits or letters stands.

A cue counts in its own turn, before the run or right after it, and in the turn before, or further back where only short
turns stand between. Looking a run up takes no longer in a long turn than in a short one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from offrecord.detect.cues import ACKNOWLEDGEMENTS, Cue, Hit, scan
from offrecord.detect.runs import Run
from offrecord.detect.tokens import Token
from offrecord.detect.vocabulary import CONNECTIVES, HESITATIONS

__all__ = ["Context", "Turns"]


@dataclass(frozen=True, slots=True)
class Context:
    """The cue that a run stands under and how near it is: ``adjacent``, ``answer``, ``near``, ``far``, or none."""

    cue: Cue | None = None
    near: str = ""


_REACH = 80
"""Tokens before a run in which a cue of the same turn is looked for."""
_PASSING = ACKNOWLEDGEMENTS | HESITATIONS | CONNECTIVES


class Turns:
    """The turns of a text, by the number of the line."""

    def __init__(self, toks: Sequence[Token]) -> None:
        self._toks = toks
        self._breaks = [i for i, t in enumerate(toks) if t.low == "\n"]
        hits = scan(toks)
        self._named = [h for h in hits if h.cue.label == "person_name"]
        self._numeric = [h for h in hits if h.cue.label != "person_name"]
        self._named_at = [h.first for h in self._named]
        self._numeric_at = [h.first for h in self._numeric]

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
        return all(t.low in _PASSING for t in around if t.low[0].isalnum())

    def spelling(self, run: Run) -> Cue | None:
        """The cue for a run of letters: one for a name before any other, in the turn or the one before."""
        start, _ = self.range(run.line)
        spans = [(max(start, run.first - 20), run.first)]
        if run.line:
            spans.append(self.range(run.line - 1))
        if run.line > 1 and self.short(run.line - 1):
            spans.append(self.range(run.line - 2))
        for first, last in spans:
            named = self._last(self._named, self._named_at, first, last)
            other = self._last(self._numeric, self._numeric_at, first, last)
            if named or other:
                return (named or other)[-1].cue
        return None

    def context(self, run: Run) -> Context:
        """The cue for a run with digits."""
        start, end = self.range(run.line)
        own = self._last(self._numeric, self._numeric_at, max(start, run.first - _REACH), run.first)
        own = [h for h in own if h.last <= run.first and self._distance(h.last, run.first) <= 25]
        bare = run.first - start <= 8 or 2 * (run.last - run.first) >= end - start
        asked = self._asked(run, bare=bare)
        if own:
            hit = own[-1]
            distance = self._distance(hit.last, run.first)
            cue = self._meant(own, asked.cue if bare else None) if hit.cue.weak else hit.cue
            if cue.label is not None or distance <= 8:
                return Context(cue, "adjacent" if distance <= 4 else "near" if distance <= 12 else "far")
        after = self._after(run, end)
        return asked if after is None else Context(after, "near")

    @staticmethod
    def _meant(own: Sequence[Hit], asked: Cue | None) -> Cue:
        """What a weak cue ("the number") means: the typed cue before it in the turn, or the one that was asked for."""
        weak = own[-1].cue
        typed = [h.cue for h in own if not h.cue.weak and h.cue.label and own[-1].first - h.last <= 12]
        named = typed[-1] if typed else asked
        return replace(named, least=min(weak.least, named.least)) if named and named.label else weak

    @staticmethod
    def _last(hits: Sequence[Hit], at: Sequence[int], first: int, last: int) -> list[Hit]:
        """The last hits, up to eight, that begin between two tokens."""
        low, high = bisect_left(at, first), bisect_left(at, last)
        return list(hits[max(low, high - 8) : high])

    def _distance(self, first: int, last: int) -> int:
        """How many words stand between two tokens."""
        return sum(t.low[0].isalnum() for t in self._toks[first:last])

    def _after(self, run: Run, end: int) -> Cue | None:
        """ "4421 is the code", "four four two one on the card"."""
        if run.last >= end or self._toks[run.last].low not in ("is", "was", "for", "on", "as"):
            return None
        near = self._last(self._numeric, self._numeric_at, run.last + 1, min(run.last + 5, end))
        return near[0].cue if near and near[0].cue.label else None

    def _asked(self, run: Run, *, bare: bool) -> Context:
        """The last cue of the turn before, or of an earlier one if only short turns stand between.

        For what is said digit by digit a typed cue counts from further back, but for less.
        """
        open_ = True
        for line in range(run.line - 1, max(run.line - 5, -1), -1):
            if not (open_ or run.singles >= 3):
                break
            hits = self._last(self._numeric, self._numeric_at, *self.range(line))
            typed = [h for h in hits if h.cue.label and not h.cue.weak]
            if hits and open_:
                hit = typed[-1] if typed and hits[-1].cue.weak else hits[-1]
                return Context(hit.cue, "answer" if bare else "far")
            if typed:
                return Context(typed[-1].cue, "far")
            open_ = open_ and self.short(line)
        return Context()
