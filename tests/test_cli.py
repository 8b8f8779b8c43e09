"""The command line as a user runs it: real processes, one clear line for every error, documented exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from videos import Hangers, write_clip

CALL = AUDIO / "calls" / "d036.mp3"
ROOT = Path(__file__).parents[1]


def offrecord(
    *args: str | Path, stdin: bytes = b"", cwd: Path | None = None, limit: int | None = None, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command; ``limit`` is the largest file it may write, in bytes."""

    def limited() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "offrecord", *map(str, args)],
        input=stdin, capture_output=True, cwd=cwd, check=False, timeout=300, preexec_fn=limited,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **env},
    )  # fmt: skip


def _failed(result: subprocess.CompletedProcess[bytes], code: int, message: str) -> None:
    """It ended with this code, one line on standard error, nothing on standard output."""
    error = result.stderr.decode()
    assert result.returncode == code, error
    assert re.search(message, error), error
    assert "Traceback" not in error
    assert error.count("\n") == 1, error
    assert result.stdout == b""


def _wav(path: Path, seconds: float, rate: int = 16_000, level: float = 0.0) -> Path:
    samples = (level * np.sin(np.arange(int(seconds * rate)) * 0.05) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[bytes], Path]:
    """The main job, once: a call redacted with everything written."""
    out = tmp_path_factory.mktemp("done")
    return offrecord("redact", CALL, "-o", out), out


class TestMainJob:
    """`offrecord redact call.mp3 -o out`."""

    def test_it_succeeds_and_writes_all_formats(self, done: tuple[subprocess.CompletedProcess[bytes], Path]) -> None:
        """Exit code 0; text, JSON, subtitles and sound, and no temporary file."""
        result, out = done
        assert result.returncode == 0, result.stderr.decode()
        assert sorted(path.name for path in out.iterdir()) == [
            f"d036.redacted.{e}" for e in ("json", "mp3", "srt", "txt", "vtt")
        ]

    def test_standard_output_is_the_text_and_nothing_else(
        self, done: tuple[subprocess.CompletedProcess[bytes], Path]
    ) -> None:
        """The sentences on standard output are the words of the written text."""
        result, out = done
        assert result.stdout.decode().split() == (out / "d036.redacted.txt").read_text().split()
        assert b"[PERSON_NAME]" in result.stdout

    def test_every_format_has_the_same_words(self, done: tuple[subprocess.CompletedProcess[bytes], Path]) -> None:
        """One decision, every projection."""
        _, out = done
        text = (out / "d036.redacted.txt").read_text().split()
        data = json.loads((out / "d036.redacted.json").read_text())
        assert [word["text"] for word in data["words"]] == text
        for name in ("srt", "vtt"):
            lines = (out / f"d036.redacted.{name}").read_text().splitlines()
            said = [line for line in lines if line and not line.isdigit() and "-->" not in line and line != "WEBVTT"]
            assert " ".join(said).split() == text

    def test_the_report_goes_to_standard_error(self, done: tuple[subprocess.CompletedProcess[bytes], Path]) -> None:
        """Counts and times, no words."""
        result, _ = done
        assert re.search(rb"d036\.mp3: [\d.]+ s of sound in [\d.]+ s, \d+ details hidden", result.stderr)

    def test_data_goes_to_standard_output_although_errors_go_to_a_terminal(self, tmp_path: Path) -> None:
        """With a terminal on standard error and a file on standard output, the text is in the file."""
        (tmp_path / "a.txt").write_text("my name is Margaret Thompson")
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "offrecord", "redact", "a.txt"]
        result = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, check=True)
        os.close(theirs)
        os.close(ours)
        assert result.stdout == b"my name is [PERSON_NAME] [PERSON_NAME]\n"

    def test_without_output_nothing_is_written(self, tmp_path: Path) -> None:
        """Only standard output."""
        shutil.copy(AUDIO / "google_samples" / "two_people.wav", tmp_path / "a.wav")
        result = offrecord("redact", "a.wav", "--quiet", cwd=tmp_path)
        assert result.returncode == 0
        assert result.stderr == b""
        assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


