"""What was found once is claimed everywhere, and only what `may_repeat` allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.detect import repeats
from offrecord.types import Span


def found(text: str, value: str, label: str = "person_name") -> list[Span]:
    """A claim on the first place where the value stands."""
    start = text.index(value)
    return [Span(start, start + len(value), label, 0.9, "test")]


def again(text: str, value: str, label: str = "person_name") -> list[str]:
    """What is claimed besides."""
    spans = repeats.find(text, found(text, value, label))
    assert {span.label for span in spans} <= {label}
    assert {span.source for span in spans} <= {"repeats"}
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "value", "repeated"),
    [
        ("Dorothea Quill here. So, dorothea quill, yes?", "Dorothea Quill", ["dorothea", "dorothea quill", "quill"]),
        ("Dorothea Quill here. Is Dorothea in?", "Dorothea Quill", ["Dorothea"]),
        ("Dorothea Quill here. All the Quills came.", "Dorothea Quill", ["Quills"]),
        ("Dorothea here. It's Dorothea's bag.", "Dorothea", ["Dorothea"]),
        ("Jean-Luc Mbeki here. ask jean-luc now", "Jean-Luc Mbeki", ["jean", "luc"]),
        ("Dorothea, that's D O R O T H E A, okay", "Dorothea", ["D O R O T H E A"]),
        ("It's D O R O T H E A. So Dorothea?", "D O R O T H E A", ["Dorothea"]),
        ("Al is here. Finally, Al said all.", "Al", ["Al"]),
        ("Hope called. I hope so. Ask for Hope there.", "Hope", ["Hope"]),
        ("ms quill called. quill-like, quilling", "quill", ["quill"]),
    ],
)
def test_names(text: str, value: str, repeated: list[str]) -> None:
    """Full names, their parts, plurals and spelled forms come back; common words only with a capital in a sentence."""
    assert again(text, value) == repeated


@pytest.mark.parametrize(
    ("text", "value", "repeated"),
    [
        ("it's 617-555-0194. ending oh one nine four?", "617-555-0194", ["oh one nine four"]),
        (
            "six one seven five five five oh one nine four, so 0194",
            "six one seven five five five oh one nine four",
            ["0194"],
        ),
        ("it's 617 555 0194. 6175550194, right?", "617 555 0194", ["6175550194"]),
        ("it's 617 555 0194. and 5550194?", "617 555 0194", ["5550194"]),
        ("it's 617 555 0194, not 2019", "617 555 0194", []),
        ("it's 617 555 0194 for 94 dollars", "617 555 0194", []),
    ],
)
def test_numbers(text: str, value: str, repeated: list[str]) -> None:
    """Numbers come back whole, in part from five digits on, and by their last four, spoken or written."""
    assert again(text, value, "phone_number") == repeated


@pytest.mark.parametrize(
    ("text", "value", "label", "repeated"),
    [
        ("order HX-4021 and H X four oh two one", "HX-4021", "account_number", ["H X four oh two one"]),
        ("the pin is three one four. three one four?", "three one four", "password", ["three one four"]),
        ("write to dquill9@x.org, dquill9 I said", "dquill9@x.org", "email_address", ["dquill9"]),
        ("d quill at maple court dot com, not d quills", "d quill at maple court dot com", "email_address", []),
        (
            "quill dot nine at x dot org. quill dot nine?",
            "quill dot nine at x dot org",
            "email_address",
            ["quill dot nine"],
        ),
        (
            "Maple Court Dental. At maple court dental, yes",
            "Maple Court Dental",
            "organization",
            ["maple court dental"],
        ),
        ("tangerine forty-one, so tangerine forty one", "tangerine forty-one", "password", ["tangerine forty one"]),
        ("on May 4 and May 4", "May 4", "date", []),
        ("she's 41 and 41 is fine", "41", "person_age", []),
    ],
)
def test_other_details(text: str, value: str, label: str, repeated: list[str]) -> None:
    """Codes, addresses and names of organisations come back; days and ages are too common to."""
    assert again(text, value, label) == repeated


def test_the_score_is_slightly_lower() -> None:
    """A repetition is a little less sure than what it repeats."""
    text = "Dorothea, Dorothea"
    (span,) = repeats.find(text, found(text, "Dorothea"))
    assert 0.7 < span.score < 0.9


def test_what_is_claimed_already_is_left_out() -> None:
    """A span of the same label is not claimed twice; under another label it is."""
    text = "Dorothea and Dorothea"
    both = [*found(text, "Dorothea"), Span(13, 21, "person_name", 0.5, "test")]
    assert repeats.find(text, both) == []
    other = [*found(text, "Dorothea"), Span(13, 21, "organization", 0.5, "test")]
    assert [(s.start, s.end, s.label) for s in repeats.find(text, other)] == [
        (0, 8, "organization"),
        (13, 21, "person_name"),
    ]


def test_common_words_beside_what_was_found_stay() -> None:
    """Where all telling words of a repetition were found before, the common words beside them are left to read."""
    text = "bank of maplecourt, so bank of maplecourt"
    spans = [*found(text, "bank of maplecourt", "organization"), Span(31, 41, "location_city", 0.9, "test")]
    assert [(s.start, s.end) for s in repeats.find(text, spans) if s.start > 20] == [(31, 41)]


@pytest.mark.parametrize("text", ["Hope rang, said our Hope", "Hope rang.\nHope? our Hope", "(Hope rang) our Hope"])
def test_a_capital_at_the_start_tells_nothing(text: str) -> None:
    """A common word that begins a text, a line or a sentence is no name for its capital."""
    at = text.rindex("Hope")
    assert repeats.find(text, [Span(at, at + 4, "person_name", 0.9, "test")]) == []


def test_nothing_found_repeats_nothing() -> None:
    """Without claims there is nothing to look for."""
    assert repeats.find("Dorothea Quill", []) == []


def test_far_away_in_a_long_text() -> None:
    """A repetition is found however far it lies from what it repeats."""
    text = "Dorothea Quill. " + "so it goes on\n" * 5_000 + "ask dorothea now " + "x" * 50_000 + " Quill"
    assert again(text, "Dorothea Quill") == ["dorothea", "Quill"]


@pytest.mark.parametrize(
    ("word", "starts_sentence", "expected"),
    [
        ("Dorothea", False, True),
        ("dorothea", False, True),
        ("Dorothea,", True, True),
        ("hope", False, False),
        ("Hope", True, False),
        ("Hope", False, True),
        ("hope's", False, False),
        ("doesn't", False, False),
        ("I'm", False, False),
        ("I", False, False),
        ("a", False, False),
        ("Q", False, True),
        ("four", False, True),
        ("0194", False, True),
        ("K7", True, True),
        ("well-known", True, False),
        ("well-Hope", True, True),
        ("...", False, False),
        ("\u2014", True, False),
        ("\u05e9\u05dc\u05d5\u05dd", False, True),
    ],
)
def test_may_repeat(word: str, starts_sentence: bool, expected: bool) -> None:
    """Only common words without a telling capital, and signs, can never be claimed later."""
    assert repeats.may_repeat(word, starts_sentence=starts_sentence) is expected


WORDS = (
    "hope", "Hope", "will", "Will", "Dorothea", "dorothea", "four", "oh", "one", "4021", "H", "a", "I", "the", "at", "dot", "mark",
    "Mark.", "so?", "D", "O", "R", "(Hope", "it's", "\u2014", "\U0001f642", "well-known", "jean-Luc", "e\u0301t",
)  # fmt: skip
GAPS = (" ", " ", " ", "\n", "  ")
LABELS = ("person_name", "phone_number", "email_address", "password", "organization", "date")


@st.composite
def texts_with_claims(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """A text of up to fourteen words and up to three claims on runs of them, most of them on word edges."""
    text, edges = "", []
    for word in draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14)):
        edges.append((len(text), len(text) + len(word)))
        text += word + draw(st.sampled_from(GAPS))
    spans = []
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(edges) - 1))
        last = draw(st.integers(first, min(first + 3, len(edges) - 1)))
        inside = draw(st.sampled_from([0, 0, 0, 1]))
        end = max(edges[first][0] + 1, edges[last][1] - inside)
        spans.append(Span(edges[first][0], end, draw(st.sampled_from(LABELS)), 0.8, "test"))
    return text, spans


def words_of(text: str) -> list[tuple[int, int, bool]]:
    """Words between white space, and whether each begins a sentence."""
    result: list[tuple[int, int, bool]] = []
    starts = True
    for line in text.splitlines(keepends=True):
        starts = True
        for word in line.split():
            at = text.index(word, result[-1][1] if result else 0)
            result.append((at, at + len(word), starts))
            starts = word.rstrip("\"')]\u201d\u2019").endswith((".", "?", "!", "\u2026"))
    return result


@given(texts_with_claims())
def test_claims_are_whole_words_within_the_text(drawn: tuple[str, list[Span]]) -> None:
    """A repetition cuts no word and says its source and a label that was found."""
    text, spans = drawn
    for span in repeats.find(text, spans):
        assert 0 <= span.start < span.end <= len(text)
        assert span.source == "repeats"
        assert span.label in {other.label for other in spans}
        for edge in (span.start, span.end):
            assert not (0 < edge < len(text) and text[edge - 1].isalnum() and text[edge].isalnum())


@given(texts_with_claims())
def test_claims_keep_the_promise_of_may_repeat(drawn: tuple[str, list[Span]]) -> None:
    """Of the words of one sentence that a claim touches, one may repeat and was not found before, or all may repeat."""
    text, spans = drawn
    words = words_of(text)
    for claim in repeats.find(text, spans):
        sentence: list[tuple[bool, bool]] = []
        for start, end, starts in [*words, (len(text), len(text) + 1, True)]:
            if starts and sentence:
                assert any(telling and not before for telling, before in sentence) or all(t for t, _ in sentence)
                sentence = []
            if start < claim.end and claim.start < end:
                telling = repeats.may_repeat(text[start:end], starts_sentence=starts)
                sentence.append((telling, any(s.start < end and start < s.end for s in spans)))
