"""Files that are broken, cut off, or no recordings at all: a clear error, or all the sound that is left in its place."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from sounds import Sound, ladder, voice, write, write_frames, write_video

from offrecord import audio
from offrecord.errors import InputError

CALL = AUDIO / "calls" / "d036.mp3"
TWO_CHANNELS = AUDIO / "google_samples" / "two_channel_16k.wav"


def whole(path: Path) -> Sound:
    return np.concatenate(list(audio.decode(path)), axis=1)


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


def harm(path: Path, damage: str) -> None:
    """Break an eighth of the file, from the middle on."""
    data = bytearray(path.read_bytes())
    start, end = len(data) // 2, len(data) // 2 + len(data) // 8
    noise = b"".join(hashlib.sha256(i.to_bytes(4)).digest() for i in range((end - start) // 32 + 1))
    data[start:end] = {"garbage": noise[: end - start], "zeros": bytes(end - start), "removed": b""}[damage]
    path.write_bytes(data)


def _text(path: Path) -> None:
    path.write_text("Dear Ms Thompson, thank you for calling.\n" * 500)


def _noise(path: Path) -> None:
    # Digests and not a random generator: the bytes are the same in every version of numpy.
    path.write_bytes(b"".join(hashlib.sha256(bytes([i])).digest() for i in range(256)))


def _headers_only(path: Path) -> None:
    write(path, voice(0.1, 8_000), 8_000, "pcm_s16le", "wav")
    path.write_bytes(path.read_bytes()[:44])


def _unknown_codec(path: Path) -> None:
    write(path, voice(0.1, 8_000), 8_000, "pcm_s16le", "wav")
    data = bytearray(path.read_bytes())
    data[20:22] = b"\x34\x12"  # the number of a codec that nobody has
    path.write_bytes(data)


def _cut_m4a(path: Path) -> None:
    # Its index is at the end, so nothing of it can be found.
    write(path, voice(2, 16_000), 16_000, "aac", "ipod")
    path.write_bytes(path.read_bytes()[:8_000])


def _playlist(path: Path) -> None:
    shutil.copy(CALL, path.with_name("other.mp3"))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.mp3\n#EXT-X-ENDLIST\n")


def _concat(path: Path) -> None:
    shutil.copy(CALL, path.with_name("other.mp3"))
    path.write_text("ffconcat version 1.0\nfile other.mp3\n")


BROKEN: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("call.mp3", Path.exists, "no such file"),
    "directory": ("calls.mp3", Path.mkdir, "is a directory"),
    "empty": ("call.mp3", Path.touch, "empty"),
    "text": ("call.mp3", _text, "not a recording"),
    "noise": ("call.mp3", _noise, "not a recording|no sound could be decoded"),
    "headers only": ("call.wav", _headers_only, "no sound could be decoded|not a recording"),
    "unknown codec": ("call.wav", _unknown_codec, "cannot be decoded"),
    "m4a cut off": ("call.m4a", _cut_m4a, "not a recording"),
    "silent video": ("clip.mp4", lambda path: write_video(path, "mp4", "mpeg4"), "no sound in this file"),
    "picture": ("call.mp3", lambda path: write_video(path, "image2", "mjpeg"), "not a recording|no sound"),
    "playlist": ("call.m3u8", _playlist, "not a recording"),
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


@pytest.mark.parametrize(
    ("codec", "muxer", "rate", "damage"),
    [
        ("flac", "flac", 16_000, "garbage"), ("flac", "flac", 16_000, "removed"),
        ("libopus", "ogg", 48_000, "garbage"), ("libopus", "ogg", 48_000, "removed"),
        ("libopus", "webm", 48_000, "zeros"), ("libopus", "webm", 48_000, "removed"),
        ("aac", "ipod", 16_000, "garbage"), ("aac", "ipod", 16_000, "zeros"),
        ("pcm_s16le", "wav", 16_000, "garbage"),
    ],
)  # fmt: skip
def test_damage_in_the_middle_does_not_shift_time(
    codec: str, muxer: str, rate: int, damage: str, tmp_path: Path
) -> None:
    """What comes after the damaged place is heard when it was said; the place itself is silence or noise."""
    path = write(tmp_path / "damaged", ladder(20, rate), rate, codec, muxer)
    harm(path, damage)
    heard = seconds_heard(path, 20)
    assert heard[:8] == list(range(8))
    assert heard[16:19] == [16, 17, 18]
    assert 19_800 <= audio.probe(path).duration <= 20_200


@pytest.mark.parametrize("damage", ["garbage", "zeros"])
def test_damage_in_an_mp3_leaves_the_rest(damage: str, tmp_path: Path) -> None:
    """MP3 has no time stamps: the damaged place is shorter than it was, and the rest is there."""
    path = write(tmp_path / "damaged.mp3", ladder(20, 16_000), 16_000, "libmp3lame", "mp3")
    harm(path, damage)
    heard = seconds_heard(path, 17)
    assert heard[:9] == list(range(9))
    assert {14, 15, 16, 17, 18} <= set(heard)
    assert abs(audio.probe(path).duration - whole(path).shape[1] / 16) <= 1


@pytest.mark.parametrize(
    ("starts", "length"),
    [
        ([0, 100, 200], 300),
        ([0, 100, 500], 600),
        ([0, 100, 90_500], 90_600),
        ([0, 105, 200], 300),
        ([0, 105, 210, 315, 420], 500),
        ([0, 130, 200, 330, 400], 530),
        ([0, 100, 3_600_000, 3_600_100, 3_600_600], 900),
    ],
)
def test_time_stamps(starts: list[int], length: int, tmp_path: Path) -> None:
    """Holes are filled; jitter, drift and a stamp made good again are not; a clock set anew goes on from where it was."""
    path = write_frames(tmp_path / "holes.mkv", starts, 100)
    assert audio.probe(path).duration == length
    sound = whole(path)[0]
    assert np.count_nonzero(np.abs(sound).reshape(-1, 160).max(axis=1) < 0.01) * 10 == length - 100 * len(starts)


def test_ogg_recordings_joined_end_to_end_are_read_to_the_end(tmp_path: Path) -> None:
    """Time stamps that begin again at zero are no reason to lose or to add anything."""
    parts = [write(tmp_path / f"{i}.ogg", voice(2, 48_000, seed=i), 48_000, "libopus", "ogg") for i in range(2)]
    both = tmp_path / "both.ogg"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert 3_980 <= audio.probe(both).duration <= 4_020


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
