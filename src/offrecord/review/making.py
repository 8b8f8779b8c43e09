"""From the original and the marks to files: what the decisions say, and nothing else. The same again makes the same.

Rejected details are let go, all others are hidden. The sound is covered and listened to again as for any recording;
what is still heard is muted as well, and what is heard after that fails the whole, unless the settings let it pass.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from offrecord import audio, export
from offrecord.errors import Unverified
from offrecord.meter import measure
from offrecord.pipeline import Redactor
from offrecord.ranges import merged
from offrecord.redact.cover import Cover, cover
from offrecord.redact.envelope import Envelope
from offrecord.redact.text import substitute
from offrecord.review import audit
from offrecord.review.draft import Draft
from offrecord.review.marks import Mark, Marks
from offrecord.review.steps import Entry
from offrecord.types import Entity, Interval, Redaction, Span, Transcript, Verification
from offrecord.verify import Muted, verify

__all__ = [
    "StillHeard",
    "decided_redaction",
    "entities_of",
    "files",
    "listened",
    "peaks",
    "playback",
    "rows_of",
    "zipped",
]

PEAK_MS = 10
"""Milliseconds that a byte of the peaks stands for."""
_RATE = 8_000
_NAMED = 5


def entities_of(transcript: Transcript, draft: Draft, marks: Marks) -> tuple[list[Entity], dict[int, tuple[int, int]]]:
    """The entities that the marks hide, and how much wider than by itself each is to be covered, by its number."""
    entities: list[Entity] = []
    more: dict[int, tuple[int, int]] = {}
    for mark in marks:
        if mark.hides and mark.words is not None:
            if mark.pad != (0, 0):
                more[len(entities)] = mark.pad
            claims = draft.spans(mark.id) or (Span(*transcript.characters_of(mark.words), mark.label, 1.0, "reviewer"),)
            entities.append(Entity(mark.words, mark.label, claims))
    return entities, more


def _marked(marks: Marks, duration: int) -> list[Interval]:
    """What was marked in the sound."""
    found = [(mark, mark.time) for mark in marks if mark.hides and mark.time is not None]
    return [_padded(mark, time, duration) for mark, time in found]


def _padded(mark: Mark, time: Interval, duration: int) -> Interval:
    middle = sum(time) // 2
    return max(0, min(time[0] - mark.pad[0], middle)), min(duration, max(time[1] + mark.pad[1], middle + 1))


def rows_of(covered: Cover, envelope: Envelope) -> Muted:
    """What is muted in each channel."""
    return covered.channels or (covered.muted,) * len(envelope.levels)


def listened(
    redactor: Redactor,
    source: Path,
    transcript: Transcript,
    entities: Sequence[Entity],
    rows: Muted,
    envelope: Envelope,
    *,
    released: Sequence[str] = (),
    narrowed: Collection[int] = (),
) -> tuple[Muted, Verification]:
    """The rows as a second listening leaves them. ``released``: words that a person lets go, so they are no trace;
    ``narrowed``: hidden words, by their numbers, that a person wants covered by less."""
    mode = redactor.settings.verify
    if mode == "off" or redactor.policy.sound == "none":
        return rows, Verification("off")
    policy = replace(redactor.policy, allow=(*redactor.policy.allow, *released))
    return verify(
        source, transcript, entities, rows, hearing=redactor.verifier, detectors=redactor.detectors, policy=policy,
        mode=mode, envelope=envelope, narrowed=narrowed,
    )  # fmt: skip


def decided_redaction(
    redactor: Redactor, source: Path | None, transcript: Transcript, draft: Draft, marks: Marks
) -> Redaction:
    """What the marks say, of the recording at ``source``, or of a text.

    Raises `Unverified` where the second listening still hears a detail and the settings do not allow that.
    """
    entities, more = entities_of(transcript, draft, marks)
    redacted, placed = substitute(transcript, entities, redactor.policy.substitution)
    made_with = {**draft.made_with, "reviewed": "yes"}
    if source is None:
        return Redaction(redacted, placed, made_with=made_with)
    before = audio.identity(source)
    policy, settings = redactor.policy, redactor.settings
    envelope = measure(source, settings.channels, speech=policy.strict, tones=policy.key_tones).envelope()
    marked = _marked(marks, transcript.duration) if policy.sound != "none" else []
    covered = cover(transcript, entities, policy, envelope, more=more, marked=marked)
    released = [_said(transcript, mark.words) for mark in marks if not mark.hides and mark.words is not None]
    rows, done = listened(
        redactor, source, transcript, entities, rows_of(covered, envelope), envelope, released=released,
        narrowed=[i for number, pad in more.items() if min(pad) < 0 for i in entities[number].words],
    )  # fmt: skip
    if done.left and not settings.allow_unverified:
        raise _refusal(done)
    muted = merged(chain(*rows), apart=1)
    return Redaction(
        redacted,
        placed,
        muted,
        made_with,
        None,
        () if all(row == muted for row in rows) else rows,
        merged([*covered.unrecognised, *marked], apart=1),
        covered.key_tones,
        source=before,
        verification=done if policy.sound != "none" else None,
    )


def _said(transcript: Transcript, words: range) -> str:
    return " ".join(transcript.words[i].text for i in words)


class StillHeard(Unverified):
    """The second listening still hears details, in the intervals ``left``. For the reviewer to read."""

    def __init__(self, text: str, left: tuple[Interval, ...]) -> None:
        super().__init__(text)
        self.left = left


def _refusal(done: Verification) -> StillHeard:
    places = ", ".join(f"{start} to {end}" for start, end in done.left[:_NAMED])
    more = f" and {len(done.left) - _NAMED} more" if len(done.left) > _NAMED else ""
    return StillHeard(
        f"a detail is still heard in the redacted sound in {len(done.left)} places (at {places} ms{more}), so no files "
        "were made; widen the details there, or mark the time in the waveform, and finish again",
        done.left,
    )


def playback(redaction: Redaction, source: Path, directory: Path, redactor: Redactor) -> Path | None:
    """The redacted sound for the page's player, in a kind that browsers play; None where nobody speaks."""
    if not redaction.transcript.words or redactor.policy.sound == "none":
        return None
    channels = audio.probe(source).channels
    container = "mp3" if channels <= 2 else "m4a" if channels <= 8 else "wav"
    target = directory / f"playback.{container}"
    audio.write_redacted(
        source, target, redaction.muted, sound=redactor.policy.sound, container=container, channels=redaction.channels,
        unchanged=redaction.source,
    )  # fmt: skip
    return target


