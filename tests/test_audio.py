"""Reading recordings: what they are, their sound as a stream, and every way in which a file can be broken."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from sounds import Sound, ladder, samples_of, voice, write, write_video

from offrecord import audio
from offrecord.errors import InputError, UsageError

CALL = AUDIO / "calls" / "d036.mp3"
TWO_CHANNELS = AUDIO / "google_samples" / "two_channel_16k.wav"


def whole(path: Path, **settings: object) -> Sound:
    return np.concatenate(list(audio.decode(path, **settings)), axis=1)  # type: ignore[arg-type]


def seconds_heard(path: Path, seconds: int) -> list[int | None]:
    """Which second of the ladder is heard in the middle of each second; None for silence."""
    sound = whole(path)[0]
    heard: list[int | None] = []
    for second in range(seconds):
        part = sound[second * 16_000 + 6_000 : second * 16_000 + 10_000]
        loud = part.size == 4_000 and np.sqrt((part**2).mean()) > 0.05
        peak = np.abs(np.fft.rfft(part * np.hanning(part.size))).argmax() * 4 if loud else 0
        heard.append(round((peak - 300) / 100) if loud else None)
    return heard


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
    assert 2_000 <= media.duration <= 2_001
    assert not media.has_video
    sound = whole(path)
    assert sound.dtype == np.float32
    assert sound.shape[0] == 1
    assert abs(sound.shape[1] - 32_000) <= 16
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
def test_names_are_not_read_as_addresses(name: str, tmp_path: Path) -> None:
    """A colon, a dash or a per cent sign in a name is just that."""
    path = write(tmp_path / "call.wav", voice(0.5, 8_000), 8_000, "pcm_s16le", "wav")
    assert audio.probe(path.rename(tmp_path / name)).duration == 500


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


def _text(path: Path) -> None:
    path.write_text("Dear Ms Thompson, thank you for calling.\n" * 500)


def _noise(path: Path) -> None:
    # Digests and not a random generator: the bytes are the same in every version of numpy.
    path.write_bytes(b"".join(hashlib.sha256(bytes([i])).digest() for i in range(256)))


def _headers_only(path: Path) -> None:
    write(path, voice(0.1, 8_000), 8_000, "pcm_s16le", "wav")
    path.write_bytes(path.read_bytes()[:44])


def _cut_m4a(path: Path) -> None:
    # Its index is at the end, so nothing of it can be found.
    write(path, voice(2, 16_000), 16_000, "aac", "ipod")
    path.write_bytes(path.read_bytes()[:8_000])


def _playlist(path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{CALL}\n#EXT-X-ENDLIST\n")


def _concat(path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{CALL}'\n")


BROKEN: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("call.mp3", lambda path: None, "no such file"),
    "directory": ("calls.mp3", Path.mkdir, "is a directory"),
    "empty": ("call.mp3", Path.touch, "empty"),
    "text": ("call.mp3", _text, "not a recording"),
    "noise": ("call.mp3", _noise, "not a recording|no sound could be decoded"),
    "headers only": ("call.wav", _headers_only, "no sound could be decoded|not a recording"),
    "m4a cut off": ("call.m4a", _cut_m4a, "not a recording"),
    "silent video": ("clip.mp4", lambda path: write_video(path, "mp4", "mpeg4"), "no sound in this file"),
    "picture": ("call.mp3", lambda path: write_video(path, "image2", "mjpeg"), "not a recording|no sound"),
    "playlist": ("call.mp3", _playlist, "not a recording"),
    "concat": ("call.mp3", _concat, "not a recording"),
    "pipe": ("call.mp3", os.mkfifo, "not a regular file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_recording_is_refused(case: str, tmp_path: Path) -> None:
    """One clear line that names the file, from probing and from decoding alike, with nothing of what is in it."""
    name, make, message = BROKEN[case]
    path = tmp_path / name
    make(path)
    for read in (audio.probe, whole, audio.extension):
        with pytest.raises(InputError, match=message) as caught:
            read(path)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "Thompson" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """The system's reason is named."""
    path = Path(shutil.copy(CALL, tmp_path))
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        audio.probe(path)


