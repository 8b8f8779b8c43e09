"""All that is muted and why: channels, cross-talk, unrecognised speech, key tones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from conftest import AUDIO
from sounds import keys, samples_of, voice, write

import offrecord
from offrecord import audio, export
from offrecord.errors import UsageError
from offrecord.labels import labels_for
from offrecord.meter import RATE, Meter
from offrecord.redact.cover import Cover, cover
from offrecord.redact.envelope import Envelope
from offrecord.redact.unrecognised import unrecognised
from offrecord.types import Entity, Interval, Policy, Redaction, Transcript, Word

CALL = AUDIO / "calls" / "d036.mp3"
POLICY = Policy(frozenset({"person_name", "account_number"}), pad=100)
SECONDS = 20
DETAIL = (8_000, 9_000)
Sound = npt.NDArray[np.float32]


def measured(*channels: npt.NDArray[np.floating]) -> Envelope:
    meter = Meter()
    meter.hear(np.stack(channels).astype(np.float32))
    return meter.envelope()


def speaking(seed: int, *turns: Interval, level: float = 0.3) -> Sound:
    """Noise that swells as syllables do, in these milliseconds, and a little hiss all the time."""
    random = np.random.default_rng(seed)
    at = np.arange(SECONDS * RATE) / RATE
    syllables = np.clip(
        np.interp(at, np.arange(0, SECONDS, 0.09), random.uniform(-0.5, 1, SECONDS * 1000 // 90 + 1)), 0.01, 1
    )
    said = np.zeros(len(at), dtype=np.bool_)
    for start, end in turns:
        said[start * 16 : end * 16] = True
    sound = random.normal(0, level / 3, len(at)) * syllables * said + random.normal(0, 0.0003, len(at))
    return np.asarray(sound, dtype=np.float32)


def call(*others: Word) -> tuple[Transcript, list[Entity]]:
    """A name said in channel 0, words around it, and what channel 1 says."""
    words = [Word("w", at, at + 400, channel=0) for at in range(5_000, 12_000, 500) if not DETAIL[0] <= at < DETAIL[1]]
    transcript = Transcript.spoken([*words, Word("Ann", *DETAIL, channel=0), *others], SECONDS * 1_000)
    at = next(i for i, word in enumerate(transcript.words) if word.text == "Ann")
    return transcript, [Entity(range(at, at + 1), "person_name", ())]


ANSWER = [Word("x", at, at + 400, channel=1) for at in range(14_000, 18_000, 500)]
TALKING = [Word("x", at, at + 400, channel=1) for at in range(7_000, 10_000, 500)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("what", "gain", "delay", "at_once", "both"),
    [
        ("nothing comes over", 0.0, 0, False, False),
        ("a loud echo", 0.3, 0, False, True),
        ("a faint one", 0.03, 20, False, True),
        ("a late one", 0.1, 250, False, True),
        ("both talk at once", 0.0, 0, True, False),
        ("both talk at once, over an echo", 0.2, 50, True, True),
    ],
)
def test_the_other_channel_is_muted_where_the_voice_comes_over(
    what: str, gain: float, delay: int, at_once: bool, both: bool, seed: int
) -> None:
    """The speaker's channel always; the other one if the levels there follow the speaker's, as long as the echo lasts."""
    voice_ = speaking(seed, (5_000, 12_000))
    other = speaking(seed + 100, (7_000, 10_000) if at_once else (14_000, 18_000))
    echo = np.roll(voice_, delay * 16) * gain
    transcript, entities = call(*(TALKING if at_once else ANSWER))
    covered = cover(transcript, entities, POLICY, measured(voice_, other + echo))
    first, second = covered.channels or (covered.muted,) * 2
    assert first[0][0] <= DETAIL[0] < DETAIL[1] <= first[0][1]
    assert bool(second) == both, what
    if both:
        assert second[0][0] <= first[0][0]
        assert second[0][1] >= first[0][1] + delay - 50


def test_words_in_a_channel_where_nobody_speaks_are_muted_in_the_other_one() -> None:
    """A transcript whose channels are swapped, or counted from 1: the voice is muted where it is."""
    transcript, entities = call()
    silent, loud = speaking(1), speaking(2, (5_000, 12_000))
    swapped = cover(transcript, entities, POLICY, measured(silent, loud))
    assert any(start <= DETAIL[0] and DETAIL[1] <= end for start, end in (swapped.channels or [swapped.muted] * 2)[1])
    counted = [Word(word.text, word.start, word.end, channel=2) for word in transcript.words]
    late = cover(Transcript.spoken(counted, 20_000), entities, POLICY, measured(loud, silent))
    assert late.channels == ()
    assert any(start <= DETAIL[0] and DETAIL[1] <= end for start, end in late.muted)


def test_channels_that_are_muted_alike_need_no_list_of_their_own() -> None:
    """A recording whose second channel is the first one."""
    voice_ = speaking(1, (5_000, 12_000))
    transcript, entities = call()
    covered = cover(transcript, entities, POLICY, measured(voice_, voice_))
    assert covered.channels == ()
    assert covered.muted


def test_a_mixed_recording_is_muted_in_all_channels() -> None:
    """Where channels were not told apart there is one list, and it holds for all."""
    transcript = Transcript.spoken([Word("Ann", *DETAIL)], SECONDS * 1_000)
    covered = cover(transcript, [Entity(range(1), "person_name", ())], POLICY, measured(speaking(1, (5_000, 12_000))))
    assert covered.channels == ()
    assert covered.muted


def test_a_text_and_a_policy_without_sound_mute_nothing() -> None:
    """There is no sound to cover, or nobody wants it covered."""
    assert cover(Transcript((Word("Ann", gap=""),)), [], POLICY) == Cover()
    transcript, entities = call()
    assert cover(transcript, entities, Policy(frozenset({"person_name"}), sound="none")) == Cover()


def test_one_channel_of_a_stream_is_muted_and_the_other_untouched(tmp_path: Path) -> None:
    """Bit by bit: each channel has its own intervals; if the file had another number of channels, all are muted."""
    source = write(tmp_path / "in.wav", voice(3, 16_000, 2), 16_000, "pcm_s16le", "wav")
    muted = ((500, 900), (1_000, 2_500))
    each = (((500, 900), (2_000, 2_500)), ((1_000, 2_200),))
    before = samples_of(source)
    audio.write_redacted(source, tmp_path / "out.wav", muted, sound="silence", channels=each)
    after = samples_of(tmp_path / "out.wav")
    for channel, intervals in enumerate(each):
        inside = np.zeros(before.shape[1], dtype=np.bool_)
        for start, end in intervals:
            inside[start * 16 : end * 16] = True
        assert not after[channel, inside].any()
        assert np.array_equal(after[channel, ~inside], before[channel, ~inside])
    audio.write_redacted(source, tmp_path / "all.wav", muted, sound="silence", channels=(*each, ()))
    assert not samples_of(tmp_path / "all.wav")[:, 16_000:40_000].any()


@pytest.mark.parametrize(
    ("words", "speech", "expected"),
    [
        ([], [(1_000, 3_000)], [(900, 3_100)]),
        ([(1_000, 3_000)], [(1_000, 3_000)], []),
        ([(1_300, 2_700)], [(1_000, 3_000)], []),
        ([(1_000, 1_400)], [(1_000, 3_000)], [(1_300, 3_100)]),
        ([(1_000, 1_400), (2_000, 2_600)], [(1_000, 3_000)], [(1_300, 2_100)]),
        ([(1_000, 1_000)], [(1_000, 1_600)], [(900, 1_700)]),
        ([(0, 9_000)], [(0, 9_000)], [(2_750, 9_100)]),
    ],
)
def test_speech_without_words_is_found(words: list[Interval], speech: list[Interval], expected: list[Interval]) -> None:
    """Half a second of it at least; a word of no length, or one that is stretched over minutes, accounts for nothing."""
    transcript = Transcript.spoken([Word("seven..", *times) for times in words], 20_000)
    envelope = Envelope(np.zeros((1, 2_000), np.uint8), (tuple(speech),))
    assert unrecognised(transcript, labels_for("all"), envelope) == (tuple(expected),)


@pytest.mark.parametrize(
    ("said", "confidence", "labels", "found"),
    [
        ("my account number is blurb", 0.1, "account_number", True),
        ("my account number is blurb", 0.9, "account_number", False),
        ("my account number is blurb", 0.1, "drug", False),
        ("the weather is really blurb", 0.1, "account_number", False),
    ],
)
def test_unsure_words_after_a_cue_are_found(said: str, confidence: float, labels: str, found: bool) -> None:
    """Low confidence, a cue before it, and a policy that hides what the cue announces: all three."""
    texts = said.split()
    words = [Word(text, 500 * i, 500 * i + 400, confidence if text == "blurb" else 0.9) for i, text in enumerate(texts)]
    transcript = Transcript.spoken(words, 20_000)
    envelope = Envelope(np.zeros((1, 2_000), np.uint8), ((),))
    start, end = words[-1].start, words[-1].end
    expected = ((start - 100, end + 100),) if found else ()
    assert unrecognised(transcript, labels_for(labels), envelope) == (expected,)


def test_strict_mode_mutes_speech_that_a_recogniser_missed() -> None:
    """Real speech, and a transcript that lacks half of it: the rest is muted and named, but not without strict."""
    chopped = Transcript.spoken([Word("hello", 500, 900)], 3_000)
    loose = offrecord.Redactor(policy="person_name").redact(CALL, transcript=chopped)
    strict = offrecord.Redactor(policy="person_name", strict=True).redact(CALL, transcript=chopped)
    assert loose.muted == loose.unrecognised == ()
    assert sum(end - start for start, end in strict.unrecognised) > 30_000
    assert strict.muted == strict.unrecognised


@pytest.mark.parametrize(
    ("policy", "strict", "tones"),
    [
        ("pci", "yes", "yes"),
        ("hipaa", "yes", "no"),
        ("default", "no", "no"),
        ("date,pci", "yes", "yes"),
        ("date", "no", "no"),
    ],
)
def test_presets_bring_strictness(policy: str, strict: str, tones: str) -> None:
    """On in pci and hipaa, key tones in pci; what is said by name wins."""
    made = offrecord.Redactor(policy=policy).redact_text("x").made_with
    assert (made["strict"], made["key_tones"]) == (strict, tones)
    made = offrecord.Redactor(policy=policy, strict=False, key_tones=True).redact_text("x").made_with
    assert (made["strict"], made["key_tones"]) == ("no", "yes")


def test_key_tones_are_muted_in_the_channel_they_are_in(tmp_path: Path) -> None:
    """A card number typed during a call: named in the result, gone from the sound, and no tone left to find."""
    sound = np.concatenate(list(audio.decode(CALL, rate=8_000, channels="separate")), axis=1)[:, : 8_000 * 20].copy()
    typed = keys(sound[1:], 8_000, np.random.default_rng(2), every=1.2, decibels=3)
    sound /= max(1.0, float(np.abs(sound).max()))
    source = write(tmp_path / "in.wav", sound, 8_000, "pcm_s16le", "wav")
    own = Transcript.spoken([Word("hello", 500, 900, channel=0)], 3_000)
    # The transcript lacks what is said, which a second listening would find.
    redactor = offrecord.Redactor(
        policy="person_name", key_tones=True, channels="separate", sound="silence", verify="off"
    )
    redaction = redactor.redact(source, transcript=own)
    assert sum(any(a <= start and end <= b for a, b in redaction.key_tones) for start, end in typed) >= 0.9 * len(typed)
    assert redaction.channels[0] == ()
    result = json.loads(export.as_json(redaction))
    assert result["muted_channels"][1] == result["muted"]
    export.write(redaction, source, {"wav": tmp_path / "out.wav"}, redactor.policy)
    assert np.array_equal(samples_of(tmp_path / "out.wav")[0], samples_of(source)[0])
    again = redactor.redact(tmp_path / "out.wav", transcript=own)
    assert len(again.key_tones) <= 0.1 * len(typed)


@pytest.mark.parametrize(
    "fields",
    [
        {"channels": (((0, 100),), ((200, 250),))},
        {"unrecognised": ((0, 150),)},
        {"key_tones": ((400, 500),)},
    ],
)
def test_a_redaction_that_disagrees_with_itself_is_refused(fields: dict[str, tuple[Interval, ...]]) -> None:
    """Channels must make up what is muted, and what is named must be muted: else a widened interval would be left."""
    with pytest.raises(UsageError):
        Redaction(Transcript(()), (), ((0, 100), (200, 300)), **fields)  # type: ignore[arg-type]
