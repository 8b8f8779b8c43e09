"""Property 6 of the design: which milliseconds are muted, and what is left of them and around them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import spoken_words

from offrecord.errors import UsageError
from offrecord.redact.audio import Samples, chunked, mute
from offrecord.redact.edges import BREAK_MS, MERGE_MS, intervals
from offrecord.types import Entity, Interval, Sound, Transcript, Word

RATE = 8_000
SECONDS = 3

PADS = st.sampled_from([0, 50, 100, 250])
SOUNDS = st.sampled_from(("beep", "silence", "room"))
RATES = st.sampled_from([8_000, 7_777])
"""At the second, hardly any millisecond falls on a sample."""
MUTED = st.lists(
    st.tuples(st.integers(0, 35), st.sampled_from([0, 1, 2, 7, 30])).map(lambda t: (t[0] * 100, (t[0] + t[1]) * 100)),
    max_size=5,
)
"""Intervals of three seconds in steps of 100 ms: empty, touching, overlapping, out of order, beyond the end."""


def voice(seed: int = 0, *, channels: int = 2, seconds: float = SECONDS, level: float = 0.1) -> Samples:
    """Noise as loud as speech."""
    shape = channels, int(RATE * seconds)
    return np.random.default_rng(seed).normal(0, level, shape).clip(-1, 1).astype(np.float32)


def cut(samples: Samples, size: int) -> Iterator[Samples]:
    for at in range(0, samples.shape[1], size):
        yield samples[:, at : at + size]


def muted_as_whole(
    samples: Samples, muted: list[Interval], sound: Sound, size: int = RATE, rate: int = RATE
) -> Samples:
    return np.concatenate(list(mute(cut(samples, size), muted, rate=rate, sound=sound)), axis=1)


def inside(muted: list[Interval], length: int, rate: int = RATE) -> npt.NDArray[np.bool_]:
    """Which samples the intervals touch, by the definition and not by the code."""
    start_of = np.arange(length) * 1_000
    touched = np.zeros(length, dtype=np.bool_)
    for start, end in muted:
        touched |= (start_of + 1_000 > start * rate) & (start_of < end * rate) & (start < end)
    return touched


@st.composite
def entities_of(draw: st.DrawFn, transcript: Transcript) -> list[Entity]:
    edges = sorted(draw(st.sets(st.integers(0, len(transcript.words)), max_size=6)))
    return [Entity(range(a, b), "person_name", ()) for a, b in pairwise(edges)][:: draw(st.sampled_from([1, 2]))]


@given(spoken_words(), st.integers(0, 2), PADS, st.data())
def test_every_word_of_an_entity_lies_in_one_interval(
    words: list[Word], rest: int, pad: int, data: st.DataObject
) -> None:
    """Words of no length and words at the very end too: the interval around them is never empty."""
    transcript = Transcript.spoken(words, max([100, *(word.end for word in words)]) + 100 * rest)
    entities = data.draw(entities_of(transcript))
    found = intervals(transcript, entities, pad=pad)
    for entity in entities:
        for word in (transcript.words[i] for i in entity.words):
            wide = max(0, word.start - pad), min(transcript.duration, word.end + pad)
            assert any(start <= wide[0] and wide[1] <= end and start < end for start, end in found)


@given(spoken_words(), PADS, st.data())
def test_intervals_are_in_order_apart_and_within_the_recording(
    words: list[Word], pad: int, data: st.DataObject
) -> None:
    """Sorted, none empty, none closer to the next than a tenth of a second, none outside."""
    transcript = Transcript.spoken(words, max([100, *(word.end for word in words)]))
    found = intervals(transcript, data.draw(entities_of(transcript)), pad=pad)
    assert all(0 <= start < end <= transcript.duration for start, end in found)
    assert all(after[0] - before[1] >= MERGE_MS for before, after in pairwise(found))


@given(spoken_words(), PADS, st.data())
def test_nothing_is_muted_without_a_reason(words: list[Word], pad: int, data: st.DataObject) -> None:
    """Each muted millisecond is near a word of an entity, in a short pause within one, or in a sliver between two."""
    transcript = Transcript.spoken(words, max([100, *(word.end for word in words)]))
    entities = data.draw(entities_of(transcript))
    hidden = sorted((word.start, word.end) for e in entities for word in (transcript.words[i] for i in e.words))
    farthest = pad + max(BREAK_MS, MERGE_MS) + 1
    for start, end in intervals(transcript, entities, pad=pad):
        for ms in range(start, end, 50):
            assert any(a - farthest <= ms <= b + farthest for a, b in hidden)


@pytest.mark.parametrize(
    ("times", "pad", "expected"),
    [
        ([(1000, 1400)], 250, [(750, 1650)]),
        ([(100, 400)], 250, [(0, 650)]),
        ([(9800, 10_000)], 250, [(9550, 10_000)]),
        ([(1000, 1000)], 0, [(1000, 1001)]),
        ([(10_000, 10_000)], 0, [(9999, 10_000)]),
        ([(0, 0)], 0, [(0, 1)]),
        ([(1000, 1400), (2400, 2600)], 0, [(1000, 2600)]),
        ([(1000, 1400), (2401, 2600)], 0, [(1000, 1400), (2401, 2600)]),
        ([(1000, 1400), (2402, 2600)], 452, [(548, 3052)]),
        ([(1000, 1400), (2402, 2600)], 451, [(549, 1851), (1951, 3051)]),
        ([(1000, 2000), (1200, 1400)], 0, [(1000, 2000)]),
        ([(1000, 2000), (1200, 1400), (2900, 3000)], 0, [(1000, 3000)]),
    ],
)
def test_intervals_of_one_entity(times: list[Interval], pad: int, expected: list[Interval]) -> None:
    """Padded, clipped, never empty; short pauses within it covered, long ones not, slivers between intervals gone."""
    words = [Word(f"w{i}", start, end) for i, (start, end) in enumerate(times)]
    transcript = Transcript.spoken(words, 10_000)
    entity = Entity(range(len(words)), "person_name", ())
    assert intervals(transcript, [entity], pad=pad) == tuple(expected)


def test_another_speaker_in_the_pause_of_an_entity_is_heard() -> None:
    """An entity that goes on after somebody else's answer is muted on both sides of it."""
    ours = [Word("four", 0, 400, speaker="A"), Word("one.", 4_000, 4_400, speaker="A")]
    transcript = Transcript.spoken([*ours, Word("Yes?", 2_000, 2_500, speaker="B")], 5_000)
    found = intervals(transcript, [Entity(range(3), "number_sequence", ())], pad=250)
    assert found == ((0, 650), (1_750, 2_750), (3_750, 4_650))
    only_theirs = [Entity(range(1), "number_sequence", ()), Entity(range(2, 3), "number_sequence", ())]
    assert intervals(transcript, only_theirs, pad=250) == ((0, 650), (3_750, 4_650))


