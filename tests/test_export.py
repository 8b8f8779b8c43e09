"""From a redaction to files: text, JSON, subtitles, and how they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import AUDIO
from hypothesis import given
from hypothesis import strategies as st
from strategies import policies, spans, transcripts

from offrecord import export
from offrecord.errors import NoSpeech, OutputError, OutputExists, UnknownFormat, UsageError
from offrecord.redact.edges import intervals
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.transcribe.imported import from_text, read
from offrecord.types import Entity, Policy, Redaction, Span, Transcript, Word

POLICY = Policy(frozenset({"person_name"}))
CALL = Transcript(
    (Word("I'm", 0, 200, speaker="A"), Word("[PERSON_NAME].", 250, 600, 0.5, speaker="A"), Word("Hi & <hi>.", 700, 900, speaker="B", gap="")),
    1000,
)  # fmt: skip
REDACTION = Redaction(
    CALL, (Entity(range(1, 2), "person_name", (Span(4, 8, "person_name", 0.9, "tagger"),)),), ((0, 850),)
)


def test_text_has_a_line_for_each_utterance() -> None:
    """Of a recording, each utterance is a line after its speaker."""
    assert export.as_text(REDACTION) == "A: I'm [PERSON_NAME].\nB: Hi & <hi>.\n"


def test_a_text_keeps_its_spacing() -> None:
    """Of a text, nothing but the hidden words changes."""
    text = "  Dear  Ann,\n\n\tyours.  \n"
    transcript = from_text(text)
    entities = resolve(transcript, [Span(8, 11, "person_name", 1, "t")], POLICY)
    redacted, placed = substitute(transcript, entities, "label")
    assert export.as_text(Redaction(redacted, placed)) == "  Dear  [PERSON_NAME],\n\n\tyours.  \n"


def test_json_has_what_is_documented() -> None:
    """Label, times, words, score and sources of an entity; muted intervals; no text beside the redacted."""
    result = json.loads(export.as_json(REDACTION))
    assert result["entities"] == [
        {"label": "person_name", "start": 250, "end": 600, "words": [1, 2], "score": 0.9, "sources": ["tagger"]}
    ]
    assert result["muted"] == [[0, 850]]
    assert result["words"][1]["text"] == "[PERSON_NAME]."
    assert result["speech"] is True


def test_every_field_of_the_json_is_in_the_docs() -> None:
    """docs/json.md names them all."""
    page = (Path(__file__).parents[1] / "docs" / "json.md").read_text(encoding="utf-8")
    result = json.loads(export.as_json(REDACTION))
    names = [*result, *result["words"][0], *result["entities"][0]]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_subtitles_are_valid_and_escaped() -> None:
    """SRT and VTT have one cue for each short utterance; VTT escapes markup."""
    assert export.as_srt(REDACTION).startswith("1\n00:00:00,000 --> 00:00:00,600\nI'm [PERSON_NAME].\n\n2\n")
    assert "Hi &amp; &lt;hi>." in export.as_vtt(REDACTION)


@given(transcripts(), policies(), st.data())
def test_subtitles_hold_the_redacted_words_in_order(
    transcript: Transcript, policy: Policy, data: st.DataObject
) -> None:
    """Read back, subtitles give the redacted words, each cue lasting more than nothing."""
    if not transcript.timed:
        return
    entities = resolve(transcript, data.draw(spans(transcript)), policy)
    redacted, placed = substitute(transcript, entities, policy.substitution)
    srt = export.as_srt(Redaction(redacted, placed))
    said = [line for line in srt.splitlines() if line and not line.isdigit() and "-->" not in line]
    assert " ".join(said).split() == [word.text for word in redacted.words]
    for start, end in re.findall(r"(\S+) --> (\S+)", srt):
        assert start < end


def test_long_utterances_are_cut_into_short_cues() -> None:
    """No cue has more than two lines of 42 characters."""
    words = tuple(Word("word", i * 100, i * 100 + 90) for i in range(100))
    lines = [line for line in export.as_srt(Redaction(Transcript(words, 20_000), ())).splitlines() if line[:1] == "w"]
    assert len(lines) > 5
    assert max(map(len, lines)) <= 84


def test_a_transcript_that_was_exported_can_be_imported(tmp_path: Path) -> None:
    """Our subtitles are read back by our reader."""
    path = tmp_path / "x.vtt"
    path.write_text(export.as_vtt(REDACTION), encoding="utf-8")
    assert read(path).words[0].text == "I'm"


def test_outputs_are_named_after_the_source(tmp_path: Path) -> None:
    """Without a choice, all formats and the sound in the container that came in."""
    paths = export.outputs(AUDIO / "calls" / "d016.mp3", tmp_path, recording=True, sound=True)
    assert {path.name for path in paths.values()} == {
        f"d016.redacted.{ext}" for ext in ("txt", "json", "srt", "vtt", "mp3")
    }


def test_a_text_has_no_subtitles_or_sound(tmp_path: Path) -> None:
    """Of a text, only what it can give."""
    assert set(export.outputs(Path("note.txt"), tmp_path, recording=False, sound=False)) == {"txt", "json"}


@pytest.mark.parametrize(
    ("formats", "recording", "sound", "error"),
    [
        (["pdf"], True, True, UnknownFormat),
        (["srt"], False, False, UsageError),
        (["wav"], False, False, UsageError),
        (["sound"], True, False, UsageError),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, formats: list[str], recording: bool, sound: bool, error: type[Exception]
) -> None:
    """Unknown formats, and formats that this source cannot give."""
    with pytest.raises(error):
        export.outputs(Path("x.mp3"), tmp_path, formats, recording=recording, sound=sound)


def test_an_existing_output_is_refused_and_kept(tmp_path: Path) -> None:
    """Without force, what is there stays."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputExists):
        export.refuse_existing([path], force=False)
    export.refuse_existing([path], force=True)
    assert path.read_text() == "old"


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    """Two sources of the same name would write over each other."""
    with pytest.raises(UsageError):
        export.refuse_existing([tmp_path / "a.txt", tmp_path / "a.txt"], force=True)


