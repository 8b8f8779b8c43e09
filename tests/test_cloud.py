"""Recognisers elsewhere from the command line and the settings: real processes against real servers on 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assemblyai_stub import DELETED, KEY, AssemblyAIStub, word
from conftest import AUDIO
from servers import HTML, Answer
from transcriptions_stub import KEY as OPENAI_KEY
from transcriptions_stub import TranscriptionsStub

import offrecord
from offrecord import cloud
from offrecord.errors import UsageError
from offrecord.settings import settings
from offrecord.transcribe import whisper
from offrecord.transcribe.assemblyai import AssemblyAI
from offrecord.transcribe.openai import OpenAI

CALL = AUDIO / "calls" / "d006.mp3"
NAMES = (
    "ASSEMBLYAI_API_KEY",
    "ASSEMBLYAI_BASE_URL",
    "ASSEMBLYAI_LLM_GATEWAY_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)


@pytest.fixture(autouse=True)
def no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no address of the machine reaches a test."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.fixture(scope="module")
def said() -> list[dict[str, Any]]:
    """What is said in the call, as AssemblyAI would list it; a recogniser here hears it for the stub."""
    chunks = list(whisper.load(threads=2).transcribe(CALL))
    return [word(w.text, w.start, w.end, "A") for chunk in chunks for w in chunk.words]


@pytest.fixture
def stub(said: list[dict[str, Any]]) -> Iterator[AssemblyAIStub]:
    """AssemblyAI, that recognises the call."""
    with AssemblyAIStub(said, looks=1) as running:
        yield running


def run(*args: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The command."""
    return subprocess.run(
        [sys.executable, "-m", "offrecord", "redact", *map(str, args)],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **env},
    )  # fmt: skip


def to(stub: AssemblyAIStub, key: str = KEY) -> dict[str, str]:
    """The environment that leads to the stub."""
    return {
        "ASSEMBLYAI_API_KEY": key, "ASSEMBLYAI_BASE_URL": stub.url, "ASSEMBLYAI_LLM_GATEWAY_BASE_URL": stub.url,
    }  # fmt: skip


