"""What the command line says: data on standard output, notices, progress and faults on standard error."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from offrecord.sources import STDIN
from offrecord.types import Redaction, Verification
from offrecord.usage import Usage

__all__ = ["data", "disclose", "notices", "report", "tell", "unexpected", "working"]

notices = Console(stderr=True, highlight=False, soft_wrap=True)


def report(console: Console, file: Path, redaction: Redaction, paths: dict[str, Path], seconds: float) -> None:
    """Say what was hidden, by label, how long it took, and what was written where."""
    counts = redaction.counts()
    details = ", ".join(f"{n} {label}" for label, n in sorted(counts.items(), key=lambda item: -item[1]))
    length = f"{redaction.transcript.duration / 1000:.1f} s of sound" if redaction.transcript.timed else "text"
    muted = sum(end - start for start, end in redaction.muted) / 1000
    name = "standard input" if file == STDIN else file.name
    line = f"{name}: {length} in {seconds:.1f} s, {sum(counts.values())} details hidden"
    line += f" ({details})" if details else ""
    console.print(line + (f", {muted:.1f} s muted" if redaction.muted else ""), markup=False)
    if redaction.usage is not None:
        console.print(f"  {_asked(redaction.usage)}", markup=False)
    for what, where in (("speech that was not recognised", redaction.unrecognised), ("key tones", redaction.key_tones)):
        if where:
            of = sum(end - start for start, end in where) / 1000
            console.print(f"  muted as well: {of:.1f} s of {what}, in {len(where)} places", markup=False)
    if redaction.verification and redaction.verification.mode != "off":
        console.print(f"  {_verified(redaction.verification)}", markup=False)
        if left := redaction.verification.left:
            places = ", ".join(f"{start} to {end}" for start, end in left)
            notices.print(
                f"offrecord: {name}: released unverified: a detail is still heard at {places} ms", markup=False
            )
    for path in paths.values():
        console.print(f"  wrote {path}", markup=False)


def _asked(usage: Usage) -> str:
    """What the language model was asked, in a line."""
    parts = [f"{usage.calls} calls to {usage.gateway}"]
    parts += [f"{usage.retries} of them again"] if usage.retries else []
    parts += [f"{usage.cached} answers from the cache"] if usage.cached else []
    parts += [f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"]
    parts += [f"${usage.cost:.4f}"] if usage.cost is not None else []
    parts += [f"{usage.ungrounded} quotes that are not in the text"] if usage.ungrounded else []
    parts += [f"{usage.unplaced} sentences hidden for a quote without a place"] if usage.unplaced else []
    parts += [f"{usage.flooded} answers that claim more than half: look them over"] if usage.flooded else []
    return ", ".join(parts)


def disclose(destinations: Sequence[str]) -> None:
    """Name where what was said goes, before any of it does."""
    for destination in destinations:
        tell(f"what is said goes to {destination}")


def _verified(done: Verification) -> str:
    """What the second listening came to, in a line."""
    line = f"verified with {done.model}: listened to {done.listened / 1000:.1f} s, {done.found} traces heard"
    return line + (f", {done.widened} intervals widened, {done.added} added" if done.found else "")


def working(console: Console, text: str) -> AbstractContextManager[object]:
    """A spinner on standard error, if that is a terminal that the data does not go to as well.

    Not `Console.status`: that catches standard output and sends it to standard error.
    """
    if sys.stdout.isatty():
        return nullcontext()
    return Live(
        Spinner("dots", Text(text)), console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )


def data(line: str) -> None:
    """A line of data, at once: whoever reads a pipe sees it while the work goes on."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Say what leaves the machine, even with ``--quiet``: nothing is sent anywhere unsaid."""
    notices.print(f"offrecord: {line}", markup=False)


def unexpected(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """Report a fault of ours by its type and place. The message and the values might hold what was said."""
    place = traceback.extract_tb(trace)[-1] if trace else None
    where = f" at {Path(place.filename).name}:{place.lineno}" if place else ""
    sys.stderr.write(
        f"offrecord: internal fault: {kind.__name__}{where}. Nothing was released. Please report this line; "
        "no more is shown, because it might hold what was said\n"
    )
