"""The sound of a file as a stream of arrays: one rate, one number of channels, no hole in time.

An array has the shape (channels, samples) and full scale at -1 and 1; no value in it is not finite. Sample n is
n / rate seconds after the first, whatever is broken in between: a hole in the time stamps is filled with silence.
Frames that cannot be decoded are such holes; a file that was cut off ends where it was cut. MP3 and AAC without a
container have no time stamps: what is damaged there is skipped, as players do. Nothing is held longer than a frame.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio import AudioStream
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from offrecord.errors import InputError
from offrecord.redact.audio import Samples

__all__ = ["Identity", "check_unchanged", "frame_of", "frames", "identity", "mixed", "opened", "resampled", "sound_of"]

# Demuxers by name. What is not here cannot be opened at all: a playlist (HLS, concat) would fetch what it names, and
# texts and pictures have demuxers of their own that answer for files of any name.
_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,matroska,mov,mp3,mpeg,mpegts,ogg,oma,qcp,"
    "rm,tak,tta,voc,w64,wav,wv"
)

# Sample formats (packed or planar) by full scale and zero. 32-bit integers need a float of 64 bits to come back exact.
_SCALES: dict[str, tuple[float, float, type[np.floating]]] = {
    "u8": (2.0**7, 2.0**7, np.float32),
    "s16": (2.0**15, 0.0, np.float32),
    "s32": (2.0**31, 0.0, np.float64),
    "flt": (1.0, 0.0, np.float32),
    "dbl": (1.0, 0.0, np.float64),
}

_WHOLE = {"u8": np.uint8, "s16": np.int16, "s32": np.int32}

Identity = tuple[int, ...]

_SMALLEST_HOLE_MS = 10
"""A lost packet is 20 ms or more; Matroska's time stamps are whole milliseconds and jitter by one."""
_LARGEST_HOLE_MS = 600_000
"""A jump further than this, or back by more than a second, is a clock that was set anew: nothing is missing."""


def sound_of(path: Path) -> Iterator[tuple[int, Samples]]:
    """The sound as it is: pairs of the rate, the same throughout, and a block of shape (channels, samples).

    The type is float32, or float64 where the samples are integers or floats too long for it, so that each comes back
    exact. Raises `InputError` for a file that is missing, a directory, empty, without sound, or not a recording.
    """
    with opened(path) as (container, stream):
        clock: _Clock | None = None
        held: Samples | None = None
        for frame in _uniform(frames(container, stream)):
            samples = _array(frame, path)
            clock = clock or _Clock(frame.sample_rate)
            if held is not None:
                yield clock.rate, held
            for silent in clock.silences(frame):
                yield clock.rate, np.zeros((samples.shape[0], silent), dtype=samples.dtype)
            clock.position += samples.shape[1]
            held = samples
        if clock is None or held is None:
            raise _nothing(path)
        # AAC fills its last frame with padding. MP4 says how much, FFmpeg decodes it all the same, no player plays it.
        surplus = clock.position - _stated(container, stream, clock.rate)
        yield clock.rate, held[:, :-surplus] if 0 < surplus < held.shape[1] else held


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file and its first audio stream. What is wrong with the file itself is found before FFmpeg is asked."""
    before = identity(path)
    try:
        # "file:" keeps a colon in a name from being taken for a protocol. Tags in an old encoding are no failure.
        with av.open(
            f"file:{path}", "r", container_options={"format_whitelist": _FORMATS}, metadata_errors="replace"
        ) as container:
            streams = container.streams.audio
            if not streams:
                raise InputError(f"{path}: there is no sound in this file; expected a recording or a video with sound")
            if getattr(streams[0], "codec_context", None) is None:  # PyAV crashes if such a stream is decoded
                raise InputError(f"{path}: its sound is of a kind that cannot be decoded; save it as WAV, FLAC or MP3")
            yield container, streams[0]
        check_unchanged(path, before)
    except (av.FFmpegError, OSError):
        raise InputError(
            f"{path}: this is not a recording that can be read (damaged, or of another kind than its name says); "
            "expected MP3, WAV, FLAC, M4A, OGG, WebM or a video with sound"
        ) from None


def identity(path: Path) -> Identity:
    """Size, time of change and inode of the file: what tells whether it is still the one that was read.

    Raises `InputError` for a file that is missing, a directory, no file, empty, or may not be read.
    """
    try:
        found = path.stat()
        if path.is_dir():
            raise InputError(f"{path}: this is a directory; name the recording in it")
        if not path.is_file():
            raise InputError(f"{path}: this is not a regular file; save the recording to a file first")
        if not found.st_size:
            raise InputError(f"{path}: the file is empty (0 bytes)")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: the file cannot be opened: {error.strerror}") from None
    return found.st_size, found.st_mtime_ns, found.st_ino


def check_unchanged(path: Path, before: Identity) -> None:
    """Raise `InputError` if the file is no longer the one that it was: words of one would be muted in another."""
    if identity(path) != before:
        raise InputError(f"{path}: the file changed while it was read; wait until it is complete, then redact it again")


def _nothing(path: Path) -> InputError:
    return InputError(f"{path}: no sound could be decoded; the file is damaged, cut off, or holds no samples")


def frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """All that can be decoded. A packet that cannot is left out: the time stamps show the hole."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.InvalidDataError:  # the container itself is broken from here on: as if it were cut off
            return
        if packet is None:
            return
        try:
            decoded = packet.decode()
        except av.error.MemoryError:
            raise
        except av.FFmpegError:
            continue
        yield from decoded


