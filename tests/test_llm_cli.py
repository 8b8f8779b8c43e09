"""The command line with a language model, as real processes: what a user gets wrong, and what they are told then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gateways import Asked, Play, Turn, answer, completion, entities, error, free_port, gateway, perfect
from test_cli import _wav, offrecord

TEXT = "Well, this is Quillorbert Vandersnoot of the Merry Lark. Nice weather, is it not?\n"
PERFECT = perfect([("person_name", "Quillorbert Vandersnoot"), ("ship_name", "Merry Lark")])
ENVIRONMENT: dict[str, Any] = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_BASE_URL", "ASSEMBLYAI_API_KEY"), "") | {
    "OFFRECORD_LLM_DEADLINE": "20",
    "OFFRECORD_LLM_TIMEOUT": "2",
    "OPENAI_LOG": "debug",
}


def run(tmp_path: Path, url: str, *args: str, **env: Any) -> subprocess.CompletedProcess[bytes]:
    """Redact the text with the model behind ``url``, with everything written."""
    (tmp_path / "in.txt").write_text(TEXT)
    base = ["--llm-base-url", url] if url else []
    command = ["redact", "in.txt", "-o", "out", "--detector", "llm", "--llm-model", "m", *base, *args]
    return offrecord(*command, cwd=tmp_path, **(ENVIRONMENT | env))


def refused(result: subprocess.CompletedProcess[bytes], tmp_path: Path, code: int, *words: str) -> None:
    """The documented code, one line that holds the words and nothing that was said, and nothing written."""
    said = result.stderr.decode()
    lines = [line for line in said.splitlines() if "what is said goes to" not in line]
    assert result.returncode == code, said
    assert len(lines) == 1, said
    assert lines[0].startswith("offrecord: ")
    assert all(word in lines[0] for word in words), said
    assert "Quillorbert" not in said
    assert "Traceback" not in said
    assert result.stdout == b""
    assert not list(tmp_path.glob("out/*"))


_BAD: dict[str, tuple[Play, int, tuple[str, ...]]] = {
    "wrong key": (lambda _: error(401, "Incorrect API key provided: sk-x"), 5, ("401", "key", "OPENAI_API_KEY")),
    "forbidden": (lambda _: error(403), 5, ("403", "key")),
    "unknown model": (lambda _: error(404, "model 'm' not found"), 5, ("404", "--llm-model")),
    "unknown model, the other way": (lambda _: error(400, "model m is not supported"), 5, ("400", "--llm-model")),
    "no /v1": (lambda _: Turn(b"404 page not found", 404, {}), 5, ("404", "/v1")),
    "a web page": (lambda _: Turn(b"<html>Hi</html>", headers={"Content-Type": "text/html"}), 5, ("web page", "/v1")),
    "no HTTP": (lambda _: Turn(rude="noise"), 6, ("HTTP", "base URL")),
    "a model without JSON": (lambda _: completion("Sure! There are none."), 6, ("JSON", "model")),
    "a megabyte": (lambda _: completion(entities([("person_name", "x" * 1_000_000)])), 6, ("longer", "answer")),
    "a refusal": (lambda _: completion("", "content_filter"), 6, ("refuses", "model")),
    "too slow": (lambda _: Turn(answer().body, pause=4), 6, ("2 s", "OFFRECORD_LLM_TIMEOUT")),
}


@pytest.mark.parametrize("fault", _BAD)
def test_a_gateway_that_cannot_be_used(fault: str, tmp_path: Path) -> None:
    """One clear line with what to do, the documented code, nothing written."""
    play, code, words = _BAD[fault]
    with gateway(play) as server:
        refused(run(tmp_path, server.url), tmp_path, code, "127.0.0.1", *words)


@pytest.mark.parametrize(
    ("url", "args", "env", "code", "words"),
    [
        ("", [], {}, 2, ["--llm-base-url", "OPENAI_BASE_URL"]),
        ("https://api.example.com/v1", [], {}, 2, ["key", "OPENAI_API_KEY", "none"]),
        ("https://api.example.com/v1", [], {"OPENAI_API_KEY_FILE": "nowhere"}, 2, ["nowhere", "OPENAI_API_KEY_FILE"]),
        ("example.com/v1", [], {}, 2, ["http://"]),
        ("ftp://example.com", [], {}, 2, ["http://"]),
        ("https://me:secret@example.com/v1", [], {}, 2, ["keys belong"]),
        ("http://127.0.0.1:1/v1", ["--llm-concurrency", "0"], {}, 2, ["llm_concurrency"]),
        ("http://127.0.0.1:1/v1", ["--entity", "SHIP NAME=x"], {}, 2, ["SHIP NAME", "SHIP_NAME"]),
        ("http://127.0.0.1:1/v1", ["--entity", "person_name=x"], {}, 2, ["already"]),
        ("http://127.0.0.1:1/v1", ["--entity", "SHIP_NAME"], {}, 2, ["LABEL=MEANING"]),
        ("http://127.0.0.1:1/v1", ["--detector", "local", "--entity", "SHIP=x"], {}, 2, ["--detector"]),
        ("http://127.0.0.1:1/v1", ["--detector", "gpt"], {}, 2, ["detector"]),
        ("https://h.example/v1", [], {"HTTPS_PROXY": "nonsense://", "OPENAI_API_KEY": "k"}, 2, ["HTTPS_PROXY"]),
        ("http://127.0.0.1:1/v1", ["--llm-cache", "in.txt"], {}, 7, ["cache"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_settings_that_cannot_be(
    url: str, args: list[str], env: dict[str, Any], code: int, words: list[str], tmp_path: Path
) -> None:
    """Found before anything is sent."""
    result = run(tmp_path, url, *args, **env)
    refused(result, tmp_path, code, *words)
    assert b"secret" not in result.stderr


def test_a_gateway_that_is_down(tmp_path: Path) -> None:
    """It fails the job, with both detectors as well, and asks whether it is running."""
    refused(run(tmp_path, f"http://127.0.0.1:{free_port()}/v1"), tmp_path, 6, "cannot be reached", "running")


def test_a_proxy_that_refuses(tmp_path: Path) -> None:
    """A gateway elsewhere is named first, and the proxy is where to look."""
    port = free_port()
    env = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "HTTP_PROXY": "", "OPENAI_API_KEY": "k"}
    result = run(tmp_path, "https://gateway.example.invalid/v1", **env)
    refused(result, tmp_path, 6, "gateway.example.invalid", "cannot be reached")
    assert result.stderr.decode().splitlines()[0] == (
        "offrecord: what is said goes to gateway.example.invalid (language model m)"
    )


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    """It is not trusted, and not asked again."""
    pem = tmp_path / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
        f"-keyout {pem} -out {tmp_path}/c && cat {tmp_path}/c >> {pem}",
        shell=True, check=True, capture_output=True,
    )  # fmt: skip
    with gateway(PERFECT, certificate=pem) as server:
        refused(run(tmp_path, server.url), tmp_path, 5, "certificate", "SSL_CERT_FILE")
        trusted = run(tmp_path, server.url, SSL_CERT_FILE=str(pem))
    assert trusted.returncode == 0, trusted.stderr.decode()


@pytest.mark.parametrize("ending", ["", "/", "/chat/completions"])
def test_the_whole_way(ending: str, tmp_path: Path) -> None:
    """Text and JSON without the details, the usage in both places, nothing of the client's log."""
    with gateway(PERFECT) as server:
        result = run(
            tmp_path, server.url + ending, "--entity", 'SHIP_NAME="the name of the ship"', "--llm-cache", "cache"
        )
    said = result.stderr.decode()
    assert result.returncode == 0, said
    line = "Well, this is [PERSON_NAME] [PERSON_NAME] of the [SHIP_NAME] [SHIP_NAME]. Nice weather, is it not?"
    assert result.stdout.decode() == line + "\n"
    usage = json.loads((tmp_path / "out" / "in.redacted.json").read_text())["usage"]
    assert (usage["calls"], usage["prompt_tokens"], usage["model"]) == (1, 100, "m")
    assert "1 calls to 127.0.0.1" in said
    assert "100 + 10 tokens" in said
    assert "what is said goes" not in said
    assert "openai" not in said


