"""AssemblyAI's own JavaScript client, unmodified, against our server; `client.mjs` is its program."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from serving import NAMES, running, until, web

from offrecord import audio

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client was given, and beside it the file that it saved and what its webhook was told."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "assemblyai").is_dir():
        pytest.skip("needs Node 20 and `npm install --prefix tests/contract --ignore-scripts`")
    directory = tmp_path_factory.mktemp("javascript")
    with (
        running(directory / "home", OFFRECORD_API_KEYS="right") as server,
        web({"/a.wav": NAMES.read_bytes(), "/hook": 200}) as (url, seen),
    ):
        saved = directory / "saved.wav"
        program = [
            node,
            str(HERE / "client.mjs"),
            server.url,
            str(NAMES),
            f"{url}/a.wav",
            str(saved),
            "right",
            f"{url}/hook",
        ]
        result = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == 0, result.stderr
        hooks = until(lambda: [json.loads(s.body) for s in seen if s.path == "/hook"][1:] and seen)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer | {"saved": saved, "hooks": [json.loads(s.body) for s in hooks if s.path == "/hook"]}


def test_a_file_is_uploaded_and_redacted(told: dict[str, Any]) -> None:
    """The policies' names in the text, and the client's own label on its own term."""
    hidden = told["hidden"]
    assert hidden["status"] == "completed"
    assert hidden["text"].startswith("Good morning, [PERSON_NAME]. Good morning, [PERSON_NAME].")
    assert "[LINE] [LINE] Service?" in hidden["text"]
    assert [word["text"] for word in hidden["words"]] == hidden["text"].split()
    assert {entity["text"].rstrip(".") for entity in hidden["entities"]} == {"[PERSON_NAME]"}
    assert hidden["speech_model"] is None


def test_the_redacted_sound_is_there_at_once(told: dict[str, Any]) -> None:
    """This client does not poll for it, so it has to be there when the transcript is completed."""
    assert told["audio"]["status"] == "redacted_audio_ready"
    assert audio.probe(told["saved"]).duration == audio.probe(NAMES).duration


def test_exports(told: dict[str, Any]) -> None:
    """Subtitles, sentences, paragraphs and search hold the redacted words."""
    assert "[PERSON_NAME]" in told["srt"]
    assert told["vtt"].startswith("WEBVTT")
    assert " ".join(s["text"] for s in told["sentences"]["sentences"]) == told["hidden"]["text"]
    assert " ".join(p["text"] for p in told["paragraphs"]["paragraphs"]) == told["hidden"]["text"]
    assert told["search"]["total_count"] == 2
    assert [match["text"] for match in told["search"]["matches"]] == ["good morning"]


def test_hashes_and_the_original(told: dict[str, Any]) -> None:
    """Bytes uploaded, hashes in the text, and the original beside it where it was asked for."""
    assert told["both"]["text"].startswith("Good morning, #####.")
    assert told["both"]["unredacted_text"].startswith("Good morning, Steve.")
    assert "unredacted_text" not in told["hidden"]


def test_a_url_is_downloaded(told: dict[str, Any]) -> None:
    """Without redaction, the plain transcript."""
    assert told["byUrl"]["text"].startswith("Good morning, Steve.")


def test_pages(told: dict[str, Any]) -> None:
    """The client asks for the address of the next page as it was given."""
    assert [t["id"] for t in told["list"]["transcripts"]] == [told["byUrl"]["id"], told["both"]["id"]]
    assert [t["id"] for t in told["older"]["transcripts"]] == [told["hidden"]["id"]]
    assert told["older"]["page_details"]["prev_url"] is None


def test_deletion(told: dict[str, Any]) -> None:
    """The scrubbed transcript, at once and later."""
    for body in (told["deleted"], told["after"]):
        assert (body["text"], body["audio_url"], body["words"]) == ("Deleted by user.", "http://deleted_by_user", None)


def test_errors_are_our_texts(told: dict[str, Any]) -> None:
    """The client shows `error` as it is."""
    assert told["errors"]["unknown"] == "Transcript lookup error, transcript id not found"
    assert told["errors"]["policy"].startswith("`redact_pii_policies` holds an unknown policy")
    assert told["errors"]["key"] == "Authentication error, API token missing/invalid"


def test_webhooks(told: dict[str, Any]) -> None:
    """Both messages."""
    assert told["hooks"][0] == {"transcript_id": told["hidden"]["id"], "status": "completed"}
    assert told["hooks"][1]["status"] == "redacted_audio_ready"
