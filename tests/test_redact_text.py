"""Hiding in the text: property 5 of the design, and the three substitutions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import policies, spans, transcripts

from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.transcribe.imported import from_text
from offrecord.types import Entity, Policy, Span, Substitution, Transcript


@given(transcripts(), policies(), st.data())
def test_words_outside_entities_are_untouched(transcript: Transcript, policy: Policy, data: st.DataObject) -> None:
    """Property 5: as many words at the same times; those outside entities are the same objects."""
    entities = resolve(transcript, data.draw(spans(transcript)), policy)
    redacted, placed = substitute(transcript, entities, policy.substitution)
    hidden = {i for entity in entities for i in entity.words}
    kept = [word for i, word in enumerate(transcript.words) if i not in hidden]
    outside = {i for entity in placed for i in entity.words}
    assert all(a is b for a, b in zip(kept, [w for i, w in enumerate(redacted.words) if i not in outside], strict=True))
    if policy.substitution == "numbered":
        assert len(redacted.words) == len(kept) + len(entities)
    else:
        times = [(word.start, word.end, word.gap) for word in transcript.words]
        assert [(word.start, word.end, word.gap) for word in redacted.words] == times
        assert placed == entities


@given(transcripts(), policies(), st.data())
def test_no_letter_or_digit_of_a_hidden_word_is_left(
    transcript: Transcript, policy: Policy, data: st.DataObject
) -> None:
    """With hashes, a hidden word holds no letter, digit or accent; with labels, only the label."""
    entities = resolve(transcript, data.draw(spans(transcript)), policy)
    redacted, placed = substitute(transcript, entities, policy.substitution)
    for entity in placed:
        for i in entity.words:
            text = redacted.words[i].text
            left = text if policy.substitution == "hash" else text[: text.index("[")] + text[text.rindex("]") :]
            assert not any(c.isalnum() for c in left)


def _redacted(text: str, marked: list[tuple[str, str]], how: Substitution) -> str:
    transcript = from_text(text)
    claims = []
    at = 0
    for surface, label in marked:
        at = text.index(surface, at)
        claims.append(Span(at, at + len(surface), label, 0.9, "t"))
        at += len(surface)
    policy = Policy(frozenset(label for _, label in marked))
    return substitute(transcript, resolve(transcript, claims, policy), how)[0].text


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("hash", "Hi ##### #######, call ###-###-####!"),
        ("label", "Hi [PERSON_NAME] [PERSON_NAME], call [PHONE_NUMBER]!"),
        ("numbered", "Hi [PERSON_NAME_1], call [PHONE_NUMBER_1]!"),
    ],
)
def test_the_three_substitutions(how: Substitution, expected: str) -> None:
    """Hash keeps length and punctuation as AssemblyAI does; labels stand per word; numbers per entity."""
    marked = [("Peter DeCarlo", "person_name"), ("412-412-4124", "phone_number")]
    assert _redacted("Hi Peter DeCarlo, call 412-412-4124!", marked, how) == expected


def test_accents_and_emoji_are_hidden_too() -> None:
    """A combining accent or an emoji would tell something of the word."""
    hidden = _redacted("Ask Zoe\u0301🙂.", [("Zoe\u0301🙂", "person_name")], "hash")
    assert hidden == "Ask #####."


def test_the_same_person_gets_the_same_number() -> None:
    """First name, last name, full name and spelled name are one person; somebody else is another."""
    text = "Siobhan Kearney here. S I O B H A N. Mr Bell? Thanks, Siobhan. Mrs Kearney, meet Curtis Bell."
    names = ["Siobhan Kearney", "S I O B H A N", "Bell", "Siobhan", "Kearney", "Curtis Bell"]
    expected = (
        "[PERSON_NAME_1] here. [PERSON_NAME_1]. Mr [PERSON_NAME_2]? Thanks, [PERSON_NAME_1]. "
        "Mrs [PERSON_NAME_1], meet [PERSON_NAME_2]."
    )
    assert _redacted(text, [(name, "person_name") for name in names], "numbered") == expected


def test_the_same_number_said_in_two_ways_gets_the_same_number() -> None:
    """Spoken and written digits are one value."""
    text = "It is four one five five. So 4155. Not 4156."
    marked = [(value, "account_number") for value in ("four one five five", "4155", "4156")]
    expected = "It is [ACCOUNT_NUMBER_1]. So [ACCOUNT_NUMBER_1]. Not [ACCOUNT_NUMBER_2]."
    assert _redacted(text, marked, "numbered") == expected


def test_entities_point_into_the_redacted_words() -> None:
    """With numbers, an entity's range is that of its one new word."""
    transcript = from_text("a b c d")
    entities = [Entity(range(0, 2), "date", ()), Entity(range(3, 4), "date", ())]
    redacted, placed = substitute(transcript, entities, "numbered")
    assert [entity.words for entity in placed] == [range(0, 1), range(2, 3)]
    assert redacted.text == "[DATE_1] c [DATE_2]"
