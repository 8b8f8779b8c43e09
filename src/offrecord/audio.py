"""Recordings: what a file is, its sound as a stream, and the same recording with parts of its sound muted.

PyAV carries FFmpeg's decoders and encoders, so no binary is called. Time 0 is the first sample of the first audio
stream. Everything streams, so memory does not grow with the recording. What is written appears whole or not at all.

A file is read as far as it goes. One that was cut off is as long as what is left of it, whatever its header says, so
`probe` measures the length by decoding: two seconds for an hour of MP3, one for WAV.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio import AudioStream

from offrecord.containers import CONTAINERS, SUFFIXES, Encoding, Media, container_for, encoding_for
from offrecord.errors import InputError, OutputError, UsageError
from offrecord.redact.audio import Samples, chunked, mute
from offrecord.samples import frame_of, frames, mixed, opened, resampled, sound_of
from offrecord.types import Interval, Sound

__all__ = ["CONTAINERS", "SUFFIXES", "Media", "decode", "extension", "probe", "versions", "write_redacted"]


def probe(path: Path) -> Media:
    """What the file is. Decodes all of it once, because a header may lie about the length.

    Raises `InputError` for a file that is missing, a directory, empty, without sound, or not a recording.
    """
    media = _header(path)
    samples = sum(block.shape[1] for _, block in sound_of(path))
    return replace(media, duration=-(-samples * 1_000 // media.rate))


def extension(path: Path) -> str:
    """The container (one of `CONTAINERS`) that the redacted sound of this recording is written in by default.

    Reads the beginning of the file only. Raises `InputError` as `probe` does.
    """
    return container_for(_header(path))


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
            # A cover picture is a stream of video without a rate.
            has_video=any(video.average_rate for video in container.streams.video),
            sample_format=first.format.packed.name,
            layout=first.layout.name,
            bit_rate=context.bit_rate or (None if container.streams.video else container.bit_rate) or None,
        )


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
) -> None:
    """Write the sound of ``source`` to ``target`` with the intervals ``muted`` (milliseconds) covered by ``sound``.

    ``channels``: the intervals of each channel, where they differ; as `mute` takes them.
    Rate, channels and length stay, and so does, by default, the container (see `container_for`). WAV keeps the kind of
    its samples (8, 16, 24 or 32 bits, float); WAV and FLAC hold the very samples of the source outside ``muted``, FLAC
    up to 24 bits of them. MP3, M4A and OGG are encoded anew, at no less than the source's bit rate; OGG is Opus, which
    plays at 48 kHz whatever went in. Video, pictures, chapters and tags are left out: they may name people.

    The file takes its place when it is complete; until then, and after any failure, what stood there stands. Raises
    `InputError` as `probe` does, `UnknownFormat` for a container that is not written or cannot hold the channels,
    `UsageError` for ``sound="none"``, and `OutputError` where the target cannot be written.
    """
    media = _header(source)
    encoding = encoding_for(media, container or container_for(media))
    blocks = mute((samples for _, samples in sound_of(source)), muted, rate=media.rate, sound=sound, channels=channels)
    try:
        with _taking_place_of(target) as temporary:
            _encode(blocks, temporary, encoding, media.rate)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or 'unknown reason'}; "
            "nothing was left there, what stood there before stands"
        ) from None


@contextmanager
def _taking_place_of(target: Path) -> Iterator[Path]:
    """A file beside the target, which becomes the target if all goes well, and is gone if not."""
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


def _encode(blocks: Iterable[Samples], path: Path, encoding: Encoding, rate: int) -> None:
    # PyAV swallows the error of a file that cannot be closed, but raises that of the trailer, which is flushed before.
    with av.open(f"file:{path}", "w", format=encoding.muxer, container_options=_MUXING) as container:
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
        position = size = 0
        for samples in blocks:
            frame = frame_of(samples, encoding.given, encoding.layout, rate, position)
            for packet in stream.encode(frame):
                size += packet.size
                container.mux(packet)
            position += samples.shape[1]
        for packet in stream.encode(None):
            size += packet.size
            container.mux(packet)
    if path.stat().st_size < size:
        raise OSError(0, "the file is shorter than what was written to it")


def versions() -> str:
    """What media are read and written with, in a line."""
    library = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {library}; writes {', '.join(CONTAINERS)}"


_MUXING = {"rf64": "auto", "fflags": "+bitexact"}
"""A WAV beyond 4 GB becomes RF64; no muxer writes its name or the time into the file."""