class TestTexts:
    """Texts, standard input and transcripts as sources."""

    def test_standard_input_is_redacted_with_its_spacing(self) -> None:
        """Line breaks and spaces stay."""
        result = offrecord("redact", "-", "-q", stdin=b"Hi,\n\n  my name is Margaret Thompson.\n")
        assert result.stdout.decode() == "Hi,\n\n  my name is [PERSON_NAME] [PERSON_NAME].\n"

    def test_json_is_one_line(self) -> None:
        """With --json the result is on one line of standard output."""
        result = offrecord("redact", "-", "--json", "-q", stdin=b"my name is Margaret Thompson")
        assert json.loads(result.stdout)["entities"][0]["label"] == "person_name"
        assert result.stdout.count(b"\n") == 1

    def test_a_transcript_is_redacted_without_its_recording(self, tmp_path: Path) -> None:
        """Subtitles in, redacted subtitles out."""
        (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nmy name is Margaret Thompson\n")
        result = offrecord("redact", tmp_path / "a.srt", "-o", tmp_path / "out", "--formats", "srt", "-q")
        assert result.returncode == 0, result.stderr
        assert "Margaret" not in (tmp_path / "out" / "a.redacted.srt").read_text()

    def test_lists_win(self, tmp_path: Path) -> None:
        """Terms and files of terms, allowed and denied."""
        (tmp_path / "deny.txt").write_text("blue heron\n\nOtter\n")
        result = offrecord(
            "redact",
            "-",
            "-q",
            "--policy",
            "person_name",
            "--deny",
            tmp_path / "deny.txt",
            "--allow",
            "Thompson",
            stdin=b"Margaret Thompson saw the Blue Heron, Otter!",
        )
        assert result.stdout.decode() == "[PERSON_NAME] Thompson saw the [REDACTED] [REDACTED], [REDACTED]!\n"

    def test_detect_gives_json_lines_without_text(self) -> None:
        """Start, end, label, score, source; the text only if asked for."""
        rows = [
            json.loads(line) for line in offrecord("detect", stdin=b"my name is Margaret Thompson").stdout.splitlines()
        ]
        assert {"start", "end", "label", "score", "source"} == set(rows[0])
        shown = offrecord("detect", "--show-text", stdin=b"my name is Margaret Thompson").stdout
        assert b"Margaret" in shown

    def test_own_transcript_decides_the_words_and_the_sound(self, tmp_path: Path) -> None:
        """With --transcript, the recording is muted where the transcript's times say."""
        source = _wav(tmp_path / "a.wav", 4, level=0.5)
        words = [
            {"text": t, "start": 1000 + i * 300, "end": 1300 + i * 300}
            for i, t in enumerate("my name is Margaret Thompson".split())
        ]
        (tmp_path / "a.json").write_text(json.dumps({"words": words}))
        result = offrecord(
            "redact", source, "--transcript", tmp_path / "a.json", "-o", tmp_path / "o", "--sound", "silence", "-q"
        )
        assert result.returncode == 0, result.stderr
        muted = json.loads((tmp_path / "o" / "a.redacted.json").read_text())["muted"]
        assert muted == [[1750, 2750]]


class TestBadInput:
    """Everything a user can do wrong: one line, an exit code, nothing written, nothing lost."""

    @pytest.mark.parametrize(
        ("args", "code", "message"),
        [
            (["redact", "missing.mp3"], 3, "missing.mp3 does not exist"),
            (["redact", "empty.mp3"], 3, "empty"),
            (["redact", "text.mp3"], 3, "text.mp3"),
            (["redact", "nomedia"], 3, "holds no media"),
            (["redact", "a.txt", "--policy", "persn_name"], 2, "person_name"),
            (["redact", "a.txt", "--policy", "hippa"], 2, "hipaa"),
            (["redact", "a.txt", "-o", "o", "--formats", "pdf"], 2, "unknown format"),
            (["redact", "a.txt", "--formats", "txt"], 2, "needs -o"),
            (["redact", "a.txt", "-o", "o", "--formats", "srt"], 2, "no times"),
            (["redact", "a.txt", "--substitute", "stars"], 2, "substitute"),
            (["redact", "a.txt", "--pad", "-4"], 2, "pad"),
            (["redact", "a.txt", "--strictness", "lax"], 2, "strictness"),
            (["redact", "short.wav", "--model", "gigantic"], 2, "unknown recogniser"),
            (["redact", "short.wav", "--model", "base"], 5, "cannot be loaded"),
            (["redact", "short.wav", "--tagger", "nomedia"], 5, "tagger"),
            (["redact", "a.txt", "--bogus"], 2, "bogus"),
            (["redact", "a.txt", "-o", "a.txt"], 2, "is no directory"),
            (["redact", "nul.txt"], 3, "NUL"),
            (["redact", "latin.txt"], 3, "UTF-8"),
            (["redact", "broken.json"], 3, "broken JSON"),
            (["redact", "broken.srt"], 3, "broken.srt"),
            (["redact", "short.wav", "--transcript", "beyond.json"], 3, "goes on to 90000 ms"),
            (["redact", "short.wav", "--transcript", "unsorted.json"], 3, "word 2 begins"),
            (["redact", "short.wav", "--transcript", "a.txt"], 2, "no times"),
            (["redact", "a.txt", "--transcript", "beyond.json"], 2, "one recording"),
            (["detect", "short.wav"], 3, "redact takes recordings"),
            (["labels", "pcii"], 2, "pci"),
        ],
    )
    def test_it_is_refused_in_one_line(self, tmp_path: Path, args: list[str], code: int, message: str) -> None:
        """The message says what and why; no file appears."""
        _wav(tmp_path / "short.wav", 2, level=0.1)
        (tmp_path / "nomedia").mkdir()
        (tmp_path / "empty.mp3").touch()
        (tmp_path / "text.mp3").write_text("these are only words " * 100)
        (tmp_path / "a.txt").write_text("canary words")
        (tmp_path / "nul.txt").write_bytes(b"canary\0words")
        (tmp_path / "latin.txt").write_bytes("canarié".encode("latin-1"))
        (tmp_path / "broken.json").write_text('{"words": [{"text": "canary"')
        (tmp_path / "broken.srt").write_text("1\n00:00:0x,000 --> canary\n")
        word = {"text": "canary", "end": 90_000}
        (tmp_path / "beyond.json").write_text(json.dumps({"words": [word | {"start": 89_000}]}))
        (tmp_path / "unsorted.json").write_text(
            json.dumps({"words": [word | {"start": 900, "end": 950}, word | {"start": 5, "end": 8}]})
        )
        before = sorted(tmp_path.rglob("*"))
        result = offrecord(*args, cwd=tmp_path)
        _failed(result, code, message)
        assert b"canary" not in result.stderr
        assert sorted(tmp_path.rglob("*")) == before

    def test_an_existing_output_is_refused_before_any_work(self, tmp_path: Path) -> None:
        """What is there is kept, and one source that would be refused stops all."""
        (tmp_path / "a.txt").write_text("one")
        (tmp_path / "a.redacted.json").write_text("old")
        result = offrecord("redact", "a.txt", "-o", ".", cwd=tmp_path)
        _failed(result, 2, "--force")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.redacted.json", "a.txt"]
        assert offrecord("redact", "a.txt", "-o", ".", "--force", "-q", cwd=tmp_path).returncode == 0
        assert (tmp_path / "a.redacted.json").read_text() != "old"

    def test_a_full_disk_leaves_nothing(self, tmp_path: Path) -> None:
        """When the system takes no more bytes, old outputs stay and no new one is left."""
        source = _wav(tmp_path / "a.wav", 4, level=0.1)
        (tmp_path / "a.redacted.wav").write_text("old")
        words = [{"text": "Margaret", "start": 1000, "end": 1500}]
        (tmp_path / "a.json").write_text(json.dumps({"words": words}))
        result = offrecord(
            "redact", source, "--transcript", "a.json", "-o", ".", "--force", "--formats", "txt,wav", "--deny", "margaret", "-q",
            cwd=tmp_path, limit=20_000,
        )  # fmt: skip
        assert result.returncode == 7, result.stderr
        assert result.stderr.count(b"\n") == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.redacted.wav", "a.wav"]
        assert (tmp_path / "a.redacted.wav").read_text() == "old"

    def test_one_bad_source_does_not_stop_the_others(self, tmp_path: Path) -> None:
        """The others are done, the bad one is told, and the exit code is its."""
        (tmp_path / "a.txt").write_text("my name is Margaret Thompson")
        (tmp_path / "b.json").write_text("{")
        result = offrecord("redact", "b.json", "a.txt", "-o", "o", cwd=tmp_path)
        assert result.returncode == 3
        assert b"b.json" in result.stderr
        assert (tmp_path / "o" / "a.redacted.txt").exists()

    def test_ten_megabytes_on_one_line_are_redacted(self, tmp_path: Path) -> None:
        """One endless word is no fault, and what stands beside it is found."""
        (tmp_path / "a.txt").write_text("my name is Margaret Thompson " + "x" * 10_000_000)
        result = offrecord("redact", "a.txt", "-q", cwd=tmp_path)
        assert result.returncode == 0
        assert result.stdout.startswith(b"my name is [PERSON_NAME] [PERSON_NAME] xxx")
        assert len(result.stdout) > 10_000_000

    def test_silence_is_a_result(self, tmp_path: Path) -> None:
        """Nobody speaks: empty text, a JSON that says so, no sound, and exit code 4."""
        _wav(tmp_path / "quiet.wav", 3)
        result = offrecord("redact", "quiet.wav", "-o", "o", cwd=tmp_path)
        assert result.returncode == 4
        assert b"nobody speaks" in result.stderr
        assert sorted(path.suffix for path in (tmp_path / "o").iterdir()) == [".json", ".srt", ".txt", ".vtt"]
        assert json.loads((tmp_path / "o" / "quiet.redacted.json").read_text())["speech"] is False
        _failed(
            offrecord("redact", "quiet.wav", "-o", "p", "--formats", "sound", "-q", cwd=tmp_path), 4, "nobody speaks"
        )
        assert not list((tmp_path / "p").glob("*"))
        result = offrecord("redact", "quiet.wav", "-o", "q", "--formats", "mp3,txt,html", "-q", cwd=tmp_path)
        assert result.returncode == 4
        assert sorted(path.suffix for path in (tmp_path / "q").iterdir()) == [".html", ".txt"]

    def test_a_tenth_of_a_second_is_no_speech(self, tmp_path: Path) -> None:
        """A very short recording is no error."""
        _wav(tmp_path / "short.wav", 0.1)
        assert offrecord("redact", "short.wav", cwd=tmp_path).returncode == 4

    def test_a_wrong_setting_in_the_environment_is_named(self, tmp_path: Path) -> None:
        """The variable is named."""
        (tmp_path / "a.txt").write_text("x")
        _failed(offrecord("redact", "a.txt", cwd=tmp_path, OFFRECORD_PAD="wide"), 2, "OFFRECORD_PAD")

    def test_ctrl_c_leaves_nothing(self, tmp_path: Path) -> None:
        """Stopped in the middle, when text is there and sound is not: exit code 130, no output, no temporary file."""
        with subprocess.Popen(
            [sys.executable, "-m", "offrecord", "redact", str(CALL), "-o", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout
            assert process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
        assert process.returncode == 130
        assert b"Traceback" not in error
        assert list(tmp_path.iterdir()) == []

    def test_a_reader_that_goes_away_is_no_fault(self) -> None:
        """`offrecord labels | head -1` ends quietly."""
        result = subprocess.run(
            f"{sys.executable} -m offrecord labels | head -1",
            shell=True,
            capture_output=True,
            check=False,
            cwd=ROOT,
        )
        assert result.stderr == b""
        assert result.stdout.startswith(b"person_name")


def test_labels_lists_the_table() -> None:
    """All 65 with their meaning, or those of a preset."""
    assert offrecord("labels").stdout.count(b"\n") == 65
    assert offrecord("labels", "guide").stdout.count(b"\n") == 11


def test_doctor_says_what_works() -> None:
    """Models and versions, without the network."""
    result = offrecord("doctor")
    assert result.returncode == 0
    assert result.stdout.count(b"  ok  ") == 3


def test_directories_and_several_sources(tmp_path: Path) -> None:
    """The media in a directory, each to its own files."""
    for name in ("a.wav", "b.wav"):
        shutil.copy(AUDIO / "google_samples" / "two_people.wav", tmp_path / name)
    (tmp_path / "notes.doc").write_text("x")
    result = offrecord("redact", tmp_path, "-o", tmp_path / "o", "--formats", "txt")
    assert result.returncode == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a.redacted.txt", "b.redacted.txt"]


class TestVideoAndPage:
    """`offrecord redact call.mkv -o out --formats sound,html`, with a transcript so that nobody has to be recognised."""

    WORDS = '{"words": [{"text": "Hi,", "start": 0, "end": 400}, {"text": "it\'s", "start": 400, "end": 700}, \
{"text": "Margaret", "start": 700, "end": 1300}, {"text": "Thompson.", "start": 1300, "end": 1900}]}'

    @pytest.fixture
    def video(self, tmp_path: Path) -> Path:
        (tmp_path / "words.json").write_text(self.WORDS)
        return write_clip(tmp_path / "call.mkv", "matroska", with_=Hangers(tags=True, subtitles=True))

    def test_notices_are_said_once_on_standard_error(self, video: Path) -> None:
        """What was left out is named by kind, not by what it says; the video and its page are there."""
        out = video.parent / "out"
        result = offrecord(
            "redact", video, "--transcript", video.parent / "words.json", "-o", out, "--formats", "sound,mkv,html"
        )
        _failed(result, 2, "two outputs would be named")
        result = offrecord(
            "redact", video, "--transcript", video.parent / "words.json", "-o", out, "--formats", "sound,m4a,html"
        )
        assert result.returncode == 0, result.stderr
        assert (
            result.stderr.count(b"left out because nobody has looked for names in them: 2 tags, 1 subtitle track") == 1
        )
        assert b"Thompson" not in result.stderr + result.stdout
        assert {path.name for path in out.iterdir()} == {f"call.redacted.{end}" for end in ("mkv", "m4a", "html")}
        for path in out.iterdir():
            assert b"Thompson" not in path.read_bytes()

    def test_quiet_says_nothing(self, video: Path) -> None:
        """With -q there are no notices."""
        words = video.parent / "words.json"
        result = offrecord(
            "redact", video, "--transcript", words, "-o", video.parent / "out", "--formats", "sound", "-q"
        )
        assert (result.returncode, result.stderr) == (0, b"")

    def test_the_room_goes_on(self, video: Path) -> None:
        """`--sound room` is taken, and another sound is refused."""
        words, out = video.parent / "words.json", video.parent / "out"
        given = ("redact", video, "--transcript", words, "-o", out, "--formats", "sound", "--sound")
        assert offrecord(*given, "room").returncode == 0
        _failed(offrecord(*given, "hum"), 2, "sound")

    def test_a_text_has_a_page(self, tmp_path: Path) -> None:
        """Transcript and what was hidden, without a player."""
        (tmp_path / "note.txt").write_text("Dear Margaret Thompson, call 415-555-0132.\n")
        result = offrecord("redact", tmp_path / "note.txt", "-o", tmp_path, "--formats", "html")
        assert result.returncode == 0, result.stderr
        page = (tmp_path / "note.redacted.html").read_text()
        assert "Thompson" not in page
        assert "[PHONE_NUMBER]" in page
        assert "<audio" not in page
