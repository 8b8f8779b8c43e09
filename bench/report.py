"""What every table is printed with: the command, the date, the machine, the versions; and the table itself.

A figure without these cannot be repeated. Progress goes to standard error, so that standard output is the table alone.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def versions(packages: Iterable[str]) -> str:
    """Names and versions of the installed ones among ``packages``, separated by commas."""
    return ", ".join(f"{name} {found}" for name in packages if (found := installed(name)))


def installed(package: str) -> str | None:
    """The version of a package, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def stamp(packages: Iterable[str], notes: Iterable[str] = ()) -> str:
    """Some lines: the command as it was given, when and where it ran, the versions, and ``notes``."""
    script, *given = sys.argv
    here = Path(script).resolve()
    name = here.relative_to(ROOT) if here.is_relative_to(ROOT) else here
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    lines = [
        f"$ python {shlex.join([str(name), *given])}",
        f"{when}; Python {platform.python_version()}; {_processor()}, {os.cpu_count()} cores{load}",
        versions(dict.fromkeys(["offrecord", "onnxruntime", "numpy", *packages])),
    ]
    return "\n".join([*lines, *notes])


def _processor() -> str:
    """The processor's name as Linux gives it, else the machine's kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, markdown: bool) -> str:
    """Rows of cells under a header: aligned for the eye, or as a Markdown table for docs/benchmarks.md."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    # Figures stand to the right, names to the left.
    left = [any(c.isalpha() for line in lines[1:] for c in line[i]) for i in range(len(header))]
    columns = list(zip(widths, left, strict=True))
    cells = [
        [
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, (width, to_left) in zip(line, columns, strict=True)
        ]
        for line in lines
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in cells)
    rule = ["-" * width if to_left else "-" * (width - 1) + ":" for width, to_left in columns]
    return "\n".join(f"| {' | '.join(line)} |" for line in [cells[0], rule, *cells[1:]])


def show(text: str, *, markdown: bool = False) -> None:
    """Print a stamp: as it is, or fenced for Markdown."""
    print(f"```\n{text}\n```" if markdown else text, end="\n\n", flush=True)


def progress(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr, flush=True)
