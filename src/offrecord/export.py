"""From a `Redaction` to files: text, JSON, subtitles, a page, sound. Nothing else is ever written.

All formats are made from the redaction alone, which holds no original word; the sound is the recording with the
redaction's intervals muted. Files appear whole or not at all.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offrecord import audio, page
from offrecord.errors import NoSpeech, OutputError, OutputExists, UnknownFormat, UsageError
from offrecord.types import Policy, Redaction, Transcript

__all__ = [
    "CUE",
    "FORMATS",
    "SCHEMA",
    "SOUNDS",
    "as_json",
    "as_srt",
    "as_text",
    "as_vtt",
    "outputs",
    "refuse_existing",
    "sounds",
    "write",
]

SCHEMA = 1
"""The version of the JSON result, in its field ``schema``. It grows by one when a field changes its meaning or goes."""

CUE = 84
"""Characters in a subtitle: two lines of 42."""


def as_text(redaction: Redaction) -> str:
    """The redacted text. A text keeps its lines and spaces; of a recording, each utterance is a line."""
    transcript = redaction.transcript
    if not transcript.timed:
        return transcript.text
    return "".join(f"{_voice(transcript, i)}{line}\n" for i, line in enumerate(_lines(transcript)))


def as_json(redaction: Redaction) -> str:
    """The result as JSON; docs/json.md describes each field. Milliseconds throughout; no original text anywhere."""
    transcript = redaction.transcript
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "text": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
        "speech": bool(transcript.words),
        "words": [
            {
                "text": word.text,
                "start": word.start,
                "end": word.end,
                "confidence": word.confidence,
                "speaker": word.speaker,
                "channel": word.channel,
            }
            for word in transcript.words
        ],
        "entities": [
            {
                "label": entity.label,
                "start": min(transcript.words[i].start for i in entity.words),
                "end": max(transcript.words[i].end for i in entity.words),
                "words": [entity.words.start, entity.words.stop],
                "score": round(max((span.score for span in entity.spans), default=1.0), 3),
                "sources": sorted({span.source for span in entity.spans}),
            }
            for entity in redaction.entities
        ],
        "muted": [list(interval) for interval in redaction.muted],
        "muted_channels": [[list(interval) for interval in channel] for channel in redaction.channels] or None,
        "unrecognised": [list(interval) for interval in redaction.unrecognised],
        "key_tones": [list(interval) for interval in redaction.key_tones],
        "verification": asdict(redaction.verification) if redaction.verification else None,
        "made_with": dict(redaction.made_with),
        "usage": None if redaction.usage is None else asdict(redaction.usage),
    }
    return json.dumps(result, ensure_ascii=False, indent=1) + "\n"


def as_srt(redaction: Redaction, width: int = CUE) -> str:
    """SubRip subtitles of up to ``width`` characters. Raises `UsageError` for a text without times."""
    cues = enumerate(_cues(redaction.transcript, width), 1)
    return "".join(f"{n}\n{_clock(a, ',')} --> {_clock(b, ',')}\n{text}\n\n" for n, (a, b, text) in cues)


def as_vtt(redaction: Redaction, width: int = CUE) -> str:
    """WebVTT subtitles of up to ``width`` characters. Raises `UsageError` for a text without times."""
    cues = _cues(redaction.transcript, width)
    return "WEBVTT\n\n" + "".join(
        f"{_clock(a, '.')} --> {_clock(b, '.')}\n{text.replace('&', '&amp;').replace('<', '&lt;')}\n\n"
        for a, b, text in cues
    )


_WRITERS: dict[str, Callable[[Redaction], str]] = {
    "txt": as_text,
    "json": as_json,
    "srt": as_srt,
    "vtt": as_vtt,
}
_SUBTITLES = frozenset({"srt", "vtt"})

FORMATS = (*_WRITERS, "html", *audio.CONTAINERS, "sound")
"""What can be asked for. ``html`` is a page to look at and listen to. ``sound`` is the container that the recording
came in; of a video it has the pictures too."""

SOUNDS = frozenset((*audio.CONTAINERS, "sound"))
"""Those that are the recording itself: none is written where nobody was heard to speak."""


def outputs(
    source: Path, directory: Path, formats: Sequence[str] = (), *, recording: bool, sound: bool
) -> dict[str, Path]:
    """Which file each format of ``source`` goes to: ``<directory>/<name>.redacted.<ext>``.

    Without ``formats``: all that the source can give but the page, which would hold the sound once more. Raises
    `UnknownFormat` for a name outside `FORMATS`, and `UsageError` for one that this source cannot give: sound or
    subtitles from a text, sound when the policy leaves it alone.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise UnknownFormat(f"unknown format {unknown[0]!r}; expected one of {', '.join(FORMATS)}")
    chosen = list(dict.fromkeys(formats)) or [
        name for name in (*_WRITERS, "sound") if recording or (name not in _SUBTITLES and name != "sound")
    ]
    paths: dict[str, Path] = {}
    for name in chosen:
        is_sound = name in SOUNDS
        if is_sound and not sound and not formats:
            continue
        if is_sound and not (recording and sound):
            raise UsageError(f"{source.name}: no {name} can be written: it is no recording, or the sound is left alone")
        if name in _SUBTITLES and not recording:
            raise UsageError(f"{source.name}: no {name} can be written, for a text has no times")
        extension = audio.extension(source) if name == "sound" else name
        paths[name] = directory / f"{source.stem}.redacted.{extension}"
    return paths


