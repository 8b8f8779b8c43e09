"""What recordings come in and go out as: the containers that are written, and how each encodes what it is given.

Nothing is lost that the container can carry: the codec stays where it can be written, rate and channels stay, PCM keeps
the kind of its samples, FLAC and ALAC up to 24 bits of them, the others at least the bit rate that the source had. What
it cannot carry is refused, or, for rates, the nearest higher one is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av

from offrecord.errors import UnknownFormat

__all__ = ["CONTAINERS", "PICTURES", "SUFFIXES", "Encoding", "Media", "container_for", "encoding_for", "suffix_for"]

CONTAINERS = ("mp3", "wav", "flac", "m4a", "ogg", "aiff", "mka", "mp4", "mov", "mkv", "webm")
"""What is written; each name is also the extension. The last four hold pictures as well."""

PICTURES = frozenset(("mp4", "mov", "mkv", "webm"))
"""The containers that a video stays in."""

SUFFIXES = frozenset(
    ".mp3 .wav .flac .m4a .ogg .oga .opus .webm .mp4 .m4v .mov .mkv .mka .aac .aif .aiff .amr .au .avi .caf .wma "
    ".3gp".split()
)
"""Names that recordings go by. Others are read too; what counts is the content."""

_COPIED = frozenset("h264 hevc vvc av1 vp8 vp9 mpeg1video mpeg2video mpeg4 msmpeg4v3 mjpeg theora ffv1 prores".split())
"""Pictures that Matroska takes from another container as they are. WMV and Sorenson (FLV) are not among them."""

_ALSO_NAMED = {
    ".oga": "ogg",
    ".opus": "ogg",
    ".aif": "aiff",
    ".m4v": "mp4",
    ".m4b": "m4a",
    ".mkv": "mka",
    ".wave": "wav",
}

_MUXERS = {"m4a": "ipod", "mka": "matroska", "mkv": "matroska"}
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus"}
_CHANNELS = {"mp3": 2, "flac": 8, "alac": 8, "aac": 8, "opus": 8}
_RATES = {
    "mp3": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    "aac": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000),
    # A player gets 48 kHz from any Opus file; what the others spare is inside the encoder.
    "opus": (8_000, 12_000, 16_000, 24_000, 48_000),
}
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")

# Speech does not gain from the encoders' slowest searches: these take half to a third of the time (an hour of two
# channels at 16 kHz: MP3 21 s for 32, AAC 11 for 32, Opus 18 for 29).
_OPTIONS = {"mp3": {"compression_level": "7"}, "aac": {"aac_coder": "fast"}, "opus": {"compression_level": "5"}}

# Bits per second that a frame of MP3 may have, by the generation of the format that the rate belongs to.
_MP3_RATES = (
    (12_000, (8, 16, 24, 32, 40, 48, 56, 64)),
    (24_000, (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)),
    (48_000, (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)),
)

_LITTLE = {
    "pcm_u8": "u8",
    "pcm_s16le": "s16",
    "pcm_s24le": "s32",
    "pcm_s32le": "s32",
    "pcm_f32le": "flt",
    "pcm_f64le": "dbl",
}
_BIG = {"pcm_s8": "u8"} | {name.removesuffix("le") + "be": kind for name, kind in _LITTLE.items() if "le" in name}
_TELEPHONE = {"pcm_mulaw": "s16", "pcm_alaw": "s16"}
_PCM = _LITTLE | _BIG | _TELEPHONE
"""PCM by the packed samples that its encoder takes: what is decoded from it becomes the same bytes again."""

# The codecs that a container keeps as they came; the first is what all others become.
_KEPT: dict[str, tuple[str, ...]] = {
    "mp3": ("mp3",),
    "wav": ("pcm_s16le", *_LITTLE, *_TELEPHONE),
    "flac": ("flac",),
    "m4a": ("aac", "alac"),
    "ogg": ("opus", "flac"),
    "aiff": ("pcm_s16be", *_BIG),
    "mka": ("flac", "aac", "mp3", "opus", "alac", *_LITTLE),
    "mp4": ("aac", "mp3", "opus", "flac", "alac"),
    "mov": ("aac", "alac", *_LITTLE, *_BIG, *_TELEPHONE),
    "mkv": ("flac", "aac", "mp3", "opus", "alac", *_LITTLE),
    "webm": ("opus",),
}
_DEEP = ("s32", "flt", "dbl")
_LOSSLESS = ("flac", "alac", "wavpack", "tta", "ape", "tak")


@dataclass(frozen=True, slots=True)
class Media:
    """What a file holds: the length in milliseconds (rounded up) and the rate (Hz) of its first audio stream.

    ``codec`` and ``format`` are FFmpeg's names of codec and container; ``sample_format`` and ``layout`` those of the
    decoded samples and of the order of the channels. ``bit_rate`` is in bits per second, None where the file does not
    say. ``brand`` tells apart what FFmpeg does not: ``qt`` is a MOV, ``webm`` no other Matroska. ``starts`` is where
    the first sample stands on the file's own clock, in microseconds: a video's sound may begin after its picture.
    ``pictures`` are FFmpeg's names of the codecs of what moves.
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
    brand: str = ""
    starts: int = 0
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a sound is written. ``takes`` are the samples that the encoder wants; ``given``, packed, those it is sent.

    ``kept`` is whether the codec is the one that the recording came in.
    """

    muxer: str
    codec: str
    takes: str
    given: str
    rate: int
    layout: str
    bit_rate: int | None
    options: dict[str, str] = field(default_factory=dict)
    kept: bool = True


def container_for(media: Media) -> str:
    """The container that the recording came in, or else the one that suits its codec.

    MP3, WAV, FLAC, OGG, AIFF, M4A, MP4, MOV, Matroska and WebM stay. Videos in all others (AVI, MPEG, …) become
    Matroska, if it holds their pictures, and those of old telephones (3GP) MOV. Of sound alone, PCM becomes WAV, AAC
    M4A, Opus and Vorbis OGG, MP3 stays MP3, and the rest becomes FLAC.
    """
    names = media.format.split(",")
    if "m4a" in names:
        # What telephones of old filmed (3GP) may have pictures that MP4 does not know and MOV does.
        if media.brand.startswith("qt") or (media.has_video and media.brand.startswith("3g")):
            return "mov"
        return "mp4" if media.has_video else "m4a"
    copied = media.has_video and _COPIED.issuperset(media.pictures)
    if "matroska" in names:
        return "webm" if media.brand == "webm" else "mkv" if copied else "mka"
    if copied or names[0] in CONTAINERS:
        return "mkv" if copied else names[0]
    if media.codec.startswith("pcm_"):
        return "wav"
    return {"aac": "m4a", "opus": "ogg", "vorbis": "ogg", "mp3": "mp3"}.get(media.codec, "flac")


def suffix_for(source: Path, container: str) -> str:
    """The extension, without its dot, that ``container`` goes by: the source's own where it means the same."""
    suffix = source.suffix.lower()
    return suffix[1:] if _ALSO_NAMED.get(suffix) == container else container


