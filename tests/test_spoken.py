"""The written view: what spoken text reads as, and the way back to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.detect.spoken import written

WORDS = (
    "four", "oh", "o", "double", "nineteen", "eighty-four", "hundred", "and", "dot", "at", "com", "dash", "a", "I", "Q", "B",
    "as", "in", "boy", "tango", "uh,", "no", "wait,", "the", "third", "April", "7", "415,", "62,704", "-", ".com", "x@y.org",
    "Zo\u00eb", "e\u0301t", "\U0001f642", "\u05e9\u05dc\u05d5\u05dd", "\u0130stanbul", "it\u2019s", "it's", "zeros", "K7",
)  # fmt: skip
GAPS = (" ", " ", "  ", "\n", "\t", "\n\n")


@st.composite
def talk(draw: st.DrawFn) -> str:
    """Up to fourteen words that numbers, addresses and spellings are made of, with spaces and line breaks between."""
    words = draw(st.lists(st.sampled_from(WORDS), max_size=14))
    return "".join(word + draw(st.sampled_from(GAPS)) for word in words)


@pytest.mark.parametrize(
    ("said", "view"),
    [
        ("double four two one", "4421"),
        ("triple oh seven, treble two", "0007, 222"),
        ("four ones, three zeros", "1111, 000"),
        ("oh seven nought two zero", "07020"),
        ("nineteen eighty-four", "1984"),
        ("twenty-six hundred", "2600"),
        ("forty one eleven", "4111"),
        ("two eighteen Larch", "218 Larch"),
        ("nine hundred and six", "906"),
        ("six thousand two hundred gallons", "6200 gallons"),
        ("two hundred eleven thousand", "211000"),
        ("one eight hundred five five five", "1800555"),
        ("the twenty-ninth of May", "the 29th of May"),
        ("the third and the twelfth", "the 3rd and the 12th"),
    ],
)
def test_numbers(said: str, view: str) -> None:
    """Numbers are written as they are dictated: digits one by one, in pairs, by hundreds."""
    assert written(said).text == view


@pytest.mark.parametrize(
    ("said", "view"),
    [
        ("M A R E N", "MAREN"),
        ("M.A.R.E.N.", "M.A.R.E.N."),
        ("B as in boy, N for November, zed for zebra", "B, N, z"),
        ("bee as in boy", "b"),
        ("that's A for apple", "that's A"),
        ("capital K, lower case q", "capital Kq"),
        ("tango bravo seven", "tb7"),
        ("double L double you", "LLw"),
        ("X for x-ray two", "X2"),
    ],
)
def test_letters(said: str, view: str) -> None:
    """Spelled letters stand for themselves, their glosses for nothing."""
    assert written(said).text.lower() == view.lower()


@pytest.mark.parametrize(
    ("said", "view"),
    [
        ("T R dash nine four", "TR-94"),
        ("seven slash two stroke one", "7/2/1"),
        ("star one plus two hash", "*1+2#"),
        ("ten dot zero, dot, four dot seventeen", "10.0.4.17"),
        ("two thousand and one colon d b eight colon colon one", "2001:db8::1"),
        ("dorothea dot quill at maple court dot org", "dorothea.quill@maplecourt.org"),
        ("mail quill underscore nine at example dot co dot uk please", "mail quill_9@example.co.uk please"),
        ("dorothea.quill at example.com", "dorothea.quill@example.com"),
        ("go to maple court dot org slash my help.", "go to maplecourt.org/myhelp."),
        ("example .com", "example.com"),
    ],
)
def test_signs(said: str, view: str) -> None:
    """Signs that are said become signs, and addresses lose the spaces between their words."""
    assert written(said).text == view


@pytest.mark.parametrize(
    ("said", "view"),
    [
        ("seven seven oh, uh, five five", "77055"),
        ("six three, no wait, six four", "6364"),
        ("four four and then two one", "4421"),
    ],
)
def test_fillers_inside_a_number_are_skipped(said: str, view: str) -> None:
    """What means nothing between two digits is left out of the view."""
    assert written(said).text == view


@pytest.mark.parametrize(
    "said",
    [
        "411-111, 111-111",
        "62,704",
        "oh no, that is a pity",
        "I am at home, look at the time",
        "a plan for me and you",
        "hold on, one sec, one more thing",
        "he pays 40 and 60 dollars",
        "Zo\u00eb e\u0301t \u05e9\u05dc\u05d5\u05dd \U0001f642",
        "",
    ],
)
def test_what_is_written_already_stays(said: str) -> None:
    """Text without anything dictated is its own view."""
    assert written(said).text == said


def test_split_digits_are_joined() -> None:
    """Digits that a recogniser wrote as words of their own are one number."""
    assert written("it is 4 15 5 5 5 0 1 3 2 there").text == "it is 4155550132 there"


def test_source_leads_back_to_whole_words() -> None:
    """A part of a number in the view stands for the words that said it."""
    said = "the code is double four, uh, two one today"
    view = written(said)
    at = view.text.index("4421")
    assert said[slice(*view.source(at, at + 4))] == "double four, uh, two one"
    assert said[slice(*view.source(at + 1, at + 2))] == "double four"
    assert said[slice(*view.source(at + 2, at + 3))] == "two"


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2, 1), (-1, 2), (0, 99)])
def test_source_refuses_ranges_outside_the_view(start: int, end: int) -> None:
    """An empty range, or one that leaves the view, is an error."""
    with pytest.raises(ValueError, match="range"):
        written("one two").source(start, end)


@given(talk())
def test_every_character_leads_back_in_order(text: str) -> None:
    """Sources lie within the text, are not empty, begin and end at word edges or in white space, and never go back."""
    view = written(text)
    last = (0, 0)
    for at in range(len(view.text)):
        start, end = view.source(at, at + 1)
        assert 0 <= start < end <= len(text)
        assert start >= last[0]
        assert end >= last[1]
        last = start, end
        for edge in (start, end):
            assert not (0 < edge < len(text) and text[edge - 1].isalnum() and text[edge].isalnum())


@given(talk(), st.data())
def test_a_longer_range_leads_to_a_longer_source(text: str, data: st.DataObject) -> None:
    """The source of a range holds the sources of its parts."""
    view = written(text)
    if len(view.text) < 2:
        return
    start = data.draw(st.integers(0, len(view.text) - 2))
    middle = data.draw(st.integers(start + 1, len(view.text) - 1))
    whole = view.source(start, len(view.text))
    assert whole == (view.source(start, middle)[0], view.source(middle, len(view.text))[1])