class TestTheGuidesJob:
    """`offrecord redact call.mp3 --cloud assemblyai`."""

    def test_it_is_one_command(self, stub: AssemblyAIStub, said: list[dict[str, Any]], tmp_path: Path) -> None:
        """A call that is recognised there is redacted here: text, JSON, subtitles and sound."""
        result = run(CALL, "-o", "out", "--cloud", "assemblyai", cwd=tmp_path, **to(stub))
        assert result.returncode == 0, result.stderr
        assert "[PERSON_NAME]" in result.stdout
        assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".mp3", ".srt", ".txt", ".vtt"]
        data = json.loads((tmp_path / "out" / "d006.redacted.json").read_text())
        assert len(data["words"]) == len(said)
        assert data["muted"]
        assert data["made_with"]["recogniser"] == f"assemblyai at {stub.url.removeprefix('http://')}"
        assert data["made_with"]["remote_copy"] == "kept"
        hidden = {i for entity in data["entities"] for i in range(*entity["words"])}
        assert hidden
        assert all(data["words"][i]["text"] != said[i]["text"] for i in hidden)

    def test_its_gateway_is_asked_as_well(self, tmp_path: Path) -> None:
        """With the same key; what only the model finds is hidden, and so is what only the detectors here find."""
        text = "Hello, I am the only dentist in Marfa, and my number is 415-555-0132."
        words = [word(part, i * 300, i * 300 + 250, "A") for i, part in enumerate(text.split())]
        reply = '{"entities": [{"label": "occupation", "quote": "the only dentist in Marfa"}]}'
        with AssemblyAIStub(words, looks=1, replies=[reply]) as stub:
            result = run(CALL, "--cloud", "assemblyai", "--policy", "all", cwd=tmp_path, **to(stub))
            (asked,) = stub.seen("POST /v1/chat/completions")
        assert result.returncode == 0, result.stderr
        assert asked.json["model"] == "claude-sonnet-4-5-20250929"
        assert result.stdout.startswith("Hello, I am [OCCUPATION]")
        assert result.stdout.endswith("and my number is [PHONE_NUMBER].\n")

    def test_nothing_of_the_words_is_on_standard_error(
        self, stub: AssemblyAIStub, said: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        """Names, counts and times alone; no key either."""
        result = run(CALL, "--cloud", "assemblyai", "--policy", "all", cwd=tmp_path, **to(stub))
        spoken = set(re.findall(r"[a-z]{5,}", " ".join(item["text"] for item in said).lower()))
        assert result.returncode == 0
        assert spoken
        assert not spoken & set(re.findall(r"[a-z]{5,}", result.stderr.lower())) - {"hidden", "sound", "details"}
        assert KEY not in result.stdout + result.stderr

    def test_the_copy_there_is_deleted(self, stub: AssemblyAIStub, tmp_path: Path) -> None:
        """`--delete-remote`; the result says so."""
        result = run(CALL, "--cloud", "assemblyai", "--delete-remote", "--json", cwd=tmp_path, **to(stub))
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["made_with"]["remote_copy"] == "deleted"
        assert [t["audio_url"] for t in stub.transcripts.values()] == [DELETED]
        assert "is deleted" in result.stderr

    def test_a_copy_that_stays_is_an_exit_code_of_its_own(self, stub: AssemblyAIStub, tmp_path: Path) -> None:
        """8: the result is complete, and the user knows that the copy may be there still."""
        stub.next("DELETE", Answer(403, {}))
        result = run(CALL, "-q", "-o", "out", "--cloud", "assemblyai", "--delete-remote", cwd=tmp_path, **to(stub))
        assert result.returncode == 8
        assert "could NOT be deleted" in result.stderr
        assert len(list((tmp_path / "out").iterdir())) == 5
        assert (
            json.loads((tmp_path / "out" / "d006.redacted.json").read_text())["made_with"]["remote_copy"]
            == "not deleted"
        )

    def test_control_c_deletes_it(self, said: list[dict[str, Any]], tmp_path: Path) -> None:
        """While the transcript is waited for: 130, nothing written, nothing left there."""
        with AssemblyAIStub(said, looks=10_000) as stub:
            process = subprocess.Popen(
                [sys.executable, "-m", "offrecord", "redact", CALL, "-o", "out", "--cloud", "assemblyai", "--delete-remote"],
                cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **to(stub)},
            )  # fmt: skip
            while not stub.seen("GET /v2/transcript/"):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            assert [t["audio_url"] for t in stub.transcripts.values()] == [DELETED]
        assert process.returncode == 130
        assert "is deleted" in err
        assert out == ""
        assert not (tmp_path / "out").exists()


FAULTS: list[tuple[str, Answer, int]] = [
    ("POST /v2/upload", Answer(401, {"error": "Authentication error, API token missing/invalid"}), 5),
    ("POST /v2/upload", HTML, 6),
    ("POST /v2/transcript", Answer(400, {"error": "?"}), 6),
    ("GET /v2/transcript/", Answer(200, {"status": "error", "error": "Transcoding failed."}), 3),
    ("GET /v2/transcript/", Answer(200, {"status": "completed", "words": [], "text": "", "audio_duration": 1}), 6),
    ("GET /v2/transcript/", Answer(200, {"status": "completed"}), 6),
]


@pytest.mark.parametrize(("route", "answer", "code"), FAULTS)
def test_a_failure_is_one_line_and_a_code(
    stub: AssemblyAIStub, route: str, answer: Answer, code: int, tmp_path: Path
) -> None:
    """Nothing on standard output, nothing written."""
    stub.next(route, answer)
    result = run(CALL, "-q", "-o", "out", "--recogniser", "assemblyai", cwd=tmp_path, **to(stub))
    assert result.returncode == code, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("offrecord: 127.0.0.1")
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        (["--cloud", "assemblyai"], {}, "ASSEMBLYAI_API_KEY"),
        (["--cloud", "google"], {}, "assemblyai"),
        (["--recogniser", "assemblyai"], {"ASSEMBLYAI_API_KEY_FILE": "nowhere.txt"}, "cannot read nowhere.txt"),
        (["--recogniser", "openai"], {}, "OPENAI_API_KEY"),
        (["--recogniser", "openai", "--recogniser-base-url", "localhost:8000/v1"], {}, "http:// or https://"),
        (["--recogniser", "openai", "--recogniser-base-url", "ftp://host/v1"], {}, "http:// or https://"),
        (["--recogniser", "openai", "--recogniser-base-url", "http://u:p4ss@host/v1"], {}, "password"),
        (["--recogniser", "openai", "--recogniser-base-url", "http://host/v1?key=p4ss"], {}, "query"),
        (
            ["--recogniser", "openai", "--recogniser-base-url", "http://127.0.0.1:1/v1", "--delete-remote"],
            {},
            "--delete-remote",
        ),
        (["--recogniser", "whisper"], {}, "recogniser"),
    ],
)
def test_settings_that_cannot_be(args: list[str], env: dict[str, str], message: str, tmp_path: Path) -> None:
    """Code 2 and one line, before anything is sent; a password in an address is not shown."""
    result = run(CALL, *args, cwd=tmp_path, **env)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "p4ss" not in result.stderr


