"""What a user may name as a source: recordings, texts, transcripts, directories of media, `-`; and lists of terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from offrecord import audio
from offrecord.errors import InputError, UsageError
from offrecord.transcribe import imported

__all__ = ["STDIN", "Kind", "files", "kind", "meanings", "terms"]

STDIN = Path("-")
_TEXTS = frozenset({".txt", ".text", ".md"})

Kind = Literal["recording", "text", "transcript"]


def kind(file: Path) -> Kind:
    """What a source is by its name: text (txt, md, ``-``), transcript (json, srt, vtt), or else a recording."""
    if file == STDIN or file.suffix.lower() in _TEXTS:
        return "text"
    return "transcript" if file.suffix.lower() in imported.SUFFIXES else "recording"


def files(given: Sequence[str]) -> list[Path]:
    """The sources, each once, with directories replaced by the media in them; outputs of ours in there are passed over.

    Raises `InputError` for what does not exist and for a directory without media, before any work is done.
    """
    found: list[Path] = []
    for source in map(Path, given):
        if source.is_dir():
            inside = sorted(
                file
                for file in source.iterdir()
                if file.suffix.lower() in audio.SUFFIXES and ".redacted" not in file.suffixes
            )
            if not inside:
                raise InputError(f"{source} holds no media ({', '.join(sorted(audio.SUFFIXES))})")
            found += inside
        elif source != STDIN and not source.exists():
            raise InputError(f"{source} does not exist")
        else:
            found.append(source)
    return list(dict.fromkeys(found))


def terms(given: Sequence[str] | None) -> list[str]:
    """The terms of a user's list: a value that names a file stands for its lines. Raises `InputError` for no text."""
    listed: list[str] = []
    for value in given or ():
        file = Path(value)
        listed += imported.read_text(file).splitlines() if file.is_file() else [value]
    return [term.strip() for term in listed if term.strip()]


def meanings(given: Sequence[str] | None) -> list[tuple[str, str]]:
    """Names and meanings of a user's own labels, from ``NAME=meaning`` and files of such lines (# begins a comment).

    Raises `UsageError` for what has no ``=``, `InputError` for a file that is no text.
    """
    lines = [line for value in given or () for line in ([value] if "=" in value else terms([value]))]
    pairs = []
    for line in lines:
        name, equals, meaning = line.partition("=")
        if line.startswith("#"):
            continue
        if not equals:
            raise UsageError(f"{line!r} is no label of your own: expected LABEL=MEANING, or a file of such lines")
        pairs.append((name, meaning.strip().strip("\"'")))
    return pairs
