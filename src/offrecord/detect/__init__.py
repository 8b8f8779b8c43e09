"""From what was said to claims on it: several detectors, whose claims are united.

A detector is a function from text to `Span`s. It reads a piece of the transcript's view, in which a line break stands
between two utterances, and sees enough around the piece to know the question that an answer belongs to. Memory does not
grow with the text. A reader (`llm`) sees the whole text and what was found in it. What was found once is then looked
for in all of it (`repeats`).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from offrecord.detect import repeats
from offrecord.labels import DENIED, LABELS, OwnLabel
from offrecord.types import Span

__all__ = [
    "OVERLAP", "Detector", "Reader", "Window", "detect", "detect_window", "outside_placeholders", "repeated", "windows",
]  # fmt: skip

Detector = Callable[[str], list[Span]]

Reader = Callable[[str, Sequence[Span]], list[Span]]
"""A detector that is given the whole text, and what the others found in it. It adds to that, and takes nothing away."""

OVERLAP = 500
"""Characters that a detector sees on each side of the piece that it is asked about. A run of words no longer than this
lies whole in one window, wherever it stands."""

SIZE = 32_000
"""Characters of a piece. Small ones are final sooner (`offrecord.live` takes them), large ones repeat less overlap."""


_SPACE = re.compile(r"\s+")
_WIDE = re.compile(r"\s{2}|[^\S \n]")


class Window(NamedTuple):
    """A piece of text, ``core_start`` to ``core_end``, and what is seen around it, ``start`` to ``end``."""

    start: int
    core_start: int
    core_end: int
    end: int


def detect(
    view: str,
    detectors: Sequence[Detector],
    *,
    size: int = SIZE,
    threads: int = 1,
    own: Iterable[OwnLabel] = (),
    reader: Reader | None = None,
) -> list[Span]:
    """All claims on ``view``: the union of the detectors' and the reader's, and every repetition of what they found.

    Detectors see one space, or one line break, where the view has several: no pattern has to think of the others.
    Windows are read in ``threads`` at once; what a detector raises is raised here. What stands for a detail of the
    user's ``own`` labels is not claimed either.
    """
    text, origin = _squeezed(view)
    own = tuple(own)
    found = _all_windows(text, detectors, size, threads, own)
    if reader is not None:
        found += outside_placeholders(text, reader(text, found), own)
    found += repeated(text, found, own)
    if origin is None:
        return found
    return [replace(span, start=origin[span.start], end=origin[span.end - 1] + 1) for span in found]


def _all_windows(
    text: str, detectors: Sequence[Detector], size: int, threads: int, own: tuple[OwnLabel, ...]
) -> list[Span]:
    tasks = [(window, detector) for window in windows(text, size) for detector in detectors]
    if threads == 1 or len(tasks) <= 1:
        return [span for window, detector in tasks for span in detect_window(text, window, [detector], own)]
    pool = ThreadPoolExecutor(threads)
    try:
        claims = pool.map(lambda task: detect_window(text, task[0], [task[1]], own), tasks)
        return [span for spans in claims for span in spans]
    finally:
        pool.shutdown(cancel_futures=True)


def _squeezed(view: str) -> tuple[str, array[int] | None]:
    """``view`` with single white space, and where each of its characters stood; None if all stand where they stood."""
    if not _WIDE.search(view):
        return view, None
    pieces: list[str] = []
    origin = array("q")
    at = 0
    for gap in _SPACE.finditer(view):
        pieces += view[at : gap.start()], "\n" if "\n" in gap[0] else " "
        origin.extend(range(at, gap.start() + 1))
        at = gap.end()
    pieces.append(view[at:])
    origin.extend(range(at, len(view)))
    return "".join(pieces), origin


def detect_window(view: str, window: Window, detectors: Sequence[Detector], own: Iterable[OwnLabel] = ()) -> list[Span]:
    """The claims that begin in the window's core, or reach into it from before; offsets are those of ``view``."""
    piece = view[window.start : window.end]
    return [
        replace(span, start=span.start + window.start, end=span.end + window.start)
        for detector in detectors
        for span in outside_placeholders(piece, detector(piece), own)
        if span.start + window.start < window.core_end and span.end + window.start > window.core_start
    ]


def repeated(view: str, found: Sequence[Span], own: Iterable[OwnLabel] = ()) -> list[Span]:
    """The claims on what says again, anywhere in ``view``, what was found."""
    return list(outside_placeholders(view, repeats.find(view, found), own))


@cache
def _placeholder(own: frozenset[str]) -> re.Pattern[str]:
    # The names of labels only: any word in brackets would let "[MARGARET]" pass.
    names = "|".join(name.upper() for name in (*LABELS, DENIED, *sorted(own)))
    return re.compile(rf"(?<!\S)(?:[^\w\s]*\[(?:{names})(?:_\d+)?\][^\w\s]*|(?:[^\w\s]|_)*#(?:[^\w\s]|_)*)(?!\S)")


def outside_placeholders(text: str, spans: Iterable[Span], own: Iterable[OwnLabel] = ()) -> Iterator[Span]:
    """The spans without the words that stand for a detail already: ``[PERSON_NAME]``, ``###-####``."""
    if "#" not in text and "[" not in text:
        yield from spans
        return
    pattern = _placeholder(frozenset(own))
    for span in spans:
        at = span.start
        # A claim on a part of a placeholder is one on nothing, too.
        for placeholder in pattern.finditer(text, *_whole_words(text, span.start, span.end)):
            yield from _between(text, span, at, placeholder.start())
            at = max(at, placeholder.end())
        yield from _between(text, span, at, span.end)


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end


def _between(text: str, span: Span, start: int, end: int) -> Iterator[Span]:
    """The part of the span from ``start`` to ``end``, without white space at its ends, if anything is left."""
    part = text[start:end]
    if part.strip():
        yield replace(span, start=end - len(part.lstrip()), end=start + len(part.rstrip()))


def windows(view: str, size: int = SIZE, *, start: int = 0, whole: bool = True) -> Iterator[Window]:
    """Cut ``view`` from ``start`` into windows whose cores cover it, ending at a line break, else at white space.

    Where a window ends depends only on what stands before and up to ``OVERLAP`` characters after its core. With
    ``whole=False`` more text is to come: windows that it could change are left out.
    """
    at = start
    while at < len(view):
        if not whole and at + size + OVERLAP > len(view):
            return
        end = _cut(view, at, at + size) if at + size < len(view) else len(view)
        yield Window(_edge(view, max(0, at - OVERLAP)), at, end, min(len(view), _edge(view, end + OVERLAP)))
        at = end


def _cut(view: str, start: int, end: int) -> int:
    """Where to end a core: after the last line break in its second half, else after white space, else at ``end``."""
    line = view.rfind("\n", start + (end - start) // 2, end)
    space = max(view.rfind(" ", start, end), line) if line < 0 else line
    return space + 1 if space > start else end


def _edge(view: str, at: int) -> int:
    """Move back to the edge of a word, but not past a word longer than the overlap."""
    if at <= 0 or at >= len(view):
        return at
    for back in range(at, max(at - OVERLAP, 0), -1):
        if view[back - 1].isspace():
            return back
    return at
