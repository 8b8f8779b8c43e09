"""The command line: parses, calls the library, prints. Data goes to standard output, everything else to standard error.

Every error that a user can cause is one line and an exit code of `offrecord.errors`; 130 is Ctrl-C. What was said is
printed redacted, and in `detect --show-text`; never in a message.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer import Argument, Option

import offrecord
from offrecord import audio, export, logs, options, redacting, reviewing, sources, terminal
from offrecord.errors import FailedClosed, InputError, OffrecordError, UsageError
from offrecord.labels import LABELS, PRESETS, labels_for
from offrecord.pipeline import Redactor
from offrecord.settings import server_settings
from offrecord.transcribe import imported

__all__ = ["app", "main"]

_HELP = "Take personal details out of recordings and texts, on this machine: out of words, subtitles and sound."

app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
@options.with_settings
def redact(
    source: options.Sources,
    output: options.Output = None,
    formats: options.Formats = None,
    transcript: options.TranscriptFile = None,
    as_json: options.AsJson = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    **given: Any,
) -> None:
    """Redact recordings and texts.

    \b
    offrecord redact call.mp3
    offrecord redact call.mp3 -o out --formats txt,srt,sound
    offrecord redact *.wav -o out --policy pci --substitute hash --sound silence
    offrecord redact call.wav --transcript call.json -o out
    offrecord redact call.mp3 --cloud assemblyai --delete-remote
    echo "I'm Ann Lee" | offrecord redact -
    offrecord redact call.mp3 --detector both --llm-base-url http://127.0.0.1:11434/v1 --llm-model qwen3:8b
    """
    redactor = _redactor(given)
    if formats and not output:
        raise UsageError("--formats needs -o DIRECTORY: without it nothing is written")
    files = sources.files(source)
    if transcript and (len(files) != 1 or sources.kind(files[0]) != "recording"):
        raise UsageError("--transcript goes with exactly one recording")
    plan = {file: redacting.outputs(file, output, formats, redactor) for file in files}
    export.refuse_existing([path for paths in plan.values() for path in paths.values()], force=force)
    console = Console(quiet=True) if quiet else terminal.notices
    terminal.disclose(redactor.destinations)
    codes = [
        redacting.one(redactor, file, plan[file], transcript, as_json, console, alone=len(files) == 1) for file in files
    ]
    raise typer.Exit(max(codes))


@app.command()
@options.with_settings
def batch(
    source: options.In,
    out: options.Out,
    formats: options.Formats = None,
    retry_failed: options.RetryFailed = False,
    limit: options.Limit = None,
    shuffle: options.Shuffle = False,
    dry_run: options.DryRun = False,
    processes: options.Processes = None,
    ray: options.Ray = None,
    attempts: options.Attempts = 3,
    state: options.State = None,
    as_json: Annotated[bool, Option("--json", help="Print what happens as JSON, one event a line.")] = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    **given: Any,
) -> None:
    """Redact all recordings of a directory, a bucket or a list. Stopped or killed, it goes on where it was.

    \b
    offrecord batch calls out --policy pci
    offrecord batch 'calls/**/*.wav' out --formats txt,sound --processes 4
    offrecord batch calls.jsonl out --retry-failed
    offrecord batch s3://bucket/calls s3://bucket/redacted --ray auto
    offrecord batch calls out --dry-run
    """
    from offrecord import batching  # noqa: PLC0415 - brings sqlite and more, which only this command needs

    redactor = _redactor(given)
    wanted = [part.strip() for part in formats.split(",")] if formats else []
    recipe = batching.Recipe.of(redactor, wanted, given["policy"])
    order = batching.Order(
        source, out, recipe, retry_failed=retry_failed, limit=limit, shuffle=shuffle, force=force, state=state,
        dry=dry_run,
    )  # fmt: skip
    where = batching.Where(ray, processes, attempts)
    raise typer.Exit(batching.run(order, where, redactor, as_json=as_json, quiet=quiet))


def _redactor(given: dict[str, Any]) -> Redactor:
    """The redactor of the options in `options.SETTINGS`."""
    lists: dict[str, Any] = {"allow": sources.terms, "deny": sources.terms, "entities": sources.meanings}
    read: dict[str, Any] = {name: lists[name](value) if name in lists else value for name, value in given.items()}
    return Redactor(**read, tell=terminal.tell)


@app.command()
def detect(
    source: Annotated[str, Argument(help="A text or a transcript; - reads text from standard input.")] = "-",
    policy: options.Policy = None,
    tagger: options.Tagger = None,
    strictness: options.Strictness = None,
    detector: options.Detector = None,
    use_patterns: options.Patterns = None,
    entity: options.Entities = None,
    llm_base_url: options.LlmBaseUrl = None,
    llm_model: options.LlmModel = None,
    llm_premask: options.LlmPremask = None,
    llm_cache: options.LlmCache = None,
    show_text: Annotated[bool, Option(help="Print what was found, too: this shows the personal details.")] = False,
) -> None:
    """Print the claims on a text as JSON lines: start, end (characters), label, score, source.

    \b
    offrecord detect notes.txt
    echo "call me on 415 555 0132" | offrecord detect --policy numbers --show-text
    """
    file = Path(source)
    if file != sources.STDIN and sources.kind(file) == "recording":
        raise InputError(
            f"{file}: detect reads texts (.txt, .md) and transcripts (.json, .srt, .vtt); redact takes recordings"
        )
    if file == sources.STDIN:
        text = imported.decode_text(sys.stdin.buffer.read(), "standard input")
    else:
        text = imported.read(file).view if file.suffix.lower() in imported.SUFFIXES else imported.read_text(file)
    redactor = Redactor(
        policy=policy, tagger=tagger, strictness=strictness, detector=detector, patterns=use_patterns,
        entities=sources.meanings(entity), llm_base_url=llm_base_url, llm_model=llm_model, llm_premask=llm_premask,
        llm_cache=llm_cache,
    )  # fmt: skip
    terminal.disclose(redactor.destinations)
    for span in redactor.detect(text):
        row = asdict(span) | {"score": round(span.score, 3)}
        terminal.data(
            json.dumps(row | ({"text": text[span.start : span.end]} if show_text else {}), ensure_ascii=False)
        )


@app.command()
def labels(policy: Annotated[str, Argument(help="Preset or labels, separated by commas.")] = "all") -> None:
    """List labels with their meaning, and the presets they are in.

    \b
    offrecord labels
    offrecord labels pci
    """
    chosen = labels_for(policy)
    for row in LABELS.values():
        if row.name in chosen:
            presets = ",".join(name for name, names in PRESETS.items() if row.name in names and name != "all")
            terminal.data(f"{row.name:30} {row.group:13} {row.meaning}" + (f"  [{presets}]" if presets else ""))


@app.command()
def doctor() -> None:
    """Check that the models are there and sound, and that the main job can be done. Nothing is asked elsewhere."""
    terminal.data(f"offrecord {offrecord.__version__}, Python {sys.version.split()[0]}")
    redactor = Redactor()
    elsewhere = redactor.settings.recogniser != "local"
    worst = 0
    checks: dict[str, Callable[[], str]] = {
        "recogniser": lambda: redactor.recogniser.name + ("" if elsewhere else f" on {redactor.settings.device}"),
        "tagger": lambda: f"{redactor.tagger.name}, threshold {redactor.tagger.sure:g}",
        "media": audio.versions,
    }
    if redactor.settings.second_model is not None:
        checks["second"] = lambda: redactor.second.name if redactor.second else "none"
    for name, check in checks.items():
        try:
            terminal.data(f"  ok      {name:12} {check()}")
        except OffrecordError as error:
            terminal.data(f"  FAILED  {name:12} {error}")
            worst = max(worst, error.exit_code)
    goes = [f"what is said goes to {destination}" for destination in redactor.destinations]
    goes += ["the recogniser is a service, which was not asked"] if elsewhere else []
    for line in goes or ["nothing here reaches the network"] if not worst else ["see docs/quickstart.md"]:
        terminal.data(line)
    raise typer.Exit(worst)


@app.command()
def serve(
    host: options.Host = None,
    port: options.Port = None,
    workers: options.Workers = None,
    home: options.Home = None,
    media: options.Media = None,
    ray: options.Ray = None,
    gateway_redact: options.GatewayRedact = None,
    model: options.Model = None,
    language: options.Language = None,
    tagger: options.Tagger = None,
    strictness: options.Strictness = None,
    threads: options.Threads = None,
) -> None:
    """Serve AssemblyAI's API on this machine; docs/server.md says how. Needs the extra `server`.

    \b
    offrecord serve
    OFFRECORD_API_KEYS=secret offrecord serve --host 0.0.0.0 --workers 2
    offrecord serve --ray 10.0.0.5:6379 --workers 32 --media /mnt/shared/offrecord
    """
    chosen = server_settings(
        host=host, port=port, workers=workers, home=home, media=media, ray=ray, gateway_redact=gateway_redact
    )
    given = {"model": model, "language": language, "tagger": tagger, "strictness": strictness, "threads": threads}
    try:
        from offrecord.server.app import serve as run  # noqa: PLC0415 - only this command needs the extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the server needs {error.name}, which is not installed: pip install 'offrecord[server]'"
        ) from None
    run(chosen, **{name: value for name, value in given.items() if value is not None})


app.command()(reviewing.review)
app.command("export-decisions")(reviewing.export_decisions)


@app.command()
def version() -> None:
    """Print the version."""
    terminal.data(offrecord.__version__)


def main() -> NoReturn:
    """The console script. Raises `SystemExit` with the exit code."""
    sys.excepthook = terminal.unexpected
    logs.ours(logging.WARNING, "%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal says: redirected, it says ASCII
    try:
        # Not app(): that puts an excepthook of its own in place, which prints the exception's message.
        sys.exit(typer.main.get_command(app)(prog_name="offrecord", standalone_mode=False) or 0)
    except OffrecordError as error:
        code, message = error.exit_code, str(error)
    except typer.TyperException as error:
        code, message = error.exit_code, error.format_message()
    except (KeyboardInterrupt, typer.Abort):
        code, message = 130, "stopped; nothing was left half-written"
    except BrokenPipeError:
        # Whoever read us has gone. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FailedClosed.exit_code)
    terminal.notices.print(f"offrecord: {message}", markup=False)
    sys.exit(code)