def test_the_sound_is_muted_where_the_model_finds_something(tmp_path: Path) -> None:
    """One decision for words and sound, also for a label of one's own; a gateway that fails leaves no sound either."""
    words = [
        {"text": text, "start": 1000 + i * 300, "end": 1300 + i * 300}
        for i, text in enumerate("we sail the Merry Lark".split())
    ]
    (tmp_path / "a.json").write_text(json.dumps({"words": words}))
    _wav(tmp_path / "a.wav", 4, level=0.5)
    command = [
        "redact", "a.wav", "--transcript", "a.json", "-o", "out", "--detector", "llm", "--llm-model", "m",
        "--entity", "SHIP_NAME=the name of the ship", "--sound", "silence",
    ]  # fmt: skip
    with gateway(lambda _: completion("no")) as server:
        failed = offrecord(*command, "--llm-base-url", server.url, cwd=tmp_path, **ENVIRONMENT)
        assert (failed.returncode, list(tmp_path.glob("out/*"))) == (6, []), failed.stderr.decode()
    with gateway(PERFECT) as server:
        done = offrecord(*command, "--llm-base-url", server.url, cwd=tmp_path, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"we sail the [SHIP_NAME] [SHIP_NAME]\n"
    result = json.loads((tmp_path / "out" / "a.redacted.json").read_text())
    ((start, end),) = result["muted"]
    assert start <= 1900
    assert end >= 2500
    assert (tmp_path / "out" / "a.redacted.wav").stat().st_size > 100_000


def test_labels_of_ones_own_come_from_a_file(tmp_path: Path) -> None:
    """One on each line, with comments; and `detect` knows them, too."""
    (tmp_path / "labels.txt").write_text("# what the case is about\nSHIP_NAME=the name of the ship\n\nCOOK=the cook\n")
    with gateway(PERFECT) as server:
        (tmp_path / "in.txt").write_text(TEXT)
        result = offrecord(
            "detect", "in.txt", "--detector", "llm", "--llm-model", "m", "--llm-base-url", server.url, "--entity", "labels.txt",
            cwd=tmp_path, **ENVIRONMENT,
        )  # fmt: skip
    rows = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert {row["label"] for row in rows} == {"person_name", "ship_name"}, result.stderr.decode()


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """While the gateway is thinking: the program ends at once, with 130."""

    def play(_: Asked) -> Turn:
        process.send_signal(2)
        return Turn(answer().body, pause=20)

    (tmp_path / "in.txt").write_text(TEXT)
    with gateway(play) as server:
        command = [
            "redact", "in.txt", "-o", "out", "--detector", "llm", "--llm-model", "m", "--llm-base-url", server.url,
        ]  # fmt: skip

        process = subprocess.Popen(
            [sys.executable, "-m", "offrecord", *command], cwd=tmp_path, env=os.environ | ENVIRONMENT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert not list(tmp_path.glob("out/*"))