def encoding_for(media: Media, container: str) -> Encoding:
    """How to write a recording like ``media`` into ``container``.

    Raises `UnknownFormat` for a container outside `CONTAINERS`, and where it cannot hold so many channels.
    """
    if container not in CONTAINERS:
        raise UnknownFormat(f"unknown container {container!r}; expected one of {', '.join(CONTAINERS)}")
    codec = _codec(media, container)
    most = _CHANNELS.get(codec, 64)
    if media.channels > most:
        raise UnknownFormat(
            f"{container} holds at most {most} channels, the recording has {media.channels}; choose wav"
        )
    encoder = _ENCODERS.get(codec, codec)
    if encoder not in av.codecs_available:
        raise UnknownFormat(
            f"this build of PyAV cannot write {container} (no {encoder}); choose wav, or install its wheel"
        )
    takes, given = _samples(media, codec)
    return Encoding(
        muxer=_MUXERS.get(container, container),
        codec=encoder,
        takes=takes,
        given=given,
        rate=_rate(media.rate, codec),
        layout=_layout(media, codec),
        bit_rate=_bit_rate(media, codec),
        options=_OPTIONS.get(codec, {}),
        kept=codec == media.codec,
    )


def _lossless(media: Media) -> bool:
    return media.codec.startswith("pcm_") or media.codec in _LOSSLESS


def _deep(media: Media) -> bool:
    """Whether there is more in the samples than 16 bits hold. Compressed sound has no more worth keeping."""
    return media.sample_format in _DEEP and _lossless(media)


def _codec(media: Media, container: str) -> str:
    """The codec that it came in, if the container keeps it, or the nearest that it has."""
    kept = _KEPT[container]
    if media.codec in kept:
        return media.codec
    if not kept[0].startswith("pcm_"):
        return kept[0]
    # The same samples in the other order of bytes; what was not PCM has 16 bits, or 24 where it had more.
    order = kept[0][-2:]
    turned = media.codec[:-2] + order
    if media.codec in ("pcm_u8", "pcm_s8"):
        turned = "pcm_u8" if order == "le" else "pcm_s8"
    return turned if turned in kept else f"pcm_s24{order}" if _deep(media) else kept[0]


def _samples(media: Media, codec: str) -> tuple[str, str]:
    """The samples that the encoder takes, and the packed samples that it is given."""
    if codec in _PCM:
        return _PCM[codec], _PCM[codec]
    if codec in ("flac", "alac"):
        kind = "s32" if _deep(media) else "s16"
        return kind + "p" * (codec == "alac"), kind
    return "flt" if codec == "opus" else "fltp", "flt"


def _rate(rate: int, codec: str) -> int:
    """The rate itself, or the next higher that the codec knows. Opus takes 48 kHz for what it does not know."""
    known = _RATES.get(codec, (rate,))
    if codec == "opus":
        return rate if rate in known else known[-1]
    return next((each for each in known if each >= rate), known[-1])


def _layout(media: Media, codec: str) -> str:
    """The order of the channels. Lossy codecs know one for each number; in PCM and FLAC it stays if it has a name."""
    named = "channels" not in media.layout
    if media.channels > len(_LAYOUTS) or (named and (codec in _PCM or codec == "flac")):
        return media.layout
    return _LAYOUTS[media.channels - 1]


def _bit_rate(media: Media, codec: str) -> int | None:
    """Bits per second: the source's own, where it was compressed, and what the codec needs to do it justice."""
    if codec not in _RATES:
        return None
    # Two bits a sample keep a voice as it was; half of that where the source came from the same codec with as little.
    least = min(64_000, max(24_000, 2 * media.rate)) * media.channels
    if media.codec == codec:
        least //= 2
    wanted = least if _lossless(media) else max(least, media.bit_rate or 0)
    if codec == "opus":
        return min(wanted, 256_000 * media.channels)
    if codec == "aac":
        return wanted
    rate = _rate(media.rate, codec)
    steps = next(steps for top, steps in _MP3_RATES if rate <= top)
    # The mean over a file of constant rate is off by a few bits, for the frames are whole bytes.
    return next((step * 1_000 for step in steps if step * 1_000 >= wanted * 0.999), steps[-1] * 1_000)
