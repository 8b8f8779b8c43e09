"""Sentences said while the recording goes on: never taken back, never more than the finished redaction says."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from offrecord.detect import detect
from offrecord.live import Live, sentences
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.types import Policy, Redaction, Span, Transcript, Word

POLICY = Policy(frozenset({"person_name", "account_number"}))
COMMON = ["so", "we", "were", "there", "and", "then", "it", "was", "good.", "you", "know", "right?", "yes."]


def _names(piece: str) -> list[Span]:
    """A detector that knows a cue: the word after "called" is a name."""
    found = re.finditer(r"called (\S*\w)", piece)
    return [Span(m.start(1), m.end(1), "person_name", 0.9, "t") for m in found]


def _talk(texts: list[str]) -> list[Word]:
    return [Word(text, i * 300, i * 300 + 250) for i, text in enumerate(texts)]


def _run(words: list[Word], step: int, policy: Policy = POLICY) -> tuple[list[str], int, list[str]]:
    """What was said, how many sentences of it before the end, and what the finished redaction says."""
    said: list[str] = []
    live = Live([_names], policy, said.append)
    for at in range(0, len(words), step):
        live.hear(words[at : at + step])
    early = len(said)
    transcript = Transcript.spoken(words, words[-1].end)
    redacted, placed = substitute(transcript, resolve(transcript, live.finish(transcript), policy), policy.substitution)
    live.say_rest(Redaction(redacted, placed))
    whole = [" ".join(redacted.words[i].text for i in words) for words in sentences(redacted)]
    return said, early, whole


def test_final_sentences_are_said_before_the_end() -> None:
    """Plain words that nothing later can touch do not wait."""
    said, early, whole = _run(_talk(COMMON * 200), 100)
    assert said == whole
    assert early > len(whole) / 3


def test_a_name_found_later_is_not_said_before() -> None:
    """A word that may turn out to be a name waits for the end, and is hidden."""
    words = ["so", "Siobhan", "was", "there."] + COMMON * 200 + ["she", "is", "called", "Siobhan", "yes."]
    said, early, whole = _run(_talk(words), 100)
    assert early == 0
    assert said == whole
    assert not any("Siobhan" in line for line in said)


def test_a_denied_phrase_over_the_end_of_a_sentence_is_hidden() -> None:
    """A user's phrase counts although the recogniser put a full stop into it."""
    words = COMMON * 100 + ["it", "was", "good.", "then", "we"] + COMMON * 100
    policy = Policy(frozenset({"person_name"}), deny=("good then we",))
    said, early, whole = _run(_talk(words), 50, policy)
    assert early > 0
    assert said == whole
    assert "it was [REDACTED]." in said
    assert any(line.startswith("[REDACTED] [REDACTED] so") for line in said)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([*COMMON, *COMMON, "called", "Ann.", "Zoë", "four", "12"]), min_size=1, max_size=900),
    st.sampled_from([1, 50, 400]),
    st.sampled_from(["hash", "label", "numbered"]),
)
def test_what_is_said_is_what_the_redaction_says(texts: list[str], step: int, how: str) -> None:
    """However the words come in, the lines are those of the finished redaction, in order, each once."""
    policy = Policy(POLICY.labels, substitution=how)  # type: ignore[arg-type]
    said, _, whole = _run(_talk(texts), step, policy)
    assert said == whole


@given(st.lists(st.sampled_from([*COMMON, "called", "Ann."]), min_size=1, max_size=900), st.sampled_from([7, 300]))
def test_live_claims_are_those_of_the_whole(texts: list[str], step: int) -> None:
    """Reading as it comes finds what reading at the end finds."""
    words = _talk(texts)
    live = Live([_names], POLICY, lambda _: None)
    for at in range(0, len(words), step):
        live.hear(words[at : at + step])
    transcript = Transcript.spoken(words, words[-1].end)
    assert set(live.finish(transcript)) == set(detect(transcript.view, [_names]))
