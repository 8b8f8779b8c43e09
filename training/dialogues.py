"""Annotated dialogues: read them, and turn them into plain text with labelled spans.

A file of `carriers/<hand>/` holds dialogues parted by blank lines: a line ``# domain: …``, then turns ``A: …`` in which each
personal detail is marked as ``{{label|surface}}``. `shared/data/calls` has the same marks inside JSON lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"\{\{([a-z_]+)\|([^{}|]+)\}\}")

Segment = tuple[str, str | None]
"""A stretch of text and its label, or None."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns, each a list of segments, without the speakers' names: the model does not see them."""

    name: str
    domain: str
    turns: tuple[tuple[Segment, ...], ...]


def read_carriers(directory: Path) -> list[Dialogue]:
    """All dialogues of the files in ``directory``. Raises ValueError that names file and line for a broken one."""
    return [dialogue for path in sorted(directory.glob("*.txt")) for dialogue in _read_file(path)]


def read_calls(path: Path) -> list[Dialogue]:
    """The dialogues of a JSON lines file in the format of `shared/data/calls`."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Dialogue(row["id"], row["domain"], tuple(segments(turn["text"]) for turn in row["turns"])) for row in rows]


def segments(text: str) -> tuple[Segment, ...]:
    """The segments of a marked turn."""
    parts: list[Segment] = []
    at = 0
    for match in MARK.finditer(text):
        parts += [(text[at : match.start()], None), (match[2], match[1])]
        at = match.end()
    return tuple((piece, label) for piece, label in [*parts, (text[at:], None)] if piece)


def plain(dialogue: Dialogue) -> tuple[str, list[tuple[int, int, str]]]:
    """The text, turns joined by line breaks, and its spans."""
    pieces: list[str] = []
    spans: list[tuple[int, int, str]] = []
    at = 0
    for number, turn in enumerate(dialogue.turns):
        for piece, label in ([("\n", None)] if number else []) + list(turn):
            if label:
                spans.append((at, at + len(piece), label))
            pieces.append(piece)
            at += len(piece)
    return "".join(pieces), spans


def lower(text: str, spans: list[tuple[int, int, str]]) -> tuple[str, list[tuple[int, int, str]]]:
    """The text as recognisers without case and punctuation give it, and its spans."""
    bare, moved = without(text, spans, '.,?!;:"()…')
    return bare.lower(), moved


def without(text: str, spans: list[tuple[int, int, str]], marks: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without the characters in ``marks``, and its spans."""
    kept = [i for i, c in enumerate(text) if c not in marks]
    place = {old: new for new, old in enumerate(kept)}
    moved = []
    for start, end, label in spans:
        inside = [place[i] for i in range(start, end) if i in place]
        if inside:
            moved.append((inside[0], inside[-1] + 1, label))
    return "".join(text[i] for i in kept), moved


def _read_file(path: Path) -> Iterator[Dialogue]:
    domain, turns, began = "", [], 0
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), "# end"], 1):
        if line.startswith("#"):
            if turns:
                yield Dialogue(f"{path.parent.name}-{path.stem}-{began}", domain, tuple(turns))
            domain, turns, began = line.partition(":")[2].strip(), [], number
        elif line.strip():
            speaker, colon, text = line.partition(": ")
            stripped = MARK.sub("", text)
            if not colon or len(speaker) > 12 or any(c in stripped for c in "{}|"):
                raise ValueError(f"{path}:{number}: expected `A: text` with marks {{{{label|surface}}}}")
            turns.append(segments(text.strip()))
