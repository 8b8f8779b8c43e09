"""One job, from its claim to its end: fetch, cut, recognise, redact, write the sound, finish.

`run` needs a store, a claim and loaded models, and nothing of how processes are started: whatever executes jobs calls
it. `compute` is what of it can be done on any machine: files in, files out. All files are in the claim's own directory
until the job ends, and the end is one transaction, so a process may be killed anywhere in here. What a user can cause
ends the job with an error to read; a fault of ours is raised, and ends the process.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from offrecord import audio, export
from offrecord.errors import InputError, OffrecordError, OutputError, UsageError
from offrecord.fetch import Limits, Refused, download
from offrecord.orders import Order
from offrecord.pipeline import Redactor
from offrecord.queue import Queue
from offrecord.records import redaction_record, transcript_record
from offrecord.review.work import reviewed
from offrecord.rows import Claim
from offrecord.spelling import respelled, retagged
from offrecord.transcribe.whisper import BUNDLED, Whisper
from offrecord.types import Redaction, Transcript

__all__ = ["Models", "compute", "english_only", "run", "told"]

log = logging.getLogger("offrecord.jobs")

End = Literal["completed", "error", "lost"]


class Models:
    """The redactors of one worker. They share what they can; those of another language are kept while it is used."""

    def __init__(self, **given: Any) -> None:
        self._base = Redactor(**given)
        self._other: tuple[str, Redactor] | None = None

    def load(self) -> None:
        """Load the models now. Raises `ModelError` or `UsageError` for those that cannot be."""
        self._base.load()

    def of(self, language: str | None) -> Redactor:
        """A redactor that knows this language; None for the one that the server was started with."""
        own = self._base.settings.language
        if language in (None, own) or (language == "en" and english_only(self._base)):
            return self._base
        if self._other is None or self._other[0] != language:
            self._other = None  # before the next is loaded: two at most
            self._other = str(language), self._base.again(language=language)
        return self._other[1]


def english_only(redactor: Redactor) -> bool:
    """Whether the recogniser's name says that it knows no other language."""
    return (redactor.settings.model or BUNDLED).endswith(".en")


def run(store: Queue, claim: Claim, models: Models, limits: Limits) -> End:
    """Run the job and end it: ``completed``, or ``error`` with a text for the client. ``lost``: it was another's.

    Logs one line, of ids and durations.
    """
    began = time.monotonic()
    work = store.work_path(claim)
    try:
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        done = _done(store, claim, work, models, limits)
        held = store.finish(claim, **done)
        end: End = "completed" if held else "lost"
        length = f", {done['duration'] / 1000:.1f} s of sound"
    except OSError as error:
        end, length = _failed(store, claim, f"The result cannot be written: {error.strerror}."), ""
    except MemoryError:
        end, length = _failed(store, claim, "The recording needs more memory than a worker may use."), ""
    except OffrecordError as error:
        end, length = _failed(store, claim, told(str(error), work, store)), f" ({type(error).__name__})"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    log.info("job %s %s: attempt %d, %.1f s%s", claim.id, end, claim.attempt, time.monotonic() - began, length)
    return end


def _failed(store: Queue, claim: Claim, text: str) -> End:
    return "error" if store.fail(claim, text) else "lost"


def _done(store: Queue, claim: Claim, work: Path, models: Models, limits: Limits) -> dict[str, Any]:
    """What `Queue.finish` takes."""
    order = Order.of(claim.asked["order"], claim.secret)
    upload = store.upload_path(claim.upload) if claim.upload else None
    if review := claim.asked.get("review"):
        # Not with the order's labels: what a preset says beyond them would be lost.
        chosen: dict[str, Any] = {"policy": review["policy"], "substitute": order.substitution}
        redactor = models.of(order.language).again(**chosen)
        return reviewed(store, claim, redactor, _fetched(upload, claim.url, work, limits), work)
    return compute(order, upload, claim.url, work, models, limits)


def compute(order: Order, upload: Path | None, url: str, work: Path, models: Models, limits: Limits) -> dict[str, Any]:
    """Do what the order says with the upload, or with what the URL gives; what `Queue.finish` takes. No store is asked.

    All files are in the directory ``work``. Raises what is to be said to the client.
    """
    source = _fetched(upload, url, work, limits)
    with _as_clients_know_it(source):
        return _worked(source, order, work, models)


def _worked(source: Path, order: Order, work: Path, models: Models) -> dict[str, Any]:
    if order.start is not None or order.end is not None:
        source = _slice(source, work / "slice.flac", order.start or 0, order.end)
    channels = _channels(source, order)
    redactor = models.of(order.language).again(
        policy=order.labels or "all",
        deny=[text for _, texts in order.terms for text in texts],
        substitute=order.substitution,
        sound=order.covered if order.sound else "none",
        channels=channels,
    )
    if order.expected and isinstance(redactor.recogniser, Whisper):
        redactor.recogniser = redactor.recogniser.expecting(order.expected)
    heard = _Heard(order)
    redaction = _redaction(redactor, source, order, heard)
    if redaction.transcript.duration < _SHORTEST_MS:
        raise Refused("Audio duration is too short.")
    return {
        "result": redaction_record(redaction) | {"channels": _count(channels, source)},
        "original": transcript_record(heard.transcript) if order.keep_original and heard.transcript else None,
        "duration": redaction.transcript.duration,
        "sound": _sound(redactor, redaction, source, work, order) if order.sound else None,
    }


