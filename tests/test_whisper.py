"""The local recogniser on real recordings."""

from __future__ import annotations

import logging
from collections import namedtuple
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from offrecord.errors import ModelError, UsageError
from offrecord.transcribe import Chunk, whisper
from offrecord.transcribe.whisper import CHUNK, _joined, chunks
from offrecord.types import Transcript, Word

Piece = namedtuple("Piece", "word start end probability")


@pytest.fixture(scope="module")
def recogniser() -> whisper.Whisper:
    """The bundled model."""
    return whisper.load(threads=2)


def _words(chunks: Iterator[Chunk]) -> tuple[list[Word], int]:
    heard = list(chunks)
    return [word for chunk in heard for word in chunk.words], heard[-1].end


def test_a_sentence_is_recognised_with_times(recogniser: whisper.Whisper) -> None:
    """Real speech: the words in order, inside the recording, with confidence."""
    words, end = _words(recogniser.transcribe(AUDIO / "ljspeech32" / "LJ001-0002.flac"))
    assert "modern" in " ".join(word.text for word in words).lower()
    assert all(a.start <= b.start for a, b in pairwise(words))
    assert all(0 <= word.start <= word.end <= end for word in words)
    assert all(word.confidence is not None for word in words)


def test_a_chunk_names_its_language(recogniser: whisper.Whisper) -> None:
    """What is known of English can then be used of it, whether the user or the model said so."""
    (chunk,) = recogniser.transcribe(AUDIO / "ljspeech32" / "LJ001-0002.flac")
    assert chunk.language == "en"


def test_the_words_of_a_segment_are_its_text(recogniser: whisper.Whisper) -> None:
    """Nothing the recogniser wrote is lost when its pieces are joined to words."""
    words, _ = _words(recogniser.transcribe(AUDIO / "calls" / "d001.mp3"))
    assert all(not word.text.startswith(("-", ".", ",")) for word in words)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([" 415", "-555", "-0132,"], ["415-555-0132,"]),
        ([" larch", "mail", ".com"], ["larchmail.com"]),
        ([" 62", ",704"], ["62,704"]),
        ([" the", " end", "."], ["the", "end."]),
        (["-555"], ["-555"]),
        ([" ", " a"], ["a"]),
    ],
)
def test_split_pieces_become_one_word(pieces: list[str], words: list[str]) -> None:
    """A piece with no space before it belongs to the word before it, with its time."""
    made = [Piece(text, i * 0.1, i * 0.1 + 0.1, 0.9 - i * 0.1) for i, text in enumerate(pieces)]
    joined = list(_joined(made, spaced=True))
    assert [text for text, *_ in joined] == words
    assert joined[-1][2] == pytest.approx(made[-1].end)


def test_languages_without_spaces_keep_their_words() -> None:
    """Where no word has a space before it, each piece stays a word."""
    made = [Piece(text, 0.0, 0.1, 0.9) for text in ("電話", "番号")]
    assert [text for text, *_ in _joined(made, spaced=False)] == ["電話", "番号"]


def test_silence_has_no_words(recogniser: whisper.Whisper, tmp_path: Path) -> None:
    """Nothing is made up where nobody speaks."""
    path = tmp_path / "quiet.wav"
    _write(path, np.zeros((1, 16_000 * 5), np.float32))
    words, end = _words(recogniser.transcribe(path))
    assert words == []
    assert end == 5_000


def test_channels_are_recognised_on_their_own(recogniser: whisper.Whisper) -> None:
    """In a call with one person a channel, each word has its channel, and utterances do not mix them."""
    words, end = _words(recogniser.transcribe(AUDIO / "calls" / "d006.mp3", "separate"))
    transcript = Transcript.spoken(words, end)
    assert {word.channel for word in words} == {0, 1}
    assert len(transcript.utterances) > 6
    assert all(len({transcript.words[i].channel for i in u.words}) == 1 for u in transcript.utterances)


@given(st.lists(st.integers(1, CHUNK), min_size=0, max_size=6), st.integers(1, 2))
def test_chunks_are_the_samples(lengths: list[int], channels: int) -> None:
    """Cutting loses and repeats nothing, and no chunk is longer than the limit."""
    total = sum(lengths)
    whole = np.arange(total, dtype=np.float32) % 97
    at = 0
    blocks: list[NDArray[np.float32]] = []
    for length in lengths:
        blocks.append(np.repeat(whole[None, at : at + length], channels, axis=0))
        at += length
    cut = list(chunks(iter(blocks)))
    assert all(0 < chunk.shape[1] <= CHUNK for chunk in cut)
    joined = np.concatenate([chunk[0] for chunk in cut]) if cut else np.zeros(0, np.float32)
    assert np.array_equal(joined, whole)


def test_chunks_are_cut_where_it_is_quiet() -> None:
    """The cut falls into the pause, not into a word."""
    samples = np.full((1, CHUNK + 16_000), 0.5, np.float32)
    pause = slice(CHUNK - 200_000, CHUNK - 180_000)
    samples[:, pause] = 0
    first = next(chunks(iter([samples])))
    assert pause.start < first.shape[1] < pause.stop


def test_a_long_recording_is_heard_over_its_cuts(recogniser: whisper.Whisper, tmp_path: Path) -> None:
    """Nine minutes of the same call: words up to the end, in the order of their times."""
    from offrecord import audio

    call = np.concatenate(list(audio.decode(AUDIO / "calls" / "d016.mp3")), axis=1)
    path = tmp_path / "long.wav"
    _write(path, np.tile(call, 9))
    words, end = _words(recogniser.transcribe(path))
    assert end > 500_000
    assert words[-1].end > end - 20_000
    assert all(a.start <= b.start for a, b in pairwise(words))


@pytest.mark.parametrize("name", ["gigantic", "./nowhere", "a/b/c", ""])
def test_an_unknown_model_is_a_usage_error(name: str) -> None:
    """It is not a name, a directory or a hub id."""
    with pytest.raises(UsageError):
        whisper.load(name)


@pytest.mark.parametrize("name", ["base", "someone/some-model"])
def test_a_model_that_cannot_be_fetched_is_a_model_error(name: str) -> None:
    """Without a hub, one clear line."""
    with pytest.raises(ModelError, match="cannot be loaded"):
        whisper.load(name)


def test_a_directory_without_a_model_is_a_model_error(tmp_path: Path) -> None:
    """Empty, or with rubbish in it."""
    with pytest.raises(ModelError):
        whisper.load(str(tmp_path))


def test_another_language_than_the_model_knows_is_refused() -> None:
    """tiny.en would write English rubbish."""
    with pytest.raises(UsageError, match="English only"):
        whisper.load(language="de")


def test_the_recogniser_logs_nothing_of_the_speech(
    recogniser: whisper.Whisper, caplog: pytest.LogCaptureFixture
) -> None:
    """Even with all logging on."""
    caplog.set_level(logging.DEBUG)
    words, _ = _words(recogniser.transcribe(AUDIO / "ljspeech32" / "LJ001-0002.flac"))
    assert words
    assert "modern" not in caplog.text.lower()


def _write(path: Path, samples: NDArray[np.float32]) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())
