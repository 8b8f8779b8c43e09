"""How much of the annotated texts is left to read: Offrecord beside Presidio, Rampart and scrubadub, in one run.

    python bench/accuracy.py [--only calls heldout] [--tools offrecord presidio] [--limit 5] [--markdown]
    python bench/accuracy.py --ablation --only calls heldout

The scorer is `../shared/data/score.py`, by import. A span leaks if one telling letter or digit of it is left. "leak,
direct" counts the direct identifiers (in sets with labels of their own: persons, or what `bench/gold.py` names).
"person masks" keeps only what a tool calls a person, against the persons alone. Precision and false masks are left out
where the set does not mark all details. Characters per second of processor time, one thread, models loaded.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import peers
import report
from gold import HELDOUT, SETS, Gold, score
from peers import Find, Found, Tool

HEADER = ("set", "tool", "leak, direct", "leak, all", "doc leak", "precision", "false/1,000 words", "characters/s")


@dataclass(frozen=True, slots=True)
class Result:
    """One tool's figures on one set; None where they mean nothing."""

    gold: str
    tool: str
    direct: float | None
    all_labels: float | None
    doc_leak: float | None
    precision: float | None
    false: float | None
    speed: float
    by_label: dict[str, tuple[int, float]]

    def cells(self) -> list[str]:
        """The row of the table."""
        figures = (self.direct, self.all_labels, self.doc_leak, self.precision)
        texts = ["–" if figure is None else f"{figure:.3f}" for figure in figures]
        false = "–" if self.false is None else f"{self.false:.1f}"
        return [self.gold, self.tool, *texts, false, f"{self.speed:,.0f}"]


def results(gold: Gold, tool: Tool, find: Find) -> Iterator[Result]:
    """The figures of ``tool`` on ``gold``, and on its persons alone where it says so."""
    found, speed = _run(gold, find)
    yield _measured(gold, tool, found, speed)
    if gold.persons:
        persons = {id_: [mark for mark in marks if mark[2] in tool.persons] for id_, marks in found.items()}
        yield _measured(gold.only_persons(), tool, persons, speed)


def _run(gold: Gold, find: Find) -> tuple[dict[str, list[Found]], float]:
    """What is found in each text, and the characters per second of processor time."""
    # The first call loads what was put off.
    find(gold.rows[0]["text"])
    # Wall time would count whatever else the machine is doing; with one thread the two are the same on an idle one.
    began = time.process_time()
    found = {row["id"]: find(row["text"]) for row in gold.rows}
    seconds = time.process_time() - began
    if len(found) != len(gold.rows):
        raise ValueError(f"{gold.name}: two rows have one id")
    return found, sum(len(row["text"]) for row in gold.rows) / max(seconds, 1e-9)


def _measured(gold: Gold, tool: Tool, found: dict[str, list[Found]], speed: float) -> Result:
    pred = [{"id": id_, "spans": marks} for id_, marks in found.items()]
    every, direct = score(gold.rows, pred), score(gold.rows, pred, gold.direct)
    labels = every["labels"]
    marked, named = labels.get("ALL"), direct["labels"].get("ALL")
    # Of nothing hidden no share is right or wrong; the scorer would say 0.
    hidden = any(found.values())
    return Result(
        gold=gold.name,
        tool=tool.name,
        direct=named and named["leak"],
        all_labels=marked and marked["leak"],
        doc_leak=every["doc_leak"] if marked else None,
        precision=every["precision"] if gold.complete and hidden else None,
        false=every["false_per_1000"] if gold.complete else None,
        speed=speed,
        by_label={label: (labels[label]["n"], labels[label]["leak"]) for label in gold.by_label if label in labels},
    )


def by_label(measured: list[Result], *, markdown: bool) -> Iterator[str]:
    """A table for each set that wants one: the share of a label's spans that leak, tool by tool."""
    for name in dict.fromkeys(result.gold for result in measured if result.by_label):
        here = [result for result in measured if result.gold == name]
        counts = {label: count for result in here for label, (count, _) in result.by_label.items()}
        rows = [
            [label, str(count), *(f"{result.by_label[label][1]:.3f}" for result in here)]
            for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]
        header = (f"leak on {name}", "spans", *(result.tool for result in here))
        yield report.table(header, rows, markdown=markdown)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--tools", nargs="+", choices=("offrecord", *peers.PEERS), help="default: all that are there")
    parser.add_argument("--ablation", action="store_true", help="the parts of Offrecord's detector instead of tools")
    parser.add_argument("--threshold", type=float, help="of Offrecord's tagger, instead of its own")
    parser.add_argument("--tagger", type=Path, metavar="DIR", help="another tagger for Offrecord")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N texts of each set: a trial, not a result")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/benchmarks.md")
    return parser.parse_args()


def _tools(args: argparse.Namespace) -> tuple[list[Tool], list[str]]:
    """The tools to run, and a note for each that is not installed. One that was asked for has to be there."""
    if args.ablation:
        return peers.ablation(args.threshold, args.tagger), []
    every = {"offrecord": peers.offrecord(args.threshold, args.tagger), **peers.PEERS}
    chosen = [every[name] for name in args.tools or every]
    notes = [note for tool in chosen if (note := tool.missing())]
    if notes and args.tools:
        sys.exit(f"bench: {'; '.join(notes)}; see bench/README.md")
    return [tool for tool in chosen if not tool.missing()], notes


def _sets(args: argparse.Namespace) -> tuple[list[Gold], list[str]]:
    """The sets to run on, and a note for what they lack."""
    names = [name for name in args.only if name != "heldout" or HELDOUT.is_file()]
    notes = [] if len(names) == len(args.only) else [f"heldout: left out, {HELDOUT} is not there"]
    golds = [gold for name in names for gold in SETS[name]()]
    if args.limit is not None:
        golds = [replace(gold, rows=gold.rows[: args.limit]) for gold in golds]
        notes.append(f"a trial: only the first {args.limit} texts of each set")
    return golds, notes


def main() -> None:
    """Run every tool on every set and print the tables."""
    args = _arguments()
    peers.threads(1)
    tools, absent = _tools(args)
    golds, notes = _sets(args)
    finds = {tool.name: tool.load(1) for tool in tools}
    measured: list[Result] = []
    for gold in golds:
        for tool in tools:
            report.progress(f"{gold.name}: {tool.name}")
            measured += results(gold, tool, finds[tool.name])
    tables = [report.table(HEADER, [result.cells() for result in measured], markdown=args.markdown)]
    tables += by_label(measured, markdown=args.markdown)
    packages = [package for tool in tools for package in tool.packages]
    report.show(report.stamp(packages, [*absent, *notes]), markdown=args.markdown)
    print("\n\n".join(tables))


if __name__ == "__main__":
    main()
