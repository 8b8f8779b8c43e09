"""Windows and the union of detectors: property 3 of the design."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.detect import OVERLAP, detect, windows
from offrecord.types import Span

PIECES = st.lists(st.sampled_from(["a ", "word ", "\n", "x" * 90 + " ", "x" * 700, "é\n", "  "]), max_size=40).map(
    "".join
)


@given(PIECES, st.sampled_from([100, 600, 4000]))
def test_cores_cover_the_text_once(text: str, size: int) -> None:
    """Each character is in the core of exactly one window, and every core lies inside its window."""
    at = 0
    for window in windows(text, size):
        assert window.core_start == at
        assert window.start <= window.core_start < window.core_end <= window.end
        at = window.core_end
    assert at == len(text)


@given(PIECES, st.sampled_from([100, 600, 4000]), st.data())
def test_a_run_within_the_overlap_lies_whole_in_a_window(text: str, size: int, data: st.DataObject) -> None:
    """Property 3: words that together are no longer than half the overlap are seen whole by the window of their core."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    runs = [(a, d) for i, (a, _) in enumerate(words) for _, d in words[i : i + 9] if d - a <= OVERLAP // 2]
    if not runs:
        return
    start, end = data.draw(st.sampled_from(runs))
    assert any(w.start <= start and end <= w.end and w.core_start <= start < w.core_end for w in windows(text, size))


@given(PIECES, st.sampled_from([100, 600]), st.data())
def test_more_text_does_not_move_windows(text: str, size: int, data: st.DataObject) -> None:
    """The windows of a beginning, while more is to come, are those of the whole: live output is not taken back."""
    cut = data.draw(st.integers(0, len(text)))
    early = list(windows(text[:cut], size, whole=False))
    assert [w[:3] for w in early] == [w[:3] for w in windows(text, size)][: len(early)]


def test_a_claim_over_the_edge_of_two_windows_is_found_whole() -> None:
    """A detector that needs all of a value gets it, wherever windows meet."""
    text = "word " * 30 + "SECRET VALUE HERE " + "word " * 300

    def detector(piece: str) -> list[Span]:
        return [Span(m.start(), m.end(), "password", 0.9, "t") for m in re.finditer("SECRET VALUE HERE", piece)]

    start = text.index("SECRET")
    for size in range(start - 20, start + 40, 3):
        assert {(s.start, s.end) for s in detect(text, [detector], size=size)} == {(start, start + 17)}


def test_an_error_of_a_detector_is_not_nothing_found() -> None:
    """Fail closed: what a detector raises reaches the caller."""

    def broken(piece: str) -> list[Span]:
        raise RuntimeError(len(piece))

    with pytest.raises(RuntimeError):
        detect("some text", [broken])


@given(
    st.lists(st.sampled_from(["word", "a", "é", "x" * 300]), max_size=30),
    st.sampled_from(["  ", "\t", " \r ", "\u00a0", " "]),
)
def test_wide_gaps_change_nothing(said: list[str], gap: str) -> None:
    """However wide the spaces between words are, the same words are claimed, at their own places."""

    def pairs(piece: str) -> list[Span]:
        return [Span(m.start(), m.end(), "password", 0.9, "t") for m in re.finditer(r"word (?:a|é)", piece)]

    narrow, wide = " ".join(said), gap.join(said)
    expected = [narrow[s.start : s.end].split() for s in detect(narrow, [pairs])]
    assert [wide[s.start : s.end].split() for s in detect(wide, [pairs])] == expected
