"""A model's quotes are found in the text, whole words and all of them; what is nearly right hides its sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.detect.grounding import Ground, Quote, mentions
from offrecord.types import Span

TEXT = (
    "Hi, it's Al. The final analysis is from Müller's office, not Muller Street. Will you call Will?\n"
    "Call me on four one five, double five five, oh one three two. Don't call Don!\n"
    "The only dentist in Marfa writes from margaret dot thompson at example dot com, spelled T H O M P S O N.\n"
    "JOSÉ said 555-0132, AL'S brother too. 田中さんは東京です。 Zoe\u0308 and Zoë agree."
)


def placed(quote: str, text: str = TEXT) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.source) for span in Ground(text).place(Quote("person_name", quote))]


CASES = (
    # quote, what is claimed, how
    ("Al", ["Al", "AL"], {"exact", "folded"}),
    ("Will", ["Will", "Will"], {"exact"}),
    ("Don", ["Don"], {"exact"}),
    ("muller", ["Müller", "Muller"], {"folded"}),
    ("MÜLLER", ["Müller", "Muller"], {"folded"}),
    ("jose", ["JOSÉ"], {"folded"}),
    ("Zoë", ["Zoë", "Zoe\u0308"], {"exact", "folded"}),
    ("田中", ["田中"], {"exact"}),
    ("5550132", ["555-0132", "five five, oh one three two"], {"folded", "spoken"}),
    ("415-555-0132", ["four one five, double five five, oh one three two"], {"spoken"}),
    ("(415) 555 0132", ["four one five, double five five, oh one three two"], {"spoken"}),
    ("Margaret.Thompson@example.com", ["margaret dot thompson at example dot com"], {"spoken"}),
    ("Thompson", ["thompson", "T H O M P S O N"], {"folded", "spoken"}),
    ("the dentist in Marfa", ["The only dentist in Marfa"], {"similar"}),
    ("Margret Tompson at example dot com", ["margaret dot thompson at example dot com"], {"similar"}),
)


@pytest.mark.parametrize(("quote", "claimed", "how"), CASES, ids=[case[0] for case in CASES])
def test_a_quote_is_placed(quote: str, claimed: list[str], how: set[str]) -> None:
    """Exact, folded, spoken, similar: every place of it, and nothing else of the text."""
    found = placed(quote)
    assert {source.removeprefix("llm:") for _, source in found} <= how
    for said in claimed:
        assert any(said in words for words, _ in found), said
    assert all(any(said in words or words in said for said in claimed) for words, _ in found)


@pytest.mark.parametrize("quote", ["inal", "nal", "ill", "on", "Mul", "mith", "ive"])
def test_a_quote_is_never_placed_inside_a_word(quote: str) -> None:
    """ "Al" is in "final" and "analysis", and no name there."""
    assert all(source in ("llm:similar", "llm:sentence") for _, source in placed(quote))
    edges = set(" ,.?!'\n")
    for span in Ground(TEXT).place(Quote("person_name", quote)):
        assert TEXT[span.start - 1] in edges
        assert TEXT[span.end] in edges or TEXT[span.end - 1] in edges


def test_an_apostrophe_ends_a_word_only_before_an_s() -> None:
    """ "Al's" is Al's; "don't" is not Don's."""
    assert {words for words, _ in placed("don", "don't, Don's, DON")} == {"Don", "DON"}


@pytest.mark.parametrize(
    "quote", ["", " ", ".", "\n", "a", "the", "and I", "—", "##", "Wilhelmina Quackenbush", "x" * 5_000]
)
def test_what_resembles_nothing_is_nowhere(quote: str) -> None:
    """Nor is a word that tells nothing: hiding each "a" would leave no text."""
    assert placed(quote) == []


@pytest.mark.parametrize("quote", ["Margaret Q. Smith", "Dr. Marfa", "the dentist's brother from Marfa, Texas"])
def test_what_resembles_something_hides_the_sentence(quote: str) -> None:
    """A quote that is partly right has no place, but what is right of it is in a sentence: that goes."""
    found = placed(quote)
    assert {source for _, source in found} == {"llm:sentence"}
    assert all(words.startswith("The only dentist") for words, _ in found)
    assert all("Hi, it" not in words for words, _ in found)


def test_a_sentence_ends_with_its_mark_or_its_line() -> None:
    """What is hidden for a quote without a place is that sentence, and neither neighbour."""
    text = "I am fine. My name is Wilhelmina Smith! And yours?"
    assert placed("Wilhelmina Quackenbush", text) == [("My name is Wilhelmina Smith!", "llm:sentence")]


def test_every_mention_is_found_in_the_whole_text() -> None:
    """In any case and with any punctuation, unless it is one common word: then in the same case."""
    text = "Bob Marley-Smith. Later: BOB marley smith's car. Will said so. Will it? It will."
    found = [Span(0, 16, "person_name", 0.9, "llm:exact"), Span(49, 53, "person_name", 0.9, "llm:exact")]
    assert text[49:53] == "Will"
    assert [text[span.start : span.end] for span in mentions(text, found)] == [
        "Bob Marley-Smith", "BOB marley smith", "Will", "Will",
    ]  # fmt: skip


def test_a_hidden_sentence_is_not_looked_for_elsewhere() -> None:
    """It is no detail: only what was placed has mentions."""
    assert mentions("Yes it is. Yes it is.", [Span(0, 10, "date", 0.5, "llm:sentence")]) == []


WORDS = (
    "Al",
    "al",
    "final",
    "Al's",
    "O'Brien",
    "Zoë",
    "Zoe\u0308",
    "four",
    "oh",
    "555-0132",
    "naïve",
    "İstanbul",
    "ß",
    "🙂",
    "東京",
    "A.",
    "-",
)


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
def test_whatever_is_placed_is_in_the_text_and_whole(said: list[str], quoted: list[str]) -> None:
    """Claims lie within the text, are not empty, and never cut a word of letters in two."""
    text = " ".join(said)
    for span in Ground(text).place(Quote("person_name", " ".join(quoted))):
        assert 0 <= span.start < span.end <= len(text)
        for at in (span.start, span.end):
            inside = 0 < at < len(text) and text[at - 1].isalpha() and text[at].isalpha()
            assert not inside or any("\u3400" <= c <= "\u9fff" for c in text[at - 1 : at + 1])


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), st.integers(0, 7), st.integers(1, 3))
def test_what_was_said_is_always_placed(said: list[str], first: int, count: int) -> None:
    """A quote of whole words that tell anything has a place, and the claims cover where it stands."""
    text = " ".join(said)
    quote = " ".join(said[first : first + count])
    if not any(c.isalnum() for c in quote) or {word.strip(".-").lower() for word in quote.split()} <= {"a", "", "🙂"}:
        return
    start = len(" ".join(said[:first])) + bool(first)
    hidden = {i for span in Ground(text).place(Quote("date", quote)) for i in range(span.start, span.end)}
    telling = {i for i in range(start, start + len(quote)) if text[i].isalnum()}
    assert telling <= hidden
