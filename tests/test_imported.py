"""Bring your own transcript: every format, and every way in which one is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.errors import InputError
from offrecord.transcribe.imported import from_text, read, read_text

ASSEMBLYAI = {
    "words": [
        {"text": "Hello", "start": 100, "end": 400, "confidence": 0.9, "speaker": "A", "channel": "1"},
        {"text": "there.", "start": 400, "end": 900, "confidence": 0.8, "speaker": "A", "channel": "1"},
    ]
}
WHISPER = {
    "segments": [
        {"start": 0.1, "end": 0.9, "text": " Hello there.", "words": [
            {"word": " Hello", "start": 0.1, "end": 0.4, "probability": 0.9}, {"word": " there.", "start": 0.4, "end": 0.9, "probability": 0.8}]},
    ]
}  # fmt: skip
WHISPERX = {
    "segments": [
        {"start": 0.0, "end": 1.0, "text": "call 4155 now", "speaker": "S1", "words": [
            {"word": "call", "start": 0.0, "end": 0.2, "score": 0.9}, {"word": "4155"}, {"word": "now", "start": 0.8, "end": 1.0, "score": 0.9}]},
    ]
}  # fmt: skip
SRT = "1\n00:00:00,100 --> 00:00:00,900\n<i>Hello</i> there.\n\n2\n00:00:01,000 --> 00:00:02,000\nBye.\n"
VTT = "WEBVTT\n\nNOTE made by hand\n\n00:00.100 --> 00:00.900 align:start\n<v Ann>Hello there.</v>\n\n00:01.000 --> 00:02.000\n<v Bob>Bye.\n"


def _file(directory: Path, name: str, content: Any) -> Path:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", ASSEMBLYAI), ("w.json", WHISPER), ("s.srt", SRT), ("v.vtt", VTT)]
)
def test_words_and_times_are_read(tmp_path: Path, name: str, content: Any) -> None:
    """Each format gives the same first two words, their times in milliseconds."""
    words = read(_file(tmp_path, name, content)).words[:2]
    assert [word.text for word in words] == ["Hello", "there."]
    assert (words[0].start, words[1].end) == (100, 900)
    assert words[0].end == words[1].start


def test_assemblyai_channels(tmp_path: Path) -> None:
    """AssemblyAI counts channels from 1, we from 0; the speaker stays."""
    word = read(_file(tmp_path, "a.json", ASSEMBLYAI)).words[0]
    assert (word.speaker, word.channel, word.confidence) == ("A", 0, 0.9)


def test_vtt_voices_are_speakers(tmp_path: Path) -> None:
    """The voice span names the speaker, and a new voice is a new utterance."""
    transcript = read(_file(tmp_path, "v.vtt", VTT))
    assert [utterance.speaker for utterance in transcript.utterances] == ["Ann", "Bob"]


def test_a_word_without_times_lies_between_its_neighbours(tmp_path: Path) -> None:
    """WhisperX leaves out the times of digits; the beep must have a place all the same."""
    words = read(_file(tmp_path, "x.json", WHISPERX)).words
    assert [(word.text, word.start, word.end) for word in words] == [
        ("call", 0, 200),
        ("4155", 200, 800),
        ("now", 800, 1000),
    ]


def test_a_segment_without_words_shares_its_time_out(tmp_path: Path) -> None:
    """Whisper without word times: by the length of the words."""
    words = read(_file(tmp_path, "w.json", {"segments": [{"start": 0, "end": 1, "text": "ab abcdefgh"}]})).words
    assert [(word.start, word.end) for word in words] == [(0, 200), (200, 1000)]


def test_overlapping_voices_are_kept(tmp_path: Path) -> None:
    """Two speakers at once are no fault."""
    words = [
        {"text": "yes", "start": 0, "end": 900, "speaker": "A"},
        {"text": "no", "start": 100, "end": 300, "speaker": "B"},
    ]
    assert read(_file(tmp_path, "a.json", {"words": words})).text == "yes no"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"words": [', "broken JSON: line 1"),
        ("a.json", "[" * 100_000, "broken JSON"),
        ("a.json", "{}", "neither"),
        ("a.json", {"words": []}, "no words"),
        ("w.json", {"segments": []}, "no words"),
        ("a.json", '"text"', "neither|broken"),
        ("a.json", {"words": [{"text": "canary", "start": "1", "end": 2}]}, "word 1: `start` is no number"),
        ("a.json", {"words": [{"start": 1, "end": 2}]}, "`text` is no text"),
        ("a.json", {"words": [{"text": "canary\ud800", "start": 1, "end": 2}]}, "surrogate"),
        ("a.json", {"words": ["canary"]}, "no number"),
        ("a.json", {"words": [{"text": "canary", "start": 5, "end": 2}]}, "expected 0 <= start <= end"),
        ("a.json", {"words": [{"text": "canary", "start": float("nan"), "end": 2}]}, "no number"),
        (
            "a.json",
            {"words": [{"text": "canary", "start": 500, "end": 600}, {"text": "b", "start": 100, "end": 200}]},
            "word 2 begins at 100 ms, before word 1 at 500 ms",
        ),
        ("w.json", {"segments": [{"start": 2, "end": 1, "text": "canary"}]}, "before it starts"),
        ("w.json", {"segments": [{"start": 0, "end": 1, "words": [7]}]}, "no list of objects"),
        ("s.srt", "1\n00:00:02,000 --> 00:00:01,000\ncanary\n", "line 2: a subtitle ends"),
        ("s.srt", "1\n00:00:01,000 --> later\ncanary\n", "first ten lines"),
        ("s.srt", SRT + "\n3\n00:00:03,000 -> 00:00:04,000 --> x\ncanary\n", "line 10: no times"),
        ("s.srt", "canary words only\n", "first ten lines"),
        ("s.srt", "", "empty"),
        ("v.vtt", "   \n", "empty"),
    ],
)
def test_a_broken_transcript_is_refused_without_its_words(
    tmp_path: Path, name: str, content: Any, message: str
) -> None:
    """The message says where it is broken, and never quotes it."""
    with pytest.raises(InputError, match=message) as caught:
        read(_file(tmp_path, name, content))
    assert "canary" not in str(caught.value)


@given(st.text(alphabet=st.sampled_from("ab \n\té🙂\u0301שa\u2003.,"), max_size=40))
def test_a_text_survives_the_round_trip(text: str) -> None:
    """Line breaks, spaces, emoji, right-to-left letters and combining marks come back as they were."""
    assert from_text(text).text == text


def test_a_page_without_spaces_is_cut() -> None:
    """One endless word becomes many, so that hiding a part does not hide all; the text stays the same."""
    transcript = from_text("x" * 10_000_000)
    assert len(transcript.words) == 10_000
    assert len(transcript.text) == 10_000_000


def test_nul_characters_are_no_text() -> None:
    """Binary data is refused, not scanned."""
    with pytest.raises(InputError, match="position 3"):
        from_text("abc\0def")


def test_utf16_is_read_and_latin1_refused(tmp_path: Path) -> None:
    """A byte order mark tells UTF-16; anything that is not UTF-8 is refused with its place."""
    (tmp_path / "a.txt").write_bytes("héllo".encode("utf-16"))
    assert read_text(tmp_path / "a.txt") == "héllo"
    (tmp_path / "b.txt").write_bytes("héllo".encode("latin-1"))
    with pytest.raises(InputError, match="byte 1"):
        read_text(tmp_path / "b.txt")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(InputError, match=r"gone\.srt"):
        read(tmp_path / "gone.srt")
