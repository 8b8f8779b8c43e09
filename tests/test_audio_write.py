"""Writing redacted sound: what stays of the recording in every container, and nothing of what is inside an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from conftest import AUDIO
from sounds import samples_of, voice, write, write_video

from offrecord import audio

CALL = AUDIO / "calls" / "d036.mp3"
MUTED = [(500, 900), (1_300, 1_301), (1_700, 2_600)]


def inside(count: int, rate: int, shrink: int = 0) -> npt.NDArray[np.bool_]:
    """Which samples are muted, ``shrink`` milliseconds away from the edges."""
    where = np.zeros(count, dtype=np.bool_)
    for start, end in MUTED:
        if end - start > 2 * shrink:
            where[(start + shrink) * rate // 1_000 : -(-(end - shrink) * rate // 1_000)] = True
    return where


def is_silent(samples: npt.NDArray[Any]) -> bool:
    """Whether all are zero: for unsigned bytes that is 128."""
    return bool((samples == (128 if samples.dtype == np.uint8 else 0)).all())


LOSSLESS = {
    # name: rate, channels, codec, muxer
    "u8.wav": (8_000, 1, "pcm_u8", "wav"),
    "s16.wav": (44_100, 2, "pcm_s16le", "wav"),
    "s24.wav": (48_000, 2, "pcm_s24le", "wav"),
    "s32.wav": (16_000, 1, "pcm_s32le", "wav"),
    "f32.wav": (16_000, 2, "pcm_f32le", "wav"),
    "f64.wav": (16_000, 1, "pcm_f64le", "wav"),
    "five_one.wav": (48_000, 6, "pcm_s16le", "wav"),
    "ten.wav": (16_000, 10, "pcm_s16le", "wav"),
    "s16.flac": (22_050, 1, "flac", "flac"),
    "s24.flac": (96_000, 2, "flac24", "flac"),
    "seven_one.flac": (48_000, 8, "flac", "flac"),
    "s16.aiff": (44_100, 2, "pcm_s16be", "aiff"),
    "telephone.wav": (8_000, 2, "pcm_mulaw", "wav"),
    "alac.m4a": (44_100, 2, "alac", "ipod"),
    "pcm.mov": (48_000, 2, "pcm_s24le", "mov"),
    "s16.mka": (16_000, 1, "pcm_s16le", "matroska"),
    "flac.mka": (48_000, 6, "flac", "matroska"),
}


@pytest.mark.parametrize("sound", ["beep", "silence"])
@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_output_is_identical_outside(name: str, sound: str, tmp_path: Path) -> None:
    """Property 6: the same number of samples of the same kind, and those outside the intervals are the source's own."""
    rate, channels, codec, muxer = LOSSLESS[name]
    source = write(tmp_path / name, voice(3, rate, channels), rate, codec, muxer)
    target = tmp_path / f"out-{name}"
    audio.write_redacted(source, target, MUTED, sound=sound)  # type: ignore[arg-type]
    before, after = samples_of(source), samples_of(target)
    assert after.shape == before.shape
    assert after.dtype == before.dtype
    muted = inside(before.shape[1], rate)
    assert np.array_equal(after[:, ~muted], before[:, ~muted])
    was, is_ = audio.probe(source), audio.probe(target)
    assert (is_.rate, is_.channels, is_.codec, is_.duration) == (was.rate, was.channels, was.codec, was.duration)
    if sound == "silence":
        assert is_silent(after[:, muted])


@pytest.mark.parametrize("container", audio.CONTAINERS)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1), (48_000, 2)])
def test_every_container_keeps_length_rate_and_channels(
    container: str, rate: int, channels: int, tmp_path: Path
) -> None:
    """As decoded and as a player sees it in the header. Opus always plays at 48 kHz, an MP4 without a picture is M4A."""
    source = write(tmp_path / "in.wav", voice(3, rate, channels), rate, "pcm_s16le", "wav")
    target = tmp_path / f"out.{container}"
    audio.write_redacted(source, target, MUTED, sound="beep", container=container)
    media = audio.probe(target)
    opus = container in ("ogg", "webm")
    assert (media.rate, media.channels) == (48_000 if opus else rate, channels)
    assert sum(block.shape[1] for block in audio.decode(target, rate=media.rate)) == 3 * media.rate
    assert audio.extension(target) == ("m4a" if container == "mp4" else container)
    with av.open(str(target)) as opened:
        assert opened.duration is not None
        assert abs(opened.duration / 1_000 - 3_000) <= (25 if opus else 2)


