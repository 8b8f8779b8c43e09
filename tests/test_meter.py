"""What is measured while a recording is decoded."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import AUDIO

from offrecord import audio
from offrecord.meter import RATE, Meter, measure
from offrecord.redact.envelope import FRAME_MS
from offrecord.transcribe import whisper

CALL = AUDIO / "calls" / "d036.mp3"


def test_a_level_is_half_decibels_below_full_scale() -> None:
    """A sine of 10% has a root mean square of 23 dB below full scale; silence is 0, and so is a constant."""
    at = np.arange(RATE) / RATE
    sine = 0.1 * np.sin(2 * np.pi * 1_000 * at)
    meter = Meter()
    meter.hear(np.stack([sine, 0 * sine, 0 * sine + 0.25, sine + 0.25]).astype(np.float32))
    levels = meter.envelope().levels
    assert levels.shape == (4, 1_000 // FRAME_MS)
    assert set(levels[0].tolist()) == {255 - 46}
    assert not levels[1:3].any()
    assert np.array_equal(levels[3], levels[0])


@pytest.mark.parametrize("size", [101, 16_000, 99_999])
def test_how_the_sound_was_cut_does_not_matter(size: int) -> None:
    """Levels, speech, tones and length of a real call are the same from any blocks."""
    whole = measure(CALL, "separate", speech=True, tones=True)
    blocks = Meter(speech=True, tones=True)
    for block in audio.decode(CALL, channels="separate", block=size):
        blocks.hear(block)
    assert blocks.duration == whole.duration
    once, again = whole.envelope(), blocks.envelope()
    assert np.array_equal(once.levels, again.levels)
    assert (once.speech, once.tones) == (again.speech, again.tones)


def test_speech_is_where_somebody_speaks() -> None:
    """Each channel of a call has its own turns, and they are told from the pauses."""
    speech = measure(CALL, "separate", speech=True).envelope().speech
    assert speech is not None
    lengths = [sum(end - start for start, end in channel) for channel in speech]
    assert all(10_000 < length < 60_000 for length in lengths)
    # The call lasts a minute, and voice activity is looked for half a minute at a time.
    assert all(channel[-1][1] > 45_000 for channel in speech)


def test_nothing_is_looked_for_that_nobody_asked_for() -> None:
    """Without the switches there are levels alone: None, and not that nothing was found."""
    envelope = measure(CALL).envelope()
    assert envelope.speech is None
    assert envelope.tones is None
    assert Meter().envelope().levels.shape == (1, 0)


def test_a_recogniser_lets_the_meter_hear_all() -> None:
    """The blocks that are recognised are the blocks that are measured: nothing is decoded twice."""
    meter = Meter()
    path = AUDIO / "ljspeech32" / "LJ001-0002.flac"
    chunks = list(whisper.load(threads=1).transcribe(path, listen=meter.hear))
    assert meter.duration == chunks[-1].end
    assert np.array_equal(meter.envelope().levels, measure(path).envelope().levels)
