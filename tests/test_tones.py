"""Key tones: found over speech, whatever the codec; and a voice is not taken for them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from conftest import AUDIO
from sounds import HIGH, LOW, keys, write

from offrecord import audio
from offrecord.redact.tones import RATE, KeyTones
from offrecord.samples import resampled
from offrecord.types import Interval

Sound = npt.NDArray[np.float32]
CALL = AUDIO / "aws_callcenter" / "Auto0_mono.wav"
READ = AUDIO / "librispeech_bits" / "1089-134691-0001.flac"
HOTEL = AUDIO / "ibm_watson" / "Us_English_Narrowband_Sample_1.wav"


def heard(sound: Sound, size: int = 50_000) -> tuple[tuple[Interval, ...], ...]:
    tones = KeyTones()
    for at in range(0, sound.shape[1], size):
        tones.hear(sound[:, at : at + size])
    return tones.found()


def telephone(path: Path, seconds: int = 60) -> Sound:
    """The beginning of a recording at 8 kHz."""
    return np.concatenate(list(audio.decode(path, rate=8_000)), axis=1)[:, : seconds * 8_000].copy()


def widened(sound: Sound) -> Sound:
    """The same at the rate of the detector."""
    return np.concatenate(list(resampled([sound], 8_000, RATE)), axis=1).astype(np.float32)


def pressed(key: tuple[int, int], milliseconds: int, *, lead: int = 300, level: float = 0.1) -> Sound:
    at = np.arange(RATE * milliseconds // 1_000) / RATE
    tone = level * sum(np.sin(2 * np.pi * hertz * at) for hertz in key)
    return np.pad(tone, RATE * lead // 1_000)[None].astype(np.float32)


def found(times: list[Interval], muted: tuple[Interval, ...]) -> int:
    """How many of the keys lie in what is muted, but for a twentieth."""
    return sum(
        sum(max(0, min(end, b) - max(start, a)) for a, b in muted) >= 0.95 * (end - start) for start, end in times
    )


@pytest.mark.parametrize("codec", [None, "libmp3lame"])
def test_keys_over_real_speech_are_found(codec: str | None, tmp_path: Path) -> None:
    """At 8 kHz, from 6 dB below the voice to 6 above it, also after MP3: 49 of 50 or better. (bench/tones.py: more.)"""
    random = np.random.default_rng(7)
    total = right = 0
    for path in (CALL, READ, HOTEL):
        sound = telephone(path)
        times = keys(sound, 8_000, random, every=1.0, decibels=6)
        sound /= max(1.0, float(np.abs(sound).max()))
        if codec:
            sound = telephone(write(tmp_path / f"{path.stem}.mp3", sound, 8_000, codec, "mp3"))
        total += len(times)
        right += found(times, heard(widened(sound))[0])
    assert total > 50
    assert right / total >= 0.98


@pytest.mark.parametrize("path", [CALL, READ, HOTEL, AUDIO / "spoken_numbers" / "10001-90210-01803-8khz.wav"])
def test_speech_is_not_taken_for_keys(path: Path) -> None:
    """Nothing is found where nobody pressed a key."""
    assert heard(widened(telephone(path))) == ((),)


@pytest.mark.parametrize("milliseconds", [70, 200, 1_500])
@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("high", HIGH)
def test_every_key_is_known(low: int, high: int, milliseconds: int) -> None:
    """Each of the twelve, short and long, is covered from its beginning to its end, and little else."""
    ((only,),) = heard(pressed((low, high), milliseconds))
    assert only[0] <= 300
    assert only[1] >= 300 + milliseconds
    assert only[1] - only[0] <= milliseconds + 400


@pytest.mark.parametrize(
    ("what", "key"),
    [("dial tone", (350, 440)), ("ringing", (440, 480)), ("busy", (480, 620)), ("one tone", (770, 770)), ("off", (730, 1_270))],
)  # fmt: skip
def test_other_tones_of_the_telephone_are_left(what: str, key: tuple[int, int]) -> None:
    """A dial tone carries nothing."""
    assert heard(pressed(key, 800)) == ((),), what


def test_how_the_sound_was_cut_does_not_matter() -> None:
    """The same keys from one block as from many, and each channel has its own."""
    one, other = pressed((697, 1_209), 200), pressed((941, 1_477), 200, lead=400)
    both = np.concatenate([np.pad(one, ((0, 0), (0, other.shape[1] - one.shape[1]))), other])
    whole = heard(both, both.shape[1])
    assert all(whole)
    assert whole[0] != whole[1]
    for size in (97, 1_600, 12_345):
        assert heard(both, size) == whole


def test_digits_in_a_row_are_apart_or_one() -> None:
    """A card number typed fast: in order, disjoint, and none of the sixteen left."""
    digits = [pressed((low, high), 100, lead=40) for low in LOW for high in (*HIGH, 1_633)]
    sound = np.concatenate(digits, axis=1)
    (muted,) = heard(sound)
    assert all(a[1] < b[0] for a, b in pairwise(muted))
    assert found([(180 * n + 40, 180 * n + 140) for n in range(16)], muted) == 16


def test_silence_and_nothing_have_no_keys() -> None:
    """Neither zeros nor a stream without a block."""
    assert heard(np.zeros((1, RATE), np.float32)) == ((),)
    assert KeyTones().found() == ()
