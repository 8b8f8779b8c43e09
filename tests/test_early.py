"""How early a recogniser is, told by the pauses; and that early neighbours do not end a cover too soon."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import spoken_words

from offrecord.redact.early import early
from offrecord.redact.edges import intervals
from offrecord.redact.envelope import FRAME_MS, Envelope, Pauses
from offrecord.types import Entity, Transcript, Word

SAID = [(1_000 * n, 1_000 * n + 600) for n in range(1, 12)]
"""Eleven phrases with pauses of 400 ms between them."""


def spoken(off: int, said: list[tuple[int, int]] = SAID) -> list[Word]:
    """Each phrase as two words whose times are ``off`` milliseconds after what is heard."""
    halves = [half for start, end in said for half in ((start, start + 300), (start + 300, end))]
    return [Word("word", start + off, end + off) for start, end in halves]


def sound(said: list[tuple[int, int]] = SAID) -> Envelope:
    """The phrases as they are heard."""
    levels = np.full((1, 1_300), 60, np.uint8)
    for start, end in said:
        levels[0, start // FRAME_MS : end // FRAME_MS] = 210
    return Envelope(levels)


@pytest.mark.parametrize(("off", "expected"), [(0, 0), (-120, 120), (-140, 140), (90, 0)])
def test_words_are_early_by_what_the_pauses_tell(off: int, expected: int) -> None:
    """The median over all pauses; a recogniser that is late is not early at all."""
    assert early(spoken(off), sound().pauses[0]) == expected


def test_some_wrong_times_do_not_make_a_recogniser_early() -> None:
    """A third of the phrases early by 140 ms are a matter of these, not of the whole."""
    words = spoken(-140, SAID[:4]) + spoken(0, SAID[4:])
    assert early(words, sound().pauses[0]) == 0


@pytest.mark.parametrize("phrases", [0, 1, 3])
def test_few_pauses_tell_nothing(phrases: int) -> None:
    """Seven edges of pauses are no measure, and no words are none."""
    said = SAID[:phrases]
    assert early(spoken(-200, said), sound(said).pauses[0]) == 0


@given(spoken_words(), st.lists(st.integers(0, 80), unique=True, max_size=30))
def test_early_is_some_milliseconds(words: list[Word], edges: list[int]) -> None:
    """Whatever the words and the pauses are: from 0 to 400."""
    at = np.sort(np.array(edges[: len(edges) // 2 * 2], np.int64)) * 50
    assert 0 <= early(words, Pauses(at[::2], at[1::2])) <= 400


def test_an_early_neighbour_does_not_end_the_cover_of_a_detail() -> None:
    """The detail is the first half of a phrase, heard to its middle; the word after it, 140 ms early, ends there."""
    words = spoken(-140)
    transcript = Transcript.spoken(words, 13_000)
    detail = Entity(range(10, 11), "person_name", ())
    ((start, end),) = intervals(transcript, [detail], pad=250, envelope=sound())
    assert start <= 6_000
    assert end == (words[11].start + words[11].end) // 2 + 140