def test_a_dead_proxy_is_one_clear_line(tmp_path: Path) -> None:
    """After the line that names where the sound would have gone."""
    result = run(
        AUDIO / "ljspeech32" / "LJ001-0002.flac", "-q", "--recogniser", "assemblyai", cwd=tmp_path,
        ASSEMBLYAI_API_KEY=KEY, HTTPS_PROXY="http://127.0.0.1:1",
    )  # fmt: skip
    assert result.returncode == 6
    sent, failed = result.stderr.splitlines()
    assert sent == "offrecord: LJ001-0002.flac: sending its sound to api.assemblyai.com"
    assert failed.startswith("offrecord: api.assemblyai.com cannot be reached through the proxy of the environment")


def test_any_transcriptions_api(said: list[dict[str, Any]], tmp_path: Path) -> None:
    """The same call by `/v1/audio/transcriptions`."""
    words = [{"word": w["text"].strip(".,?!"), "start": w["start"] / 1000, "end": w["end"] / 1000} for w in said]
    text = " ".join(w["text"] for w in said)
    with TranscriptionsStub(lambda length: {"duration": length, "text": text, "words": words}) as stub:
        result = run(
            CALL, "-o", "out", "--recogniser", "openai", "--model", "large-v3", cwd=tmp_path,
            OPENAI_API_KEY=OPENAI_KEY, OPENAI_BASE_URL=f"{stub.url}/v1",
        )  # fmt: skip
        assert b"large-v3" in stub.requests[0].body
    assert result.returncode == 0, result.stderr
    data = json.loads((tmp_path / "out" / "d006.redacted.json").read_text())
    assert len(data["words"]) == len(said)
    assert data["entities"]
    assert data["muted"]


def test_the_doctor_says_which_service_it_is_and_asks_nothing(tmp_path: Path) -> None:
    """Its key and address are looked at."""
    for key, code in ((KEY, 0), ("", 2)):
        result = subprocess.run(
            [sys.executable, "-m", "offrecord", "doctor"], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "OFFRECORD_RECOGNISER": "assemblyai", "ASSEMBLYAI_API_KEY": key, "HTTPS_PROXY": "http://127.0.0.1:1"},
        )  # fmt: skip
        assert result.returncode == code, result.stdout
        assert "api.assemblyai.com" in result.stdout
        assert KEY not in result.stdout + result.stderr