@pytest.mark.parametrize(
    ("duration", "words", "pad", "message"),
    [(0, range(1), 250, "no times"), (1_000, range(1), -1, "pad -1"), (1_000, range(1, 3), 0, "does not have")],
)
def test_what_cannot_be_placed_is_refused(duration: int, words: range, pad: int, message: str) -> None:
    """A text, a negative pad and an entity of another transcript are errors, not an empty list of intervals."""
    transcript = Transcript((Word("ann", gap=""),), duration)
    with pytest.raises(UsageError, match=message):
        intervals(transcript, [Entity(words, "person_name", ())], pad=pad)


@given(MUTED, SOUNDS, RATES)
def test_samples_outside_the_intervals_are_identical(muted: list[Interval], sound: Sound, rate: int) -> None:
    """As many samples as before, of the same type, and those that no interval touches are the same bit by bit."""
    samples = voice()
    result = muted_as_whole(samples, muted, sound, rate=rate)
    outside = ~inside(muted, samples.shape[1], rate)
    assert result.shape == samples.shape
    assert result.dtype == samples.dtype
    assert np.array_equal(result[:, outside], samples[:, outside])


@given(MUTED, SOUNDS, RATES)
def test_nothing_of_the_muted_sound_is_left(muted: list[Interval], sound: Sound, rate: int) -> None:
    """Two recordings that differ only inside the intervals come out the same: not even the beep's level tells."""
    samples, other = voice(0), voice(0)
    where = inside(muted, samples.shape[1], rate)
    other[:, where] = voice(1, level=0.4)[:, where]
    once, again = (muted_as_whole(each, muted, sound, rate=rate) for each in (samples, other))
    assert np.array_equal(once, again)


