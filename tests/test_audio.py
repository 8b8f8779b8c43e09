"""Reading recordings: what they are, their sound as a stream, and every way in which a file can be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from sounds import Sound, samples_of, voice, write, write_video

from offrecord import audio
from offrecord.errors import UsageError

CALL = AUDIO / "calls" / "d036.mp3"
TWO_CHANNELS = AUDIO / "google_samples" / "two_channel_16k.wav"


def whole(path: Path, **settings: object) -> Sound:
    return np.concatenate(list(audio.decode(path, **settings)), axis=1)  # type: ignore[arg-type]


RECORDINGS = {
    # name: rate, channels, codec, muxer, and how FFmpeg names codec and container
    "8k_u8.wav": (8_000, 1, "pcm_u8", "wav", "pcm_u8", "wav"),
    "44k_16.wav": (44_100, 2, "pcm_s16le", "wav", "pcm_s16le", "wav"),
    "48k_24.wav": (48_000, 2, "pcm_s24le", "wav", "pcm_s24le", "wav"),
    "16k_32.wav": (16_000, 1, "pcm_s32le", "wav", "pcm_s32le", "wav"),
    "16k_float.wav": (16_000, 1, "pcm_f32le", "wav", "pcm_f32le", "wav"),
    "surround.wav": (48_000, 6, "pcm_s16le", "wav", "pcm_s16le", "wav"),
    "telephone.wav": (8_000, 1, "pcm_mulaw", "wav", "pcm_mulaw", "wav"),
    "big_endian.aiff": (22_050, 2, "pcm_s16be", "aiff", "pcm_s16be", "aiff"),
    "22k.flac": (22_050, 1, "flac", "flac", "flac", "flac"),
    "96k_24.flac": (96_000, 2, "flac24", "flac", "flac", "flac"),
    "8k.mp3": (8_000, 1, "libmp3lame", "mp3", "mp3", "mp3"),
    "44k.mp3": (44_100, 2, "libmp3lame", "mp3", "mp3", "mp3"),
    "44k.m4a": (44_100, 2, "aac", "ipod", "aac", "mov,mp4,m4a,3gp,3g2,mj2"),
    "lossless.m4a": (44_100, 2, "alac", "ipod", "alac", "mov,mp4,m4a,3gp,3g2,mj2"),
    "cinema.m4a": (48_000, 8, "aac", "ipod", "aac", "mov,mp4,m4a,3gp,3g2,mj2"),
    "48k.ogg": (48_000, 1, "libopus", "ogg", "opus", "ogg"),
    "44k_vorbis.ogg": (44_100, 2, "vorbis", "ogg", "vorbis", "ogg"),
    "48k.webm": (48_000, 2, "libopus", "webm", "opus", "matroska,webm"),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_kind_is_read(name: str, tmp_path: Path) -> None:
    """Length, rate and channels are told, and the mono stream at 16 kHz is as long and holds the voice."""
    rate, channels, codec, muxer, named, container = RECORDINGS[name]
    path = write(tmp_path / name, voice(2, rate, channels), rate, codec, muxer)
    media = audio.probe(path)
    assert (media.rate, media.channels, media.codec, media.format) == (rate, channels, named, container)
    assert 2_000 <= media.duration <= 2_002
    assert not media.has_video
    sound = whole(path)
    assert sound.dtype == np.float32
    assert sound.shape[0] == 1
    assert abs(sound.shape[1] - 32_000) <= 32
    assert 0.02 < float(np.sqrt((sound**2).mean())) < 0.3


@pytest.mark.parametrize("path", sorted(AUDIO.glob("*/*.wav"))[::9] + sorted(AUDIO.glob("*/*.flac"))[::9] + [CALL])
def test_length_is_that_of_the_stream(path: Path) -> None:
    """For real recordings, the length in milliseconds is that of the decoded samples, rounded up."""
    media = audio.probe(path)
    count = samples_of(path).shape[1]
    assert media.duration == -(-count * 1_000 // media.rate)
    assert whole(path, rate=media.rate).shape[1] == count


def test_mono_is_the_mean_of_two_channels() -> None:
    """Both callers are in the mix at the same level."""
    two = whole(TWO_CHANNELS, channels="separate")
    assert two.shape[0] == 2
    assert np.allclose(whole(TWO_CHANNELS)[0], two.mean(axis=0), atol=1e-6)


def test_separate_channels_stay_as_they_are(tmp_path: Path) -> None:
    """Six channels come out as six, each with its own tone, and their mix holds all six."""
    at = np.arange(48_000) / 48_000
    tones = np.stack([0.1 * np.sin(2 * np.pi * 200 * number * at) for number in range(1, 7)])
    path = write(tmp_path / "six.wav", tones, 48_000, "pcm_s16le", "wav")
    separate = whole(path, channels="separate")
    assert separate.shape == (6, 16_000)
    spectra = np.abs(np.fft.rfft(separate))
    assert (spectra.argmax(axis=1) == 200 * np.arange(1, 7)).all()
    mix = np.abs(np.fft.rfft(whole(path)[0]))
    assert sorted(np.argsort(mix)[-6:]) == [200 * number for number in range(1, 7)]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_resampling_keeps_time(rate: int, tmp_path: Path) -> None:
    """The sound at 16 kHz lies on that of 16 kHz to within half a sample, and is as long."""
    sound = voice(2, 96_000)[:, :: 96_000 // 16_000]
    path = write(tmp_path / "other.wav", voice(2, 96_000)[:, :: 96_000 // rate] if 96_000 % rate == 0 else
                 np.stack([np.interp(np.arange(2 * rate) / rate, np.arange(192_000) / 96_000, voice(2, 96_000)[0])]),
                 rate, "pcm_f32le", "wav")  # fmt: skip
    got = whole(path)
    assert got.shape == sound.shape
    assert np.corrcoef(got[0, 100:-100], sound[0, 100:-100])[0, 1] > 0.98


@pytest.mark.parametrize("block", [1, 1_600, 16_000, 10**9])
def test_blocks_are_of_the_size_asked_for(block: int, tmp_path: Path) -> None:
    """All but the last, which is shorter; the samples do not depend on it."""
    path = write(tmp_path / "short.wav", voice(0.15, 8_000), 8_000, "pcm_s16le", "wav")
    blocks = list(audio.decode(path, block=block))
    assert all(part.shape[1] == block for part in blocks[:-1])
    assert 0 < blocks[-1].shape[1] <= block
    assert np.array_equal(np.concatenate(blocks, axis=1), whole(path))


@pytest.mark.parametrize("settings", [{"rate": 0}, {"block": 0}, {"channels": "left"}])
def test_wrong_settings_are_refused_at_once(settings: dict[str, object]) -> None:
    """The call fails, not the stream."""
    with pytest.raises(UsageError):
        audio.decode(CALL, **settings)  # type: ignore[arg-type]


def test_video_gives_its_sound(tmp_path: Path) -> None:
    """The first track of sound is decoded, and the file is known as video."""
    media = audio.probe(write_video(tmp_path / "talk.mp4", "mp4", "mpeg4", "aac"))
    assert media.has_video
    assert (media.rate, media.channels, media.codec) == (16_000, 1, "aac")
    assert 1_990 <= media.duration <= 2_010


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    """An MP3 with a picture of its cover is a recording like any other."""
    media = audio.probe(write_video(tmp_path / "song.mp3", "mp3", "mjpeg", "libmp3lame"))
    assert not media.has_video
    assert media.duration == 2_000


@pytest.mark.parametrize("name", ["12:30 call.wav", "http:call.wav", "-call.wav", "Zoë's 🙂 %d.wav"])
def test_names_are_not_read_as_addresses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colon, a dash or a per cent sign in a name is just that, in what is read and in what is written."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "call.wav", voice(0.5, 8_000), 8_000, "pcm_s16le", "wav").rename(tmp_path / name)
    assert audio.probe(Path(name)).duration == 500
    Path("12:30").mkdir()
    audio.write_redacted(Path(name), Path("12:30", name), [], sound="beep")
    assert audio.probe(Path("12:30", name)).duration == 500


def test_a_tag_in_an_old_encoding_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Latin-1 where UTF-8 is expected."""
    path = write(tmp_path / "old.wav", voice(0.5, 8_000), 8_000, "pcm_s16le", "wav", tags={"title": "Zoexx"})
    path.write_bytes(path.read_bytes().replace(b"Zoexx", b"Zo\xebxx"))
    assert audio.probe(path).duration == 500


