"""The values and their invariants: properties 1 and 2 of the design."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import spoken_words, transcripts

from offrecord.errors import InputError, UnknownLabel, UsageError
from offrecord.types import PAUSE_MS, Entity, Policy, Redaction, Span, Transcript, Word


@given(transcripts())
def test_text_is_rebuilt_from_words(transcript: Transcript) -> None:
    """Property 1: the text is the words with their gaps, and every offset lands on its word."""
    rebuilt = transcript.lead + "".join(word.text + word.gap for word in transcript.words)
    assert transcript.text == rebuilt
    for word, offset in zip(transcript.words, transcript.offsets, strict=True):
        assert transcript.text[offset : offset + len(word.text)] == word.text


@given(transcripts(), st.data())
def test_a_span_becomes_exactly_the_words_it_touches(transcript: Transcript, data: st.DataObject) -> None:
    """Property 2: a word is in the range if and only if one of its characters is in the span."""
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(transcript.text) + 1)] * 2)))
    touched = [
        i
        for i, (word, offset) in enumerate(zip(transcript.words, transcript.offsets, strict=True))
        if start < end and offset < end and start < offset + len(word.text)
    ]
    assert list(transcript.words_of(start, end)) == touched


@given(spoken_words())
def test_spoken_words_are_put_in_reading_order(words: list[Word]) -> None:
    """Nothing is lost, utterances do not interleave channels, and they stand by their starts."""
    duration = max((word.end for word in words), default=0) + 1
    transcript = Transcript.spoken(words, duration)
    assert sorted(w.text for w in words) == sorted(w.text for w in transcript.words)
    for utterance in transcript.utterances:
        assert len({transcript.words[i].channel for i in utterance.words}) == 1
    starts = [utterance.start for utterance in transcript.utterances]
    assert starts == sorted(starts)


@given(transcripts())
def test_the_view_has_a_line_break_between_utterances(transcript: Transcript) -> None:
    """The view is as long as the text, and parts utterances where the text has white space between them."""
    assert len(transcript.view) == len(transcript.text)
    for utterance in transcript.utterances[1:]:
        first = transcript.offsets[utterance.words.start]
        assert "\n" in transcript.view[first - 2 : first]


@given(spoken_words())
def test_ends_beyond_the_recording_are_cut_back(words: list[Word]) -> None:
    """Recognisers overshoot the end; the transcript does not."""
    assert all(word.end <= 300 for word in Transcript.spoken(words, 300).words)


def test_two_channels_at_once_are_two_utterances() -> None:
    """Words of two people who talk at once stand one voice after the other."""
    words = [
        Word("yes", 0, 100, channel=0),
        Word("no", 50, 150, channel=1),
        Word("indeed", 100, 200, channel=0),
        Word("never", 150, 250, channel=1),
    ]
    assert Transcript.spoken(words, 300).text == "yes indeed no never"


def test_a_long_pause_ends_an_utterance() -> None:
    """The same voice after a pause is a new utterance."""
    transcript = Transcript.spoken([Word("so", 0, 100), Word("then", 100 + PAUSE_MS, 1300)], 2000)
    assert [utterance.words for utterance in transcript.utterances] == [range(0, 1), range(1, 2)]


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Word(""),
        lambda: Word(" a"),
        lambda: Word("a", 5, 4),
        lambda: Word("a", -1, 4),
        lambda: Word("a", gap="x"),
        lambda: Transcript((Word("a", 100, 200), Word("b", 0, 50))),
        lambda: Transcript((Word("a", 0, 200),), duration=100),
        lambda: Transcript((), lead="x"),
    ],
)
def test_what_cannot_be_is_refused(broken: st.SearchStrategy[object]) -> None:
    """A word or transcript that breaks its invariant is never made."""
    with pytest.raises(InputError):
        broken()  # type: ignore[operator]


@pytest.mark.parametrize("score", [-0.1, 1.1])
def test_a_span_needs_a_score_between_0_and_1(score: float) -> None:
    """Scores are probabilities."""
    with pytest.raises(UsageError):
        Span(0, 1, "person_name", score, "x")


def test_an_empty_span_is_refused() -> None:
    """A claim on nothing is a fault of its detector."""
    with pytest.raises(UsageError):
        Span(3, 3, "person_name", 1, "x")


def test_an_unknown_label_is_refused_everywhere() -> None:
    """Span, entity and policy refuse a label outside the table."""
    for make in (
        lambda: Span(0, 1, "nmae", 1, "x"),
        lambda: Entity(range(1), "nmae", ()),
        lambda: Policy(frozenset({"nmae"})),
    ):
        with pytest.raises(UnknownLabel):
            make()


def test_overlapping_entities_are_refused() -> None:
    """One word belongs to one entity."""
    entities = (Entity(range(0, 2), "date", ()), Entity(range(1, 3), "date", ()))
    with pytest.raises(UsageError):
        Redaction(Transcript(()), entities)


def test_repr_holds_nothing_that_was_said() -> None:
    """Property 8, for the values: no repr shows words or terms."""
    transcript = Transcript.spoken([Word("canaryword", 0, 100)], 200)
    policy = Policy(frozenset({"date"}), allow=("canaryword",), deny=("canaryword",))
    for value in (transcript, transcript.words[0], policy, Redaction(transcript, ())):
        assert "canaryword" not in repr(value)
