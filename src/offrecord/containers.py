"""What recordings come in and go out as: the containers that are written, and how each encodes what it is given.

Nothing is lost that the container can carry: rate and channels stay, WAV keeps the kind of its samples, FLAC up to 24
bits of them, the others at least the bit rate that the source had. What it cannot carry is refused, or, for rates, the
nearest higher one is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import av

from offrecord.errors import UnknownFormat

__all__ = ["CONTAINERS", "SUFFIXES", "Encoding", "Media", "container_for", "encoding_for"]

CONTAINERS = ("mp3", "wav", "flac", "m4a", "ogg")
"""What is written; each name is also the extension. M4A holds AAC, OGG holds Opus."""

SUFFIXES = frozenset(
    ".mp3 .wav .flac .m4a .ogg .oga .opus .webm .mp4 .m4v .mov .mkv .mka .aac .aif .aiff .amr .au .avi .caf .wma "
    ".3gp".split()
)
"""Names that recordings go by. Others are read too; what counts is the content."""

_MUXERS = {"mp3": "mp3", "wav": "wav", "flac": "flac", "m4a": "ipod", "ogg": "ogg"}
_ENCODERS = {"mp3": "libmp3lame", "flac": "flac", "m4a": "aac", "ogg": "libopus"}
_CHANNELS = {"mp3": 2, "wav": 64, "flac": 8, "m4a": 8, "ogg": 8}
_RATES = {
    "mp3": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    "m4a": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000),
    # A player gets 48 kHz from any Opus file; what the others spare is inside the encoder.
    "ogg": (8_000, 12_000, 16_000, 24_000, 48_000),
}
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")

# Speech does not gain from the encoders' slowest searches: these take half to a third of the time (an hour of two
# channels at 16 kHz: MP3 21 s for 32, AAC 11 for 32, Opus 18 for 29).
_OPTIONS = {"mp3": {"compression_level": "7"}, "m4a": {"aac_coder": "fast"}, "ogg": {"compression_level": "5"}}

# Bits per second that a frame of MP3 may have, by the generation of the format that the rate belongs to.
_MP3_RATES = (
    (12_000, (8, 16, 24, 32, 40, 48, 56, 64)),
    (24_000, (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)),
    (48_000, (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)),
)

_PCM = {
    "pcm_u8": "u8",
    "pcm_s16le": "s16",
    "pcm_s24le": "s32",
    "pcm_s32le": "s32",
    "pcm_f32le": "flt",
    "pcm_f64le": "dbl",
}
_DEEP = ("s32", "flt", "dbl")
_LOSSLESS = ("flac", "alac", "wavpack", "tta", "ape", "tak")


@dataclass(frozen=True, slots=True)
class Media:
    """What a file holds: the length in milliseconds (rounded up) and the rate (Hz) of its first audio stream.

    ``codec`` and ``format`` are FFmpeg's names of codec and container; ``sample_format`` and ``layout`` those of the
    decoded samples and of the order of the channels. ``bit_rate`` is in bits per second, None where the file does not
    say. A cover picture is not video.
    """

    duration: int
    rate: int
    channels: int
    codec: str
    format: str
    has_video: bool
    sample_format: str
    layout: str
    bit_rate: int | None


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a sound is written. ``takes`` are the samples that the encoder wants; ``given``, packed, those it is sent."""

    muxer: str
    codec: str
    takes: str
    given: str
    rate: int
    layout: str
    bit_rate: int | None
    options: dict[str, str] = field(default_factory=dict)


def container_for(media: Media) -> str:
    """The container that the recording came in, or else the one that suits its codec.

    MP3, WAV, FLAC and OGG stay. MP4 and its kin, video too, become M4A. From all others (WebM, Matroska, AIFF, AVI, …)
    PCM becomes WAV, other lossless codecs FLAC, Opus and Vorbis OGG, MP3 stays MP3, and the rest becomes M4A.
    """
    names = media.format.split(",")
    if names[0] in CONTAINERS or "m4a" in names:
        return "m4a" if "m4a" in names else names[0]
    if media.codec.startswith("pcm_"):
        return "wav"
    if media.codec in _LOSSLESS:
        return "flac"
    return {"opus": "ogg", "vorbis": "ogg", "mp3": "mp3"}.get(media.codec, "m4a")


