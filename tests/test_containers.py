"""What a recording is written as: container, codec, rate, bit rate and channels, from what it came as."""

from __future__ import annotations

import pytest

from offrecord.containers import CONTAINERS, SUFFIXES, Media, container_for, encoding_for
from offrecord.errors import UnknownFormat


def media(
    codec: str = "pcm_s16le",
    *,
    rate: int = 16_000,
    channels: int = 1,
    bit_rate: int | None = None,
    sample_format: str = "s16",
    layout: str = "",
    container: str = "wav",
) -> Media:
    return Media(
        duration=1_000,
        rate=rate,
        channels=channels,
        codec=codec,
        format=container,
        has_video=False,
        sample_format=sample_format,
        layout=layout or f"{channels} channels",
        bit_rate=bit_rate,
    )


@pytest.mark.parametrize(
    ("source", "container", "expected"),
    [
        # compressed by the same codec: the rate it had, or the next step of MP3
        (media("mp3", bit_rate=64_000, channels=2), "mp3", 64_000),
        (media("mp3", bit_rate=64_010, channels=2), "mp3", 64_000),
        (media("mp3", bit_rate=65_000, channels=2), "mp3", 80_000),
        (media("mp3", rate=44_100, bit_rate=320_000, channels=2), "mp3", 320_000),
        (media("aac", rate=44_100, bit_rate=131_071, channels=2), "m4a", 131_071),
        # too little to be encoded again: half of what would do for another codec
        (media("mp3", rate=8_000, bit_rate=8_000), "mp3", 16_000),
        (media("aac", rate=44_100, bit_rate=20_000, channels=2), "m4a", 64_000),
        # from another codec, or from none
        (media("opus", rate=48_000, bit_rate=24_000), "mp3", 64_000),
        (media("mp3", rate=44_100, bit_rate=192_000, channels=2), "m4a", 192_000),
        (media(bit_rate=256_000), "mp3", 32_000),
        (media(rate=8_000, bit_rate=128_000), "ogg", 24_000),
        (media(rate=44_100, bit_rate=1_411_200, channels=2), "mp3", 128_000),
        # the most that the codec can
        (media("vorbis", rate=8_000, bit_rate=500_000), "mp3", 64_000),
        (media("aac", rate=48_000, bit_rate=600_000), "ogg", 256_000),
        # these have none
        (media("mp3", bit_rate=64_000), "wav", None),
        (media("mp3", bit_rate=64_000), "flac", None),
    ],
)
def test_bit_rate(source: Media, container: str, expected: int | None) -> None:
    """Never less than the source's own as far as the codec goes, and enough for a voice."""
    assert encoding_for(source, container).bit_rate == expected


@pytest.mark.parametrize(
    ("source", "container", "codec"),
    [
        (media("pcm_u8", sample_format="u8"), "wav", "pcm_u8"),
        (media("pcm_s24le", sample_format="s32"), "wav", "pcm_s24le"),
        (media("pcm_s24be", sample_format="s32"), "wav", "pcm_s24le"),
        (media("pcm_s32le", sample_format="s32"), "wav", "pcm_s32le"),
        (media("pcm_f32be", sample_format="flt"), "wav", "pcm_f32le"),
        (media("pcm_alaw"), "wav", "pcm_s16le"),
        (media("adpcm_ms"), "wav", "pcm_s16le"),
        (media("flac", sample_format="s32"), "wav", "pcm_s24le"),
        (media("flac", sample_format="s16"), "wav", "pcm_s16le"),
        (media("mp3", sample_format="flt"), "wav", "pcm_s16le"),
    ],
)
def test_wav_keeps_the_kind_of_the_samples(source: Media, container: str, codec: str) -> None:
    """What is no PCM of the kind has 16 bits, or 24 where a lossless codec had more."""
    assert encoding_for(source, container).codec == codec


@pytest.mark.parametrize(
    ("source", "bits"),
    [
        (media("pcm_s16le"), "s16"),
        (media("pcm_s24le", sample_format="s32"), "s32"),
        (media("pcm_f32le", sample_format="flt"), "s32"),
        (media("mp3", sample_format="flt"), "s16"),
    ],
)
def test_flac_keeps_up_to_24_bits(source: Media, bits: str) -> None:
    """Compressed sound has no more than 16 bits worth keeping."""
    assert encoding_for(source, "flac").takes == bits


@pytest.mark.parametrize(
    ("layout", "channels", "container", "expected"),
    [
        ("5.1(side)", 6, "wav", "5.1(side)"),
        ("5.1(side)", 6, "flac", "5.1(side)"),
        ("5.1(side)", 6, "m4a", "5.1"),
        ("6 channels", 6, "wav", "5.1"),
        ("1 channels", 1, "mp3", "mono"),
        ("10 channels", 10, "wav", "10 channels"),
        ("stereo", 2, "ogg", "stereo"),
    ],
)
def test_order_of_the_channels(layout: str, channels: int, container: str, expected: str) -> None:
    """The named order stays where the container knows names; channels without names get the usual ones."""
    assert encoding_for(media(channels=channels, layout=layout), container).layout == expected


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mp3", "mp3", "mp3"),
        ("ogg", "vorbis", "ogg"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "aac", "m4a"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "pcm_s16le", "m4a"),
        ("matroska,webm", "opus", "ogg"),
        ("matroska,webm", "mp3", "mp3"),
        ("aiff", "pcm_s24be", "wav"),
        ("wv", "wavpack", "flac"),
        ("aac", "aac", "m4a"),
        ("amr", "amrnb", "m4a"),
        ("avi", "mp3", "mp3"),
        ("mpegts", "ac3", "m4a"),
    ],
)
def test_container_by_default(container: str, codec: str, expected: str) -> None:
    """The one that came in, or the one that suits the codec."""
    assert container_for(media(codec, container=container)) == expected


@pytest.mark.parametrize(("container", "most"), [("mp3", 2), ("wav", 64), ("flac", 8), ("m4a", 8), ("ogg", 8)])
def test_too_many_channels_are_refused(container: str, most: int) -> None:
    """They are not mixed down unasked: the line says how many there may be."""
    encoding_for(media(channels=most), container)
    with pytest.raises(UnknownFormat, match=f"{container} holds at most {most} channels"):
        encoding_for(media(channels=most + 1), container)


def test_every_container_is_a_suffix_that_is_read() -> None:
    """What is written can be found and read again."""
    assert {f".{name}" for name in CONTAINERS} <= SUFFIXES