def peaks(path: Path) -> bytes:
    """How loud the sound at ``path`` is: its loudest sample in each `PEAK_MS`, 255 for full scale."""
    step = _RATE * PEAK_MS // 1_000
    found = [
        np.abs(np.pad(block[0], (0, -block.shape[1] % step))).reshape(-1, step).max(axis=1)
        for block in audio.decode(path, rate=_RATE, block=step * 1_000)
    ]
    return bytes(np.clip(np.rint(np.concatenate(found) * 255), 0, 255).astype(np.uint8))


def files(redaction: Redaction, source: Path | None, directory: Path, redactor: Redactor) -> list[Path]:
    """The files that the redaction is given out as, in ``directory``. Of a text there is no sound, nor subtitles."""
    names = ["txt", "json", "html"]
    extensions = {name: name for name in names}
    if source is not None:
        extensions |= {"srt": "srt", "vtt": "vtt"}
        if redaction.transcript.words and redactor.policy.sound != "none":
            extensions["sound"] = audio.extension(source)
    paths = {name: directory / f"redacted.{extension}" for name, extension in extensions.items()}
    export.write(redaction, source or directory / "redacted.txt", paths, redactor.policy)
    return sorted(paths.values())


def zipped(paths: Sequence[Path], entries: Sequence[Entry], target: Path) -> None:
    """All ``paths`` and the audit record in one file. It holds no time of its own making."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in paths:
            with path.open("rb") as file, archive.open(_member(path.name), "w", force_zip64=True) as member:
                shutil.copyfileobj(file, member, 1 << 20)
        for name, text in (("audit.json", audit.as_json(entries)), ("audit.csv", audit.as_csv(entries))):
            archive.writestr(_member(name), text.encode())


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o600 << 16
    return info
