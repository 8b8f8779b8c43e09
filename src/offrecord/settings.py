"""Settings from the environment: ``OFFRECORD_*``. The command line's options come before them, the defaults after.

There is no configuration file: environment and options only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from offrecord.errors import UsageError

__all__ = ["Settings", "settings"]


class Settings(BaseSettings):
    """Each field is read from ``OFFRECORD_`` and its name in capitals; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="OFFRECORD_", frozen=True, extra="ignore")

    policy: str = Field("default", description="preset or labels, separated by commas, that are hidden")
    substitute: Literal["hash", "label", "numbered"] = Field("label", description="what stands for a hidden word")
    sound: Literal["beep", "silence", "none"] = Field("beep", description="what is heard instead")
    pad: int = Field(250, ge=0, le=5_000, description="milliseconds muted on each side of a detail")
    strict: bool | None = Field(
        None, description="mute speech that was not recognised, too; not given, it is done in presets pci and hipaa"
    )
    key_tones: bool | None = Field(
        None, description="mute the tones of telephone keys; not given, it is done in preset pci"
    )
    model: str = Field("tiny.en", description="recogniser: the bundled one, a name, a directory or a hub id")
    language: str | None = Field(None, description="language spoken, as `en`; found by the model if not given")
    channels: Literal["mono", "separate"] = Field("mono", description="recognise the mix, or each channel on its own")
    verify: Literal["around", "full", "off"] = Field(
        "around", description="what of the redacted sound is listened to again: around what is muted, all, or nothing"
    )
    verify_model: str | None = Field(
        None, description="recogniser that listens again; not given, the same with another decoding"
    )
    allow_unverified: bool = Field(
        False, description="release sound in which the second listening still hears a detail, with a warning"
    )
    device: Literal["cpu", "cuda", "auto"] = Field("cpu", description="where the recogniser runs")
    compute_type: str = Field("int8", description="number type of the recogniser, as CTranslate2 names it")
    threads: int = Field(0, ge=0, le=256, description="threads for each model; 0 for all cores")
    tagger: Path | None = Field(None, description="directory of another tagger than the one in the package")
    strictness: Literal["recall", "balanced", "precision"] = Field(
        "balanced", description="what the detector would rather do: hide too much, or too little"
    )
    threshold: float | None = Field(
        None, ge=0, le=1, description="how sure the tagger has to be, instead of the strictness"
    )


def settings(**given: Any) -> Settings:
    """The settings ``given``, and for those that are None or absent the environment's.

    Raises `UsageError` for an unknown setting and for a value that cannot be.
    """
    unknown = given.keys() - Settings.model_fields.keys()
    if unknown:
        raise UsageError(f"unknown setting {min(unknown)!r}; expected one of {', '.join(Settings.model_fields)}")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        reasons = [
            f"{part['loc'][0]} (OFFRECORD_{str(part['loc'][0]).upper()}): {part['msg']}" for part in error.errors()
        ]
        raise UsageError(f"a setting cannot be: {'; '.join(reasons)}") from None
