"""Videos: the picture is the same packet by packet and in sync, the sound is redacted, and nothing else comes along."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
import pytest
from sounds import Sound, voice
from test_audio_failures import names, run
from videos import NAME, RATE, Hangers, kinds_of, packets_of, write_clip

from offrecord import audio, export
from offrecord.errors import FailedClosed, UnknownFormat
from offrecord.types import Policy, Redaction, Transcript, Word

UNEVEN = (0, 40, 500, 520, 900, 2_500)
"""Pictures of a screen recorder, which come when something changes."""

VIDEOS = {
    # name: muxer, codec of the pictures, codec of the sound, what becomes of that
    "a.mp4": ("mp4", "mpeg4", "aac", "aac"),
    "b.mp4": ("mp4", "libx264", "libmp3lame", "mp3"),
    "c.m4v": ("mp4", "libx264", "aac", "aac"),
    "d.mov": ("mov", "mpeg4", "pcm_s16le", "pcm_s16le"),
    "e.mkv": ("matroska", "libx264", "flac", "flac"),
    "f.mkv": ("matroska", "mpeg4", "libopus", "opus"),
    "g.webm": ("webm", "libvpx", "libopus", "opus"),
    "h.avi": ("avi", "mpeg4", "libmp3lame", "mp3"),
    "i.mpg": ("mpeg", "mpeg2video", "libmp3lame", "mp3"),
}


def samples(path: Path) -> Sound:
    blocks = list(audio.decode(path, rate=audio.probe(path).rate))
    return np.asarray(np.concatenate(blocks, axis=1)[0])


def onset(path: Path) -> float:
    """When the voice begins, in seconds of the clock that the pictures go by."""
    media = audio.probe(path)
    loud = np.abs(samples(path)) > 0.1
    return media.starts / 1_000_000 + int(loud.argmax()) / media.rate


def pictures(path: Path) -> list[tuple[int, int]]:
    """When each picture is shown, in milliseconds, and how bright it is."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [(round((frame.time or 0) * 1_000), int(frame.to_ndarray(format="gray").mean())) for frame in frames]


