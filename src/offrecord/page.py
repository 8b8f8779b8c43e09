"""A `Redaction` as one page to look at and listen to: player, waveform, transcript, what was hidden, what made it.

The page is one file that asks nothing of any network: its policy forbids it, and the one script and the one style
sheet in it are allowed by their digests. It is made from the redaction and from the redacted sound alone, so that not
even the waveform shows anything of what was muted. Whatever comes from outside is escaped.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from offrecord import audio
from offrecord.labels import LABELS
from offrecord.types import Redaction, Transcript

__all__ = ["LARGEST", "PLAYED", "Heard", "as_html", "heard"]

LARGEST = 20_000_000
"""Bytes of sound that are put into the page; a third more in its text. Larger files are linked to."""

PLAYED = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
}
"""What browsers play, by extension."""

_BARS = 1_200
_STEP_MS = 10
_RATE = 8_000


@dataclass(frozen=True, slots=True)
class Heard:
    """The redacted sound as the page has it.

    ``peaks``: its loudest sample in each of equal parts, 0 to 1. ``address``: a data URI, or the name of a file beside
    the page, or None for a page without player. ``begins``: where the sound begins in the player's time, milliseconds.
    """

    peaks: tuple[float, ...]
    address: str | None = None
    is_video: bool = False
    begins: int = 0


def heard(path: Path, *, beside: bool) -> Heard:
    """What the page needs of the redacted sound at ``path``, which stays ``beside`` the page, or else will be gone.

    Raises `InputError` for what cannot be decoded.
    """
    kind = PLAYED.get(path.suffix.lower())
    media = audio.probe(path)
    address = None
    if kind and path.stat().st_size <= LARGEST:
        address = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    elif kind and beside:
        address = quote(path.name)
    return Heard(_peaks(path), address, media.has_video, media.starts // 1_000 if media.has_video else 0)


def _peaks(path: Path) -> tuple[float, ...]:
    step = _RATE * _STEP_MS // 1_000
    steps = np.concatenate(
        [
            np.abs(np.pad(block[0], (0, -block.shape[1] % step))).reshape(-1, step).max(axis=1)
            for block in audio.decode(path, rate=_RATE, block=step * 1_000)
        ]
    )
    edges = np.unique(np.linspace(0, steps.size, min(_BARS, steps.size) + 1).astype(int))
    peaks = np.maximum.reduceat(steps, edges[:-1])
    # A quiet recording would be a flat line; what is hardly there at all stays one.
    return tuple(float(peak) for peak in np.round(peaks / max(0.05, float(peaks.max())), 3))


def as_html(redaction: Redaction, sound: Heard | None = None) -> str:
    """The page. Without ``sound`` it shows the transcript and what was hidden, and has no player."""
    transcript = redaction.transcript
    kind = "recording" if transcript.timed else "text"
    hidden = sum(redaction.counts().values())
    seconds = sum(end - start for start, end in redaction.muted) / 1_000
    summary = [f"{_clock(transcript.duration)} of sound"] if transcript.timed else []
    summary += [f"{hidden} detail{'s' * (hidden != 1)} hidden"] + (
        [f"{seconds:.1f} s muted"] if redaction.muted else []
    )
    verification = redaction.verification
    slots = {
        "title": f"Redacted {kind}",
        "heading": f"Redacted {kind}",
        "summary": escape(" · ".join(summary)),
        "language": escape(transcript.language or ""),
        "player": _player(redaction, sound) if sound else "",
        "transcript": "\n".join(_turns(redaction)) if transcript.timed else _text(redaction),
        "entities": _entities(redaction),
        "verification": _section("Listened to again", _rows(_fields(verification))) if verification else "",
        "made_with": _rows(redaction.made_with),
    }
    template = _template()
    slots["policy"] = _policy(template, linked=bool(sound and sound.address and not sound.address.startswith("data:")))
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: slots[slot[1]], template)


@cache
def _template() -> str:
    return files("offrecord").joinpath("page.html").read_text(encoding="utf-8")


def _policy(template: str, *, linked: bool) -> str:
    """What the browser lets the page do: its own script and style, sound that is in it or beside it, nothing else."""
    digests = []
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        digest = base64.b64encode(sha256(inside.encode("utf-8")).digest()).decode("ascii")
        digests.append(f"{tag}-src 'sha256-{digest}'")
    sound = "media-src 'self' file:" if linked else "media-src data:"
    rest = "img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; {'; '.join(digests)}; {sound}; {rest}"


def _player(redaction: Redaction, sound: Heard) -> str:
    length = max(1, redaction.transcript.duration)
    count = len(sound.peaks)
    above = "".join(f"L{i * _BARS / count:.1f} {50 - 48 * peak:.1f}" for i, peak in enumerate(sound.peaks))
    below = "".join(
        f"L{i * _BARS / count:.1f} {50 + 48 * peak:.1f}" for i, peak in reversed(list(enumerate(sound.peaks)))
    )
    muted = "".join(
        f'<rect x="{start * _BARS / length:.2f}" y="1" width="{(end - start) * _BARS / length:.2f}" height="98"/>'
        for start, end in redaction.muted
    )
    slider = (
        f'role="slider" tabindex="0" aria-label="Position" aria-valuemin="0" aria-valuemax="{length // 1_000}" '
        f'aria-valuenow="0" aria-valuetext="0:00 of {_clock(length)}"'
        if sound.address
        else f'role="img" aria-label="Waveform with {len(redaction.muted)} muted intervals"'
    )
    tag = "video" if sound.is_video else "audio"
    player = (
        f'<{tag} controls preload="metadata" data-begins="{sound.begins}" src="{escape(sound.address)}"></{tag}>\n'
        '<p class="soft"><small><kbd>Space</kbd> plays and pauses, <kbd>←</kbd> <kbd>→</kbd> go 5 seconds; a click '
        "on a word, or <kbd>Enter</kbd>, goes there.</small></p>"
        if sound.address
        else '<p class="soft">The sound is too large to be part of this page, and was not written beside it.</p>'
    )
    return (
        f'<section class="card player" aria-label="Redacted sound">\n<div class="wave" data-length="{length}" {slider}>'
        f'<svg viewBox="0 0 {_BARS} 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M0 50{above}{below}Z"/>{muted}<line x1="0" x2="0" y1="0" y2="100"/></svg></div>\n{player}</section>'
    )


def _turns(redaction: Redaction) -> Iterator[str]:
    """A line for each sentence: when, at the beginning of an utterance who, and each word with its times."""
    transcript = redaction.transcript
    hidden = _hidden(redaction)
    for utterance in transcript.utterances:
        who = utterance.speaker or (f"{utterance.channel + 1}" if utterance.channel is not None else "")
        voice = f'<span class="who">{escape(who)}</span> ' if who else ""
        first = utterance.words.start
        for i in utterance.words:
            if i + 1 in utterance.words and transcript.words[i].text[-1] not in ".?!":
                continue
            said = " ".join(_word(transcript, j, hidden.get(j), timed=True) for j in range(first, i + 1))
            when = _button(transcript.words[first].start, stop=False)
            yield f'<div class="turn">{when}<div class="said">{voice}{said}</div></div>'
            first, voice = i + 1, ""


def _text(redaction: Redaction) -> str:
    """A text, with its own lines and spaces."""
    transcript = redaction.transcript
    hidden = _hidden(redaction)
    words = (
        _word(transcript, i, hidden.get(i), timed=False) + escape(word.gap) for i, word in enumerate(transcript.words)
    )
    return f'<div class="text">{escape(transcript.lead)}{"".join(words)}</div>'


def _hidden(redaction: Redaction) -> dict[int, str]:
    return {i: entity.label for entity in redaction.entities for i in entity.words}


def _word(transcript: Transcript, index: int, label: str | None, *, timed: bool) -> str:
    word = transcript.words[index]
    times = f' data-s="{word.start}" data-e="{word.end}"' if timed else ""
    if label is None:
        return f"<span{times}>{escape(word.text)}</span>" if timed else escape(word.text)
    return f'<mark{times} data-label="{label}" title="{_named(label)}">{escape(word.text)}</mark>'


def _entities(redaction: Redaction) -> str:
    """Each label with its count, to be shown or not, and each entity, or place without words, with its time."""
    words = redaction.transcript.words
    places = [(min(words[i].start for i in entity.words), entity.label) for entity in redaction.entities]
    places += [(start, "speech that was not recognised") for start, _ in redaction.unrecognised]
    places += [(start, "key tones") for start, _ in redaction.key_tones]
    if not places:
        return "<p>Nothing was found to hide.</p>"
    counts = Counter(label for _, label in places)
    filters = "".join(
        f'<button type="button" data-filter="{label}" aria-pressed="true" title="{_meaning(label)}">'
        f"{_named(label)} <small>{count}</small></button>"
        for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    timed = redaction.transcript.timed
    items = "".join(
        f'<li data-label="{label}">{_button(start) if timed else ""}<span>{_named(label)}</span></li>'
        for start, label in sorted(places, key=lambda place: place[0])
    )
    return (
        f'<div class="labels" role="group" aria-label="Show by label">{filters}</div>\n'
        f'<ol tabindex="0" aria-label="Hidden details">{items}</ol>'
    )


def _meaning(label: str) -> str:
    return escape(LABELS[label].meaning if label in LABELS else label)


def _named(label: str) -> str:
    return label.replace("_", " ")


def _button(ms: int, *, stop: bool = True) -> str:
    """A time to go to. Those beside the transcript are no stops of the tabulator: its words are reached by arrows."""
    clock = _clock(ms)
    tab = "" if stop else ' tabindex="-1"'
    return f'<button type="button" class="at" data-at="{ms}"{tab} aria-label="Go to {clock}">{clock}</button>'


def _section(heading: str, content: str) -> str:
    return f'<section class="card"><h2>{heading}</h2>\n{content}\n</section>'


def _fields(value: object) -> Mapping[str, Any]:
    """The fields of a result by name; of a collection, how much is in it."""
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if not isinstance(value, Mapping):
        return {"result": str(value)}
    return {
        str(name): len(each) if isinstance(each, tuple | list | set | frozenset | Mapping) else each
        for name, each in value.items()
    }


def _rows(rows: Mapping[str, Any]) -> str:
    return (
        "<dl>"
        + "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(each))}</dd>" for name, each in rows.items())
        + "</dl>"
    )


def _clock(ms: int) -> str:
    seconds = ms // 1_000
    minutes = f"{seconds // 60 % 60:02}" if seconds >= 3_600 else f"{seconds // 60}"
    return f"{f'{seconds // 3_600}:' if seconds >= 3_600 else ''}{minutes}:{seconds % 60:02}"
