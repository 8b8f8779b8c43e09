"""Nobody is told that something is redacted here: what the libraries beneath would tell their makers is turned off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from serving import SHORT

RUN = """
import sys, offrecord
redactor = offrecord.Redactor(threads=1)
assert redactor.redact_text("Hi, it is Ann Lee.").text != "Hi, it is Ann Lee."
assert redactor.redact(sys.argv[1]).transcript.words
assert "onnxruntime" in sys.modules
"""


def test_no_library_leaves_anything_in_the_home(tmp_path: Path) -> None:
    """onnxruntime would put an identifier of the machine there, and what it has yet to send to its makers.

    In a process of its own with nothing in its environment: in CI, and in some tests, it keeps quiet by itself.
    """
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(SHORT)], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert list(tmp_path.rglob("*")) == []
