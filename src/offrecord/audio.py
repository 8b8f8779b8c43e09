"""Recordings: what a file is, its sound as a stream, and the same recording with parts of its sound muted.

PyAV carries FFmpeg's decoders and encoders, so no binary is called. Time 0 is the first sample of the first audio
stream. Everything streams, so memory does not grow with the recording. What is written appears whole or not at all.
A video keeps its picture, packet by packet and in sync; nothing else of the file comes along.

A file is read as far as it goes. One that was cut off is as long as what is left of it, whatever its header says, so
`probe` measures the length by decoding: two seconds for an hour of MP3, one for WAV.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio import AudioStream
from av.container import InputContainer
from av.packet import Packet

from offrecord.containers import (
    CONTAINERS,
    PICTURES,
    SUFFIXES,
    Encoding,
    Media,
    container_for,
    encoding_for,
    suffix_for,
)
from offrecord.edits import leave_out_delay
from offrecord.errors import InputError, OutputError, UsageError
from offrecord.pictures import Pictures, moving, pictures_of, when
from offrecord.redact.audio import Samples, chunked, mute
from offrecord.samples import (
    Identity,
    check_unchanged,
    frame_of,
    frames,
    identity,
    mixed,
    opened,
    resampled,
    sound_of,
)
from offrecord.types import Interval, Sound

__all__ = [
    "CONTAINERS", "SUFFIXES", "Media", "decode", "extension", "identity", "probe", "taking_place_of", "versions",
    "write_redacted",
]  # fmt: skip


def probe(path: Path) -> Media:
    """What the file is. Decodes all of it once, because a header may lie about the length.

    Raises `InputError` for a file that is missing, a directory, empty, without sound, or not a recording.
    """
    media = _header(path)
    samples = sum(block.shape[1] for _, block in sound_of(path))
    return replace(media, duration=-(-samples * 1_000 // media.rate))


def extension(path: Path) -> str:
    """The extension of what this recording is written as by default: the source's own, or that of another container.

    Reads the beginning of the file only. Raises `InputError` as `probe` does.
    """
    return suffix_for(path, container_for(_header(path)))


def _header(path: Path) -> Media:
    """All but the length, which is 0: from the header, and from the first frame where a header cannot be relied on."""
    with opened(path) as (container, stream):
        first = next(frames(container, stream), None)
        if first is None:
            raise InputError(f"{path}: no sound could be decoded; the file is damaged, cut off, or holds no samples")
        context = stream.codec_context
        return Media(
            duration=0,
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            # The decoder is called "mp3float", or "libopus" in one build and "opus" in another.
            codec=context.name.removeprefix("lib").removesuffix("float"),
            format=container.format.name,
            has_video=bool(moving(container)),
            sample_format=first.format.packed.name,
            layout=first.layout.name,
            bit_rate=context.bit_rate or (None if container.streams.video else container.bit_rate) or None,
            brand=_brand(path, container),
            pictures=tuple(video.codec_context.codec.canonical_name for video in moving(container)),
            starts=0 if first.time is None else round(first.time * 1_000_000),
        )


def _brand(path: Path, container: InputContainer) -> str:
    """What a MOV or MP4 calls itself, and a Matroska: its name for its own kind stands in the first few bytes."""
    if "matroska" in container.format.name:
        with path.open("rb") as file:
            return "webm" if b"\x42\x82\x84webm" in file.read(64) else ""
    return container.metadata.get("major_brand", "")


def decode(
    path: Path,
    *,
    rate: int = 16_000,
    channels: Literal["mono", "separate"] = "mono",
    block: int = 160_000,
) -> Iterator[npt.NDArray[np.float32]]:
    """The sound as float32 arrays of shape (channels, samples) at ``rate`` Hz: ``block`` samples, the last fewer.

    ``mono`` mixes all channels to one; ``separate`` leaves them as they are, however many. Raises `UsageError` at once
    for settings that cannot be, and `InputError`, when the first block is asked for, as `probe` does.
    """
    if rate < 1 or block < 1:
        raise UsageError(f"rate {rate}, block {block}: expected 1 or more of each")
    if channels not in ("mono", "separate"):
        raise UsageError(f"channels {channels!r}: expected mono or separate")
    return _decoded(path, rate, channels == "mono", block)


def _decoded(path: Path, rate: int, mono: bool, block: int) -> Iterator[npt.NDArray[np.float32]]:
    sound = sound_of(path)
    source_rate, first = next(sound)
    blocks: Iterable[Samples] = chain([first], (samples for _, samples in sound))
    if mono:
        blocks = map(mixed, blocks)
    if source_rate != rate:
        blocks = resampled(chunked(blocks, source_rate), source_rate, rate)
    for samples in chunked(blocks, block):
        yield samples.astype(np.float32, copy=False)


def write_redacted(
    source: Path,
    target: Path,
    muted: Sequence[Interval],
    *,
    sound: Sound,
    container: str | None = None,
    channels: Sequence[Sequence[Interval]] = (),
    unchanged: Identity | None = None,
) -> tuple[str, ...]:
    """Write ``source`` to ``target`` with the intervals ``muted`` (milliseconds) of its sound covered by ``sound``.

    ``channels``: the intervals of each channel, where they differ; as `mute` takes them.

    Rate, channels and length stay, and so do, by default, the container (see `container_for`) and the codec where it
    can be written. PCM keeps the kind of its samples; PCM, FLAC and ALAC hold the very samples of the source outside
    ``muted``, FLAC and ALAC up to 24 bits of them. MP3, AAC and Opus are encoded anew, at no less than the source's bit
    rate; Opus plays at 48 kHz whatever went in. In MP4, MOV, MKV and WebM a video keeps its pictures as they are, in
    sync. Tags, chapters, subtitles, attachments, covers and all sound but the first stream are left out: they may name
    people, and nobody has looked for names in them.

    Gives notices for the user, each a sentence without its full stop: what was left out, what could not be kept. The
    file takes its place when it is complete; until then, and after any failure, what stood there stands. Raises
    `InputError` as `probe` does, and where the file is not the one ``unchanged`` (from `identity`) or changes,
    `UnknownFormat` for a container that is not written or cannot hold the channels or the pictures, `UsageError` for
    ``sound="none"``, `FailedClosed` for captions in the pictures that cannot be taken out, and `OutputError` where the
    target cannot be written.
    """
    if unchanged is not None:
        check_unchanged(source, unchanged)
    media = _header(source)
    chosen, container = container, container or container_for(media)
    encoding = encoding_for(media, container)
    blocks = mute((samples for _, samples in sound_of(source)), muted, rate=media.rate, sound=sound, channels=channels)
    with_pictures = media.has_video and container in PICTURES
    with ExitStack() as stack:
        pictures = stack.enter_context(pictures_of(source)) if with_pictures else None
        try:
            with taking_place_of(target) as temporary:
                _encode(blocks, temporary, encoding, media, pictures, container)
        except (OSError, av.FFmpegError) as error:
            raise OutputError(
                f"{target} cannot be written: {error.strerror or 'unknown reason'}; "
                "nothing was left there, what stood there before stands"
            ) from None
    if unchanged is not None:
        check_unchanged(source, unchanged)
    unkept = chosen is None and media.has_video and not with_pictures
    return tuple(_notices(source, media, encoding, unkept=unkept))


def _notices(source: Path, media: Media, encoding: Encoding, *, unkept: bool) -> Iterator[str]:
    """What is not in the file that was written although it was in the source; names and counts, no contents."""
    if unkept:
        yield f"its picture ({', '.join(media.pictures)}) cannot be kept; the sound alone is written"
    if not encoding.kept and not (media.codec.startswith("pcm_") and encoding.codec.startswith("pcm_")):
        written = encoding.codec.removeprefix("lib").removesuffix("lame")
        yield f"its sound is {media.codec}, which cannot be kept; it became {written}"
    with opened(source) as (opened_source, stream):
        tags = len({name.lower() for name in (*opened_source.metadata, *stream.metadata)} - _TECHNICAL)
        left_out = [(tags, "tag"), (len(opened_source.chapters()), "chapter")]
        left_out += [(len(opened_source.streams.audio) - 1, "further audio stream")]
        left_out += [(len(opened_source.streams.subtitles), "subtitle track")]
        others = [other for other in opened_source.streams if other.type in ("data", "attachment")]
        stills = len(opened_source.streams.video) - len(moving(opened_source))
        left_out += [(len(others), "attachment or data stream"), (stills, "cover picture")]
        said = [f"{count} {name}{'s' * (count > 1)}" for count, name in left_out if count]
    if said:
        yield f"left out because nobody has looked for names in them: {', '.join(said)}"


@contextmanager
def taking_place_of(target: Path) -> Iterator[Path]:
    """A file beside the target, which becomes the target if all goes well, and is gone if not. Raises `OSError`."""
    temporary = target.with_name(f".offrecord-{secrets.token_hex(8)}.tmp")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # a disk may say only now that it is full
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _encode(
    blocks: Iterable[Samples], path: Path, encoding: Encoding, media: Media, pictures: Pictures | None, name: str
) -> None:
    # PyAV swallows the error of a file that cannot be closed, but raises that of the trailer, which is flushed before.
    size = 0
    with av.open(f"file:{path}", "w", format=encoding.muxer, container_options=_MUXING) as container:
        if pictures:
            pictures.add_to(container, name)
        stream = cast(
            AudioStream,
            container.add_stream(
                encoding.codec, rate=encoding.rate, layout=encoding.layout, options=dict(encoding.options)
            ),
        )
        encoder = stream.codec_context
        encoder.format = encoding.takes
        if encoding.bit_rate:
            encoder.bit_rate = encoding.bit_rate
        # Beside pictures the sound begins where it did on the clock that the pictures go by.
        begin = round(media.starts * media.rate / 1_000_000) if pictures else 0
        packets = _packets(blocks, stream, encoding, media.rate, begin)
        delay: Fraction | None = None
        streams = (packets, pictures.packets()) if pictures else (packets,)
        for packet in merge(*streams, key=when):
            if delay is None and packet.stream is stream:
                delay = Fraction(begin, media.rate) - when(packet)
            size += packet.size
            container.mux(packet)
    if begin > 0 and delay and encoding.muxer in ("mp4", "mov"):
        leave_out_delay(path, round(delay * encoding.rate), encoding.rate)
    if path.stat().st_size < size:
        raise OSError(0, "the file is shorter than what was written to it")


def _packets(
    blocks: Iterable[Samples], stream: AudioStream, encoding: Encoding, rate: int, begin: int
) -> Iterator[Packet[Any]]:
    position = begin
    for samples in blocks:
        yield from stream.encode(frame_of(samples, encoding.given, encoding.layout, rate, position))
        position += samples.shape[1]
    yield from stream.encode(None)


def versions() -> str:
    """What media are read and written with, in a line."""
    library = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {library}; writes {', '.join(CONTAINERS)}"


_TECHNICAL = frozenset(
    "major_brand minor_version compatible_brands encoder language handler_name vendor_id duration".split()
)
"""Tags that a writer of files leaves by itself, of the file and not of what is in it."""

_MUXING = {"rf64": "auto", "fflags": "+bitexact"}
"""A WAV beyond 4 GB becomes RF64; no muxer writes its name or the time into the file."""
