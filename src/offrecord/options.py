"""The options of the commands, each with its help: what a user may set, and nothing of what it does.

Those that decide what comes out of a recording stand in one table, `SETTINGS`, and are the same in each command that
redacts one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from typer import Argument, Option

from offrecord import export

__all__ = [
    "SETTINGS", "Allow", "AsJson", "Attempts", "Channels", "Cloud", "DeleteRemote", "Deny", "Detector", "DryRun",
    "Entities", "Force", "Formats", "GatewayRedact", "Home", "Host", "In", "KeyTones", "Language", "Limit",
    "LlmBaseUrl", "LlmCache", "LlmConcurrency", "LlmMaxTokens", "LlmMaxUsd", "LlmModel", "LlmPremask", "Model", "Out",
    "Output", "Pad", "Patterns", "Policy", "Port", "Processes", "Quiet", "Ray", "Recogniser", "RecogniserBaseUrl",
    "RetryFailed", "SecondModel", "Shuffle", "Sound", "Sources", "Speakers", "State", "Strict", "Strictness",
    "Substitute", "Tagger", "Threads", "TranscriptFile", "Unverified", "Verify", "VerifyModel", "Workers",
    "with_settings",
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
Quiet = Annotated[bool, Option("-q", "--quiet", help="No progress, and no notices but of what leaves the machine.")]

# What is hidden, and how.
Policy = Annotated[str | None, Option(help="Preset or labels, separated by commas, that are hidden.")]
Substitute = Annotated[str | None, Option(help="What stands for a hidden word: hash, label or numbered.")]
Allow = Annotated[list[str] | None, Option(help="Never hide this: a term, or a file with one on each line.")]
Deny = Annotated[list[str] | None, Option(help="Always hide this: a term, or a file with one on each line.")]
Sound = Annotated[
    str | None, Option(help="What is heard instead: beep, silence, room (noise like its pauses), or none to leave it.")
]
Pad = Annotated[int | None, Option(help="Milliseconds muted on each side of a detail.")]
Strict = Annotated[
    bool | None,
    Option("--strict/--no-strict", help="Mute speech that was not recognised, too; on in presets pci and hipaa."),
]
KeyTones = Annotated[
    bool | None, Option("--key-tones/--no-key-tones", help="Mute the tones of telephone keys; on in preset pci.")
]

# Who recognises.
Cloud = Annotated[str | None, Option(help="Recogniser and LLM gateway of a vendor: assemblyai. Needs its key.")]
Recogniser = Annotated[
    str | None,
    Option(
        help="Who recognises: local, assemblyai, or openai for any /v1/audio/transcriptions; keys from the environment."
    ),
]
RecogniserBaseUrl = Annotated[str | None, Option(help="Address of that recogniser's API.")]
Speakers = Annotated[bool | None, Option("--speakers/--no-speakers", help="Have AssemblyAI tell the speakers apart.")]
DeleteRemote = Annotated[
    bool | None, Option("--delete-remote", help="Delete transcript and upload at AssemblyAI afterwards.")
]
Model = Annotated[
    str | None, Option(help="The recogniser's model: tiny.en, another name, a directory or a hub id; or an API's.")
]
Language = Annotated[str | None, Option(help="Language spoken, as `en`.")]
Channels = Annotated[str | None, Option(help="Recognise the mix (mono), or each channel on its own (separate).")]
TranscriptFile = Annotated[
    Path | None, Option("--transcript", help="Your own transcript of the one recording: JSON, SRT or VTT.")
]
Threads = Annotated[int | None, Option(help="Threads for each model; 0 for all cores.")]

# Who listens again.
Verify = Annotated[
    str | None, Option(help="Listen to the redacted sound again: around what is muted, full, or off. Only with sound.")
]
SecondModel = Annotated[
    str | None,
    Option(help="Another recogniser that hears all of it as well; details that only it heard are hidden too."),
]
VerifyModel = Annotated[
    str | None, Option(help="Recogniser that listens again; default: the same, with another decoding.")
]
Unverified = Annotated[
    bool | None,
    Option("--allow-unverified", help="Write sound in which a detail is still heard, with a warning and exit code 10."),
]

# Who detects.
Tagger = Annotated[Path | None, Option(help="Directory of another tagger.")]
Strictness = Annotated[
    str | None, Option(help="Rather hide too much (recall), or too little (precision); or balanced.")
]
Detector = Annotated[
    str | None, Option(help="Who finds details: local (models on this machine), llm (a gateway), or both together.")
]
Patterns = Annotated[
    bool | None, Option("--patterns/--no-patterns", help="With llm alone: look for checksummed numbers, too.")
]
LlmBaseUrl = Annotated[str | None, Option(help="The gateway's address, OpenAI-compatible, up to /v1.")]
LlmModel = Annotated[str | None, Option(help="The gateway's name of the language model.")]
LlmConcurrency = Annotated[int | None, Option(help="Questions to the gateway at once.")]
LlmMaxTokens = Annotated[int | None, Option(help="Stop, and fail, before more tokens than this are used.")]
LlmMaxUsd = Annotated[float | None, Option(help="Stop, and fail, before more US dollars than this are spent.")]
LlmPremask = Annotated[
    bool | None, Option("--llm-premask", help="Show the language model only what nothing local has found.")
]
LlmCache = Annotated[Path | None, Option(help="Directory that remembers answers: labels and positions, no words.")]
Entities = Annotated[
    list[str] | None,
    Option(
        "--entity",
        metavar="LABEL=MEANING",
        help='A detail of your own for the language model: SHIP_NAME="the name of the ship", or a file of such lines.',
    ),
]

# Who serves.
Host = Annotated[str | None, Option(help="Address to listen on; one that others reach needs OFFRECORD_API_KEYS.")]
Port = Annotated[int | None, Option(help="Port to listen on; 0 for any that is free.")]
Workers = Annotated[int | None, Option(help="Processes that work on recordings, each with its own models.")]
GatewayRedact = Annotated[
    bool | None,
    Option("--gateway-redact/--no-gateway-redact", help="Take personal details out of what goes to models."),
]
Media = Annotated[Path | None, Option(help="Directory of media, if not the home; with --ray one that all nodes share.")]
Home = Annotated[Path | None, Option(help="Directory of the server's database and media.")]

# What a batch does.
In = Annotated[
    str,
    Argument(
        metavar="IN",
        help="Directory, pattern in quotes, list of recordings (.jsonl, .csv), or prefix in a bucket: s3://, gs://, az://.",
    ),
]
Out = Annotated[str, Argument(metavar="OUT", help="Directory or prefix in a bucket; what is in IN is mirrored there.")]
RetryFailed = Annotated[bool, Option("--retry-failed", help="Try again what failed, or made its worker die, before.")]
Limit = Annotated[int | None, Option(min=0, help="Work on so many recordings at most; the next run does the others.")]
Shuffle = Annotated[bool, Option("--shuffle", help="In no order, so that the first hour is like the last.")]
DryRun = Annotated[bool, Option("--dry-run", help="Only say what would be done, and how long it may take.")]
Processes = Annotated[
    int | None, Option(min=1, help="Processes on this machine, each with its own models; default: one for each core.")
]
Ray = Annotated[
    str | None,
    Option("--ray", metavar="ADDRESS", help="Work on a Ray cluster: host:port, auto, or local. Extra `ray`."),
]
Attempts = Annotated[
    int, Option(min=1, help="How often a recording is begun whose worker dies, before it is put in quarantine.")
]
State = Annotated[Path | None, Option(help="Directory for the manifest; default: in OUT, for a bucket ~/.local/state.")]

SETTINGS: dict[str, Any] = {
    "policy": Policy,
    "substitute": Substitute,
    "sound": Sound,
    "pad": Pad,
    "strict": Strict,
    "key_tones": KeyTones,
    "allow": Allow,
    "deny": Deny,
    "cloud": Cloud,
    "recogniser": Recogniser,
    "recogniser_base_url": RecogniserBaseUrl,
    "speakers": Speakers,
    "delete_remote": DeleteRemote,
    "model": Model,
    "second_model": SecondModel,
    "language": Language,
    "channels": Channels,
    "verify": Verify,
    "verify_model": VerifyModel,
    "allow_unverified": Unverified,
    "tagger": Tagger,
    "strictness": Strictness,
    "threads": Threads,
    "detector": Detector,
    "patterns": Patterns,
    "entities": Entities,
    "llm_base_url": LlmBaseUrl,
    "llm_model": LlmModel,
    "llm_concurrency": LlmConcurrency,
    "llm_max_tokens": LlmMaxTokens,
    "llm_max_usd": LlmMaxUsd,
    "llm_premask": LlmPremask,
    "llm_cache": LlmCache,
}
"""The options that a `Redactor` is made with, by its names for them."""

_Command = TypeVar("_Command", bound=Callable[..., None])


def with_settings(command: _Command) -> _Command:
    """Give a command whose last parameter is ``**given`` the options of `SETTINGS` in the place of that."""
    own = [
        each for each in inspect.signature(command, eval_str=True).parameters.values() if each.kind != each.VAR_KEYWORD
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=kind)
        for name, kind in SETTINGS.items()
    ]
    # typer reads both.
    vars(command)["__signature__"] = inspect.Signature([*own, *shared])
    command.__annotations__ = {each.name: each.annotation for each in (*own, *shared)} | {"return": None}
    return command