def _stated(container: InputContainer, stream: AudioStream, rate: int) -> int:
    """How many samples an MP4 says it plays; for all others more than there can be."""
    if "mp4" not in container.format.name or not stream.duration or not stream.time_base:
        return sys.maxsize
    return round(stream.duration * stream.time_base * rate)


def _uniform(frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    """The frames at the rate and with the channels of the first: recordings joined end to end may change midway."""
    first: AudioFrame | None = None
    converter: AudioResampler | None = None
    made_for: tuple[int, str, str] | None = None
    for frame in frames:
        first = first or frame
        shape = frame.sample_rate, frame.layout.name, frame.format.name
        same = shape[:2] == (first.sample_rate, first.layout.name)
        # PyAV (15 to 18) walks off the end of the planes of a planar frame with eight or more, and crashes.
        if same and not (frame.format.is_planar and frame.layout.nb_channels >= 8):
            yield frame
            continue
        if converter is None or shape != made_for:
            converter = AudioResampler(frame.format.packed.name, first.layout, first.sample_rate)
            made_for = shape
        yield from converter.resample(frame)
    if converter is not None:
        yield from converter.resample(None)


def _array(frame: AudioFrame, path: Path) -> Samples:
    """The frame as (channels, samples), full scale at -1 and 1."""
    name = frame.format.packed.name
    if name not in _SCALES:
        raise InputError(f"{path}: samples of the kind {name} are not read; save the recording as 24-bit WAV or FLAC")
    scale, zero, kind = _SCALES[name]
    raw: npt.NDArray[Any] = frame.to_ndarray()
    if frame.format.is_packed:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if name in ("flt", "dbl"):
        # Not a number in one sample would poison a model, an encoder, and the level of a beep.
        return raw if np.isfinite(raw.sum()) else np.nan_to_num(raw, posinf=1.0, neginf=-1.0)
    return np.asarray((raw.astype(kind) - kind(zero)) / kind(scale))


class _Clock:
    """Where the next sample belongs, and how many are missing before a frame."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.position = 0
        self._origin: int | None = None
        self._next = 0

    def silences(self, frame: AudioFrame) -> Iterator[int]:
        """The sizes of the blocks of silence that belong before the frame, as sizes of a second or less."""
        missing = self._missing(frame)
        self.position += missing
        for at in range(0, missing, self.rate):
            yield min(self.rate, missing - at)

    def _missing(self, frame: AudioFrame) -> int:
        stamp = self._next
        if frame.pts is not None and frame.time_base is not None:
            stamp = frame.pts * frame.time_base.numerator * self.rate // frame.time_base.denominator
        if self._origin is None:
            self._origin, self._next = stamp, stamp
        jump, hole = stamp - self._next, stamp - self._origin - self.position
        self._next = stamp + frame.samples
        if not -self.rate < hole <= self.rate * _LARGEST_HOLE_MS // 1_000:
            self._origin = stamp - self.position
            return 0
        # Both: a late stamp that the next ones make good again is no hole twice, and slow drift is none at all.
        return hole if hole > 0 and jump > self.rate * _SMALLEST_HOLE_MS // 1_000 else 0


def mixed(block: Samples) -> Samples:
    """One channel: the mean of two; for more, louder than the mean, because the voice is in one or two of them."""
    channels = block.shape[0]
    if channels == 1:
        return block
    summed: Samples = block.sum(axis=0, keepdims=True)
    return summed / 2 if channels == 2 else np.clip(summed / channels**0.5, -1, 1)


def resampled(blocks: Iterable[Samples], source_rate: int, rate: int) -> Iterator[Samples]:
    """The sound at another rate. A resampler for each channel: so the names of the channels do not matter."""
    converters: list[AudioResampler] = []
    taken = given = 0
    for block in blocks:
        converters = converters or [AudioResampler("flt", "mono", rate) for _ in block]
        frames = [frame_of(channel[None], "flt", "mono", source_rate, taken) for channel in block]
        taken += block.shape[1]
        for part in _joined(converters, frames):
            given += part.shape[1]
            yield part
    for part in _joined(converters, [None] * len(converters)):
        given += part.shape[1]
        yield part
    # A few milliseconds are less than the filter is long, and nothing comes of them.
    if (short := -(-taken * rate // source_rate) - given) > 0:
        yield np.zeros((len(converters), short), dtype=np.float32)


def _joined(converters: list[AudioResampler], frames: Sequence[AudioFrame | None]) -> Iterator[Samples]:
    made = [converter.resample(frame) for converter, frame in zip(converters, frames, strict=True)]
    for parts in zip(*made, strict=True):
        yield np.concatenate([part.to_ndarray() for part in parts], axis=0)


def frame_of(samples: Samples, kind: str, layout: str, rate: int, position: int) -> AudioFrame:
    """The samples as a packed frame of the sample format ``kind``, which begins at sample ``position``.

    What came from whole numbers of the same width becomes those numbers again. Sound beyond full scale is clipped.
    """
    scale, zero, wide = _SCALES[kind]
    raw: npt.NDArray[Any] = samples.astype(wide, copy=False)
    if kind in _WHOLE:
        exact = np.rint(raw * wide(scale)) + wide(zero)
        raw = np.clip(exact, zero - scale, zero + scale - 1).astype(_WHOLE[kind])
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(raw.T).reshape(1, -1), kind, layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
    return frame
