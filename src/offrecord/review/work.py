"""What a worker does for a review: find the details, with all that it is not sure of; and make the files at the end.

Both are jobs in the queue, run under a claim, and end in one transaction: a kill at any moment leaves a review as it
was, or gone on.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offrecord import audio
from offrecord.errors import InputError, UsageError
from offrecord.meter import Meter
from offrecord.pipeline import Redactor
from offrecord.queue import Queue
from offrecord.ranges import merged
from offrecord.records import redaction_record
from offrecord.redact.cover import cover
from offrecord.redact.text import substitute
from offrecord.review import making
from offrecord.review.draft import Draft, Suspect
from offrecord.review.ledger import Ledger
from offrecord.review.steps import History
from offrecord.review.suspects import suspects
from offrecord.rows import Claim, as_json
from offrecord.transcribe import Channels, Chunk, Listener, Recogniser, imported
from offrecord.types import Redaction, Transcript

__all__ = ["reviewed"]

_SHORTEST_MS = 160
_EVERY_S = 1.0
"""How often the row of the progress is written at most."""


def reviewed(store: Queue, claim: Claim, redactor: Redactor, source: Path, work: Path) -> dict[str, Any]:
    """Do the job; what `Queue.finish` takes."""
    ledger = Ledger(store)
    if "finish" in claim.asked:
        return _finished(store, ledger, claim, redactor, source, work)
    if claim.asked["review"]["kind"] == "text":
        return _text(ledger, claim, redactor, source)
    return _recording(ledger, claim, redactor, source, work)


@dataclass(slots=True)
class _Pace:
    """Says how far the work is, once in a while."""

    ledger: Ledger
    claim: Claim
    job: str
    began: float = field(default_factory=time.monotonic)
    told: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, share: float) -> None:
        now = time.monotonic()
        if stage == self.told[0] and now - self.told[1] < _EVERY_S:
            return
        self.told = stage, now
        passed = now - self.began
        # Before some of it is done, a guess would be none.
        left = round(passed * (1 - share) / share * 1_000) if share > 0.02 and passed > 1 else None
        self.ledger.progress(self.job, self.claim, stage, round(share, 3), left)


def _text(ledger: Ledger, claim: Claim, redactor: Redactor, source: Path) -> dict[str, Any]:
    text = imported.decode_text(source.read_bytes(), "the text")
    original = imported.from_text(text)
    found = _by_word(redactor).redact_text(text)
    made_with = {**found.made_with, "substitution": redactor.policy.substitution}
    draft = Draft(found.entities, suspects(original, found.entities, redactor.policy), made_with=made_with)
    redacted, placed = substitute(original, found.entities, redactor.policy.substitution)
    return {
        "result": redaction_record(Redaction(redacted, placed, made_with=made_with)) | {"channels": None},
        "original": None,
        "duration": 0,
        "sound": None,
        "also": _begins(ledger, claim, draft, original, None),
    }


def _by_word(redactor: Redactor) -> Redactor:
    """The same, with a label for each word: so the words of its entities are those of the original."""
    policy = redactor.policy
    return redactor.again(policy=policy.labels, allow=policy.allow, deny=policy.deny, substitute="label")


def _recording(ledger: Ledger, claim: Claim, redactor: Redactor, source: Path, work: Path) -> dict[str, Any]:
    pace = _Pace(ledger, claim, claim.id)
    pace("transcribing", 0.0)
    watched = _Watched(redactor.recogniser, pace, max(1, audio.probe(source).duration), redactor.policy.key_tones)
    finder = _by_word(redactor)
    finder.recogniser = watched
    originals: list[Transcript] = []

    def keep(transcript: Transcript) -> Transcript:
        originals.append(transcript)
        return transcript

    found = finder.redact(source, unredacted=keep, verifying=False)
    (original,) = originals
    if original.duration < _SHORTEST_MS:
        raise InputError("the recording is too short: less than 160 ms")
    policy, entities, envelope = redactor.policy, found.entities, watched.meter.envelope()
    covered = cover(original, entities, policy, envelope)
    rows = making.rows_of(covered, envelope)
    pace("verifying", 0.65)
    after, done = making.listened(redactor, source, original, entities, rows, envelope)
    # What is heard after the last round is for a person to decide, and muted until then.
    after = tuple(merged([*row, *done.left]) for row in after)
    muted = merged(chain(*after), apart=1)
    redacted, placed = substitute(original, entities, policy.substitution)
    redaction = Redaction(
        redacted, placed, muted, {**found.made_with, "substitution": policy.substitution}, None,
        () if all(row == muted for row in after) else after, source=found.source, verification=done,
    )  # fmt: skip
    pace("writing", 0.9)
    sound = making.playback(redaction, source, work, redactor)
    looked = suspects(original, entities, policy, envelope, before=rows, after=after, done=done)
    draft = Draft(entities, looked, muted, done, redaction.made_with, audio.extension(source))
    channels = len(envelope.levels) if redactor.settings.channels == "separate" else None
    return {
        "result": redaction_record(redaction) | {"channels": channels},
        "original": None,
        "duration": original.duration,
        "sound": sound,
        "keep": True,
        "also": _begins(ledger, claim, draft, original, making.peaks(sound) if sound else None),
    }


def _begins(
    ledger: Ledger, claim: Claim, draft: Draft, original: Transcript, peaks: bytes | None
) -> Callable[[sqlite3.Connection], None]:
    return lambda db: ledger.begun(db, claim.id, draft=draft, original=original, peaks=peaks)


class _Watched:
    """A recogniser that says how far it is, and whose sound is measured as well: where somebody speaks is wanted
    whatever the policy says, for what was not recognised is a suspect."""

    def __init__(self, recogniser: Recogniser, pace: _Pace, length: int, tones: bool) -> None:
        self._recogniser, self._pace, self._length = recogniser, pace, length
        self.meter = Meter(speech=True, tones=tones)

    @property
    def name(self) -> str:
        """That of the recogniser."""
        return self._recogniser.name

    def transcribe(self, path: Path, channels: Channels = "mono", *, listen: Listener | None = None) -> Iterator[Chunk]:
        """What the recogniser hears."""

        def both(block: npt.NDArray[np.float32]) -> None:
            self.meter.hear(block)
            if listen:
                listen(block)

        for chunk in self._recogniser.transcribe(path, channels, listen=both):
            self._pace("transcribing", 0.6 * min(1.0, chunk.end / self._length))
            yield chunk
        self._pace("redacting", 0.6)


def _finished(
    store: Queue, ledger: Ledger, claim: Claim, redactor: Redactor, source: Path, work: Path
) -> dict[str, Any]:
    job, revision = claim.asked["finish"], claim.asked["revision"]
    review = ledger.review(job)
    if review is None or review.revision != revision:
        raise UsageError("the review has gone on since its files were asked for; finish it again")
    pace = _Pace(ledger, claim, job)
    pace("redacting", 0.1)
    marks = History.of(review.original, review.draft.marks, review.entries).marks
    transcript, recording = review.original.transcript, source if review.original.transcript.timed else None
    if recording is not None:
        pace("verifying", 0.3)
    try:
        redaction = making.decided_redaction(redactor, recording, transcript, review.draft, marks)
    except making.StillHeard as error:
        heard = {Suspect("verification", start, end) for start, end in error.left} - {*review.draft.suspects}
        found = sorted([*review.draft.suspects, *heard], key=lambda each: (each.start, each.end))
        ledger.redraft(job, claim, replace(review.draft, suspects=tuple(found)))
        raise
    pace("writing", 0.8)
    (work / "files").mkdir()
    paths = making.files(redaction, recording, work / "files", redactor)
    making.zipped(paths, review.entries, work / "files.zip")
    sound = making.playback(redaction, recording, work, redactor) if recording else None
    peaks = making.peaks(sound) if sound else None
    draft = replace(review.draft, muted=redaction.muted, verification=redaction.verification)

    def also(db: sqlite3.Connection) -> None:
        (work / "files.zip").replace(store.sound_path(job, "zip"))
        if sound:
            sound.replace(store.sound_path(job, sound.suffix[1:]))
        ledger.finished(db, job, revision=revision, draft=draft, peaks=peaks)
        result: Mapping[str, Any] = redaction_record(redaction)
        db.execute(
            "UPDATE jobs SET result = json_set(?, '$.channels', json_extract(result, '$.channels')) WHERE id = ?",
            (as_json(result), job),
        )

    return {"result": {}, "original": None, "duration": 0, "sound": None, "also": also}
