"""The image's files, as far as they can be tried without a container: what they name is there, and works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Server

from offrecord.settings import ServerSettings, Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_every_variable_is_one(name: str) -> None:
    """A setting that is misspelled would be ignored in silence."""
    known = {f"OFFRECORD_{field}".upper() for field in (*Settings.model_fields, *ServerSettings.model_fields)}
    named = set(re.findall(r"OFFRECORD_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8")))
    assert named
    assert named <= known


def test_what_is_copied_is_there_and_not_ignored() -> None:
    """Each source of COPY exists, and .dockerignore, which leaves out everything else, names it."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert copied
    for word in copied:
        assert (ROOT / word).exists(), word
        assert word in kept, word


def test_the_health_check_tells(server: Server) -> None:
    """The image's own command: 0 from a server that is ready, and not from a port where nobody is."""
    found = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])", DOCKERFILE, re.DOTALL)
    assert found
    program, *arguments = json.loads(found[1])
    assert program == "python"
    for port, right in ((server.port, True), (9, False)):
        command = [sys.executable, *(argument.replace(":8000", f":{port}") for argument in arguments)]
        run = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert (run.returncode == 0) == right


def test_the_image_starts_only_with_keys() -> None:
    """Its command listens to others, which needs them; compose refuses to begin without."""
    assert '"--host", "0.0.0.0"' in DOCKERFILE
    assert "OFFRECORD_API_KEYS" not in re.sub(r"^#.*$", "", DOCKERFILE, flags=re.MULTILINE)
    assert "${OFFRECORD_API_KEYS:?" in (ROOT / "compose.yaml").read_text(encoding="utf-8")