def test_files_appear_whole_and_nothing_else(tmp_path: Path) -> None:
    """After writing, the directory holds the outputs and no temporary file."""
    target = tmp_path / "new" / "deep"
    paths = export.outputs(Path("call.mp3"), target, ["txt", "json", "vtt"], recording=True, sound=False)
    export.write(REDACTION, Path("call.mp3"), paths, POLICY)
    assert sorted(path.name for path in target.iterdir()) == [
        "call.redacted.json",
        "call.redacted.txt",
        "call.redacted.vtt",
    ]
    assert paths["txt"].read_text(encoding="utf-8") == export.as_text(REDACTION)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """If one output cannot be made, none is, and old files stay as they are."""
    paths = {"txt": tmp_path / "a.redacted.txt", "sound": tmp_path / "a.redacted.wav"}
    paths["txt"].write_text("old")
    with pytest.raises(Exception, match="no such file"):
        export.write(REDACTION, tmp_path / "missing.wav", paths, POLICY)
    assert [path.name for path in tmp_path.iterdir()] == ["a.redacted.txt"]
    assert paths["txt"].read_text() == "old"


def test_a_target_that_is_no_directory_is_an_output_error(tmp_path: Path) -> None:
    """A file in the way of the directory gives one clear line."""
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError):
        export.write(REDACTION, Path("a.mp3"), {"txt": tmp_path / "out" / "a.txt"}, POLICY)


def test_sound_alone_of_silence_is_no_speech(tmp_path: Path) -> None:
    """Nobody speaks, so there is no redacted sound to give."""
    with pytest.raises(NoSpeech):
        export.write(Redaction(Transcript((), 500), ()), Path("a.wav"), {"sound": tmp_path / "a.wav"}, POLICY)
    assert list(tmp_path.iterdir()) == []


@given(transcripts(), policies(), st.data())
def test_json_never_holds_a_hidden_word(transcript: Transcript, policy: Policy, data: st.DataObject) -> None:
    """Everything is made from the redaction: as JSON, it has no more words than that."""
    entities = resolve(transcript, data.draw(spans(transcript)), policy)
    redacted, placed = substitute(transcript, entities, policy.substitution)
    muted = intervals(transcript, entities, pad=policy.pad) if transcript.timed else ()
    result = json.loads(export.as_json(Redaction(redacted, placed, muted)))
    assert [word["text"] for word in result["words"]] == [word.text for word in redacted.words]
    assert set(result["entities"][0] if result["entities"] else {}) <= {
        "label",
        "start",
        "end",
        "words",
        "score",
        "sources",
    }