@dataclass(slots=True)
class _Heard:
    """Takes the original on its way: spelled as the client wants it, and kept for what needs it."""

    order: Order
    transcript: Transcript | None = field(default=None, repr=False)

    def __call__(self, transcript: Transcript) -> Transcript:
        self.transcript = respelled(transcript, self.order.spelling)
        return self.transcript


def _redaction(redactor: Redactor, source: Path, order: Order, heard: _Heard) -> Redaction:
    if not order.redact and not order.entities:
        return Redaction(heard(redactor.transcribe(source)), (), (), {"recogniser": redactor.recogniser.name})
    redaction = redactor.redact(source, unredacted=heard)
    if heard.transcript is None:
        raise OutputError("the recogniser gave no transcript")
    if not order.redact:  # the details are named, and nothing is hidden
        return Redaction(heard.transcript, redaction.entities, (), redaction.made_with)
    return retagged(redaction, heard.transcript, order.terms)


def _fetched(upload: Path | None, url: str, work: Path, limits: Limits) -> Path:
    """The recording: the upload where it is, or what the URL gives."""
    if upload is None:
        download(url, work / "source", limits)
        return work / "source"
    if not upload.is_file():
        raise Refused("Download error, the uploaded file is not there any more. Please upload it again.")
    return upload


def _slice(source: Path, target: Path, start: int, end: int | None) -> Path:
    """The recording with nothing to hear before ``start`` and after ``end``: times stay those of the recording.

    And nothing that nobody looked at is released: the redacted sound is made from this.
    """
    silent = [(0, start)] if start else []
    silent += [(end, _FOREVER_MS)] if end is not None else []
    audio.write_redacted(source, target, silent, sound="silence", container="flac")
    return target


def _channels(source: Path, order: Order) -> Literal["mono", "separate"]:
    if order.multichannel:
        return "separate"
    if not order.speakers:
        return "mono"
    if _voices(source) < 2:
        raise UsageError(
            "speaker_labels: speakers are told apart by their channels, and this recording has one channel, or the "
            "same sound on all; give each speaker a channel, or leave speaker_labels out"
        )
    return "separate"


def _voices(source: Path) -> int:
    """How many channels there are, or 1 if they all hold the same sound."""
    apart = loud = 0.0
    channels = 1
    for samples in audio.decode(source, rate=8_000, channels="separate"):
        channels = samples.shape[0]
        if channels == 1:
            break
        apart += float(np.square(samples[1:] - samples[:1], dtype=np.float64).sum())
        loud += float(np.square(samples, dtype=np.float64).sum())
    return channels if apart > loud * _SAME else 1


def _count(channels: str, source: Path) -> int | None:
    """How many channels were recognised, each on its own."""
    return audio.probe(source).channels if channels == "separate" else None


def _sound(redactor: Redactor, redaction: Redaction, source: Path, work: Path, order: Order) -> Path | None:
    """The redacted recording. Of one in which nobody speaks there is none, if it was not asked for."""
    target = work / f"redacted.{order.container}"
    if redaction.transcript.words:
        export.write(redaction, source, {order.container: target}, redactor.policy)
    elif order.silent_sound:
        audio.write_redacted(source, target, redaction.muted, sound=order.covered, container=order.container)
    else:
        return None
    return target


@contextmanager
def _as_clients_know_it(source: Path) -> Iterator[None]:
    """Turn what is wrong with the recording into AssemblyAI's words for it."""
    try:
        yield
    except InputError as error:
        if isinstance(error, Refused):
            raise
        reason = str(error).removeprefix(f"{source}: ")
        kind = _kind(source)
        raise Refused(f"File does not appear to contain audio. File type is {kind} ({reason}).") from None


def _kind(source: Path) -> str:
    with source.open("rb") as file:
        first = file.read(64).lstrip()
    return next((kind for mark, kind in _KINDS.items() if first.startswith(mark)), "application/octet-stream")


def told(text: str, work: Path, store: Queue) -> str:
    """An error in words for a client, who knows nothing of our files."""
    for directory in (work, store.media / "uploads", store.media, store.home):
        text = text.replace(f"{directory}/", "")
    return text


_KINDS = {b"{": "application/json", b"[": "application/json", b"<": "text/html", b"%PDF": "application/pdf"}
_SHORTEST_MS = 160
_FOREVER_MS = 1_000 * 60 * 60 * 24 * 365
_SAME = 1e-4
"""Channels this little apart, in energy, are one sound: 40 dB, below what any two microphones have in common."""
