"""Where the cover of a detail begins and ends: pauses, neighbours, speech that no word accounts for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import spoken_words

from offrecord.redact.edges import MERGE_MS, by_channel, intervals
from offrecord.redact.envelope import FRAME_MS, Envelope, Pauses
from offrecord.types import Entity, Interval, Transcript, Word

DURATION = 6_000
PADS = st.sampled_from([0, 100, 250])


def sounding(*speech: Interval, duration: int = DURATION, noise: int = 100) -> Envelope:
    """An envelope of one channel that is loud in the intervals, and as loud as ``noise`` between them."""
    levels = np.full((1, duration // FRAME_MS), noise, np.uint8)
    for start, end in speech:
        levels[0, start // FRAME_MS : end // FRAME_MS] = 210
    return Envelope(levels)


def envelopes(channels: int = 1, duration: int = DURATION) -> st.SearchStrategy[Envelope]:
    """Pieces of 50 ms, quiet, loud or between."""
    pieces = duration // 50
    level = st.sampled_from([0, 100, 150, 200, 255])
    return st.lists(level, min_size=pieces * channels, max_size=pieces * channels).map(
        lambda drawn: Envelope(np.repeat(np.array(drawn, np.uint8).reshape(channels, pieces), 50 // FRAME_MS, axis=1))
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Transcript, list[Entity], Envelope]:
    """A transcript, some of its words as entities, and any sound: what a recogniser writes need not fit it."""
    words = draw(spoken_words())
    transcript = Transcript.spoken(words, max([100, *(word.end for word in words)]) + 100 * draw(st.integers(0, 2)))
    edges = sorted(draw(st.sets(st.integers(0, len(words)), max_size=6)))
    entities = [
        Entity(range(a, b), draw(st.sampled_from(["person_name", "phone_number"])), ()) for a, b in pairwise(edges)
    ][:: draw(st.sampled_from([1, 2]))]
    channels = draw(st.sampled_from([1, 2]))
    return transcript, entities, draw(envelopes(channels, 12_000))


@given(scenes(), PADS)
def test_every_word_of_an_entity_lies_in_an_interval(
    scene: tuple[Transcript, list[Entity], Envelope], pad: int
) -> None:
    """Whatever the sound is, and in the channel of the word where channels are told apart."""
    transcript, entities, envelope = scene
    found = intervals(transcript, entities, pad=pad, envelope=envelope)
    each = by_channel(transcript, entities, pad=pad, envelope=envelope)
    for word in (transcript.words[i] for entity in entities for i in entity.words):
        assert any(start <= word.start and word.end <= end and start < end for start, end in found)
        mine = each if word.channel is None else each[word.channel : word.channel + 1]
        assert all(any(start <= word.start and word.end <= end for start, end in channel) for channel in mine)


@given(scenes(), PADS)
def test_intervals_are_in_order_apart_and_within_the_recording(
    scene: tuple[Transcript, list[Entity], Envelope], pad: int
) -> None:
    """Sorted, none empty, none closer to the next than a tenth of a second, none outside; in each channel, too."""
    transcript, entities, envelope = scene
    for found in (
        intervals(transcript, entities, pad=pad, envelope=envelope),
        *by_channel(transcript, entities, pad=pad, envelope=envelope),
    ):
        assert all(0 <= start < end <= transcript.duration for start, end in found)
        assert all(after[0] - before[1] >= MERGE_MS for before, after in pairwise(found))


@given(scenes(), PADS)
def test_the_order_of_the_entities_does_not_matter(scene: tuple[Transcript, list[Entity], Envelope], pad: int) -> None:
    """Entities are a set."""
    transcript, entities, envelope = scene
    there = intervals(transcript, entities, pad=pad, envelope=envelope)
    assert there == intervals(transcript, entities[::-1], pad=pad, envelope=envelope)


@given(spoken_words(), st.data(), envelopes(1, 12_000), PADS)
def test_no_edge_goes_past_the_middle_of_a_neighbour(
    words: list[Word], data: st.DataObject, envelope: Envelope, pad: int
) -> None:
    """A word beside the detail that is no mere blip keeps its farther half, and those behind it are whole."""
    alone = [Word(word.text, word.start, word.end, word.confidence) for word in words]
    if not alone:
        return
    transcript = Transcript.spoken(alone, 12_000)
    chosen = data.draw(st.integers(0, len(alone) - 1))
    word = transcript.words[chosen]
    ((start, end),) = intervals(
        transcript, [Entity(range(chosen, chosen + 1), "phone_number", ())], pad=pad, envelope=envelope
    )
    for other in transcript.words:
        middle = (other.start + other.end) // 2
        if other.end - other.start <= 120:
            continue
        if other.end <= word.start:
            assert start >= middle
        if word.end <= other.start:
            assert end <= max(middle, word.end + 1)


@pytest.mark.parametrize(
    ("what", "word", "before", "after", "speech", "expected"),
    [
        ("out to the pause", (2_000, 2_400), (1_000, 1_400), (3_300, 3_600), [(1_700, 2_700)], (1_660, 2_740)),
        ("the guard where the word ends in a pause", (2_000, 2_400), (500, 900), (3_400, 3_800), [(2_000, 2_400)], (1_750, 2_650)),
        ("no pause: to the words beside it", (2_000, 2_400), (1_600, 2_000), (2_400, 2_900), [(1_000, 4_000)], (1_800, 2_650)),
        ("never past the middles", (2_000, 2_400), (1_800, 2_000), (2_400, 2_600), [(1_000, 4_000)], (1_900, 2_500)),
        ("speech that no word accounts for", (2_400, 2_800), (800, 1_200), (5_000, 5_400), [(800, 1_200), (1_500, 1_900), (2_400, 2_800)], (1_460, 3_050)),
        ("a time that is late in fluent speech", (2_400, 2_800), (1_000, 1_500), (2_800, 3_200), [(1_000, 5_000)], (1_300, 3_000)),
        ("an end that is early in fluent speech", (2_000, 2_400), (1_600, 2_000), (3_200, 3_600), [(1_000, 5_000)], (1_800, 3_400)),
        ("no further than a second and a half", (3_000, 3_400), (100, 300), (3_400, 3_800), [(100, 5_000)], (1_500, 3_600)),
        ("a neighbour of no length is none", (2_400, 2_800), (2_300, 2_300), (2_800, 3_200), [(2_000, 5_000)], (1_960, 3_000)),
    ],
)  # fmt: skip
def test_edges_of_one_word(
    what: str, word: Interval, before: Interval, after: Interval, speech: list[Interval], expected: Interval
) -> None:
    """A name between two words, 250 ms around it and what the sound adds or the words take away."""
    words = [Word(text, *times) for text, times in (("is", before), ("Ann", word), ("here", after))]
    transcript = Transcript.spoken(words, DURATION)
    found = intervals(transcript, [Entity(range(1, 2), "person_name", ())], pad=250, envelope=sounding(*speech))
    assert found == (expected,), what


def test_what_is_spelled_is_searched_further() -> None:
    """The end of a number may be told by a pause 700 ms later; that of a name is looked for nearby."""
    words = [Word("is", 500, 900), Word("Ann", 2_000, 2_400), Word("right", 4_000, 4_400)]
    transcript = Transcript.spoken(words, DURATION)
    # The detail sounds on to 3,100, and somebody coughs at once after it.
    envelope = sounding((2_000, 3_100), (3_160, 4_400))
    ends = {
        label: intervals(transcript, [Entity(range(1, 2), label, ())], pad=250, envelope=envelope)[-1][1]
        for label in ("person_name", "phone_number")
    }
    assert ends["phone_number"] >= 3_100


def test_a_noisy_line_has_pauses_of_its_own() -> None:
    """What is quiet is told by what is around it: the same speech over louder noise has the same pauses."""
    random = np.random.default_rng(3)
    for noise in (0, 60, 150):
        levels = sounding((1_000, 2_000), (2_500, 4_000), noise=noise).levels.astype(int)
        pauses = Pauses.of(np.clip(levels + random.integers(0, 3, levels.shape), 0, 255).astype(np.uint8)[0])
        assert pauses.first_ending_after(1_500) == (2_000, 2_500)
        assert pauses.last_starting_before(1_500) == (0, 1_000)


def test_a_stop_of_a_consonant_is_no_pause() -> None:
    """Half a tenth of a second of silence in a word does not end it."""
    pauses = Pauses.of(sounding((1_000, 1_300), (1_350, 1_600)).levels[0])
    assert pauses.first_ending_after(1_100) == (1_600, DURATION)
    assert pauses.last_starting_before(1_300) == (0, 1_000)


def test_only_the_channel_of_the_speaker_is_named() -> None:
    """Two people, one on each channel; a word of no channel is in both."""
    words = [
        Word("Ann", 1_000, 1_400, channel=0),
        Word("yes", 1_100, 1_500, channel=1),
        Word("Lee", 4_000, 4_400, channel=1),
    ]
    transcript = Transcript.spoken(words, DURATION)
    hidden = [i for i, word in enumerate(transcript.words) if word.text != "yes"]
    entities = [Entity(range(i, i + 1), "person_name", ()) for i in hidden]
    envelope = Envelope(np.zeros((2, DURATION // FRAME_MS), np.uint8))
    assert by_channel(transcript, entities, pad=100, envelope=envelope) == (((900, 1_500),), ((3_900, 4_500),))
    loose = Transcript.spoken([Word("Ann", 1_000, 1_400)], DURATION)
    assert by_channel(loose, entities[:1], pad=100, envelope=envelope) == (((900, 1_500),),) * 2


def test_an_envelope_shows_no_sound() -> None:
    """Its repr holds no measures: they are of what was said."""
    assert "210" not in repr(sounding((0, 1_000)))


def test_without_pauses_the_lookup_has_none() -> None:
    """Nothing but speech, and nothing at all."""
    for levels in (np.full(100, 200, np.uint8) + np.arange(100, dtype=np.uint8) % 50, np.zeros(0, np.uint8)):
        pauses = Pauses.of(levels)
        assert pauses.last_starting_before(0) is None
        assert pauses.first_ending_after(10_000) is None
