"""The second listening as the pipeline and the command line do it: scripted, and by the recogniser on real recordings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import AUDIO
from hearings import LENGTH, Dreamer, Script, clock, said
from sounds import write

import offrecord
from offrecord import audio, export
from offrecord.errors import FailedClosed, Unverified
from offrecord.types import Transcript, Verification

WORDS = tuple(said("my name is Margaret Thompson and I need some help today"))
TRANSCRIPT = Transcript(WORDS, LENGTH)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds by which a script can tell the time."""
    return clock(tmp_path_factory.mktemp("sound") / "clock.wav")


def test_the_result_says_what_was_listened_to(recording: Path) -> None:
    """Model, decoding, milliseconds; and the muted intervals are those that were verified."""
    redactor = offrecord.Redactor(deny=["Margaret Thompson"], pad=0)
    redactor.verifier = Script(WORDS)
    redaction = redactor.redact(recording, transcript=TRANSCRIPT)
    done = redaction.verification
    assert done
    assert (done.mode, done.model, done.left) == ("around", "script", ())
    assert done.listened > 0
    written = json.loads(export.as_json(redaction))["verification"]
    assert written["mode"] == "around"
    assert written["left"] == []


def test_what_is_heard_again_is_muted_in_the_result(recording: Path) -> None:
    """A second mention that the transcript does not know is muted where it was heard."""
    redactor = offrecord.Redactor(deny=["Margaret Thompson"], pad=0, verify="full")
    more = said("Margaret Thompson", start=5_400)
    redactor.verifier = Script([*WORDS, *more])
    redaction = redactor.redact(recording, transcript=TRANSCRIPT)
    assert any(a <= 5_400 and b >= 6_200 for a, b in redaction.muted)


def test_what_is_left_is_refused(recording: Path) -> None:
    """How many places, where, and what to do: and nothing is given back."""
    redactor = offrecord.Redactor(deny=["Margaret Thompson"])
    redactor.verifier = Dreamer("Margaret")
    with pytest.raises(Unverified, match=r"1 places \(at \d+ to \d+ ms\).*--allow-unverified") as refused:
        redactor.redact(recording, transcript=TRANSCRIPT)
    assert isinstance(refused.value, FailedClosed)
    assert refused.value.exit_code == FailedClosed.exit_code


def test_what_is_left_is_released_with_leave(recording: Path) -> None:
    """The result says where it is still heard."""
    redactor = offrecord.Redactor(deny=["Margaret Thompson"], allow_unverified=True)
    redactor.verifier = Dreamer("Margaret")
    done = redactor.redact(recording, transcript=TRANSCRIPT).verification
    assert done
    assert done.left


@pytest.mark.parametrize(
    ("settings", "verifying", "expected"),
    [
        ({"verify": "off"}, True, Verification("off")),
        ({}, False, Verification("off")),
        ({"sound": "none"}, True, None),
    ],
)
def test_nobody_listens_where_nobody_asked(
    recording: Path, settings: dict[str, Any], verifying: bool, expected: Verification | None
) -> None:
    """Switched off, or no sound to be made: the result says so."""
    redactor = offrecord.Redactor(deny=["Margaret Thompson"], **settings)
    redactor.verifier = Dreamer("Margaret")
    redaction = redactor.redact(recording, transcript=TRANSCRIPT, verifying=verifying)
    assert redaction.verification == expected


def test_a_text_has_no_verification() -> None:
    """There is no sound to listen to."""
    assert offrecord.redact_text("I'm Ann Lee").verification is None


def _command(recording: Path, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command line with a recogniser that hears the name whatever is muted."""
    transcript = {"words": [{"text": w.text, "start": w.start, "end": w.end} for w in WORDS]}
    (directory / "t.json").write_text(json.dumps(transcript))
    code = (
        "import sys, offrecord.cli as cli, offrecord.pipeline as pipeline\n"
        "from hearings import Dreamer\n"
        "pipeline.Redactor.verifier = Dreamer('Margaret')\n"
        f"sys.argv = ['offrecord', 'redact', {str(recording)!r}, '--transcript', 't.json', '--deny', 'Margaret', "
        f"'-o', 'out', *{list(options)!r}]\n"
        "cli.main()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=environment, capture_output=True, check=False, text=True
    )


def test_the_command_line_refuses_what_is_left(recording: Path, tmp_path: Path) -> None:
    """One line, exit code 6, and no file."""
    result = _command(recording, tmp_path)
    assert result.returncode == 6
    assert "still heard" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_line_releases_with_a_warning(recording: Path, tmp_path: Path) -> None:
    """Exit code 10, a warning even when quiet, and the files."""
    result = _command(recording, tmp_path, "--allow-unverified", "--quiet")
    assert result.returncode == 10
    assert "released unverified" in result.stderr
    assert "Margaret" not in result.stderr + result.stdout
    assert (tmp_path / "out" / "clock.redacted.wav").exists()


def test_without_sound_nobody_listens(recording: Path, tmp_path: Path) -> None:
    """Text alone is written: the recogniser that would refuse is not asked."""
    result = _command(recording, tmp_path, "--formats", "json")
    assert result.returncode == 0
    written = json.loads((tmp_path / "out" / "clock.redacted.json").read_text())
    assert written["verification"]["mode"] == "off"


@pytest.fixture(scope="module")
def redactor() -> offrecord.Redactor:
    """The bundled models, loaded once."""
    return offrecord.Redactor(policy="person_name,organization", threads=2)


REAL = [
    ("aws_callcenter/Auto0_mono.wav", 0, 12, ("violet", "travis")),
    ("ibm_watson/en-US_Broadband_sample1.wav", 0, 9, ("david", "michael")),
    ("ibm_watson/english2.g712.wav", 0, 9, ("dave",)),
]


@pytest.mark.parametrize(("file", "start", "end", "names"), REAL, ids=[Path(file).stem for file, *_ in REAL])
def test_names_are_not_heard_in_real_recordings(
    redactor: offrecord.Redactor, tmp_path: Path, file: str, start: int, end: int, names: tuple[str, ...]
) -> None:
    """The written sound is recognised once more, as a stranger would: what was said before is not heard now."""
    sound = np.concatenate(list(audio.decode(AUDIO / file)), axis=1)[:, start * 16_000 : end * 16_000]
    source = write(tmp_path / "part.wav", sound, 16_000, "pcm_s16le", "wav")
    before = _recognised(redactor, source)
    assert all(name in before for name in names)
    redaction = redactor.redact(source)
    assert redaction.verification
    assert redaction.verification.left == ()
    target = tmp_path / "redacted.wav"
    audio.write_redacted(source, target, redaction.muted, sound="beep")
    after = _recognised(redactor, target)
    assert not any(name in after for name in names)


def _recognised(redactor: offrecord.Redactor, path: Path) -> str:
    return " ".join(word.text.lower() for chunk in redactor.recogniser.transcribe(path) for word in chunk.words)