@pytest.mark.parametrize("container", audio.CONTAINERS)
@pytest.mark.parametrize("sound", ["beep", "silence"])
def test_nothing_of_the_speech_is_left_inside(container: str, sound: str, tmp_path: Path) -> None:
    """Two recordings that differ only inside the intervals give the same file, byte by byte."""
    first, second = voice(3, 16_000), voice(3, 16_000)
    muted = inside(48_000, 16_000)
    second[:, muted] = voice(3, 16_000, seed=1)[:, muted]
    written = []
    for name, samples in (("a", first), ("b", second)):
        source = write(tmp_path / f"{name}.wav", samples, 16_000, "pcm_s16le", "wav")
        target = tmp_path / f"{name}-out.{container}"
        audio.write_redacted(source, target, MUTED, sound=sound, container=container)  # type: ignore[arg-type]
        written.append(target.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("container", ["mp3", "m4a", "ogg"])
@pytest.mark.parametrize("sound", ["beep", "silence"])
def test_lossy_output_sounds_as_it_should(container: str, sound: str, tmp_path: Path) -> None:
    """Outside, the voice is where it was; inside, there is nothing but 1 kHz, or nothing."""
    source = write(tmp_path / "in.wav", voice(3, 16_000), 16_000, "pcm_s16le", "wav")
    target = tmp_path / f"out.{container}"
    audio.write_redacted(source, target, MUTED, sound=sound, container=container)  # type: ignore[arg-type]
    before, after = (np.concatenate(list(audio.decode(path)), axis=1)[0] for path in (source, target))
    size = min(before.size, after.size)
    far = ~inside(size, 16_000, shrink=-100)
    assert np.corrcoef(before[:size][far], after[:size][far])[0, 1] > 0.9
    part = after[int(1.75 * 16_000) : int(2.55 * 16_000)]
    power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
    hertz = np.fft.rfftfreq(part.size, 1 / 16_000)
    spoken = np.abs(np.fft.rfft(before[int(1.75 * 16_000) : int(2.55 * 16_000)] * np.hanning(part.size))) ** 2
    assert power[abs(hertz - 1_000) > 100].sum() < 1e-3 * spoken.sum()  # the noise of the codec
    assert bool(power.sum() > 0.01 * spoken.sum()) == (sound == "beep")


@pytest.mark.parametrize(
    ("name", "codec", "muxer", "container", "written_as"),
    [
        ("in.mp3", "libmp3lame", "mp3", "mp3", "mp3"),
        ("in.m4a", "aac", "ipod", "m4a", "aac"),
        ("in.ogg", "libopus", "ogg", "ogg", "opus"),
        ("vorbis.ogg", "vorbis", "ogg", "ogg", "opus"),
        ("in.webm", "libopus", "webm", "webm", "opus"),
        ("in.mka", "aac", "matroska", "mka", "aac"),
        ("lossless.mka", "flac", "matroska", "mka", "flac"),
        ("in.aiff", "pcm_s16be", "aiff", "aiff", "pcm_s16be"),
        ("in.mov", "pcm_s16le", "mov", "mov", "pcm_s16le"),
        ("telephone.wav", "pcm_mulaw", "wav", "wav", "pcm_mulaw"),
        ("lossless.m4a", "alac", "ipod", "m4a", "alac"),
    ],
)
def test_the_container_that_came_in_goes_out(
    name: str, codec: str, muxer: str, container: str, written_as: str, tmp_path: Path
) -> None:
    """What is not written itself becomes the container that suits its codec; the bit rate does not fall."""
    source = write(tmp_path / name, voice(2, 48_000, 2), 48_000, codec, muxer)
    assert audio.extension(source) == container
    target = tmp_path / "out"
    audio.write_redacted(source, target, [(500, 900)], sound="beep")
    was, is_ = audio.probe(source), audio.probe(target)
    assert audio.extension(target) == container
    assert (is_.codec, is_.rate, is_.channels) == (written_as, 48_000, 2)
    assert abs(is_.duration - was.duration) <= 2
    if codec in ("libmp3lame", "aac", "libopus") and muxer not in ("webm", "matroska"):
        assert (is_.bit_rate or 0) >= 0.9 * (was.bit_rate or 0)


@pytest.mark.parametrize("path", [CALL, AUDIO / "aws_callcenter" / "Auto0_mono.wav", AUDIO / "calls" / "d026.mp3"])
def test_real_recordings_keep_length_and_rate(path: Path, tmp_path: Path) -> None:
    """The recordings that came with the project, written as they came, are as long and as good as they were."""
    target = tmp_path / "out"
    audio.write_redacted(path, target, [(1_000, 2_500)], sound="beep")
    was, is_ = audio.probe(path), audio.probe(target)
    assert (is_.rate, is_.channels, is_.codec, is_.duration) == (was.rate, was.channels, was.codec, was.duration)
    assert (is_.bit_rate or 0) >= (was.bit_rate or 0)


@pytest.mark.parametrize(
    ("container", "rate", "expected"),
    [("mp3", 96_000, 48_000), ("mp3", 40_000, 44_100), ("m4a", 6_000, 8_000), ("ogg", 22_050, 48_000)],
)
def test_a_rate_that_the_codec_does_not_know_is_resampled(
    container: str, rate: int, expected: int, tmp_path: Path
) -> None:
    """To the next higher that it knows; the length stays."""
    source = write(tmp_path / "in.wav", voice(3, rate), rate, "pcm_s16le", "wav")
    target = tmp_path / "out"
    audio.write_redacted(source, target, MUTED, sound="silence", container=container)
    media = audio.probe(target)
    assert media.rate == expected
    assert abs(media.duration - 3_000) <= 2


@pytest.mark.parametrize("container", ["m4a", "ogg", "flac"])
@pytest.mark.parametrize("channels", [4, 6, 8])
def test_channels_keep_their_places(container: str, channels: int, tmp_path: Path) -> None:
    """Each of many channels comes out where it went in."""
    sound = np.zeros((channels, 48_000 * 2))
    sound[channels - 1] = voice(2, 48_000)[0]
    source = write(tmp_path / "in.wav", sound, 48_000, "pcm_s16le", "wav")
    audio.write_redacted(source, tmp_path / "out", [(0, 500)], sound="silence", container=container)
    out = np.concatenate(list(audio.decode(tmp_path / "out", channels="separate")), axis=1)
    loudness = np.sqrt((out**2).mean(axis=1))
    assert loudness.argmax() == channels - 1
    assert (loudness[:-1] < 0.01 * loudness[-1]).all()


def test_sound_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    """A float WAV may be louder than whole numbers can say: it does not wrap round."""
    source = write(tmp_path / "in.wav", 4 * voice(1, 16_000), 16_000, "pcm_f32le", "wav")
    audio.write_redacted(source, tmp_path / "out.flac", [], sound="beep", container="flac")
    before, after = samples_of(source), samples_of(tmp_path / "out.flac") / 2**31
    assert np.abs(before).max() > 1.5
    assert np.allclose(after, before.clip(-1, 1), atol=1e-6)


def test_video_gives_its_redacted_sound(tmp_path: Path) -> None:
    """Into a container of sound alone, the pictures are left out."""
    source = write_video(tmp_path / "talk.mp4", "mp4", "mpeg4", "aac")
    audio.write_redacted(source, tmp_path / "out.m4a", [(500, 900)], sound="beep", container="m4a")
    media = audio.probe(tmp_path / "out.m4a")
    assert (media.has_video, media.codec, media.rate) == (False, "aac", 16_000)


@pytest.mark.parametrize(("codec", "muxer"), [("pcm_s16le", "wav"), ("libmp3lame", "mp3"), ("aac", "ipod"),
                                              ("libopus", "ogg"), ("flac", "flac")])  # fmt: skip
def test_tags_do_not_come_along(codec: str, muxer: str, tmp_path: Path) -> None:
    """A title may name the caller."""
    tags = {"title": "Margaret Thompson", "artist": "Margaret Thompson", "comment": "Margaret Thompson"}
    source = write(tmp_path / "in", voice(1, 48_000), 48_000, codec, muxer, tags=tags)
    assert b"Thompson" in source.read_bytes()
    audio.write_redacted(source, tmp_path / "out", [], sound="beep")
    assert b"Thompson" not in (tmp_path / "out").read_bytes()


def test_a_recording_cut_off_is_written_as_far_as_it_goes(tmp_path: Path) -> None:
    """The rest does not exist; what is there is redacted."""
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(CALL.read_bytes()[:200_000])
    audio.write_redacted(cut, tmp_path / "out.mp3", [(1_000, 2_000), (20_000, 99_000)], sound="silence")
    assert audio.probe(tmp_path / "out.mp3").duration == audio.probe(cut).duration
    heard = np.concatenate(list(audio.decode(tmp_path / "out.mp3")), axis=1)
    assert np.abs(heard[:, 20_100 * 16 :]).max() < 1e-3
