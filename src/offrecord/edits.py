"""The edit list of an MP4 or MOV whose sound begins after its picture, made true to the sample.

An encoder of AAC or MP3 puts its delay, a thousand samples of nothing, before the sound. A list of edits tells players
to leave it out, but FFmpeg's muxer writes that only for sound that begins at 0; in later sound the delay would be
heard, and each word would come that much after its time. Boxes: ISO/IEC 14496-12, 8.2.2 (movie), 8.6.6 (edit list).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["leave_out_delay"]


def leave_out_delay(path: Path, samples: int, rate: int) -> None:
    """Tell players to begin the late sound of the movie at ``path`` after its first ``samples`` at ``rate`` Hz.

    Changes the file in place. Only a track of sound with the two edits that the muxer writes for late sound is changed:
    a gap, and then all the sound there is.
    """
    with path.open("r+b") as file:
        start, size = _movie(file)
        file.seek(start)
        movie = bytearray(file.read(size))
        (header,) = _named(movie, range(size), b"mvhd")
        long = movie[header.start]  # version 1 has times of 64 bits
        (ticks,) = struct.unpack_from(">I", movie, header.start + (20 if long else 12))
        for track in _named(movie, range(size), b"trak"):
            if any(movie[box.start + 8 : box.start + 12] == b"soun" for box in _named(movie, track, b"mdia", b"hdlr")):
                for edits in _named(movie, track, b"edts", b"elst"):
                    _shorten(movie, edits.start, samples, samples * ticks / rate)
        file.seek(start)
        file.write(movie)


def _movie(file: BinaryIO) -> tuple[int, int]:
    """Where the contents of the movie box begin, and their size; the media before it are passed over unread."""
    while head := file.read(8):
        size, kind = struct.unpack(">I4s", head)
        read = 8
        if size == 1:
            (size,), read = struct.unpack(">Q", file.read(8)), 16
        if kind == b"moov":
            return file.tell(), size - read
        file.seek(size - read, 1)
    raise OSError(0, "the file that was written has no index")


def _named(movie: bytearray, within: range, *path: bytes) -> Iterator[range]:
    """Where the contents of the boxes at ``path`` lie."""
    at = within.start
    while at + 8 <= within.stop:
        size, kind = struct.unpack_from(">I4s", movie, at)
        if kind == path[0]:
            inside = range(at + 8, at + size)
            yield from _named(movie, inside, *path[1:]) if path[1:] else (inside,)
        at += max(8, size)


def _shorten(movie: bytearray, at: int, samples: int, ticks: float) -> None:
    """The gap grows by the delay, and the sound after it begins and is shorter by as much.

    An edit is its length in ticks of the movie, where it begins in the media (-1 for a gap), and its speed.
    """
    edit = ">QqI" if movie[at] else ">IiI"
    (count,) = struct.unpack_from(">I", movie, at + 4)
    if count != 2:
        return
    first, second = at + 8, at + 8 + struct.calcsize(edit)
    gap, nowhere, speed = struct.unpack_from(edit, movie, first)
    length, begin, _ = struct.unpack_from(edit, movie, second)
    if nowhere != -1 or begin != 0:
        return
    struct.pack_into(edit, movie, first, gap + round(ticks), -1, speed)
    struct.pack_into(edit, movie, second, length - round(ticks), samples, speed)
