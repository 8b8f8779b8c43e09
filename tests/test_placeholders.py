"""Property 7 of the design: what stands for a detail is never taken for one."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from offrecord.detect import detect, patterns, tagger
from offrecord.labels import LABELS
from offrecord.redact.text import substitute
from offrecord.transcribe.imported import from_text
from offrecord.types import Entity


def test_a_name_in_brackets_is_no_placeholder() -> None:
    """Only our own labels stand for a detail: what else is in brackets is read."""
    text = "my name is [MARGARET] [THOMPSON]"
    claims = detect(text, [TAGGER.find, patterns.find])
    assert any(span.start <= text.index("[MAR") < span.end for span in claims)


TAGGER = tagger.load(threads=1)
WORDS = "so my name is Margaret Thompson, and call me on 415-555-0132 or at four two Mill Lane. Born May 3rd!".split()


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([*WORDS, "\n"]), min_size=3, max_size=40),
    st.sets(st.integers(0, 39)),
    st.sampled_from(sorted(LABELS)),
    st.sampled_from(["hash", "label", "numbered"]),
)
def test_replaced_words_are_not_claimed_again(texts: list[str], hidden: set[int], label: str, how: str) -> None:
    """Whatever is hidden under whatever label, all detectors together claim none of the words that stand for it."""
    transcript = from_text(" ".join(texts))
    runs = [
        [i for i, _ in run]
        for is_hidden, run in groupby(
            ((i, i in hidden) for i in range(len(transcript.words))), key=lambda pair: pair[1]
        )
        if is_hidden
    ]
    entities = [Entity(range(run[0], run[-1] + 1), label, ()) for run in runs]
    redacted, placed = substitute(transcript, entities, how)  # type: ignore[arg-type]
    claims = detect(redacted.view, [TAGGER.find, patterns.find])
    claimed = {i for span in claims for i in redacted.words_of(span.start, span.end)}
    assert not claimed & {i for entity in placed for i in entity.words}
