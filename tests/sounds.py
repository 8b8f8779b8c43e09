"""Recordings made for a test: any container, codec, rate and number of channels, from samples or from a voice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio import AudioStream
from av.video.stream import VideoStream

Sound = npt.NDArray[np.floating[Any]]

LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1", 8: "7.1", 10: "10 channels"}
# What the encoder is given, packed, and the sample format that it is set to.
CODECS = {
    "pcm_u8": ("u8", "u8"), "pcm_s16le": ("s16", "s16"), "pcm_s24le": ("s32", "s32"), "pcm_s32le": ("s32", "s32"),
    "pcm_s16be": ("s16", "s16"), "pcm_f32le": ("flt", "flt"), "pcm_f64le": ("dbl", "dbl"), "pcm_mulaw": ("s16", "s16"),
    "libmp3lame": ("flt", "fltp"), "aac": ("flt", "fltp"), "libopus": ("flt", "flt"), "vorbis": ("flt", "fltp"),
    "flac": ("s16", "s16"), "flac24": ("s32", "s32"), "alac": ("s16", "s16p"),
}  # fmt: skip


def voice(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> Sound:
    """Noise between 300 and 3,400 Hz that swells and fades as syllables do; never 1 kHz, where the beep is."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    spectrum = np.fft.rfft(random.normal(0, 1, (channels, count)))
    hertz = np.fft.rfftfreq(count, 1 / rate)
    spectrum[:, (hertz < 300) | (hertz > 3_400) | (abs(hertz - 1_000) < 150)] = 0
    sound = np.fft.irfft(spectrum, count) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(count) / rate))
    return np.asarray(sound / np.abs(sound).max() * 0.5)


def ladder(seconds: int, rate: int) -> Sound:
    """Every second a tone 100 Hz higher, from 300 Hz: so a place in the sound tells its time."""
    at = np.arange(seconds * rate) / rate
    return 0.4 * np.sin(2 * np.pi * (300 + 100 * np.floor(at)) * at)[None]


def write(
    path: Path,
    sound: Sound,
    rate: int,
    codec: str,
    muxer: str,
    *,
    tags: dict[str, str] | None = None,
    bit_rate: int = 0,
) -> Path:
    """Encode the sound; integers of the codec's width where it has them."""
    given, takes = CODECS[codec]
    channels = sound.shape[0]
    with av.open(str(path), "w", format=muxer) as container:
        container.metadata.update(tags or {})
        options = {"strict": "experimental"} if codec == "vorbis" else {}
        name = codec.removesuffix("24")
        stream = cast(AudioStream, container.add_stream(name, rate=rate, layout=LAYOUTS[channels], options=options))
        stream.format = takes
        if muxer not in ("wav", "flac", "aiff"):
            stream.bit_rate = bit_rate or 64_000 * channels
        frame = av.AudioFrame.from_ndarray(_packed(sound, given, codec), given, LAYOUTS[channels])
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def _packed(sound: Sound, given: str, codec: str) -> npt.NDArray[Any]:
    flat = np.ascontiguousarray(sound.T).reshape(1, -1)
    if given == "u8":
        return (np.rint(flat * 127) + 128).astype(np.uint8)
    if given == "s16":
        return np.rint(flat * 32_767).astype(np.int16)
    if given == "s32":
        whole = np.rint(flat * (2**31 - 256)).astype(np.int32)
        return whole // 256 * 256 if codec != "pcm_s32le" else whole
    return flat.astype(np.float32 if given == "flt" else np.float64)


def write_video(path: Path, muxer: str, codec: str, sound: str | None = None, seconds: int = 2) -> Path:
    """A small video, with a track of sound in codec ``sound`` or without; ``mjpeg`` in MP3 is a cover picture."""
    with av.open(str(path), "w", format=muxer) as container:
        pictures = cast(VideoStream, container.add_stream(codec, rate=10))
        pictures.width, pictures.height = 64, 48
        pictures.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        track = cast(AudioStream, container.add_stream(sound, rate=16_000, layout="mono")) if sound else None
        packets = []
        for number in range(1 if codec == "mjpeg" else 10 * seconds):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 5, np.uint8), "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            packets += pictures.encode(picture)
        packets += pictures.encode(None)
        for packet in packets:
            container.mux(packet)
        if track is not None:
            given = voice(seconds, 16_000).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(given, "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
            for coded in [*track.encode(frame), *track.encode(None)]:
                container.mux(coded)
    return path


def write_frames(path: Path, starts: list[int], length: int) -> Path:
    """Frames of a steady tone, ``length`` ms each, at the times ``starts``: Matroska keeps any."""
    rate = 16_000
    tone = np.full((1, rate * length // 1_000), 8_000, np.int16)
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for start in starts:
            frame = av.AudioFrame.from_ndarray(tone, "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start * rate // 1_000, Fraction(1, rate)
            for packet in stream.encode(frame):
                container.mux(packet)
    return path


def samples_of(path: Path) -> npt.NDArray[Any]:
    """All samples as FFmpeg decodes them, in their own type: (channels, samples). Read apart from the code tested."""
    with av.open(str(path)) as container:
        parts = []
        for frame in container.decode(audio=0):
            part = frame.to_ndarray()
            parts.append(part if frame.format.is_planar else part.reshape(-1, frame.layout.nb_channels).T)
    return np.concatenate(parts, axis=1)


LOW, HIGH = (697, 770, 852, 941), (1_209, 1_336, 1_477)


def keys(
    sound: Sound, rate: int, random: np.random.Generator, *, every: float, decibels: float
) -> list[tuple[int, int]]:
    """Press random keys of a telephone over the speech in ``sound`` (one channel), about one ``every`` seconds.

    Each lasts 70 to 200 ms, within ``decibels`` of the loudness of the speech, its frequencies up to 0.5% off, one up
    to 4 dB louder than the other. The sound is changed in place; where the keys are comes back, in milliseconds.
    """
    frames = np.square(sound[0, : sound.shape[1] // 160 * 160].reshape(-1, 160)).mean(axis=1)
    loud = np.sqrt(frames[frames > np.quantile(frames, 0.95) / 100].mean())
    times = []
    for at in np.arange(0.1, sound.shape[1] / rate - every, every):
        count = int(random.uniform(0.07, 0.2) * rate)
        start = int((at + random.uniform(0, every - 0.25)) * rate)
        hertz = [random.choice(group) * random.uniform(0.995, 1.005) for group in (LOW, HIGH)]
        moment = np.arange(count) / rate
        twist = 10 ** (random.uniform(-4, 4) / 40)
        low, high = (np.sin(2 * np.pi * each * moment + random.uniform(0, 6)) for each in hertz)
        key = low * twist + high / twist
        fade = np.minimum(1, np.minimum(np.arange(count) + 1, count - np.arange(count)) / (0.005 * rate))
        gain = loud * 10 ** (random.uniform(-decibels, decibels) / 20)
        sound[0, start : start + count] += (key * fade * gain).astype(sound.dtype)
        times.append((start * 1_000 // rate, (start + count) * 1_000 // rate))
    return times