def encoding_for(media: Media, container: str) -> Encoding:
    """How to write a recording like ``media`` into ``container``.

    Raises `UnknownFormat` for a container outside `CONTAINERS`, and where it cannot hold so many channels.
    """
    if container not in CONTAINERS:
        raise UnknownFormat(f"unknown container {container!r}; expected one of {', '.join(CONTAINERS)}")
    most = _CHANNELS[container]
    if media.channels > most:
        raise UnknownFormat(
            f"{container} holds at most {most} channels, the recording has {media.channels}; choose wav"
        )
    codec, takes, given = _codec(media, container)
    if codec not in av.codecs_available:
        raise UnknownFormat(
            f"this build of PyAV cannot write {container} (no {codec}); choose wav, or install its wheel"
        )
    return Encoding(
        muxer=_MUXERS[container],
        codec=codec,
        takes=takes,
        given=given,
        rate=_rate(media.rate, container),
        layout=_layout(media, container),
        bit_rate=_bit_rate(media, container),
        options=_OPTIONS.get(container, {}),
    )


def _codec(media: Media, container: str) -> tuple[str, str, str]:
    """The encoder, the samples it takes, and the packed samples it is given."""
    deep = media.sample_format in _DEEP and (media.codec.startswith("pcm_") or media.codec in _LOSSLESS)
    if container == "flac":
        kind = "s32" if deep else "s16"
        return "flac", kind, kind
    if container == "wav":
        little = media.codec.removesuffix("be").removesuffix("le") + "le"
        same = media.codec if media.codec in _PCM else little
        # What was not PCM has 16 bits, or 24 where a lossless codec had more.
        codec = same if same in _PCM else "pcm_s24le" if deep else "pcm_s16le"
        return codec, _PCM[codec], _PCM[codec]
    return _ENCODERS[container], "flt" if container == "ogg" else "fltp", "flt"


def _rate(rate: int, container: str) -> int:
    """The rate itself, or the next higher that the codec knows. Opus takes 48 kHz for what it does not know."""
    known = _RATES.get(container, (rate,))
    if container == "ogg":
        return rate if rate in known else known[-1]
    return next((each for each in known if each >= rate), known[-1])


def _layout(media: Media, container: str) -> str:
    """The order of the channels. Lossy codecs know one for each number; in WAV and FLAC it stays if it has a name."""
    named = "channels" not in media.layout
    if media.channels > len(_LAYOUTS) or (named and container in ("wav", "flac")):
        return media.layout
    return _LAYOUTS[media.channels - 1]


def _bit_rate(media: Media, container: str) -> int | None:
    """Bits per second: the source's own, where it was compressed, and what the codec needs to do it justice."""
    if container not in _RATES:
        return None
    # Two bits a sample keep a voice as it was; half of that where the source came from the same codec with as little.
    least = min(64_000, max(24_000, 2 * media.rate)) * media.channels
    if media.codec == {"mp3": "mp3", "m4a": "aac", "ogg": "opus"}[container]:
        least //= 2
    lossless = media.codec.startswith("pcm_") or media.codec in _LOSSLESS
    wanted = least if lossless else max(least, media.bit_rate or 0)
    if container == "ogg":
        return min(wanted, 256_000 * media.channels)
    if container == "m4a":
        return wanted
    rate = _rate(media.rate, container)
    steps = next(steps for top, steps in _MP3_RATES if rate <= top)
    # The mean over a file of constant rate is off by a few bits, for the frames are whole bytes.
    return next((step * 1_000 for step in steps if step * 1_000 >= wanted * 0.999), steps[-1] * 1_000)