class TestSettings:
    """What is chosen by options, environment and `--cloud`."""

    def test_here_is_the_default(self) -> None:
        """Nothing leaves the machine unless asked."""
        assert isinstance(offrecord.Redactor().recogniser, whisper.Whisper)

    def test_a_cloud_implies_its_settings(self) -> None:
        """Recogniser, detector beside ours, gateway with `/v1`, the guide's model, and the key."""
        implied = cloud.implied("assemblyai", (), {"ASSEMBLYAI_API_KEY": "k"})
        assert implied.pop("llm_api_key").get_secret_value() == "k"
        assert implied == {
            "recogniser": "assemblyai",
            "detector": "both",
            "llm_base_url": "https://llm-gateway.assemblyai.com/v1",
            "llm_model": "claude-sonnet-4-5-20250929",
        }

    @pytest.mark.parametrize("given", ["http://x", "http://x/", "http://x/v1", "http://x/v1/"])
    def test_the_gateways_address_is_the_environments(self, given: str) -> None:
        """AssemblyAI's variable has no `/v1`, OpenAI's clients want one."""
        assert (
            cloud.implied("assemblyai", (), {"ASSEMBLYAI_LLM_GATEWAY_BASE_URL": given})["llm_base_url"] == "http://x/v1"
        )

    def test_the_key_does_not_go_to_another_gateway(self) -> None:
        """Who names a gateway of his own gets neither AssemblyAI's key nor its model for it."""
        implied = cloud.implied("assemblyai", {"llm_base_url", "detector"}, {"ASSEMBLYAI_API_KEY": "k"})
        assert implied == {"recogniser": "assemblyai"}

    @pytest.mark.parametrize("by", ["option", "variable"])
    def test_what_the_user_sets_wins(self, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Over what `--cloud` stands for."""
        monkeypatch.setenv("OFFRECORD_CLOUD", "assemblyai")
        assert settings().recogniser == "assemblyai"
        if by == "variable":
            monkeypatch.setenv("OFFRECORD_RECOGNISER", "local")
        assert settings(**({"recogniser": "local"} if by == "option" else {})).recogniser == "local"

    def test_addresses_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An option comes before the vendor's variable, and that before the vendor's address."""
        monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        for name, kind, default in (
            ("assemblyai", AssemblyAI, "https://api.assemblyai.com"), ("openai", OpenAI, "https://api.openai.com/v1"),
        ):  # fmt: skip
            assert _url(kind, recogniser=name) == default
            monkeypatch.setenv(f"{name.upper()}_BASE_URL", "https://eu.example.com/")
            assert _url(kind, recogniser=name) == "https://eu.example.com"
            assert _url(kind, recogniser=name, recogniser_base_url="http://[::1]:8/") == "http://[::1]:8"

    def test_a_key_may_be_in_a_file(self, tmp_path: Path) -> None:
        """With a line break at its end; the variable itself comes first."""
        (tmp_path / "key").write_text("from-file\n")
        found = cloud.key("K", {"K_FILE": str(tmp_path / "key")})
        assert found
        assert found.get_secret_value() == "from-file"
        both = cloud.key("K", {"K": " direct ", "K_FILE": str(tmp_path / "key")})
        assert both
        assert both.get_secret_value() == "direct"
        assert cloud.key("K", {}) is None

    @pytest.mark.parametrize("value", ["two words", "two\nlines", "schlüssel", "a\x00b"])
    def test_a_key_that_no_header_carries(self, value: str, tmp_path: Path) -> None:
        """It is refused, and not shown."""
        (tmp_path / "key").write_text(value)
        for environment in ({"K": value}, {"K_FILE": str(tmp_path / "key")}):
            with pytest.raises(UsageError) as caught:
                cloud.key("K", environment)
            assert value not in str(caught.value)

    @pytest.mark.parametrize("data", [b"", b" \n", b"\xff\xfe\xfa"])
    def test_a_file_without_a_key(self, data: bytes, tmp_path: Path) -> None:
        """It is named."""
        (tmp_path / "key").write_bytes(data)
        with pytest.raises(UsageError, match="K_FILE"):
            cloud.key("K", {"K_FILE": str(tmp_path / "key")})

    @pytest.mark.parametrize(
        ("url", "here"),
        [
            ("http://localhost:9/v1", True), ("http://127.0.0.1", True), ("http://127.8.8.8", True), ("https://[::1]/", True),
            ("http://LOCALHOST", True), ("http://10.0.0.1", False), ("https://api.openai.com/v1", False),
            ("http://127.0.0.1.example.com", False), ("http://0.0.0.0", False), ("http://localhost.example.com", False),
        ],
    )  # fmt: skip
    def test_what_is_on_this_machine(self, url: str, here: bool) -> None:
        """Loopback addresses and `localhost`; a name that only looks so is elsewhere."""
        assert cloud.is_here(url) is here


def _url(kind: type[AssemblyAI | OpenAI], **given: Any) -> str:
    recogniser = offrecord.Redactor(**given).recogniser
    assert isinstance(recogniser, kind)
    return recogniser.url
