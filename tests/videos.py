"""Videos made for a test: pictures at any times, sound that begins when it likes, and all that may hang on to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from sounds import Sound, voice

NAME = b"Margaret Thompson"
_OPTIONS = {"vorbis": {"strict": "experimental"}}
RATE = 16_000


@dataclass(frozen=True)
class Hangers:
    """What else is in the file: tags, subtitles, a chapter, an attachment, each with a name in it; a second sound."""

    tags: bool = False
    subtitles: bool = False
    chapter: bool = False
    attachment: bool = False
    sounds: int = 1
    name: str = NAME.decode()


def write_clip(
    path: Path,
    muxer: str,
    pictures: str = "mpeg4",
    codec: str = "aac",
    *,
    times: Sequence[int] | None = None,
    begins: int = 0,
    sound: Sound | None = None,
    captions: bool = False,
    tag: str | None = None,
    with_: Hangers = Hangers(),
) -> Path:
    """Pictures at ``times`` (ms) and sound that begins at ``begins`` ms; by default three seconds of a voice."""
    rate = 48_000 if "opus" in codec else RATE
    given = voice(3, rate) if sound is None else sound
    with av.open(str(path), "w", format=muxer) as container:
        if with_.tags:
            container.metadata.update({"title": with_.name, "comment": with_.name})
        if with_.chapter:
            chapter = {
                "id": 1,
                "start": 0,
                "end": 1_000,
                "time_base": Fraction(1, 1_000),
                "metadata": {"title": with_.name},
            }
            container.set_chapters([cast(Any, chapter)])
        # MPEG-2 knows the rates of television only, all others any time.
        broadcast = pictures == "mpeg2video"
        picture = cast(VideoStream, container.add_stream(pictures, rate=25 if broadcast else 10))
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        if tag:
            picture.codec_context.codec_tag = tag
        picture.codec_context.time_base = Fraction(1, 25 if broadcast else 1_000)
        tracks = [
            cast(
                AudioStream,
                container.add_stream(
                    codec,
                    rate=rate,
                    layout="mono" if given.shape[0] == 1 else "stereo",
                    options=_OPTIONS.get(codec, {}),
                ),
            )
            for _ in range(with_.sounds)
        ]
        lines = _subtitles(path.with_suffix(".srt"), container, with_.name) if with_.subtitles else []
        if with_.attachment:
            container.add_attachment("notes.txt", "text/plain", with_.name.encode())
        packets: list[Any] = []
        for number, ms in enumerate(times or range(0, 3_000, 40 if broadcast else 100)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 + number * 5 % 200, np.uint8), "rgb24")
            frame.pts, frame.time_base = ms, Fraction(1, 1_000)
            packets += picture.encode(frame)
        packets += picture.encode(None)
        if captions:
            packets = [_captioned(packet) for packet in packets]
        for track in tracks:
            track.codec_context.format = "flt" if "opus" in codec else track.codec_context.format.name
            whole = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(given.T, np.float32).reshape(1, -1), "flt", track.layout.name
            )
            whole.sample_rate, whole.pts, whole.time_base = rate, begins * rate // 1_000, Fraction(1, rate)
            packets += [*track.encode(whole), *track.encode(None)]
        packets += lines
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)
    return path


def _subtitles(path: Path, container: OutputContainer, said: str) -> list[Any]:
    """A line of subtitles, bound to a stream of the container. PyAV encodes none, so it comes from a file."""
    path.write_text(f"1\n00:00:00,000 --> 00:00:01,000\n{said}\n", encoding="utf-8")
    with av.open(str(path)) as source:
        stream = container.add_stream_from_template(source.streams.subtitles[0])
        packets = [packet for packet in source.demux() if packet.size]
    for packet in packets:
        packet.stream = stream
    path.unlink()
    return packets


def _captioned(packet: Any) -> Any:
    """The packet of H.264 with a closed caption before the picture, as a broadcaster puts it."""
    caption = b"\xb5\x00\x31GA94\x03\x41\xff\xfc" + NAME[:2] + b"\xff"
    message = b"\x00\x00\x00\x01\x06\x04" + bytes([len(caption)]) + caption + b"\x80"
    new = av.Packet(message + bytes(packet))
    new.stream, new.pts, new.dts, new.time_base = packet.stream, packet.pts, packet.dts, packet.time_base
    new.is_keyframe = packet.is_keyframe
    return new


def packets_of(path: Path) -> list[tuple[Fraction, bytes]]:
    """When each picture is shown, and its packet."""
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(video=0)
            if packet.pts is not None and packet.size
        ]


def kinds_of(path: Path) -> list[str]:
    """The kinds of the streams."""
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]
