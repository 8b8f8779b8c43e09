"""The way through: the stages in order, and a `Redactor` that keeps their models loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from offrecord.detect import Detector, detect, patterns, tagger
from offrecord.errors import InputError, Unverified, UsageError
from offrecord.labels import KEY_TONES, STRICT, labels_for, names_in
from offrecord.live import Live
from offrecord.meter import Meter, measure
from offrecord.ranges import merged
from offrecord.redact.cover import cover
from offrecord.redact.envelope import Envelope
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.settings import settings
from offrecord.transcribe import imported, whisper
from offrecord.types import Entity, Policy, Redaction, Span, Transcript, Verification, Word
from offrecord.verify import Hearing, verify

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
        named = names_in(chosen.policy if policy is None else policy)
        self.policy = Policy(
            labels=labels_for(named),
            substitution=chosen.substitute,
            sound=chosen.sound,
            pad=chosen.pad,
            allow=tuple(allow),
            deny=tuple(deny),
            strict=not STRICT.isdisjoint(named) if chosen.strict is None else chosen.strict,
            key_tones=not KEY_TONES.isdisjoint(named) if chosen.key_tones is None else chosen.key_tones,
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
        return tagger.load(set_.tagger, threads=1, strictness=set_.strictness, threshold=set_.threshold)

    @cached_property
    def verifier(self) -> Hearing:
        """Who listens to redacted sound: the recogniser with another decoding, unless the settings name another."""
        set_ = self.settings
        if set_.verify_model in (None, set_.model):
            return self.recogniser
        return whisper.load(
            set_.verify_model or whisper.BUNDLED,
            threads=set_.threads,
            device=set_.device,
            compute_type=set_.compute_type,
            language=set_.language,
        )

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
        verifying: bool = True,
    ) -> Redaction:
        """Redact the recording at ``source``; write nothing.

        ``transcript``: your own, as a value or as a file in a format of `offrecord.transcribe.imported`; the recording
        is then not recognised, but measured. ``say`` is called with each redacted sentence as soon as it is final.
        ``verifying=False``: no sound will be made of this, so nobody listens to it, whatever the setting says.
        Raises `InputError` for what cannot be read, `ModelError` for a model that cannot be loaded, and `Unverified`
        where the second listening still hears a detail and the settings do not allow that.
        """
        path = Path(source)
        heard_again = path if verifying and self.settings.verify != "off" else None
        if transcript is not None:
            meter = measure(path, self.settings.channels, speech=self.policy.strict, tones=self.policy.key_tones)
            value = self._given(transcript, meter.duration)
            return self._finish(value, "imported", say, envelope=meter.envelope(), sound=heard_again)
        # Two voices at once are put in order at the end, so nothing of them is final before.
        live = Live(self.detectors, self.policy, say) if say and self.settings.channels == "mono" else None
        meter = Meter(speech=self.policy.strict, tones=self.policy.key_tones)
        words: list[Word] = []
        end = 0
        for chunk in self.recogniser.transcribe(path, self.settings.channels, listen=meter.hear):
            words += chunk.words
            end = chunk.end
            if live:
                live.hear(chunk.words)
        heard = Transcript.spoken(words, end, self.settings.language)
        return self._finish(heard, self.recogniser.name, say, live, envelope=meter.envelope(), sound=heard_again)

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

    def _given(self, transcript: str | Path | Transcript, duration: int) -> Transcript:
        value = transcript if isinstance(transcript, Transcript) else imported.read(Path(transcript))
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

    def _finish(
        self,
        transcript: Transcript,
        recogniser: str,
        say: Say | None,
        live: Live | None = None,
        *,
        envelope: Envelope | None = None,
        sound: Path | None = None,
    ) -> Redaction:
        spans = live.finish(transcript) if live else detect(transcript.view, self.detectors, threads=self._threads)
        entities = resolve(transcript, spans, self.policy)
        redacted, placed = substitute(transcript, entities, self.policy.substitution)
        covered = cover(transcript, entities, self.policy, envelope)
        redaction = Redaction(
            redacted,
            placed,
            covered.muted,
            self._made_with(recogniser),
            covered.channels,
            covered.unrecognised,
            covered.key_tones,
            Verification("off") if envelope is not None and self.policy.sound != "none" else None,
        )
        if say:
            (live or Live(self.detectors, self.policy, say)).say_rest(redaction)
        if sound is None or envelope is None or self.policy.sound == "none":
            return redaction
        return self._verified(redaction, sound, transcript, entities, envelope)

    def _verified(
        self, redaction: Redaction, path: Path, transcript: Transcript, entities: Sequence[Entity], envelope: Envelope
    ) -> Redaction:
        """The redaction with what a second listening adds to it."""
        rows, done = verify(
            path,
            transcript,
            entities,
            redaction.channels or (redaction.muted,) * len(envelope.levels),
            hearing=self.verifier,
            detectors=self.detectors,
            policy=self.policy,
            mode="full" if self.settings.verify == "full" else "around",
            envelope=envelope,
        )
        if done.left and not self.settings.allow_unverified:
            places = ", ".join(f"{start} to {end}" for start, end in done.left[:_NAMED])
            more = f" and {len(done.left) - _NAMED} more" if len(done.left) > _NAMED else ""
            raise Unverified(
                f"after {done.rounds} rounds a detail is still heard in the redacted sound in {len(done.left)} places "
                f"(at {places} ms{more}); nothing was released; hide more (--pad, --deny, --strictness recall), or "
                "release it with --allow-unverified"
            )
        muted = merged(chain(*rows), apart=1)
        channels = () if all(row == muted for row in rows) else rows
        return replace(redaction, muted=muted, channels=channels, verification=done)

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
            "strict": "yes" if self.policy.strict else "no",
            "key_tones": "yes" if self.policy.key_tones else "no",
        }


_RULES = {"recall": 0.0, "balanced": 0.7, "precision": 0.8}
"""How sure a rule has to be beside the tagger, by strictness; chosen on the development set (docs/model.md)."""

_NAMED = 5
"""Places that a message names at most."""

_SLACK_MS = 1_000
"""How far a transcript may go on after its recording: recognisers overshoot the end a little."""
