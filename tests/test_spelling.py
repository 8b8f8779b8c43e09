"""A client's own words in a transcript."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.labels import DENIED
from offrecord.spelling import respelled, retagged
from offrecord.types import Entity, Redaction, Transcript, Word


def said(text: str, apart: int = 100) -> Transcript:
    return Transcript.spoken([Word(word, i * apart, i * apart + 50) for i, word in enumerate(text.split())], 100_000)


@pytest.mark.parametrize(
    ("heard", "spelling", "written"),
    [
        ("call Shivon, now", [(["shivon"], "Siobhan")], "call Siobhan, now"),
        ("micro soft. Word", [(["micro soft"], "Microsoft")], "Microsoft. Word"),
        ("a b c", [(["a b"], "x"), (["b c"], "y")], "x c"),
        ("a b c", [(["a"], "x"), (["a b"], "y")], "y c"),
        ("nothing here", [(["hear"], "x")], "nothing here"),
        ("A a A", [(["a"], "b")], "b b b"),
        ("", [(["a"], "b")], ""),
    ],
)
def test_what_was_heard_is_written_as_the_client_wants(
    heard: str, spelling: list[tuple[list[str], str]], written: str
) -> None:
    """Whole words in any case; the earlier and then the longer wins; punctuation after it stays."""
    assert respelled(said(heard), spelling).text == written


def test_a_phrase_does_not_go_over_a_long_pause() -> None:
    """Two utterances are not one word."""
    assert respelled(said("micro soft", apart=2_000), [(["micro soft"], "Microsoft")]).text == "micro soft"


@given(st.lists(st.sampled_from(["a", "b", "c."]), max_size=7), st.sampled_from(["a", "b", "a b", "b c a"]))
def test_times_stay(words: list[str], phrase: str) -> None:
    """A word in the place of several lasts as long as they did; all others are the same objects."""
    before = said(" ".join(words))
    after = respelled(before, [([phrase], "x")])
    assert {w.start for w in after.words} <= {w.start for w in before.words}
    assert {w.end for w in after.words} <= {w.end for w in before.words}
    assert all(w in before.words for w in after.words if not w.text.startswith("x"))


def test_labels_of_the_client_stand_where_only_its_list_hid() -> None:
    """A word that a policy hid keeps the policy's name."""
    original = said("Ann likes Acme, Acme.")
    words = [Word(text, w.start, w.end, gap=w.gap) for text, w in zip(
        ["[PERSON_NAME]", "likes", "[REDACTED],", "[REDACTED]."], original.words, strict=True)]  # fmt: skip
    entities = tuple(Entity(range(i, i + 1), label, ()) for i, label in ((0, "person_name"), (2, DENIED), (3, DENIED)))
    redaction = Redaction(Transcript(tuple(words), 100_000), entities)
    assert (
        retagged(redaction, original, [("their firm", ["acme", "ann"])]).text
        == "[PERSON_NAME] likes [THEIR_FIRM], [THEIR_FIRM]."
    )