@pytest.mark.parametrize("source", [CALL, TWO_CHANNELS, AUDIO / "librispeech_bits" / "ls_test.flac"])
def test_a_recording_cut_off_is_read_as_far_as_it_goes(source: Path, tmp_path: Path) -> None:
    """The length is what is left, not what the header says, and what is left is the same sound."""
    path = tmp_path / source.name
    data = source.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    full, left = whole(source), whole(path)
    media = audio.probe(path)
    assert abs(media.duration - left.shape[1] / 16) <= 1
    assert 0.5 < left.shape[1] / full.shape[1] < 0.7
    assert np.abs(left[:, : left.shape[1] - 2_000] - full[:, : left.shape[1] - 2_000]).max() < 1e-3


@pytest.mark.parametrize("damage", ["garbage", "zeros", "removed"])
@pytest.mark.parametrize(
    ("codec", "muxer", "rate"),
    [("flac", "flac", 16_000), ("libopus", "ogg", 48_000), ("libopus", "webm", 48_000), ("aac", "ipod", 16_000)],
)
def test_damage_in_the_middle_does_not_shift_time(
    codec: str, muxer: str, rate: int, damage: str, tmp_path: Path
) -> None:
    """What comes after the damaged place is heard when it was said; the place itself is silence or noise."""
    if (muxer, damage) == ("ipod", "removed"):
        pytest.skip("without the bytes the index at the end points nowhere")
    path = write(tmp_path / "damaged", ladder(20, rate), rate, codec, muxer)
    data = bytearray(path.read_bytes())
    start, end = len(data) // 2, len(data) // 2 + len(data) // 8
    noise = b"".join(hashlib.sha256(i.to_bytes(4)).digest() for i in range((end - start) // 32 + 1))
    data[start:end] = {"garbage": noise[: end - start], "zeros": bytes(end - start), "removed": b""}[damage]
    path.write_bytes(data)
    heard = seconds_heard(path, 20)
    assert heard[:8] == list(range(8))
    assert heard[16:19] == [16, 17, 18]
    assert 19_800 <= audio.probe(path).duration <= 20_200


@pytest.mark.parametrize("damage", ["garbage", "zeros"])
def test_damage_in_an_mp3_leaves_the_rest(damage: str, tmp_path: Path) -> None:
    """MP3 has no time stamps: the damaged place is shorter than it was, and the rest is there."""
    path = write(tmp_path / "damaged.mp3", ladder(20, 16_000), 16_000, "libmp3lame", "mp3")
    data = bytearray(path.read_bytes())
    start, end = len(data) // 2, len(data) // 2 + len(data) // 8
    noise = b"".join(hashlib.sha256(i.to_bytes(4)).digest() for i in range((end - start) // 32 + 1))
    data[start:end] = noise[: end - start] if damage == "garbage" else bytes(end - start)
    path.write_bytes(data)
    heard = seconds_heard(path, 17)
    assert heard[:9] == list(range(9))
    assert {14, 15, 16, 17, 18} <= set(heard)
    assert abs(audio.probe(path).duration - whole(path).shape[1] / 16) <= 1


@pytest.mark.parametrize("second", [(44_100, 2), (16_000, 2), (44_100, 1)])
def test_recordings_joined_end_to_end_come_out_as_the_first(second: tuple[int, int], tmp_path: Path) -> None:
    """A second MP3 with another rate or number of channels, glued on, is brought to those of the first."""
    first = write(tmp_path / "a.mp3", voice(3, 16_000), 16_000, "libmp3lame", "mp3")
    other = write(tmp_path / "b.mp3", voice(3, second[0], second[1]), second[0], "libmp3lame", "mp3")
    both = tmp_path / "both.mp3"
    both.write_bytes(first.read_bytes() + other.read_bytes())
    media = audio.probe(both)
    assert (media.rate, media.channels) == (16_000, 1)
    assert 5_700 < media.duration < 6_300
    assert float(np.sqrt((whole(both)[:, 4 * 16_000 : 5 * 16_000] ** 2).mean())) > 0.02


def test_a_stream_that_is_left_closes_its_file(tmp_path: Path) -> None:
    """Taking one block and going away leaves no open file behind."""
    path = Path(shutil.copy(CALL, tmp_path))
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    blocks = audio.decode(path, block=1_000)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
