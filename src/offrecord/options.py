"""The options of the commands, each with its help: what a user may set, and nothing of what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from offrecord import export

__all__ = [
    "Allow", "AsJson", "Channels", "Deny", "Force", "Formats", "GatewayRedact", "Home", "Host", "Language", "Model",
    "Output", "Pad", "Policy", "Port", "Quiet", "Sound", "Sources", "Strictness", "Substitute", "Tagger", "Threads",
    "TranscriptFile", "Workers",
]  # fmt: skip

Sources = Annotated[
    list[str],
    Argument(metavar="SOURCE...", help="Recordings, texts, transcripts, directories; - reads text."),
]

# What is written.
Output = Annotated[Path | None, Option("-o", "--output", help="Directory to write to; without it nothing is written.")]
Formats = Annotated[str | None, Option(help=f"What to write, separated by commas: {', '.join(export.FORMATS)}.")]
AsJson = Annotated[bool, Option("--json", help="Print the result as JSON instead of the text, one a line.")]
Force = Annotated[bool, Option(help="Replace outputs that exist.")]
Quiet = Annotated[bool, Option("-q", "--quiet", help="No progress and no notices.")]

# What is hidden, and how.
Policy = Annotated[str | None, Option(help="Preset or labels, separated by commas, that are hidden.")]
Substitute = Annotated[str | None, Option(help="What stands for a hidden word: hash, label or numbered.")]
Allow = Annotated[list[str] | None, Option(help="Never hide this: a term, or a file with one on each line.")]
Deny = Annotated[list[str] | None, Option(help="Always hide this: a term, or a file with one on each line.")]
Sound = Annotated[str | None, Option(help="What is heard instead: beep, silence, or none to leave the sound alone.")]
Pad = Annotated[int | None, Option(help="Milliseconds muted on each side of a detail.")]

# Who recognises.
Model = Annotated[str | None, Option(help="Recogniser: tiny.en, another name, a directory or a hub id.")]
Language = Annotated[str | None, Option(help="Language spoken, as `en`.")]
Channels = Annotated[str | None, Option(help="Recognise the mix (mono), or each channel on its own (separate).")]
TranscriptFile = Annotated[
    Path | None, Option("--transcript", help="Your own transcript of the one recording: JSON, SRT or VTT.")
]
Threads = Annotated[int | None, Option(help="Threads for each model; 0 for all cores.")]

# Who detects.
Tagger = Annotated[Path | None, Option(help="Directory of another tagger.")]
Strictness = Annotated[
    str | None, Option(help="Rather hide too much (recall), or too little (precision); or balanced.")
]

# Who serves.
Host = Annotated[str | None, Option(help="Address to listen on; one that others reach needs OFFRECORD_API_KEYS.")]
Port = Annotated[int | None, Option(help="Port to listen on; 0 for any that is free.")]
Workers = Annotated[int | None, Option(help="Processes that work on recordings, each with its own models.")]
GatewayRedact = Annotated[
    bool | None,
    Option("--gateway-redact/--no-gateway-redact", help="Take personal details out of what goes to models."),
]
Home = Annotated[Path | None, Option(help="Directory of the server's database and media.")]
