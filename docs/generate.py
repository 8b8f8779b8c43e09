"""Write docs/cli.md and docs/settings.md from the program itself. A test fails when they are stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pydantic_settings import BaseSettings

from offrecord.server.fields import FIELDS
from offrecord.settings import ServerSettings, Settings

HERE = Path(__file__).parent
COMMANDS = (
    "redact", "batch", "detect", "labels", "doctor", "serve", "review", "export-decisions", "version",
)  # fmt: skip


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
    rows = _rows(Settings)
    return (
        "# Settings\n\nRead from the environment; the command line's options and the library's keywords "
        "(the same names in small letters) come first, the defaults last. There is no configuration file. "
        "Made by `docs/generate.py`.\n\n"
        "| variable | default | what |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "Services elsewhere are known by their vendors' variables too: `ASSEMBLYAI_API_KEY`, `ASSEMBLYAI_BASE_URL`, "
        "`ASSEMBLYAI_LLM_GATEWAY_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_BASE_URL`; a key may be in the file that its "
        "variable with `_FILE` names. See [recognisers elsewhere](cloud.md).\n\n"
        "## The server\n\n`offrecord serve` reads these as well; [the server](server.md) says more of them.\n\n"
        "| variable | default | what |\n|---|---|---|\n" + "\n".join(_rows(ServerSettings)) + "\n"
    )


def _rows(of: type[BaseSettings]) -> list[str]:
    # What is computed or secret has no default to show.
    shown = {"home": "~/.local/share/offrecord", "api_keys": "none"}
    return [
        f"| `OFFRECORD_{name.upper()}` | `{shown.get(name, field.default)}` | {field.description} |"
        for name, field in of.model_fields.items()
    ]


def server_page() -> str:
    """docs/server.md with its table of fields made anew; the rest of it is written by hand."""
    page = (HERE / "server.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(_TABLE)
    _, _, after = rest.partition("\n\n## ")
    rows = [f"| `{name}` | {row.type} | {row.state} | {row.note} |" for name, row in FIELDS.items()]
    return before + _TABLE + "|---|---|---|---|\n" + "\n".join(rows) + "\n\n## " + after


_TABLE = "| field | type | state | |\n"


PAGES = {"cli.md": cli_page, "settings.md": settings_page, "server.md": server_page}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), encoding="utf-8")
