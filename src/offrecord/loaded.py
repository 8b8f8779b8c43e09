"""The models that a `Redactor` keeps loaded, and lends to others that want the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Self

from offrecord.detect.tagger import Tagger
from offrecord.detect.tagger import load as load_tagger
from offrecord.errors import UsageError
from offrecord.settings import Settings
from offrecord.transcribe import Recogniser
from offrecord.transcribe.chosen import Whisper, recogniser_for, whisper_for
from offrecord.transcribe.whisper import BUNDLED
from offrecord.verify import Hearing

__all__ = ["Loaded"]

_HIDING = frozenset({"policy", "substitute", "sound", "pad", "channels", "strict", "key_tones", "verify"})
_HEARING = _HIDING | {"strictness"}
_MODELS = {"recogniser": _HEARING, "second": _HEARING, "verifier": _HEARING, "tagger": _HIDING | {"language"}}
"""The models, each with the settings that it does not depend on."""


class Loaded:
    """Models by their ``settings``, each loaded once, when first needed. ``tell`` is told where sound is sent."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self.settings, self.tell = settings, tell
        self._lenders: dict[str, Self] = {}

    def borrow(self, lender: Self, changed: Collection[str]) -> None:
        """Use the models of one that differs in the settings ``changed``, where these leave them the same."""
        self._lenders = {model: lender for model, untouched in _MODELS.items() if untouched.issuperset(changed)}

    @cached_property
    def recogniser(self) -> Recogniser:
        """The recogniser. Loading it raises `ModelError` or `UsageError`; nothing is sent yet."""
        lender = self._lenders.get("recogniser")
        return lender.recogniser if lender else recogniser_for(self.settings, self.tell)

    @cached_property
    def tagger(self) -> Tagger:
        """The trained detector. Loading it raises `ModelError`."""
        if lender := self._lenders.get("tagger"):
            return lender.tagger
        set_ = self.settings
        return load_tagger(set_.tagger, threads=set_.threads, strictness=set_.strictness, threshold=set_.threshold)

    @cached_property
    def verifier(self) -> Hearing:
        """Who listens to redacted sound: the recogniser here with another decoding, or the one of the settings."""
        if lender := self._lenders.get("verifier"):
            return lender.verifier
        set_ = self.settings
        if isinstance(self.recogniser, Whisper) and set_.verify_model in (None, set_.model):
            return self.recogniser
        return whisper_for(set_, set_.verify_model)

    @cached_property
    def second(self) -> Whisper | None:
        """The other recogniser that hears all of a recording as well, if the settings name one.

        Loading it raises `ModelError`, and `UsageError` for one that is no other.
        """
        set_ = self.settings
        if set_.second_model is None:
            return None
        if set_.recogniser == "local" and set_.second_model == (set_.model or BUNDLED):
            raise UsageError("--second-model is the recogniser itself, which hears the same twice; name another")
        lender = self._lenders.get("second")
        return lender.second if lender else whisper_for(set_, set_.second_model)

    def load(self) -> None:
        """Load now what every recording needs, and whatever is named. Raises `ModelError` or `UsageError`."""
        _ = self.recogniser, self.second
        if self.settings.verify != "off" and self.settings.verify_model is not None:
            _ = self.verifier
        if self.settings.detector != "llm":
            _ = self.tagger
