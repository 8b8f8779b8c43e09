"""From claims to entities: property 4 of the design, and the user's lists."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LABELS, policies, spans, transcripts

from offrecord.labels import DENIED
from offrecord.resolve import fold, resolve
from offrecord.transcribe.imported import from_text
from offrecord.types import Policy, Span, Transcript

EVERY = Policy(frozenset(LABELS))


@given(transcripts(), st.data())
def test_exactly_the_words_of_accepted_claims_are_hidden(transcript: Transcript, data: st.DataObject) -> None:
    """Without lists, a word is in an entity if and only if a claim of the policy's labels touches it."""
    claims = data.draw(spans(transcript))
    policy = Policy(frozenset(data.draw(st.sets(st.sampled_from(LABELS)))))
    touched = {i for s in claims if s.label in policy.labels for i in transcript.words_of(s.start, s.end)}
    assert {i for entity in resolve(transcript, claims, policy) for i in entity.words} == touched


@given(transcripts(), policies(), st.data())
def test_entities_are_disjoint_and_in_order(transcript: Transcript, policy: Policy, data: st.DataObject) -> None:
    """No word is in two entities, and none crosses from one utterance into another."""
    entities = resolve(transcript, data.draw(spans(transcript)), policy)
    assert all(a.words.stop <= b.words.start for a, b in pairwise(entities))
    for entity in entities:
        assert any(set(entity.words) <= set(utterance.words) for utterance in transcript.utterances)


@given(transcripts(), policies(), st.data())
def test_the_order_of_claims_does_not_matter(transcript: Transcript, policy: Policy, data: st.DataObject) -> None:
    """Detectors may answer in any order."""
    claims = data.draw(spans(transcript))
    shuffled = data.draw(st.permutations(claims))
    assert resolve(transcript, claims, policy) == resolve(transcript, shuffled, policy)


@given(transcripts(), policies(), st.data())
def test_a_second_pass_changes_nothing(transcript: Transcript, policy: Policy, data: st.DataObject) -> None:
    """The claims behind the entities give the same entities."""
    once = resolve(transcript, data.draw(spans(transcript)), policy)
    again = [span for entity in once for span in entity.spans]
    assert resolve(transcript, again, Policy(policy.labels | {*LABELS}, allow=policy.allow, deny=policy.deny)) == once


def test_the_surest_claim_names_a_word() -> None:
    """Of two labels the one with the higher score stands in the result."""
    transcript = from_text("Grace called")
    claims = [Span(0, 5, "organization", 0.4, "a"), Span(0, 5, "person_name", 0.9, "b")]
    assert [entity.label for entity in resolve(transcript, claims, EVERY)] == ["person_name"]


def test_a_repetition_does_not_rename_what_was_found() -> None:
    """A detector's own finding names a word before a repetition of another, whatever the scores."""
    transcript = from_text("Grace called")
    claims = [Span(0, 5, "organization", 0.99, "repeats"), Span(0, 5, "person_name", 0.5, "tagger")]
    assert [entity.label for entity in resolve(transcript, claims, EVERY)] == ["person_name"]


@pytest.mark.parametrize(
    ("text", "claims", "words"),
    [
        ("Ann Lee called", [(0, 3), (4, 7)], [range(0, 2)]),
        ("Ann, Lee called", [(0, 3), (5, 8)], [range(0, 1), range(1, 2)]),
        ("Ann, Lee called", [(0, 8)], [range(0, 2)]),
        ("Ann\nLee called", [(0, 7)], [range(0, 1), range(1, 2)]),
    ],
)
def test_neighbours_become_one_entity(text: str, claims: list[tuple[int, int]], words: list[range]) -> None:
    """Words of one label side by side are one detail, unless punctuation parts them and no claim holds both."""
    found = [Span(start, end, "person_name", 0.9, "t") for start, end in claims]
    assert [entity.words for entity in resolve(from_text(text), found, EVERY)] == words


def test_an_allowed_word_is_never_hidden() -> None:
    """The allow list wins over detectors, in any case and with any punctuation."""
    transcript = from_text("ask Larkfield Credit Union, or Ann")
    policy = Policy(frozenset(LABELS), allow=("larkfield credit UNION",))
    entities = resolve(transcript, [Span(4, 34, "organization", 1, "t")], policy)
    assert [entity.words for entity in entities] == [range(4, 6)]


def test_a_denied_word_is_always_hidden() -> None:
    """The deny list needs no detector and wins over the allow list."""
    transcript = from_text("the Quiet-Otter's engine; QUIETOTTER!")
    policy = Policy(frozenset({"date"}), allow=("quietotter",), deny=("quietotter",))
    entities = resolve(transcript, [], policy)
    assert [(entity.words, entity.label) for entity in entities] == [(range(1, 2), DENIED), (range(3, 4), DENIED)]


def test_lists_match_whole_words_only() -> None:
    """Al does not damage finally."""
    assert resolve(from_text("finally Al, totally"), [], Policy(frozenset(), deny=("al",)))[0].words == range(1, 2)


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("O’Brien’s,", "obrien"),
        ("ÉTÉ.", "été"),
        ("e\u0301te\u0301", "été"),
        ("555-0132", "5550132"),
        ("--", ""),
        ("ﬁn", "fin"),
    ],
)
def test_folding(word: str, folded: str) -> None:
    """Case, punctuation, possessives and encodings of accents do not count."""
    assert fold(word) == folded
