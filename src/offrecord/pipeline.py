"""The way through: the stages in order, and a `Redactor` that keeps their models loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from offrecord import audio
from offrecord.detect import Detector, detect, patterns, tagger
from offrecord.errors import InputError, UsageError
from offrecord.labels import labels_for
from offrecord.live import Live
from offrecord.redact.audio import intervals
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.settings import settings
from offrecord.transcribe import imported, whisper
from offrecord.types import Policy, Redaction, Span, Transcript, Word

__all__ = ["Redactor"]

Say = Callable[[str], None]


class Redactor:
    """Redacts recordings and texts, one after the other, with models that are loaded once, when first needed.

    Takes the fields of `offrecord.settings.Settings` by name (``policy="pci"``, ``substitute="hash"``,
    ``model="base"``, …); what is not given comes from the environment (``OFFRECORD_*``), then from the defaults.
    ``policy`` is a preset, a label, or several in a list or separated by commas; ``allow`` and ``deny`` are words and
    phrases that are never and always hidden. Raises `UsageError` for a setting that cannot be, and `UnknownLabel`
    for a label outside the table.
    """

    def __init__(
        self,
        *,
        policy: str | Iterable[str] | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        **given: Any,
    ) -> None:
        chosen = settings(**given)
        self.settings = chosen
        self.policy = Policy(
            labels=labels_for(chosen.policy if policy is None else policy),
            substitution=chosen.substitute,
            sound=chosen.sound,
            pad=chosen.pad,
            allow=tuple(allow),
            deny=tuple(deny),
        )

    @cached_property
    def recogniser(self) -> whisper.Whisper:
        """The recogniser. Loading it raises `ModelError` or `UsageError`."""
        set_ = self.settings
        return whisper.load(
            set_.model,
            threads=set_.threads,
            device=set_.device,
            compute_type=set_.compute_type,
            language=set_.language,
        )

    @cached_property
    def tagger(self) -> tagger.Tagger:
        """The trained detector. Loading it raises `ModelError`."""
        set_ = self.settings
        return tagger.load(set_.tagger, threads=set_.threads, strictness=set_.strictness, threshold=set_.threshold)

    def again(
        self,
        *,
        policy: str | Iterable[str] | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        **changed: Any,
    ) -> Redactor:
        """One with other lists and the settings ``changed``, that shares the models which these leave the same."""
        given = self.settings.model_dump() | changed
        own = given.pop("policy")
        other = Redactor(policy=own if policy is None else policy, allow=allow, deny=deny, **given)
        for model, untouched in _MODELS.items():
            if model in vars(self) and changed.keys() <= untouched:
                vars(other)[model] = vars(self)[model]
        return other

    @property
    def _threads(self) -> int:
        return self.settings.threads or os.cpu_count() or 1

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """What is asked for claims, in no particular order."""
        least = _RULES[self.settings.strictness]
        return (self.tagger.find, lambda text: [span for span in patterns.find(text) if span.score >= least])

    def redact(
        self,
        source: str | Path,
        *,
        transcript: str | Path | Transcript | None = None,
        say: Say | None = None,
        unredacted: Callable[[Transcript], Transcript] | None = None,
    ) -> Redaction:
        """Redact the recording at ``source``; write nothing.

        ``transcript``: your own, as a value or as a file in a format of `offrecord.transcribe.imported`; the recording
        is then not recognised, but measured. ``say`` is called with each redacted sentence as soon as it is final.
        ``unredacted`` is called with what was recognised, before anything is hidden, and what it gives back is redacted
        instead: the one way to the original, and for those who correct it. It does not go with ``say``.
        Raises `InputError` for what cannot be read, `ModelError` for a model that cannot be loaded.
        """
        path = Path(source)
        if transcript is not None:
            return self._finish(self._given(path, transcript), "imported", say)
        # Two voices at once are put in order at the end, so nothing of them is final before.
        live = Live(self.detectors, self.policy, say) if say and self.settings.channels == "mono" else None
        words: list[Word] = []
        end = 0
        for chunk in self.recogniser.transcribe(path, self.settings.channels):
            words += chunk.words
            end = chunk.end
            if live:
                live.hear(chunk.words)
        heard = Transcript.spoken(words, end, self.settings.language)
        heard = unredacted(heard) if unredacted else heard
        return self._finish(heard, self.recogniser.name, say, live)

    def transcribe(self, source: str | Path) -> Transcript:
        """The original of the recording at ``source``: what was said, with nothing hidden. Raises as `redact` does."""
        chunks = list(self.recogniser.transcribe(Path(source), self.settings.channels))
        words = [word for chunk in chunks for word in chunk.words]
        return Transcript.spoken(words, chunks[-1].end if chunks else 0, self.settings.language)

    def redact_text(self, text: str, *, say: Say | None = None) -> Redaction:
        """Redact a text: its line breaks and spaces stay. Raises `InputError` for one that holds NUL characters."""
        return self._finish(imported.from_text(text), "none", say)

    def redact_transcript(self, transcript: str | Path | Transcript, *, say: Say | None = None) -> Redaction:
        """Redact a transcript without its recording: a value, or a file as in `redact`."""
        value = transcript if isinstance(transcript, Transcript) else imported.read(Path(transcript))
        return self._finish(value, "imported", say)

    def detect(self, text: str) -> list[Span]:
        """All claims of the policy's labels on ``text``, in order; offsets are characters of it."""
        transcript = imported.from_text(text)
        claims = detect(transcript.view, self.detectors, threads=self._threads)
        found = {span for span in claims if span.label in self.policy.labels}
        return sorted(found, key=lambda span: (span.start, span.end, span.label, span.source, span.score))

    def _given(self, path: Path, transcript: str | Path | Transcript) -> Transcript:
        value = transcript if isinstance(transcript, Transcript) else imported.read(Path(transcript))
        duration = audio.probe(path).duration
        if not value.words:
            raise InputError("the transcript holds no words, so it does not say what to hide in the recording")
        if not value.timed:
            raise UsageError("the transcript has no times, so the sound cannot be redacted by it; redact it as a text")
        last = max((word.end for word in value.words), default=0)
        if last > duration + _SLACK_MS:
            raise InputError(
                f"the transcript goes on to {last} ms, but the recording ends at {duration} ms: is it of this one?"
            )
        return Transcript.spoken(value.words, duration, value.language)

    def _finish(self, transcript: Transcript, recogniser: str, say: Say | None, live: Live | None = None) -> Redaction:
        spans = live.finish(transcript) if live else detect(transcript.view, self.detectors, threads=self._threads)
        entities = resolve(transcript, spans, self.policy)
        redacted, placed = substitute(transcript, entities, self.policy.substitution)
        muted = (
            intervals(transcript, entities, pad=self.policy.pad)
            if transcript.timed and self.policy.sound != "none"
            else ()
        )
        redaction = Redaction(redacted, placed, muted, self._made_with(recogniser))
        if say:
            (live or Live(self.detectors, self.policy, say)).say_rest(redaction)
        return redaction

    def _made_with(self, recogniser: str) -> dict[str, str]:
        return {
            "offrecord": version("offrecord"),
            "recogniser": recogniser,
            "tagger": self.tagger.name,
            "strictness": self.settings.strictness,
            "threshold": f"{self.tagger.sure:g}",
            "labels": ",".join(sorted(self.policy.labels)),
            "substitution": self.policy.substitution,
            "sound": self.policy.sound,
            "pad": f"{self.policy.pad}",
        }


_RULES = {"recall": 0.0, "balanced": 0.7, "precision": 0.8}
"""How sure a rule has to be beside the tagger, by strictness; chosen on the development set (docs/model.md)."""

_HIDING = frozenset({"policy", "substitute", "sound", "pad", "channels"})
_MODELS = {"recogniser": _HIDING, "tagger": _HIDING | {"language"}}
"""The models that a `Redactor` keeps, each with the settings that it does not depend on."""

_SLACK_MS = 1_000
"""How far a transcript may go on after its recording: recognisers overshoot the end a little."""