def sounds(paths: Iterable[str]) -> bool:
    """Whether sound is among the formats."""
    return any(name not in _WRITERS for name in paths)


def refuse_existing(paths: Sequence[Path], *, force: bool) -> None:
    """Raise `OutputExists` if a target is there (unless ``force``), `UsageError` if two outputs have the same name."""
    twice = [path for i, path in enumerate(paths) if path in paths[:i]]
    if twice:
        raise UsageError(f"two outputs would be named {twice[0]}; give them directories of their own")
    existing = [path for path in paths if path.exists()]
    if existing and not force:
        raise OutputExists(f"{existing[0]} exists; move it, or replace it with --force")


def write(redaction: Redaction, source: Path, paths: dict[str, Path], policy: Policy) -> tuple[str, ...]:
    """Write each of ``paths`` (from `outputs`): all are made first, then they take their places together.

    After a failure none of them is there, and what stood in their places still is. Gives the notices of
    `audio.write_redacted`, each once.

    Raises `OutputError` where they cannot be written, `NoSpeech` for sound of a recording without speech, and
    `InputError` if the recording is no longer the one that was read.
    """
    sounds = {name for name in paths if name in SOUNDS}
    notices: dict[str, None] = {}
    if sounds and not redaction.transcript.words:
        raise NoSpeech(f"{source.name}: nobody speaks in it, so there is no sound to redact")
    directories = {path.parent for path in paths.values()}
    for directory in directories:
        here = {name: path for name, path in paths.items() if path.parent == directory}
        with staged(directory) as stage:
            # The page last: it plays the sound that is there.
            for name, path in sorted(here.items(), key=lambda item: item[0] == "html"):
                made = stage / path.name
                if name == "html":
                    made.write_text(_page(redaction, source, stage, policy), encoding="utf-8", newline="")
                elif name in SOUNDS:
                    container = None if name == "sound" else name
                    notices |= dict.fromkeys(_write_sound(redaction, source, made, policy, container))
                else:
                    made.write_text(_WRITERS[name](redaction), encoding="utf-8", newline="")
            for path in here.values():
                (stage / path.name).replace(path)
    return tuple(notices)


def _write_sound(
    redaction: Redaction, source: Path, path: Path, policy: Policy, container: str | None
) -> tuple[str, ...]:
    try:
        return audio.write_redacted(
            source,
            path,
            redaction.muted,
            sound=policy.sound,
            container=container,
            channels=redaction.channels,
            unchanged=redaction.source,
        )
    except OutputError as error:
        # The caller knows nothing of the stage: name the file that was asked for.
        raise OutputError(str(error).replace(f"{path.parent.name}/", "")) from None


def _page(redaction: Redaction, source: Path, stage: Path, policy: Policy) -> str:
    """The page with the sound in ``stage``, or with sound made for it alone."""
    there = [path for path in sorted(stage.iterdir()) if path.suffix.lower() in page.PLAYED]
    if there:
        return page.as_html(redaction, page.heard(there[0], beside=True))
    # A page must not play what nobody has redacted: no sound of a recording in which no word was found.
    if redaction.source is None or policy.sound == "none" or not redaction.transcript.words:
        return page.as_html(redaction)
    usual = audio.extension(source)
    path = stage / f"page.{usual if f'.{usual}' in page.PLAYED else 'm4a'}"
    _write_sound(redaction, source, path, policy, None if path.suffix == f".{usual}" else "m4a")
    return page.as_html(redaction, page.heard(path, beside=False))


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """A directory inside ``directory`` to write into before renaming; it goes with all that is left in it.

    Raises `OutputError` for what the system says of it, or of what is written there: no room, no right.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".offrecord-", dir=directory))
    except OSError as error:
        raise OutputError(f"cannot write to {directory}: {error.strerror}; choose another directory") from None
    try:
        yield stage
    except OSError as error:
        raise OutputError(f"cannot write to {directory}: {error.strerror}; nothing was left there") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _lines(transcript: Transcript) -> Iterator[str]:
    for utterance in transcript.utterances:
        yield " ".join(transcript.words[i].text for i in utterance.words)


def _voice(transcript: Transcript, utterance: int) -> str:
    """Who speaks, where the transcript knows it."""
    of = transcript.utterances[utterance]
    if of.speaker is not None:
        return f"{of.speaker}: "
    return f"{of.channel + 1}: " if of.channel is not None else ""


def _cues(transcript: Transcript, width: int) -> Iterator[tuple[int, int, str]]:
    """Subtitles as (start, end, text): within an utterance, up to a sentence's end or at most ``width`` characters."""
    if transcript.words and not transcript.timed:
        raise UsageError("subtitles need times, and this transcript has none")
    for utterance in transcript.utterances:
        first = utterance.words.start
        for i in utterance.words:
            words = transcript.words[first : i + 1]
            text = " ".join(word.text for word in words)
            following = transcript.words[i + 1].text if i + 1 in utterance.words else None
            full = following is not None and len(text) + 1 + len(following) > width
            ended = words[-1].text[-1] in ".?!" and len(text) > width // 2
            if following is None or full or ended:
                yield words[0].start, max(words[0].start + 1, *(word.end for word in words)), text
                first = i + 1


def _clock(ms: int, point: str) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
