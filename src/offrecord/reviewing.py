"""The commands of reviews: one recording before a person, on this machine; and what was decided, in numbers."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import sys
import threading
import uuid
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn

from typer import Argument, Option

from offrecord import options, sources, terminal
from offrecord.errors import InputError, OutputError, UsageError
from offrecord.review import counts
from offrecord.review.ledger import Ledger
from offrecord.rooms import Rooms
from offrecord.settings import server_settings
from offrecord.store import Store

__all__ = ["export_decisions", "review"]

_OPENS_S = 60 * 60
"""How long the address is good that opens the page once."""


def review(
    given: Annotated[
        Path | None, Argument(metavar="FILE", help="A recording, or a text (.txt, .md); none goes with --home.")
    ] = None,
    home: Annotated[
        Path | None, Option(help="Directory that keeps the review; without it all is erased when the command ends.")
    ] = None,
    port: Annotated[int, Option(help="Port to listen on, on this machine; 0 for any that is free.")] = 0,
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    policy: options.Policy = None,
    model: options.Model = None,
    language: options.Language = None,
    channels: options.Channels = None,
    tagger: options.Tagger = None,
    strictness: options.Strictness = None,
    threads: options.Threads = None,
) -> None:
    """Review a recording or a text in the browser: listen, see, decide. Needs the extra `server`.

    \b
    offrecord review call.mp3
    offrecord review call.mp3 --home reviews
    offrecord review --home reviews

    The address that is printed is good once; Ctrl-C ends the server.
    """
    if given is None and home is None:
        raise UsageError("name a recording or a text, or with --home the directory of an earlier review")
    kind = _kind(given) if given else None
    settings = {"model": model, "language": language, "channels": channels, "tagger": tagger,
                "strictness": strictness, "threads": threads}  # fmt: skip
    with _home(home) as directory, _terminated():
        _serve(directory, given, kind, policy, port, browser, {n: v for n, v in settings.items() if v is not None})


def _kind(file: Path) -> Literal["recording", "text"]:
    kind = sources.kind(file)
    if kind == "transcript" or file == sources.STDIN:
        raise UsageError(f"{file}: a review needs the recording itself, or a text (.txt, .md)")
    if not file.is_file():
        raise InputError(f"{file} does not exist, or is no file")
    return "text" if kind == "text" else "recording"


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with closing(Rooms()) as rooms, rooms.room() as directory:  # which the next one sweeps, if this one is killed
        yield directory


@contextmanager
def _terminated() -> Iterator[None]:
    """An end by the system is an end as by Ctrl-C: what was laid down here goes."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _serve(
    home: Path,
    file: Path | None,
    kind: Literal["recording", "text"] | None,
    policy: str | None,
    port: int,
    browser: bool,
    given: dict[str, Any],
) -> None:
    try:
        from offrecord.server.app import serve  # noqa: PLC0415 - only the server's commands need the extra
        from offrecord.server.keys import Keys, local_key  # noqa: PLC0415
        from offrecord.server.review import order_for  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the review page needs {error.name}, which is not installed: pip install 'offrecord[server]'"
        ) from None
    from offrecord.pipeline import Redactor  # noqa: PLC0415

    redactor = Redactor(**given)  # refuses what cannot be, before anything is written
    with closing(Store(home)) as store:
        # A key of its own, that nobody knows: others on this machine cannot sign in, whatever they find the port to be.
        secret, key = local_key(home)
        owner = Keys([key], secret).owner(f"Bearer {key}")
        job = _submitted(store, owner, file, order_for(redactor, kind, policy)) if file and kind else None
        token = Ledger(store).open_once(owner, job, _OPENS_S)
    settings = server_settings(
        home=home, host="127.0.0.1", port=port, api_keys=key, workers=1, review_unredacted=True, cors="",
        upstreams="",
    ).model_copy(update={"public_url": None, "media": None, "ray": None})  # fmt: skip

    def begun(url: str) -> None:
        address = f"{url}/review/open?token={token}"
        terminal.data(address)
        terminal.notices.print("offrecord: good once; Ctrl-C ends the server", markup=False)
        if browser:  # beside the server, which some browsers would keep waiting
            threading.Thread(target=_open, args=(address,), name="browser", daemon=True).start()

    serve(settings, begun, **given)


def _open(address: str) -> None:
    if not webbrowser.open(address):
        terminal.notices.print("offrecord: no browser was found; open the address yourself", markup=False)


def _submitted(store: Store, owner: str, file: Path, asked: dict[str, Any]) -> str:
    """The job of a copy of ``file``: it is kept to decide by, and erased with the review."""
    upload = uuid.uuid4().hex
    half = store.upload_path(upload).with_suffix(".half")
    try:
        shutil.copyfile(file, half)
        half.chmod(0o600)
        store.add_upload(upload, owner, half.stat().st_size)
        half.replace(store.upload_path(upload))
    except OSError as error:
        raise OutputError(f"{file} cannot be copied to {store.home}: {error.strerror}") from None
    finally:
        half.unlink(missing_ok=True)
    return store.submit(owner, "", asked=asked, secret={}, upload=upload, review=asked["review"]["kind"]).id


def export_decisions(
    home: options.Home = None,
    format_: Annotated[str, Option("--format", help="csv or json.")] = "csv",
) -> None:
    """Print what reviewers decided, counted by label, source and score: for setting thresholds. No text is in it.

    \b
    offrecord export-decisions > decisions.csv
    offrecord export-decisions --home reviews --format json
    """
    if format_ not in ("csv", "json"):
        raise UsageError(f"format {format_!r}: expected csv or json")
    directory = home or server_settings().home
    if not (directory / "offrecord.db").is_file():
        raise InputError(f"{directory} holds no database of a server; name its directory with --home")
    with closing(Store(directory)) as store:
        rows = counts.counted(Ledger(store))
    if format_ == "json":
        terminal.data(json.dumps({"schema": 1, "counts": rows}, ensure_ascii=False, indent=1))
        return
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, counts.FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    terminal.data(written.getvalue().removesuffix("\n"))
