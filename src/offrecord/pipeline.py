"""The way through: the stages in order, and a `Redactor` that keeps their models loaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offrecord import audio
from offrecord.detect import Detector, detect, patterns
from offrecord.detect.invented import Invented
from offrecord.errors import UsageError
from offrecord.labels import KEY_TONES, STRICT, labels_for, names_in, own_labels
from offrecord.live import Live
from offrecord.loaded import Loaded
from offrecord.meter import Meter, measure
from offrecord.provenance import made_with
from offrecord.ranges import merged
from offrecord.redact.cover import cover
from offrecord.redact.envelope import Envelope
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.second import Second
from offrecord.settings import settings
from offrecord.transcribe import Copy, Recogniser, imported
from offrecord.types import Entity, Policy, Redaction, Span, Transcript, Verification, Word
from offrecord.verify import refusal, verify

if TYPE_CHECKING:
    from offrecord.detect.llm import Asked, Llm

__all__ = ["Redactor"]

Say = Callable[[str], None]


class Redactor(Loaded):
    """Redacts recordings and texts, one after the other, with models that are loaded once, when first needed.

    Takes the fields of `offrecord.settings.Settings` by name (``policy="pci"``, ``substitute="hash"``,
    ``model="base"``, …); what is not given comes from the environment (``OFFRECORD_*``), then from the defaults.
    ``policy`` is a preset, a label, or several in a list or separated by commas; ``allow`` and ``deny`` are words and
    phrases that are never and always hidden; ``entities`` gives labels of your own with their meanings in words, for
    which ``detector="llm"`` or ``"both"`` asks a language model.
    ``tell`` is called with a line before sound is sent to another machine, and with what became of the copy there; by
    default these lines are warnings of the logger ``offrecord``. Raises `UsageError` for a setting that cannot be, and
    `UnknownLabel` for a label outside the table.
    """

    def __init__(
        self,
        *,
        policy: str | Iterable[str] | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        entities: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        tell: Say | None = None,
        **given: Any,
    ) -> None:
        chosen = settings(**given)
        super().__init__(chosen, tell or logging.getLogger("offrecord").warning)
        own = own_labels(entities.items() if isinstance(entities, Mapping) else entities)
        named = names_in(chosen.policy if policy is None else policy)
        self.policy = Policy(
            labels=labels_for(named, own),
            substitution=chosen.substitute,
            sound=chosen.sound,
            pad=chosen.pad,
            allow=tuple(allow),
            deny=tuple(deny),
            strict=not STRICT.isdisjoint(named) if chosen.strict is None else chosen.strict,
            key_tones=not KEY_TONES.isdisjoint(named) if chosen.key_tones is None else chosen.key_tones,
        )
        if own and chosen.detector == "local":
            raise UsageError(f"only a language model knows what {own[0]} means; choose --detector both, or llm")
        if not chosen.patterns and chosen.detector != "llm":
            raise UsageError("--no-patterns goes with --detector llm; the other detectors need their rules")
        if chosen.second_model is not None and chosen.detector == "llm":
            raise UsageError("--second-model needs the detectors of this machine; choose --detector local, or both")
        self._llm = self._model()

    def again(
        self,
        *,
        policy: str | Iterable[str] | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        **changed: Any,
    ) -> Redactor:
        """One with other lists and the settings ``changed``. A model that these leave the same is loaded once."""
        given = self.settings.model_dump() | changed
        own = given.pop("policy")
        entities = [(str(label), label.meaning) for label in self.policy.own]
        other = Redactor(
            policy=own if policy is None else policy, allow=allow, deny=deny, entities=entities, tell=self.tell, **given
        )
        other.borrow(self, changed.keys())
        return other

    @property
    def _threads(self) -> int:
        return self.settings.threads or os.cpu_count() or 1

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """What is asked for claims, window by window, in no particular order."""
        if self.settings.detector == "llm":
            return (patterns.find_checked,) if self.settings.patterns else ()
        least = patterns.SURE[self.settings.strictness]
        return (self.tagger.find, lambda text: [span for span in patterns.find(text) if span.score >= least])

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where what was said is sent, each in a line for the user; empty where nothing leaves this machine."""
        return () if self._llm is None or self._llm.local else (self._llm.destination,)

    def _model(self) -> Llm | None:
        """The language model that is asked as well, or alone. Raises `UsageError` for one that cannot be."""
        if self.settings.detector == "local":
            return None
        # Here, because the client takes a second to import, and most users have no need of it.
        from offrecord.detect import llm  # noqa: PLC0415

        return llm.load(self.settings, self.policy)

    def redact(
        self,
        source: str | Path,
        *,
        transcript: str | Path | Transcript | None = None,
        say: Say | None = None,
        verifying: bool = True,
        unredacted: Callable[[Transcript], Transcript] | None = None,
    ) -> Redaction:
        """Redact the recording at ``source``; write nothing.

        ``transcript``: your own, as a value or as a file in a format of `offrecord.transcribe.imported`; the recording
        is then not recognised, but measured. ``say`` is called with each redacted sentence as soon as it is final.
        ``verifying=False``: no sound will be made of this, so nobody listens to it, whatever the setting says.
        ``unredacted`` is called with what was recognised, before anything is hidden, and what it gives back is redacted
        instead: the one way to the original, and for those who correct it. It does not go with ``say``.
        Raises `InputError` for what cannot be read, `ModelError` for a model that cannot be loaded, and `Unverified`
        where the second listening still hears a detail and the settings do not allow that.
        """
        path = Path(source)
        before = audio.identity(path)
        _ = self.second  # one that cannot be is refused before anything is recognised, or sent
        heard_again = path if verifying and self.settings.verify != "off" else None
        if transcript is not None:
            meter = measure(path, self.settings.channels, speech=self.policy.strict, tones=self.policy.key_tones)
            value = imported.for_recording(transcript, meter.duration)
            value, second = self._with_second(path, value, self.detectors)
            envelope = meter.envelope()
            return self._finish(value, "imported", say, second, envelope=envelope, source=before, sound=heard_again)
        # Two voices at once are put in order at the end; a language model and a second recogniser come after that.
        alone = self._llm is None and self.settings.second_model is None
        in_order = self.settings.channels == "mono" and self.settings.recogniser != "assemblyai" and alone
        invented = Invented()
        detectors = (*self.detectors, invented.find)
        live = Live(detectors, self.policy, say) if say and in_order else None
        meter = Meter(speech=self.policy.strict, tones=self.policy.key_tones)
        heard, copy = self._hear(self.recogniser, path, invented, live, meter)
        heard, second = self._with_second(path, heard, detectors)
        heard = unredacted(heard) if unredacted else heard
        name, envelope = self.recogniser.name, meter.envelope()
        redaction = self._finish(
            heard, name, say, second, live, detectors, envelope=envelope, source=before, sound=heard_again
        )
        return replace(redaction, made_with={**redaction.made_with, "remote_copy": copy}) if copy else redaction

    def _hear(
        self, by: Recogniser, path: Path, invented: Invented, live: Live | None = None, meter: Meter | None = None
    ) -> tuple[Transcript, Copy | None]:
        """What a recogniser hears, and what became of a copy elsewhere; the others are told meanwhile."""
        words: list[Word] = []
        end = 0
        copy: Copy | None = None
        for chunk in by.transcribe(path, self.settings.channels, listen=meter.hear if meter else None):
            words += chunk.words
            end, copy = chunk.end, chunk.copy
            if self.settings.strictness != "precision" and self.settings.detector != "llm":
                invented.hear(chunk.words, chunk.language or self.settings.language)
            if live:
                live.hear(chunk.words)
        return Transcript.spoken(words, end, self.settings.language), copy

    def _with_second(
        self, path: Path, first: Transcript, detectors: Sequence[Detector]
    ) -> tuple[Transcript, tuple[Second, ...]]:
        """The transcript with words for what another recogniser heard as well, and what that was, if there is one."""
        if self.second is None:
            return first, ()
        invented = Invented()
        other, _ = self._hear(self.second, path, invented)
        own, found = (
            resolve(heard, detect(heard.view, by, threads=self._threads), self.policy)
            for heard, by in ((first, detectors), (other, (*self.detectors, invented.find)))
        )
        second = Second(other, found)
        united = second.united(first, own, self.policy.pad)
        # Words that are put in are context as well: what was found without them stays found.
        return united, (second,) if len(united.words) == len(first.words) else (second, Second(first, own))

    def transcribe(self, source: str | Path) -> Transcript:
        """The original of the recording at ``source``: what was said, with nothing hidden. Raises as `redact` does."""
        chunks = list(self.recogniser.transcribe(Path(source), self.settings.channels))
        end = chunks[-1].end if chunks else 0
        return Transcript.spoken((word for chunk in chunks for word in chunk.words), end, self.settings.language)

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
        claims, _ = self._detect(transcript)
        found = {span for span in claims if span.label in self.policy.labels}
        return sorted(found, key=lambda span: (span.start, span.end, span.label, span.source, span.score))

    def _finish(
        self,
        transcript: Transcript,
        recogniser: str,
        say: Say | None,
        second: Sequence[Second] = (),
        live: Live | None = None,
        detectors: Sequence[Detector] = (),
        *,
        envelope: Envelope | None = None,
        source: tuple[int, ...] | None = None,
        sound: Path | None = None,
    ) -> Redaction:
        tagger_ = None if self.settings.detector == "llm" else self.tagger
        spans, asked = (live.finish(transcript), None) if live else self._detect(transcript, detectors)
        entities = resolve(transcript, [*spans, *chain(*(each.find(transcript) for each in second))], self.policy)
        redacted, placed = substitute(transcript, entities, self.policy.substitution)
        covered = cover(transcript, entities, self.policy, envelope)
        redaction = Redaction(
            redacted,
            placed,
            covered.muted,
            made_with(self.settings, self.policy, recogniser, self.second if second else None, tagger_, self._llm),
            asked.usage if asked else None,
            covered.channels,
            covered.unrecognised,
            covered.key_tones,
            source=source,
            verification=Verification("off") if envelope is not None and self.policy.sound != "none" else None,
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
            raise refusal(done)
        muted = merged(chain(*rows), apart=1)
        channels = () if all(row == muted for row in rows) else rows
        return replace(redaction, muted=muted, channels=channels, verification=done)

    def _detect(self, transcript: Transcript, by: Sequence[Detector] = ()) -> tuple[list[Span], Asked | None]:
        """All claims on ``transcript`` of our detectors, or those given, and what a language model was asked."""
        asked = self._llm.ask() if self._llm else None
        read = asked.read if asked else None
        by, own = by or self.detectors, self.policy.own
        spans = detect(transcript.view, by, threads=self._threads, own=own, reader=read)
        return spans, asked
