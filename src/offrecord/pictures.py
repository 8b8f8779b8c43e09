"""The picture of a video as it is: its packets, copied one by one, never decoded.

What comes out has time stamps that a container can be written with, on the clock of the source, so that sound written
on the same clock stays in sync. Captions that a broadcaster hides inside the picture's packets hold what was said, so
they are taken out; the picture is not touched by that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from offrecord.errors import FailedClosed, UnknownFormat
from offrecord.samples import opened

__all__ = ["Pictures", "moving", "pictures_of", "when"]

# Closed captions by the bytes before them: in messages of H.264, HEVC and AV1, and in the user data of MPEG-2 (ATSC
# A/53 part 4, 6.2.3); the last is the older form that DVDs have.
_CAPTIONS = (b"\xb5\x00\x31GA94", b"\x00\x00\x01\xb2GA94", b"\x00\x00\x01\xb2CC\x01\xf8")
# The units that hold them: messages beside the picture, which no decoder needs for it.
_MESSAGES = {"h264": "6", "hevc": "39|40", "mpeg2video": "178", "av1": "5"}

_MOVIES = ("mp4", "mov")

_LONGEST_GAP = Fraction(600)
_FURTHEST_BACK = Fraction(1)
"""Seconds that a time stamp may go on, or back, before it is taken for that of a clock which was set anew."""

_MOST_WAITING = 32
"""Twice as many pictures as H.264 and HEVC ever hold back; a container that has not said by then never will."""


def moving(container: InputContainer) -> list[VideoStream]:
    """The streams of pictures that move. A cover is one still, and may show who speaks."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and getattr(stream, "codec_context", None) is not None
    ]


def when(packet: Packet[Any]) -> Fraction:
    """The time in seconds at which a decoder wants the packet."""
    return (packet.dts or 0) * packet.time_base


class Pictures:
    """The moving pictures of one file, to be copied into another that is about to be written."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._streams = moving(container)
        self._targets: dict[int, VideoStream] = {}

    def add_to(self, target: OutputContainer, name: str) -> None:
        """Give ``target``, which is written as container ``name``, a stream for each.

        Raises `UnknownFormat` for a codec that the container does not hold.
        """
        for stream in self._streams:
            try:
                copied = target.add_stream_from_template(stream, opaque=True)
            except ValueError:
                codec = stream.codec_context.codec.canonical_name
                raise UnknownFormat(
                    f"{name} does not hold pictures of the kind {codec}; write another (mkv), or sound alone (m4a)"
                ) from None
            if name in _MOVIES and "mp4" in self._container.format.name:
                # They name the kind of a codec more closely than FFmpeg does; Apple's players insist on it.
                copied.codec_context.codec_tag = stream.codec_context.codec_tag
            self._targets[stream.index] = copied

    def packets(self) -> Iterator[Packet[Any]]:
        """All packets in the order of the file, each bound to its stream in the target."""
        if not self._streams:
            return
        clocks = {stream.index: _Clock(stream) for stream in self._streams}
        captions = {stream.index: _Captions(stream) for stream in self._streams}
        for packet in _readable(self._container.demux(*self._streams)):
            index = packet.stream_index
            for each in clocks[index].in_order(packet):
                yield from self._bound(index, captions[index].leave_out(each))
        for index, clock in clocks.items():
            for each in clock.rest():
                yield from self._bound(index, captions[index].leave_out(each))

    def _bound(self, index: int, packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            packet.stream = self._targets[index]
            yield packet


def _readable(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets up to where the container is broken: as if it were cut off there."""
    while True:
        try:
            packet = next(packets, None)
        except av.error.InvalidDataError:
            return
        if packet is None:
            return
        if packet.size:
            yield packet


@contextmanager
def pictures_of(path: Path) -> Iterator[Pictures]:
    """The pictures of the file, which stays open for them. Raises `InputError` as `samples.opened` does."""
    with opened(path) as (container, _):
        yield Pictures(container)


class _Clock:
    """Brings a stream's time stamps into the order that a container asks for, and changes none that is in order.

    Times to decode rise, and no picture is shown before it is decoded. A stamp that jumps is a clock set anew (files
    joined end to end): from there on the stream goes on where it was, as its sound does (`samples.sound_of`). Matroska
    says only when a picture is shown, and FFmpeg finds out when to decode it a few packets later: until then they wait.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._base = stream.time_base or Fraction(1, 90_000)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        self._step = max(1, round(1 / (rate * self._base)))
        self._last: int | None = None
        self._shift = 0
        self._waiting: list[Packet[Any]] = []

    def in_order(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """The packets that are ready now that ``packet`` has come."""
        if self._last is None and packet.dts is None and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(packet)
            return
        yield from self.rest(packet.dts)
        yield self._stamped(packet)

    def rest(self, following: int | None = None) -> Iterator[Packet[Any]]:
        """The packets that wait; the next is decoded at ``following``, where that is known."""
        waiting, self._waiting = self._waiting, []
        for number, packet in enumerate(waiting):
            if following is not None:
                packet.dts = following - (len(waiting) - number) * self._step
            yield self._stamped(packet)

    def _stamped(self, packet: Packet[Any]) -> Packet[Any]:
        stamp = packet.dts if packet.dts is not None else packet.pts
        dts = self._expected() if stamp is None else stamp + self._shift
        if self._last is not None:
            jump = (dts - self._last) * self._base
            if not -_FURTHEST_BACK < jump <= _LONGEST_GAP:
                self._shift += self._expected() - dts
                dts = self._expected()
            dts = max(dts, self._last + 1)
        pts = dts if packet.pts is None else packet.pts + self._shift
        packet.dts, packet.pts = dts, max(dts, pts)
        self._last = dts
        return packet

    def _expected(self) -> int:
        return 0 if self._last is None else self._last + self._step


class _Captions:
    """Takes hidden captions out of the packets that have them. All other packets pass as they are, byte by byte."""

    def __init__(self, stream: VideoStream) -> None:
        messages = _MESSAGES.get(stream.codec_context.codec.canonical_name)
        self._filter = BitStreamFilterContext(f"filter_units=remove_types={messages}", stream) if messages else None

    def leave_out(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if not _captioned(packet):
            yield packet
            return
        for cleaned in self._filter.filter(packet) if self._filter else [packet]:
            if _captioned(cleaned):
                raise FailedClosed(
                    "the picture holds captions, which say what was said, and they cannot be taken out of it; "
                    "write the sound alone (--formats m4a)"
                )
            yield cleaned


def _captioned(packet: Packet[Any]) -> bool:
    data = bytes(packet)
    return any(mark in data for mark in _CAPTIONS)
