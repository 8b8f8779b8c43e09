"""The summary of a batch as one page: plots in SVG, tables beside them, no script, and no request to anywhere.

It is made from the summary alone, which holds counts, labels and causes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import accumulate

from offrecord.batch.summary import Pace, Summary

__all__ = ["as_html"]

_WIDTH = 640
_ROW = 26
_NAMES = 240


def as_html(summary: Summary) -> str:
    """The page."""
    states = {name: summary.states.get(name, 0) for name in ("done", "failed", "quarantined", "waiting")}
    template = _template()
    (style,) = re.findall(r"<style>(.*?)</style>", template, re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode("ascii")
    causes = [(f"{error} ({kind})", n) for _, kind, error, n in summary.causes]
    rest = "img-src data:; base-uri 'none'; form-action 'none'"
    slots = {
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; {rest}",
        "summary": escape(_summary(summary)),
        "states": _bars("Recordings by state", [(name, n) for name, n in states.items() if n]),
        "entities": _bars(
            "Details hidden, by label", [(name.replace("_", " "), n) for name, n in summary.entities.items()]
        ),
        "causes": _bars("Failures, by cause", causes),
        "pace": _pace(summary.pace),
        "verification": _table(_verification(summary)),
        "problems": _problems(summary),
        "run": _table(_run(summary)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: slots[slot[1]], template)


@cache
def _template() -> str:
    return files("offrecord.batch").joinpath("report.html").read_text(encoding="utf-8")


def _summary(summary: Summary) -> str:
    hidden = sum(summary.entities.values())
    parts = [f"{sum(summary.states.values()):,} recordings", f"{summary.sound / 3_600_000:,.2f} h of sound"]
    parts += [f"{hidden:,} details hidden", f"{summary.muted / 1_000:,.1f} s muted"]
    return " · ".join(parts)


def _run(summary: Summary) -> Mapping[str, str]:
    pace = summary.pace
    rows = {
        "Recordings": f"{pace.recordings:,}",
        "Hours of sound": f"{pace.sound / 3_600_000:,.2f}",
        "Took": f"{pace.elapsed / 1_000:,.1f} s",
        "Times real time": f"{pace.times_real_time:.1f}",
        "Passed over": f"{summary.passed:,}",
        "Not in IN any more": f"{summary.gone:,}",
        "With the content of another": f"{summary.copies:,}",
        "Without speech": f"{summary.silent:,}",
    }
    return rows | ({"Stopped": summary.stopped} if summary.stopped else {})


def _verification(summary: Summary) -> Mapping[str, str]:
    done = summary.verification
    return {
        "Traces heard": f"{done['found']:,}",
        "Intervals widened": f"{done['widened']:,}",
        "Intervals added": f"{done['added']:,}",
        "Released although still heard": f"{done['left']:,} places in {done['left_in']:,} recordings",
    }


def _problems(summary: Summary) -> str:
    if not summary.problems:
        return "<p>None.</p>"
    shown = summary.problems[:100]
    items = "".join(
        f"<li>{f'line {problem.line}: ' if problem.line else ''}{escape(problem.reason)}</li>" for problem in shown
    )
    more = len(summary.problems) - len(shown)
    return f"<ul>{items}</ul>" + (f"<p>And {more:,} more.</p>" if more else "")


def _table(rows: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in rows.items()) + "</dl>"


def _bars(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """Horizontal bars, each with its name before and its count behind it."""
    if not rows:
        return "<p>None.</p>"
    most = max(n for _, n in rows)
    room = _WIDTH - _NAMES - 70
    parts = []
    for i, (name, n) in enumerate(rows):
        y, width = i * _ROW, max(1.0, room * n / most)
        short = name if len(name) <= 34 else f"{name[:33]}…"
        parts.append(
            f'<text x="{_NAMES - 8}" y="{y + 17}" text-anchor="end"><title>{escape(name)}</title>{escape(short)}</text>'
            f'<rect x="{_NAMES}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="3"/>'
            f'<text x="{_NAMES + width + 8:.1f}" y="{y + 17}">{n:,}</text>'
        )
    return _svg(title, len(rows) * _ROW, parts) + _below(rows)


def _below(rows: Iterable[tuple[str, int]]) -> str:
    """The long names in full, for those who cannot point at them."""
    long = [f"<li>{escape(name)}: {n:,}</li>" for name, n in rows if len(name) > 34]
    return f"<ul>{''.join(long)}</ul>" if long else ""


def _pace(pace: Pace) -> str:
    """How much was done when: its slope is the pace, and recordings that end together make no spike."""
    if not pace.bins or not pace.elapsed:
        return "<p>Nothing was worked on in this run.</p>"
    count = pace.elapsed // pace.step + 1
    done = list(accumulate(pace.bins[i] for i in range(count)))
    most, height = max(1, done[-1]), 140
    wide = (_WIDTH - 100) / count
    parts = [
        f'<rect x="{90 + i * wide:.1f}" y="{10 + height * (1 - sound / most):.1f}" '
        f'width="{max(0.5, wide - 1):.1f}" height="{height * sound / most:.1f}"/>'
        for i, sound in enumerate(done)
    ]
    parts += [
        f'<text x="84" y="18" text-anchor="end">{done[-1] / 3_600_000:,.2f} h</text>',
        f'<text x="84" y="{height + 12}" text-anchor="end">0</text>',
        f'<text x="90" y="{height + 30}">0 s</text>',
        f'<text x="{_WIDTH - 10}" y="{height + 30}" text-anchor="end">{pace.elapsed / 1_000:,.0f} s</text>',
    ]
    return _svg(f"Hours of sound done over the run, in steps of {pace.step // 1_000} s", height + 40, parts)


def _svg(title: str, height: int, parts: Iterable[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