@given(MUTED, SOUNDS, st.sampled_from([1_000, 4_321, 8_000, 24_000]))
def test_the_size_of_the_blocks_does_not_matter(muted: list[Interval], sound: Sound, size: int) -> None:
    """The same samples come out however the stream was cut."""
    samples = voice(channels=1)
    assert np.array_equal(muted_as_whole(samples, muted, sound, size), muted_as_whole(samples, muted, sound, 24_000))


@given(MUTED)
def test_silence_is_zeros(muted: list[Interval]) -> None:
    """Every sample that an interval touches is zero on all channels."""
    samples = voice()
    assert not muted_as_whole(samples, muted, "silence")[:, inside(muted, samples.shape[1])].any()


@pytest.mark.parametrize("level", [0.0, 0.0001, 0.03, 0.1, 0.9])
def test_the_beep_is_as_loud_as_the_speech_within_bounds(level: float) -> None:
    """Near the level of the voice before it, but never inaudible and never near full scale."""
    samples = voice(level=level)
    beep = muted_as_whole(samples, [(2_000, 3_000)], "beep")[:, 2_100 * 8 : 2_900 * 8]
    loudness = float(np.sqrt((beep**2).mean()))
    assert 0.019 < loudness < 0.26
    assert np.abs(beep).max() < 0.4
    if level in (0.03, 0.1):
        assert 0.7 * level < loudness < 1.3 * level


