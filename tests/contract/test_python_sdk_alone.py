"""AssemblyAI's Python client in a process of its own, with pydantic 2 and, where pydantic-settings is missing, 1.

That package alone decides which of the two parses our answers; `client.py` is the program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted import gated, said, streamed
from serving import NAMES

from offrecord import audio

HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=["with", "without"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client was given, ``with`` and ``without`` pydantic-settings."""
    directory = tmp_path_factory.mktemp(str(request.param))
    with gated(directory / "home", OFFRECORD_API_KEYS="right") as (server, script):
        script.answer = lambda body: streamed("One", " two.") if body["stream"] else said()
        saved = directory / "saved.wav"
        program = [sys.executable, str(HERE / "client.py"), server.url, str(NAMES), str(saved)]
        if request.param == "without":
            program += ["--without", "pydantic_settings"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSEMBLYAI_")}
        named = {"ASSEMBLYAI_BASE_URL": server.url, "ASSEMBLYAI_LLM_GATEWAY_BASE_URL": server.url}
        result = subprocess.run(program, env=clean | named, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["pydantic_v2"] == (request.param == "with")
    assert answer["base_url"] == server.url
    return answer | {"saved": saved}


def test_the_transcript_and_its_exports_are_parsed(told: dict[str, Any]) -> None:
    """Redacted everywhere, and the original where it was asked for."""
    assert told["text"].startswith("Good morning, [PERSON_NAME]. Good morning, [PERSON_NAME].")
    assert told["unredacted"].startswith("Good morning, Steve.")
    assert told["entities"] == ["[PERSON_NAME].", "[PERSON_NAME].", "[PERSON_NAME]"]  # "diarize" is in no dictionary
    assert " ".join(told["sentences"]) == " ".join(told["paragraphs"]) == told["text"]
    assert "[PERSON_NAME]" in told["srt"]
    assert told["found"] == [["good morning", 2]]
    assert told["listed"] == [True]


def test_the_redacted_sound_is_waited_for(told: dict[str, Any]) -> None:
    """The client asks before the job is done, takes 202 for "not yet", and loads the file without its key."""
    assert audio.probe(told["saved"]).duration == audio.probe(NAMES).duration


def test_the_gateway_is_understood(told: dict[str, Any]) -> None:
    """Whole and streamed answers, and the list of models."""
    assert (told["answer"], told["streamed"]) == ("Fine.", "One two.")
    assert told["models"][0] == "small"


def test_deletion_and_errors_are_understood(told: dict[str, Any]) -> None:
    """The scrubbed transcript is parsed; a wrong key is an error with AssemblyAI's text."""
    assert told["deleted"] == "Deleted by user."
    assert "Authentication error, API token missing/invalid" in told["refused"]
