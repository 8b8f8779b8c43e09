"""Hypothesis strategies on coarse grids, so that ties, touching edges and words of no length come up often."""

from __future__ import annotations

from hypothesis import strategies as st

from offrecord.types import Policy, Span, Transcript, Word

TEXTS = ("ann", "Lee,", "four", "oh", "is", "here.", "Zoë", "e\u0301t", "🙂", "שלום", "555-0132", "it's")
LABELS = ("person_name", "phone_number", "organization", "date")
GAPS = (" ", " ", "\n", "  ", "\n\n")


@st.composite
def spoken_words(draw: st.DrawFn) -> list[Word]:
    """Up to seven words of up to two channels, times in steps of 100 ms, some of no length, pauses long and short."""
    words = []
    at = 0
    for _ in range(draw(st.integers(0, 7))):
        start = at + 100 * draw(st.sampled_from([0, 0, 1, 3, 15]))
        end = start + 100 * draw(st.sampled_from([0, 1, 2, 4]))
        channel = draw(st.sampled_from([None, 0, 1]))
        words.append(Word(draw(st.sampled_from(TEXTS)), start, end, 0.5, channel=channel))
        at = draw(st.sampled_from([start, end]))
    return words


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """A recording's transcript, or a text's."""
    if draw(st.booleans()):
        words = draw(spoken_words())
        return Transcript.spoken(words, max([100, *(word.end for word in words)]) + 100 * draw(st.integers(0, 3)))
    texts = draw(st.lists(st.sampled_from(TEXTS), max_size=7))
    return Transcript(tuple(Word(text, gap=draw(st.sampled_from(GAPS))) for text in texts))


@st.composite
def spans(draw: st.DrawFn, transcript: Transcript) -> list[Span]:
    """Claims on a transcript, half of them on word edges."""
    if not transcript.text:
        return []
    edges = sorted({0, len(transcript.text), *transcript.offsets})
    found = []
    for _ in range(draw(st.integers(0, 5))):
        a, b = (
            draw(st.sampled_from(edges)) if draw(st.booleans()) else draw(st.integers(0, len(transcript.text)))
            for _ in range(2)
        )
        if a != b:
            score = draw(st.sampled_from([0.2, 0.5, 0.5, 1.0]))
            source = draw(st.sampled_from(["tagger", "patterns:x", "repeats"]))
            found.append(Span(min(a, b), max(a, b), draw(st.sampled_from(LABELS)), score, source))
    return found


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Some labels, any substitution, and now and then a list."""
    return Policy(
        labels=frozenset(draw(st.sets(st.sampled_from(LABELS)))),
        substitution=draw(st.sampled_from(["hash", "label", "numbered"])),
        pad=draw(st.sampled_from([0, 100, 250])),
        allow=tuple(draw(st.lists(st.sampled_from(["ann", "is here", "555-0132"]), max_size=1))),
        deny=tuple(draw(st.lists(st.sampled_from(["four", "oh is", "zoë"]), max_size=1))),
    )