def test_pauses_and_a_knock_do_not_change_the_level() -> None:
    """The level is that of the voice, though most of the time is silence and one moment is very loud."""
    samples = voice(channels=1)
    samples[:, RATE // 2 : 2 * RATE] = 0
    samples[:, RATE : RATE + 80] = 1
    beep = muted_as_whole(samples, [(2_500, 3_000)], "beep")[:, 2_600 * 8 : 2_900 * 8]
    assert 0.07 < float(np.sqrt((beep**2).mean())) < 0.13


def test_the_beep_is_one_kilohertz_with_soft_edges() -> None:
    """Nearly all energy within 60 Hz of 1 kHz, no step at the edges, full level after 10 ms."""
    beep = muted_as_whole(voice(channels=1), [(1_000, 2_000)], "beep")[0, RATE : 2 * RATE]
    spectrum = np.abs(np.fft.rfft(beep)) ** 2
    assert spectrum[940:1_061].sum() > 0.999 * spectrum.sum()
    full = np.abs(beep[2_000:6_000]).max()
    assert np.abs(beep[[0, -1]]).max() < 0.01 * full
    assert np.abs(beep[80:96]).max() > 0.9 * full


def test_a_level_is_kept_through_a_long_interval() -> None:
    """The beep does not jump where one chunk of the stream ends and the next begins."""
    samples = voice(channels=1, seconds=6)
    samples[:, 5_500 * 8 :] *= 5
    beep = muted_as_whole(samples, [(1_500, 5_500)], "beep")[0, 1_600 * 8 : 5_400 * 8]
    peaks = np.abs(beep[: beep.size // 800 * 800].reshape(-1, 800)).max(axis=1)
    assert peaks.max() < 1.001 * peaks.min()


def test_double_precision_stays() -> None:
    """Samples of 64 bits leave as samples of 64 bits."""
    samples = voice().astype(np.float64) / 3
    result = muted_as_whole(samples, [(1_000, 2_000)], "beep")
    assert result.dtype == np.float64
    assert np.array_equal(result[:, :RATE], samples[:, :RATE])


def test_the_blocks_that_came_in_are_left_alone() -> None:
    """The caller's arrays are not written to."""
    samples = voice()
    before = samples.copy()
    muted_as_whole(samples, [(0, 3_000)], "silence", size=samples.shape[1])
    assert np.array_equal(samples, before)


@pytest.mark.parametrize(
    ("muted", "sound"), [([(200, 100)], "beep"), ([(-100, 100)], "beep"), ([(0, 100)], "none"), ([], "loud")]
)
def test_wrong_intervals_and_sounds_are_refused_before_any_sample(muted: list[Interval], sound: Sound) -> None:
    """The error comes from the call and not from the stream."""

    def never() -> Iterator[Samples]:
        pytest.fail("a sample was asked for")
        yield voice()

    with pytest.raises(UsageError):
        mute(never(), muted, rate=RATE, sound=sound)


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(1, 4))
def test_chunks_hold_the_same_samples(sizes: list[int], size: int) -> None:
    """All of one size but the last, none empty, nothing lost."""
    samples = np.arange(sum(sizes), dtype=np.float32)[None]
    ends = np.cumsum(sizes, dtype=int)
    blocks = [samples[:, end - count : end] for end, count in zip(ends, sizes, strict=True)]
    chunks = list(chunked(blocks, size))
    assert all(chunk.shape[1] == size for chunk in chunks[:-1])
    assert all(0 < chunk.shape[1] <= size for chunk in chunks)
    assert np.array_equal(np.concatenate([samples[:, :0], *chunks], axis=1), samples)


@pytest.mark.parametrize("offset", [-0.3, 0.1, 0.5])
def test_a_constant_offset_is_no_loudness(offset: float) -> None:
    """The beep is as loud as the voice, not as the microphone's offset; in the room the offset goes on."""
    samples = voice(channels=1, level=0.03, seconds=6) + np.float32(offset)
    inside = slice(2_100 * 8, 2_900 * 8)
    beep = muted_as_whole(samples, [(2_000, 3_000)], "beep")[0, inside]
    assert 0.02 < float(beep.std()) < 0.045
    room = muted_as_whole(samples, [(2_000, 3_000)], "room")[0, inside]
    assert float(room.mean()) == pytest.approx(offset, abs=0.01)


@pytest.mark.parametrize("sound", ["beep", "room"])
def test_what_comes_after_counts_as_well(sound: Sound) -> None:
    """An interval at the very beginning is covered by what suits the rest of the recording."""
    samples = voice(channels=1, level=0.12, seconds=6)
    covered = muted_as_whole(samples, [(0, 2_500)], sound)[0, : 2_400 * 8]
    assert 0.7 * (0.12 if sound == "beep" else 0.03) < float(covered.std()) < 1.3 * 0.12


def room_recording(seed: int = 3) -> Samples:
    """Two channels of speech in bursts of half a second over the noise of a room: dark in one, three times as loud in
    the other, which has digital silence in between as well."""
    rng = np.random.default_rng(seed)
    length = 8 * RATE
    noise = rng.normal(0, 1, (2, length + 8))
    dark = np.stack([noise[0, 8:] + sum(noise[0, k : length + k] for k in range(8)), noise[1, 8:]])
    room = dark / dark.std(axis=1, keepdims=True) * np.array([[0.003], [0.009]])
    room[1, 6 * RATE : 7 * RATE] = 0
    speech = rng.normal(0, 0.1, (2, length)) * (np.arange(length) // (RATE // 2) % 2)
    speech[1, 6 * RATE : 7 * RATE] = 0
    return np.asarray((room + speech).clip(-1, 1), np.float32)


def test_the_room_is_as_loud_and_as_dark_as_the_pauses() -> None:
    """On each channel for itself, within a few decibels; a gap in the recording is no pause."""
    covered = muted_as_whole(room_recording(), [(2_500, 5_000)], "room")[:, 2_600 * 8 : 4_900 * 8]
    for channel, level in enumerate((0.003, 0.009)):
        assert 0.7 * level < covered[channel].std() < 1.4 * level
    power = np.abs(np.fft.rfft(covered)) ** 2
    quarter = power.shape[1] // 4
    low, high = power[:, 1:quarter].sum(axis=1), power[:, -quarter:].sum(axis=1)
    assert low[0] > 5 * high[0]
    assert 0.5 < low[1] / high[1] < 2


def test_the_room_does_not_repeat_or_jump() -> None:
    """No stretch of it is another, on neither channel, and it goes through the seams of the stream."""
    covered = muted_as_whole(room_recording(), [(1_000, 7_000)], "room")[0, RATE : 7 * RATE].astype(np.float64)
    spectrum = np.fft.rfft(covered, 2 * covered.size)
    likeness = np.fft.irfft(spectrum * spectrum.conj())[: covered.size // 2]
    assert np.abs(likeness[400:]).max() < 0.2 * likeness[0]
    steps = np.diff(covered)
    assert np.abs(steps).max() < 6 * steps.std()


def test_the_room_holds_no_sample_of_the_recording() -> None:
    """It is like no stretch of what was said or of the pauses: it is made, not copied."""
    samples = room_recording()
    covered = muted_as_whole(samples, [(2_500, 5_000)], "room")
    part = covered[0, 3 * RATE : 4 * RATE].astype(np.float64)
    heard = np.delete(samples[0], np.arange(2_500 * 8, 5_000 * 8)).astype(np.float64)
    for at in range(0, heard.size - RATE, RATE // 2):
        piece = heard[at : at + RATE]
        size = 2 * RATE
        alike = np.fft.irfft(np.fft.rfft(part, size) * np.fft.rfft(piece, size).conj())
        assert np.abs(alike).max() < 0.2 * np.sqrt(np.square(part).sum() * np.square(piece).sum())


def test_a_recording_without_pauses_gets_no_loud_room() -> None:
    """The quietest of continuous speech or music is not what a room sounds like."""
    covered = muted_as_whole(voice(level=0.3), [(1_000, 2_000)], "room")[:, 1_100 * 8 : 1_900 * 8]
    assert covered.std() < 0.035


@pytest.mark.parametrize("samples", [np.zeros((1, 3 * RATE), np.float32), voice()])
def test_where_nothing_was_heard_the_room_is_silent(samples: Samples) -> None:
    """In digital silence, and in a recording that is muted as a whole, nothing is made up."""
    assert not muted_as_whole(samples, [(0, 3_000)], "room").any()


@given(MUTED, st.sampled_from(["beep", "room"]))
def test_nothing_that_is_put_in_is_near_full_scale(muted: list[Interval], sound: Sound) -> None:
    """However loud the recording is, the inside has room to spare."""
    samples = np.sign(voice(level=1)).astype(np.float32)
    covered = muted_as_whole(samples, muted, sound)
    assert np.abs(covered[:, inside(muted, samples.shape[1])]).max(initial=0) < 0.4


@pytest.mark.parametrize("sound", ["beep", "room", "silence"])
def test_each_channel_is_covered_by_its_own_sound(sound: Sound) -> None:
    """What is muted in one channel alone leaves the other as it was; the room there is that channel's own."""
    samples = room_recording()
    blocks = mute(cut(samples, RATE), [(2_500, 4_000)], rate=RATE, sound=sound, channels=[[], [(2_500, 4_000)]])
    covered = np.concatenate(list(blocks), axis=1)
    inside = slice(2_600 * 8, 3_900 * 8)
    assert np.array_equal(covered[0], samples[0])
    assert not np.array_equal(covered[1, inside], samples[1, inside])
    if sound == "room":
        assert 0.006 < covered[1, inside].std() < 0.013
