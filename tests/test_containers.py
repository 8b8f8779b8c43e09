"""What a recording is written as: container, codec, rate, bit rate and channels, from what it came as."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from offrecord.containers import CONTAINERS, SUFFIXES, Media, container_for, encoding_for, suffix_for
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
        (media("pcm_alaw"), "wav", "pcm_alaw"),
        (media("pcm_mulaw"), "mov", "pcm_mulaw"),
        (media("pcm_s24be", sample_format="s32"), "aiff", "pcm_s24be"),
        (media("pcm_s24le", sample_format="s32"), "aiff", "pcm_s24be"),
        (media("pcm_u8", sample_format="u8"), "aiff", "pcm_s8"),
        (media("pcm_s8", sample_format="u8"), "wav", "pcm_u8"),
        (media("adpcm_ms"), "wav", "pcm_s16le"),
        (media("flac", sample_format="s32"), "wav", "pcm_s24le"),
        (media("flac", sample_format="s16"), "wav", "pcm_s16le"),
        (media("mp3", sample_format="flt"), "wav", "pcm_s16le"),
    ],
)
def test_pcm_keeps_the_kind_of_the_samples(source: Media, container: str, codec: str) -> None:
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
        ("matroska,webm", "opus", "mka"),
        ("aiff", "pcm_s24be", "aiff"),
        ("caf", "pcm_s16be", "wav"),
        ("caf", "alac", "flac"),
        ("wv", "wavpack", "flac"),
        ("aac", "aac", "m4a"),
        ("amr", "amrnb", "flac"),
        ("avi", "mp3", "mp3"),
        ("mpegts", "ac3", "flac"),
    ],
)
def test_container_by_default(container: str, codec: str, expected: str) -> None:
    """The one that came in, or the one that suits the codec."""
    assert container_for(media(codec, container=container)) == expected


@pytest.mark.parametrize(
    ("container", "brand", "has_video", "expected"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "isom", True, "mp4"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "M4A ", False, "m4a"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "qt  ", True, "mov"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "qt  ", False, "mov"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "3gp4", True, "mov"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "3gp4", False, "m4a"),
        ("matroska,webm", "", True, "mkv"),
        ("matroska,webm", "webm", True, "webm"),
        ("matroska,webm", "webm", False, "webm"),
        ("avi", "", True, "mkv"),
        ("mpegts", "", True, "mkv"),
        ("mpegts", "", False, "m4a"),
    ],
)
def test_container_of_a_video(container: str, brand: str, has_video: bool, expected: str) -> None:
    """A video stays one, in its own container if that is written; Matroska holds the others."""
    assert container_for(replace(media("aac", container=container), brand=brand, has_video=has_video)) == expected


@pytest.mark.parametrize(
    ("container", "pictures", "expected"),
    [
        ("asf", ("wmv2",), "m4a"),
        ("flv", ("flv1",), "m4a"),
        ("flv", ("h264",), "mkv"),
        ("avi", ("mpeg4", "indeo5"), "m4a"),
    ],
)
def test_pictures_that_cannot_be_kept_leave_the_sound(container: str, pictures: tuple[str, ...], expected: str) -> None:
    """What Matroska does not take is left out; a notice says so."""
    source = replace(media("aac", container=container), has_video=True, pictures=pictures)
    assert container_for(source) == expected


@pytest.mark.parametrize(
    ("name", "container", "expected"),
    [
        ("call.opus", "ogg", "opus"),
        ("clip.M4V", "mp4", "m4v"),
        ("clip.mp4", "mov", "mov"),
        ("call.mkv", "mka", "mkv"),
        ("call.opus", "flac", "flac"),
        ("call", "mp3", "mp3"),
    ],
)
def test_the_extension_stays_if_it_means_the_container(name: str, container: str, expected: str) -> None:
    """The content decides; a name that says the same in another way is kept."""
    assert suffix_for(Path(name), container) == expected


@pytest.mark.parametrize(
    ("source", "container", "codec", "kept"),
    [
        (media("aac"), "mp4", "aac", True),
        (media("mp3"), "mkv", "libmp3lame", True),
        (media("alac"), "m4a", "alac", True),
        (media("flac"), "ogg", "flac", True),
        (media("vorbis"), "mkv", "flac", False),
        (media("dts"), "mkv", "flac", False),
        (media("amrnb", rate=8_000), "mov", "aac", False),
        (media("vorbis"), "webm", "libopus", False),
        (media("vorbis"), "ogg", "libopus", False),
        (media("amrnb", rate=8_000), "flac", "flac", False),
    ],
)
def test_a_codec_stays_if_it_can_be_written(source: Media, container: str, codec: str, kept: bool) -> None:
    """What cannot becomes FLAC where the container holds it, or else what the container is made for."""
    encoding = encoding_for(source, container)
    assert (encoding.codec, encoding.kept) == (codec, kept)


@pytest.mark.parametrize(("container", "most"), [("mp3", 2), ("wav", 64), ("flac", 8), ("m4a", 8), ("ogg", 8)])
def test_too_many_channels_are_refused(container: str, most: int) -> None:
    """They are not mixed down unasked: the line says how many there may be."""
    encoding_for(media(channels=most), container)
    with pytest.raises(UnknownFormat, match=f"{container} holds at most {most} channels"):
        encoding_for(media(channels=most + 1), container)


def test_every_container_is_a_suffix_that_is_read() -> None:
    """What is written can be found and read again."""
    assert {f".{name}" for name in CONTAINERS} <= SUFFIXES
