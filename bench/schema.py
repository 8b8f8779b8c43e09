"""Requests made from our own OpenAPI, to every route: none may be answered with 500 or more, none may hang.

    python3 -m venv /tmp/schema && /tmp/schema/bin/pip install 'schemathesis>=4,<5'
    python bench/schema.py /tmp/schema/bin/schemathesis [EXAMPLES [PHASES]]

Schemathesis is not in the project's own environment: it would put its plugin into every test run. The server here has a
worker, a scripted model for the gateway, and a finished transcript. EXAMPLES: requests for each route that are drawn at
random (20); PHASES: `coverage` goes through the fields one by one, `fuzzing` draws (both). CI runs `5 fuzzing`. Fails
with a status of 500 or more, and where the server's log tells of a fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from scripted import gated  # noqa: E402
from serving import NAMES  # noqa: E402


def narrowed(schema: dict[str, Any], job: str, url: str) -> dict[str, Any]:
    """The same with values that lead further in: a transcript and a model that are there, an address that answers."""
    paths = schema["paths"]
    for methods in paths.values():
        methods.pop("delete", None)
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "transcript_id":
                    parameter["schema"] = {"type": "string", "enum": [job]}
    for path, values in {
        "/v1/chat/completions": {"model": ["small"], "transcript_id": [job]},
        "/v2/transcript": {"audio_url": [f"{url}/healthz", "http://127.0.0.1:9/a.wav"]},
    }.items():
        body = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for name, known in values.items():
            body["properties"][name]["enum"] = known
    return schema


def main() -> int:
    """Start the server, run both, and give the exit code."""
    program, *given = sys.argv[1:]
    examples, phases = (*given, *("20", "coverage,fuzzing")[len(given) :])
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        with gated(home, OFFRECORD_GATEWAY_REDACT="true") as (server, _):
            job = server.submit(server.upload(NAMES), redact_pii=True, redact_pii_audio=True)
            assert server.finished(job)["status"] == "completed"
            schema = narrowed(server.json("GET", "/openapi.json")[1], job, server.url)
            (Path(directory) / "narrowed.json").write_text(json.dumps(schema), encoding="utf-8")
            common = ["--checks", "not_a_server_error", "--max-examples", examples, "--request-timeout", "30"]
            common += ["--suppress-health-check", "all", "--no-color", "--warnings", "off", "--seed", "1"]
            common += ["--continue-on-failure", "--workers", "4", "--phases", phases]
            where = [["narrowed.json", "--url", server.url], [f"{server.url}/openapi.json"]]
            codes = [
                subprocess.run([program, "run", *at, *common], check=False, cwd=directory).returncode for at in where
            ]
            alive = server.get("/healthz")[0] == 200
        log = server.log.read_text(encoding="utf-8")
    faults = [line for line in log.splitlines() if "fault" in line]
    print(f"{codes.count(0)} of {len(codes)} runs without a 500; faults in the log: {faults or 'none'}")
    return int(any(codes) or bool(faults) or not alive)


sys.exit(main())
