"""Words of a text laid beside a list of pieces with times."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.transcribe.placing import Piece, placed

LENGTH = 10_000


def _at(text: str) -> list[Piece]:
    """Pieces of a hundred milliseconds each, a hundred apart, as `a|b c` cut at bars and spaces."""
    parts = text.replace(" ", "|").split("|")
    return [Piece(part, 200 * i, 200 * i + 100) for i, part in enumerate(parts)]


@pytest.mark.parametrize(
    ("text", "listed", "times"),
    [
        ("Hi, Ann.", "hi ann", [(0, 100), (200, 300)]),
        ("415-555-0132, please", "415|555|0132 please", [(0, 500), (600, 700)]),
        ("Margaret Thompson", "Mar|garet Thom|pson", [(0, 300), (400, 700)]),
        ("ann lee", "annlee", [(0, 50), (50, 100)]),
        ("I paid $5 – once", "I paid 5 once", [(0, 100), (200, 300), (400, 500), (600, 600), (600, 700)]),
        ("at 5 pm", "at five pm", [(0, 100), (200, 300), (400, 500)]),
        ("so Ann said", "so said", [(0, 100), (100, 200), (200, 300)]),
        ("so Ann", "so", [(0, 100), (100, LENGTH)]),
        ("Ann said", "said", [(0, 0), (0, 100)]),
        ("so said", "so uh said", [(0, 100), (200, 300), (400, 500)]),
        ("電話 番号", "電話|番号", [(0, 100), (200, 300)]),
        ("", "uh", [(0, 100)]),
    ],
)
def test_each_word_gets_its_time(text: str, listed: str, times: list[tuple[int, int]]) -> None:
    """Its own, its pieces', its share, or the pause that it must be in."""
    assert [piece[1:3] for piece in placed(text, _at(listed), LENGTH) or ()] == times


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("one two three four five six", "seven"),
        ("hello one two three four five six", "hello"),
        ("one two three four five six", ""),
        ("one two three four five six hello", "hello"),
    ],
)
def test_a_list_that_lacks_words_is_none_of_them(text: str, listed: str) -> None:
    """More than a few in a row without times are not guessed."""
    assert placed(text, _at(listed) if listed else [], LENGTH) is None


_WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ann.", "4-1", "415", "–", "É"]), min_size=1, max_size=8)


@given(_WORDS, st.data())
def test_a_list_that_spells_the_text_gives_each_word_the_time_of_its_letters(
    words: list[str], data: st.DataObject
) -> None:
    """However the letters are cut into pieces: no word is lost, and each starts and ends with its own letters."""
    letters = [c for word in words for c in word if c.isalnum()]
    cuts = data.draw(st.sets(st.integers(1, max(1, len(letters) - 1)), max_size=6))
    bounds = [0, *sorted(cut for cut in cuts if cut < len(letters)), len(letters)]
    pieces = [Piece("".join(letters[a:b]), 100 * a, 100 * b) for a, b in pairwise(bounds) if b > a]
    found = placed(" ".join(words), pieces, 100 * len(letters))
    assert found is not None
    assert [piece.text for piece in found] == words
    at = 0
    for piece in found:
        size = sum(c.isalnum() for c in piece.text)
        if size and pieces:
            assert (piece.start, piece.end) == (100 * at, 100 * (at + size))
        at += size


@given(_WORDS, _WORDS)
def test_nothing_of_the_text_or_the_list_is_lost(words: list[str], listed: list[str]) -> None:
    """Each word of the text is there, in order, inside the sound; or the list is refused."""
    found = placed(" ".join(words), _at(" ".join(listed)), LENGTH)
    if found is not None:
        texts = iter([piece.text for piece in found])
        assert all(word in texts for word in words)
        assert all(0 <= piece.start <= piece.end <= LENGTH for piece in found)
