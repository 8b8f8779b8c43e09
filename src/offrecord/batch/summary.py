"""What a batch came to: counts of its manifest, of all recordings that IN has now and of this run. No name, no text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offrecord.batch.finding import Problem
from offrecord.batch.manifest import Manifest
from offrecord.errors import InputError

__all__ = ["Pace", "Summary", "summed"]

_BINS = 120


@dataclass(slots=True)
class Pace:
    """How much was done when, since this run began: of a clock that nobody sets."""

    elapsed: int = 0
    """Milliseconds."""
    recordings: int = 0
    sound: int = 0
    """Milliseconds of sound that were worked on."""
    step: int = 1_000
    bins: Counter[int] = field(default_factory=Counter)
    """Milliseconds of sound by the number of the ``step`` in which they were done."""

    def add(self, duration: int, at: int) -> None:
        """A recording of this length is done ``at`` milliseconds after the beginning."""
        self.elapsed, self.recordings, self.sound = at, self.recordings + 1, self.sound + duration
        self.bins[at // self.step] += duration
        while at // self.step >= _BINS:
            self.step *= 2
            halved: Counter[int] = Counter()
            for number, done in self.bins.items():
                halved[number // 2] += done
            self.bins = halved

    @property
    def times_real_time(self) -> float:
        """Seconds of sound in a second."""
        return self.sound / self.elapsed if self.elapsed else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of the recordings that IN has, by ``states``; times are milliseconds.

    ``silent``: nobody speaks in them. ``copies``: as many have the content of another one. ``causes``: failures, each
    with its exit code, kind and line. ``verification``: what the second listenings came to together; ``left`` is what
    was released unverified, in ``left_in`` recordings. ``gone``: rows of recordings that IN has no more. ``stopped``:
    why the run ended before its time.
    """

    states: Mapping[str, int]
    sound: int
    muted: int
    silent: int
    copies: int
    gone: int
    entities: Mapping[str, int]
    causes: Sequence[tuple[int, str, str, int]]
    verification: Mapping[str, int]
    codes: frozenset[int]
    problems: Sequence[Problem]
    passed: int
    pace: Pace
    stopped: str | None = None

    @property
    def exit_code(self) -> int:
        """The worst of all: 0 where each recording that IN has is done, or waits for a run without ``--limit``."""
        codes = self.codes | ({InputError.exit_code} if self.problems else set())
        return max(codes, default=0)

    def as_json(self) -> dict[str, Any]:
        """The same, as the last of the JSON lines has it."""
        return {
            "recordings": dict(self.states),
            "hours": round(self.sound / 3_600_000, 4),
            "muted_ms": self.muted,
            "silent": self.silent,
            "copies": self.copies,
            "gone": self.gone,
            "entities": dict(self.entities),
            "failures": [
                {"code": code, "kind": kind, "error": error, "recordings": n} for code, kind, error, n in self.causes
            ],
            "verification": dict(self.verification),
            "problems": len(self.problems),
            "passed_over": self.passed,
            "run": {
                "recordings": self.pace.recordings,
                "hours": round(self.pace.sound / 3_600_000, 4),
                "elapsed_ms": self.pace.elapsed,
                "times_real_time": round(self.pace.times_real_time, 2),
            },
            "stopped": self.stopped,
            "exit_code": self.exit_code,
        }


_CHECKED = ("found", "widened", "added", "left", "left_in")

_OF_DONE = """
SELECT total(duration), total(muted), total(words = 0),
  total(json_extract(verification, '$.found')), total(json_extract(verification, '$.widened')),
  total(json_extract(verification, '$.added')), total(json_extract(verification, '$.left')),
  total(json_extract(verification, '$.left') > 0)
FROM recordings WHERE seen = ? AND state = 'done'
"""
_STATES = "SELECT state, count(*) FROM recordings WHERE seen = ? GROUP BY state"
_COPIES = "SELECT count(*) - count(DISTINCT content) FROM recordings WHERE seen = ? AND content IS NOT NULL"
_GONE = "SELECT count(*) FROM recordings WHERE seen != ?"
_CODES = "SELECT DISTINCT code FROM recordings WHERE seen = ? AND state != 'waiting'"
_ENTITIES = """
SELECT key, sum(value) FROM recordings, json_each(entities) WHERE seen = ? AND state = 'done'
GROUP BY key ORDER BY 2 DESC, 1
"""
_CAUSES = """
SELECT code, kind, error, count(*) FROM recordings WHERE seen = ? AND error IS NOT NULL
GROUP BY 1, 2, 3
"""
_MOST_CAUSES = 100
_ITS_OWN = re.compile(r"^recording(?:\.\w+)*: |\b\d+\b")
"""What of an error is of one recording alone: how its file is called here, and numbers."""


def summed(
    manifest: Manifest, pace: Pace, problems: Sequence[Problem] = (), passed: int = 0, stopped: str | None = None
) -> Summary:
    """The summary of what the manifest knows of the recordings that its run found. Raises `StateError`."""
    run = manifest.run
    sound, muted, silent, *checked = map(round, manifest.query(_OF_DONE, run)[0])
    return Summary(
        states=dict(manifest.query(_STATES, run)),
        sound=sound,
        muted=muted,
        silent=silent,
        copies=manifest.query(_COPIES, run)[0][0],
        gone=manifest.query(_GONE, run)[0][0],
        entities=dict(manifest.query(_ENTITIES, run)),
        causes=_causes(manifest),
        verification=dict(zip(_CHECKED, checked, strict=True)),
        codes=frozenset(code for (code,) in manifest.query(_CODES, run)),
        problems=tuple(problems),
        passed=passed,
        pace=pace,
        stopped=stopped,
    )


def _causes(manifest: Manifest) -> list[tuple[int, str, str, int]]:
    """Failures, the most frequent first; what differs by nothing but numbers is one cause."""
    causes: Counter[tuple[int, str, str]] = Counter()
    for code, kind, error, n in manifest.query(_CAUSES, manifest.run):
        causes[code, kind, _ITS_OWN.sub(lambda found: "N" if found[0].isdecimal() else "", error)] += n
    return [(*cause, n) for cause, n in causes.most_common(_MOST_CAUSES)]