def redact(source: Path, muted: list[tuple[int, int]], container: str | None = None) -> tuple[Path, tuple[str, ...]]:
    target = source.parent / f"out.{container or audio.extension(source)}"
    return target, audio.write_redacted(source, target, muted, sound="silence", container=container)


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_stays_a_video(name: str, tmp_path: Path) -> None:
    """Extension, pictures, codec, rate, channels and length of the sound; inside the interval there is silence."""
    muxer, codec, sound, written = VIDEOS[name]
    source = write_clip(tmp_path / name, muxer, codec, sound)
    target, _ = redact(source, [(1_000, 2_000)])
    assert target.suffix == (".mkv" if muxer in ("avi", "mpeg") else source.suffix)
    before, after = audio.probe(source), audio.probe(target)
    assert (after.has_video, after.codec, after.rate, after.channels) == (True, written, before.rate, 1)
    assert samples(target).size == samples(source).size
    assert pictures(target) == pictures(source)
    assert np.abs(samples(target)[after.rate * 11 // 10 : after.rate * 19 // 10]).max() < 0.01
    assert np.abs(samples(target)[: after.rate // 2]).max() > 0.1


@pytest.mark.parametrize("name", ["a.mp4", "d.mov", "e.mkv", "g.webm"])
def test_pictures_are_copied_packet_by_packet(name: str, tmp_path: Path) -> None:
    """The same bytes to be shown at the same time, though they come when they like."""
    muxer, codec, sound, _ = VIDEOS[name]
    source = write_clip(tmp_path / name, muxer, codec, sound, times=UNEVEN)
    target, _ = redact(source, [(1_000, 2_000)])
    assert packets_of(target) == packets_of(source)


@pytest.mark.parametrize("begins", [0, 700, 1_500])
@pytest.mark.parametrize("name", ["a.mp4", "b.mp4", "d.mov", "e.mkv", "f.mkv", "g.webm"])
def test_late_sound_stays_in_sync(name: str, begins: int, tmp_path: Path) -> None:
    """Sound that begins after the picture begins where it did, and its first sample is the same."""
    muxer, codec, sound_codec, _ = VIDEOS[name]
    rate = 48_000 if sound_codec == "libopus" else RATE
    given = np.concatenate([np.zeros((1, rate // 2)), voice(2, rate)], axis=1)
    source = write_clip(tmp_path / name, muxer, codec, sound_codec, begins=begins, sound=given)
    target, _ = redact(source, [])
    shown, heard = packets_of(target)[0][0] - packets_of(source)[0][0], onset(target) - onset(source)
    assert abs(heard - float(shown)) < 0.003
    assert abs(audio.probe(target).starts - audio.probe(source).starts) <= 1_100
    assert 0 <= samples(target).size - samples(source).size < (1_152 if begins else 1)


def test_joined_videos_with_stamps_that_begin_again_are_read_to_the_end(tmp_path: Path) -> None:
    """Pictures and sound go on where they were, and every stamp is later than the one before."""
    part = write_clip(tmp_path / "part.ts", "mpegts", "mpeg2video", "libmp3lame")
    both = tmp_path / "both.ts"
    both.write_bytes(part.read_bytes() * 2)
    target, _ = redact(both, [(1_000, 2_000)])
    shown = [when for when, _ in packets_of(target)]
    assert len(shown) == 2 * len(packets_of(part))
    assert all(later > earlier for earlier, later in pairwise(sorted(shown)))
    assert 5.5 < float(max(shown) - min(shown)) < 6.5
    assert 5_900 <= audio.probe(target).duration <= 6_200


def test_a_video_cut_off_is_written_as_far_as_it_goes(tmp_path: Path) -> None:
    """Its sound and pictures end where they were cut."""
    source = write_clip(tmp_path / "cut.mkv", "matroska", "mpeg4", "libmp3lame")
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    target, _ = redact(source, [(0, 500)])
    assert 1_000 < audio.probe(target).duration < 2_500
    assert 10 <= len(packets_of(target)) < 30


def test_nothing_that_may_name_people_comes_along(tmp_path: Path) -> None:
    """Tags, subtitles, chapters, attachments and other sound are left out, and one notice says so."""
    hangers = Hangers(tags=True, subtitles=True, chapter=True, attachment=True, sounds=2)
    source = write_clip(tmp_path / "full.mkv", "matroska", with_=hangers)
    assert source.read_bytes().count(NAME) == 5
    assert sorted(kinds_of(source)) == ["attachment", "audio", "audio", "subtitle", "video"]
    target, notices = redact(source, [])
    assert NAME not in target.read_bytes()
    assert kinds_of(target) == ["video", "audio"]
    left_out = "2 tags, 1 chapter, 1 further audio stream, 1 subtitle track, 1 attachment or data stream"
    assert notices == (f"left out because nobody has looked for names in them: {left_out}",)


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "mpegts"])
def test_captions_in_the_picture_are_taken_out(muxer: str, tmp_path: Path) -> None:
    """Closed captions inside the packets of H.264 go; what is shown stays the same."""
    source = write_clip(tmp_path / "captions", muxer, "libx264", captions=True)
    assert b"GA94" in source.read_bytes()
    target, _ = redact(source, [])
    assert b"GA94" not in target.read_bytes()
    assert [light for _, light in pictures(target)] == [light for _, light in pictures(source)]


def test_captions_that_cannot_be_taken_out_fail_closed(tmp_path: Path) -> None:
    """No picture is written that still says what was said; the sound alone can be."""
    source = write_clip(tmp_path / "captions.mkv", "matroska", "mpeg4")
    mark = b"\xb5\x00\x31GA94"
    data = source.read_bytes()
    packet = packets_of(source)[3][1]
    source.write_bytes(data.replace(packet, packet[: -len(mark)] + mark))
    with pytest.raises(FailedClosed, match="captions"):
        redact(source, [])
    assert names(tmp_path) == ["captions.mkv"]
    assert redact(source, [], "m4a")[0].exists()


def test_pictures_that_the_container_does_not_hold_are_refused(tmp_path: Path) -> None:
    """A clear line, and nothing is written."""
    source = write_clip(tmp_path / "in.mp4", "mp4")
    with pytest.raises(UnknownFormat, match="webm does not hold pictures of the kind mpeg4"):
        redact(source, [], "webm")
    assert names(tmp_path) == ["in.mp4"]


def test_sound_that_cannot_be_written_is_written_as_another_with_a_notice(tmp_path: Path) -> None:
    """Matroska holds FLAC, so nothing is lost."""
    source = write_clip(tmp_path / "in.mkv", "matroska", "mpeg4", "vorbis", sound=np.tile(voice(3, RATE), (2, 1)))
    target, notices = redact(source, [(500, 900)])
    assert audio.probe(target).codec == "flac"
    assert "its sound is vorbis, which cannot be kept; it became flac" in notices


def test_a_picture_that_cannot_be_kept_leaves_the_sound_with_a_notice(tmp_path: Path) -> None:
    """Old kinds of pictures have no place in the containers that are written."""
    source = write_clip(tmp_path / "in.flv", "flv", "flv", "aac")
    target, notices = redact(source, [(500, 900)])
    assert (target.suffix, kinds_of(target)) == (".m4a", ["audio"])
    assert notices[0] == "its picture (flv1) cannot be kept; the sound alone is written"


@pytest.mark.parametrize(("codec", "tag"), [("libx265", "hvc1"), ("libx264", "avc1"), ("mpeg4", "mp4v")])
@pytest.mark.parametrize("muxer", ["mp4", "mov"])
def test_the_exact_kind_of_the_pictures_stays(muxer: str, codec: str, tag: str, tmp_path: Path) -> None:
    """HEVC that calls itself hvc1 is played by Apple's players, hev1 is not."""
    source = write_clip(tmp_path / f"in.{muxer}", muxer, codec, tag=tag)
    target, _ = redact(source, [])
    for path in (source, target):
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.codec_tag == tag


def test_av1_is_copied(tmp_path: Path) -> None:
    """Its decoder goes by another name than the codec."""
    before = os.sched_getscheduler(0)
    # In a process of its own: run by root, the encoder raises its process above all others (SCHED_FIFO, 99), for good,
    # and with it every process that is started there.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        encoded = pool.submit(write_clip, tmp_path / "in.webm", "webm", "libsvtav1", "libopus", times=[0, 100])
        source = encoded.result()
    assert os.sched_getscheduler(0) == before
    target, _ = redact(source, [])
    assert packets_of(target) == packets_of(source)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_a_full_disk_leaves_no_video(name: str, tmp_path: Path) -> None:
    """Wherever the room ends, there is an error of output, and what stood there stands."""
    source = write_clip(tmp_path / name, "mp4" if name.endswith("mp4") else "matroska")
    target = tmp_path / f"out{source.suffix}"
    target.write_text("kept")
    process = run(source, target, source.suffix[1:], largest_file=5_000)
    _, said = process.communicate(timeout=120)
    assert said.startswith("OutputError: ")
    assert len(said.splitlines()) == 1
    assert target.read_text() == "kept"
    assert names(tmp_path) == sorted([name, target.name])


def test_the_command_writes_the_video_under_its_extension(tmp_path: Path) -> None:
    """`sound` of a video is the video; the notices are handed on."""
    source = write_clip(tmp_path / "call.mov", "mov", "mpeg4", "aac", with_=Hangers(tags=True))
    paths = export.outputs(source, tmp_path / "out", ["sound"], recording=True, sound=True)
    assert paths["sound"].name == "call.redacted.mov"
    redaction = Redaction(
        Transcript((Word("hi", 0, 100, gap=""),), 3_000), (), ((0, 100),), {}, source=audio.identity(source)
    )
    notices = export.write(redaction, source, paths, Policy(frozenset({"date"})))
    assert audio.probe(paths["sound"]).has_video
    assert len(notices) == 1
