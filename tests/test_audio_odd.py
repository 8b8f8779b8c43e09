"""Recordings that are odd but whole: headers that lie, files beyond 2 GB, offsets, many channels, and files that change."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from sounds import Sound, samples_of, voice, write
from test_audio_failures import names

import offrecord
from offrecord import audio, export
from offrecord.errors import InputError
from offrecord.samples import sound_of
from offrecord.types import Policy, Redaction, Transcript, Word

RATE = 16_000


def changed(path: Path, old: bytes, new: bytes) -> Path:
    """The file with the one place of ``old`` replaced."""
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    return path


def whole(path: Path) -> Sound:
    return np.concatenate(list(audio.decode(path)), axis=1)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_header_does_not_know_its_size_is_read_to_the_end(size: int, tmp_path: Path) -> None:
    """What was recorded into a pipe says 0, or as much as can be; its sound goes on to the end of the file."""
    path = write(tmp_path / "pipe.wav", voice(3, RATE), RATE, "pcm_s16le", "wav")
    changed(path, b"data" + struct.pack("<I", 96_000), b"data" + struct.pack("<I", size))
    assert audio.probe(path).duration == 3_000
    audio.write_redacted(path, tmp_path / "out.wav", [(1_000, 2_000)], sound="silence")
    assert samples_of(tmp_path / "out.wav").shape == (1, 48_000)


def test_an_mp3_that_is_longer_than_it_says_is_read_to_the_end(tmp_path: Path) -> None:
    """A header that counts fewer frames than there are makes nothing of the rest unheard, and so unredacted."""
    path = write(tmp_path / "long.mp3", voice(6, RATE), RATE, "libmp3lame", "mp3")
    data = path.read_bytes()
    at = max(data.find(b"Xing"), data.find(b"Info"))
    assert at > 0
    (frames,) = struct.unpack_from(">I", data, at + 8)
    path.write_bytes(data[: at + 8] + struct.pack(">I", frames // 3) + data[at + 12 :])
    assert audio.probe(path).duration >= 5_990
    audio.write_redacted(path, tmp_path / "out.mp3", [(4_000, 5_000)], sound="silence")
    assert np.abs(whole(tmp_path / "out.mp3")[:, 66_000:78_000]).max() < 0.01


def test_an_m4a_that_is_longer_than_it_says_is_read_to_the_end(tmp_path: Path) -> None:
    """Its tables are believed, and not the length in its header."""
    path = write(tmp_path / "long.m4a", voice(6, RATE), RATE, "alac", "ipod")
    data = bytearray(path.read_bytes())
    at = data.find(b"mdhd") + 4  # version and flags, created, modified, ticks a second, length
    assert struct.unpack_from(">II", data, at + 12) == (RATE, 6 * RATE)
    struct.pack_into(">I", data, at + 16, 2 * RATE)
    path.write_bytes(data)
    assert audio.probe(path).duration == 6_000


def test_rf64_is_read_and_stays_exact(tmp_path: Path) -> None:
    """The form that a WAV beyond 4 GB has, here a small one: what comes out is the same outside the interval."""
    path, given = tmp_path / "large.wav", np.rint(voice(3, RATE) * 32_767).astype(np.int16)
    with av.open(str(path), "w", format="wav", container_options={"rf64": "always"}) as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(given, "s16", "mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    assert path.read_bytes()[:4] == b"RF64"
    assert audio.probe(path).duration == 3_000
    audio.write_redacted(path, tmp_path / "out.wav", [(1_000, 2_000)], sound="silence")
    after = samples_of(tmp_path / "out.wav")
    assert np.array_equal(after[:, :RATE], given[:, :RATE])
    assert np.array_equal(after[:, 2 * RATE :], given[:, 2 * RATE :])
    assert not after[:, RATE : 2 * RATE].any()


@pytest.mark.parametrize(
    ("rate", "channels", "codec", "muxer"),
    [
        (48_000, 8, "pcm_s24le", "wav"), (48_000, 8, "aac", "ipod"), (48_000, 8, "libopus", "ogg"),
        (96_000, 2, "pcm_f32le", "wav"), (96_000, 1, "aac", "ipod"), (96_000, 8, "flac", "flac"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sound", ["beep", "room"])
def test_many_channels_and_high_rates(
    rate: int, channels: int, codec: str, muxer: str, sound: str, tmp_path: Path
) -> None:
    """7.1 and 96 kHz come out as they came in, and every channel is covered."""
    given = voice(3, rate, channels)
    path = write(tmp_path / "in", given, rate, codec, muxer)
    audio.write_redacted(path, tmp_path / "out", [(1_000, 2_000)], sound=sound)  # type: ignore[arg-type]
    before, after = audio.probe(path), audio.probe(tmp_path / "out")
    assert (after.rate, after.channels, after.codec) == (rate, channels, before.codec)
    assert abs(after.duration - before.duration) <= 1
    heard = np.concatenate(list(audio.decode(tmp_path / "out", rate=rate, channels="separate")), axis=1)
    inside = slice(rate * 11 // 10, rate * 19 // 10)
    # In AAC the fourth of eight is for the deepest tones alone, so no voice is left in it.
    for channel in set(range(channels)) - ({3} if codec == "aac" else set()):
        assert abs(np.corrcoef(heard[channel, inside], given[channel, inside])[0, 1]) < 0.1
        assert np.corrcoef(heard[channel, : rate // 2], given[channel, : rate // 2])[0, 1] > 0.6


@pytest.mark.parametrize("sound", ["beep", "room", "silence"])
@pytest.mark.parametrize(
    ("codec", "muxer"), [("pcm_s16le", "wav"), ("libmp3lame", "mp3"), ("aac", "ipod"), ("libopus", "ogg")]
)
def test_what_is_put_in_never_clips(codec: str, muxer: str, sound: str, tmp_path: Path) -> None:
    """In a recording that is clipped throughout, and after lossy encoding, the inside stays far from full scale."""
    loud = np.clip(20 * voice(4, 48_000), -1, 1)
    assert (np.abs(loud) == 1).mean() > 0.4
    path = write(tmp_path / "in", loud, 48_000, codec, muxer)
    audio.write_redacted(path, tmp_path / "out", [(1_000, 3_000)], sound=sound)  # type: ignore[arg-type]
    heard = np.concatenate(list(audio.decode(tmp_path / "out", rate=48_000)), axis=1)[0]
    assert np.abs(heard[48_000 * 11 // 10 : 48_000 * 29 // 10]).max() < 0.5


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(32_000))


def replace(path: Path) -> None:
    other = write(path.with_name("other"), voice(3, RATE, seed=1), RATE, "pcm_s16le", "wav")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, 0))


def remove(path: Path) -> None:
    path.unlink()


CHANGES = [grow, replace, touch, remove]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(change: object, tmp_path: Path) -> None:
    """Whether it grows, is replaced by one as long, or goes: what was read is of no file that exists."""
    path = write(tmp_path / "call.wav", voice(3, RATE), RATE, "pcm_s16le", "wav")
    sound = sound_of(path)
    next(sound)
    change(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"changed while it was read|no such file"):
        list(sound)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("wanted", ["sound", "html"])
def test_another_file_is_not_muted_by_these_intervals(wanted: str, change: object, tmp_path: Path) -> None:
    """Between reading and writing, the words' times would be those of another recording: nothing is written."""
    path = write(tmp_path / "call.wav", voice(3, RATE), RATE, "pcm_s16le", "wav")
    words = (Word("hi", 0, 100, gap=""),)
    redaction = Redaction(Transcript(words, 3_000), (), ((0, 100),), {}, source=audio.identity(path))
    paths = export.outputs(path, tmp_path / "out", ["txt", wanted], recording=True, sound=True)
    change(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"changed while it was read|no such file"):
        export.write(redaction, path, paths, Policy(frozenset({"date"})))
    assert names(tmp_path / "out") == []


def test_a_redaction_knows_the_file_it_is_of(tmp_path: Path) -> None:
    """From before it was read, whoever recognised it; no output and no repr says so."""
    path = write(tmp_path / "call.wav", voice(3, RATE), RATE, "pcm_s16le", "wav")
    transcript = Transcript((Word("hi", 0, 100, gap=""),), 3_000)
    redaction = offrecord.Redactor().redact(path, transcript=transcript)
    assert redaction.source == audio.identity(path)
    assert str(path.stat().st_ino) not in repr(redaction) + export.as_json(redaction)
