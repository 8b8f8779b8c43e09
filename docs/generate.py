"""Write docs/cli.md and docs/settings.md from the program itself. A test fails when they are stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from offrecord.settings import Settings

HERE = Path(__file__).parent
COMMANDS = ("redact", "detect", "labels", "doctor", "version")


def cli_page() -> str:
    """Every command's help."""
    parts = ["# Command line\n\nMade from the program's own help by `docs/generate.py`.\n"]
    for command in ("", *COMMANDS):
        arguments = [sys.executable, "-m", "offrecord", *command.split(), "--help"]
        environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
        shown = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment).stdout  # noqa: S603
        lines = "\n".join(f"    {line}".rstrip() for line in shown.strip().splitlines())
        parts.append(f"## offrecord {command}".rstrip() + f"\n\n{lines}\n")
    return "\n".join(parts)


def settings_page() -> str:
    """Every setting with its variable and default."""
    rows = [
        f"| `OFFRECORD_{name.upper()}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\nRead from the environment; the command line's options and the library's keywords "
        "(the same names in small letters) come first, the defaults last. There is no configuration file. "
        "Made by `docs/generate.py`.\n\n"
        "| variable | default | what |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "Services elsewhere are known by their vendors' variables too: `ASSEMBLYAI_API_KEY`, `ASSEMBLYAI_BASE_URL`, "
        "`ASSEMBLYAI_LLM_GATEWAY_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_BASE_URL`; a key may be in the file that its "
        "variable with `_FILE` names. See [recognisers elsewhere](cloud.md).\n"
    )


PAGES = {"cli.md": cli_page, "settings.md": settings_page}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), encoding="utf-8")