@pytest.mark.parametrize("milliseconds", [1, 20, 100])
@pytest.mark.parametrize(("codec", "muxer"), [("pcm_s16le", "wav"), ("libmp3lame", "mp3"), ("libopus", "ogg")])
def test_very_short_recordings_are_read(milliseconds: int, codec: str, muxer: str, tmp_path: Path) -> None:
    """A tenth of a second, or a thousandth, is a recording."""
    path = write(tmp_path / "short", voice(milliseconds / 1_000, 48_000), 48_000, codec, muxer)
    assert audio.probe(path).duration == milliseconds
    assert whole(path).shape[1] == 16 * milliseconds


def test_a_value_that_is_no_number_becomes_zero(tmp_path: Path) -> None:
    """Not-a-number and infinity in a float WAV would poison whatever comes after."""
    sound = voice(0.5, 8_000)
    sound[0, 100:103] = [np.nan, np.inf, -np.inf]
    decoded = whole(write(tmp_path / "nan.wav", sound, 8_000, "pcm_f32le", "wav"), rate=8_000)
    assert decoded[0, 100:103].tolist() == [0, 1, -1]


def test_a_stream_that_is_left_closes_its_file(tmp_path: Path) -> None:
    """Taking one block and going away leaves no open file behind."""
    path = Path(shutil.copy(CALL, tmp_path))
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    blocks = audio.decode(path, block=1_000)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
