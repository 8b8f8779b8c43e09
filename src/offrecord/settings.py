"""Settings from the environment: ``OFFRECORD_*``. The command line's options come before them, the defaults after.

There is no configuration file: environment and options only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from offrecord.errors import UsageError

__all__ = ["ServerSettings", "Settings", "server_settings", "settings"]


class Settings(BaseSettings):
    """Each field is read from ``OFFRECORD_`` and its name in capitals; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="OFFRECORD_", frozen=True, extra="ignore")

    policy: str = Field("default", description="preset or labels, separated by commas, that are hidden")
    substitute: Literal["hash", "label", "numbered"] = Field("label", description="what stands for a hidden word")
    sound: Literal["beep", "silence", "none"] = Field("beep", description="what is heard instead")
    pad: int = Field(250, ge=0, le=5_000, description="milliseconds muted on each side of a detail")
    model: str = Field("tiny.en", description="recogniser: the bundled one, a name, a directory or a hub id")
    language: str | None = Field(None, description="language spoken, as `en`; found by the model if not given")
    channels: Literal["mono", "separate"] = Field("mono", description="recognise the mix, or each channel on its own")
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
    return _checked(Settings, given)


_Chosen = TypeVar("_Chosen", bound=BaseSettings)


def _checked(kind: type[_Chosen], given: dict[str, Any]) -> _Chosen:
    unknown = given.keys() - kind.model_fields.keys()
    if unknown:
        raise UsageError(f"unknown setting {min(unknown)!r}; expected one of {', '.join(kind.model_fields)}")
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        reasons = [
            f"{part['loc'][0]} (OFFRECORD_{str(part['loc'][0]).upper()}): {part['msg']}" for part in error.errors()
        ]
        raise UsageError(f"a setting cannot be: {'; '.join(reasons)}") from None


class ServerSettings(BaseSettings):
    """What `offrecord serve` needs beyond `Settings`: read from ``OFFRECORD_`` and the name in capitals as well."""

    model_config = SettingsConfigDict(env_prefix="OFFRECORD_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: _data_directory(),  # noqa: PLW0108 - defined below
        description="directory of the server's database and media",
    )
    host: str = Field("127.0.0.1", description="address that the server listens on; others than loopback need API keys")
    port: int = Field(8000, ge=0, le=65_535, description="port that the server listens on; 0 for any that is free")
    workers: int = Field(1, ge=0, le=64, description="processes that work on recordings, each with models of its own")
    api_keys: SecretStr = Field(SecretStr(""), description="keys of the server's clients, separated by commas")
    public_url: str | None = Field(None, description="how clients reach the server, if not by the address they name")
    cors: str = Field("", description="origins of web pages that may use the server, separated by commas")
    fetch_allow: str = Field("", description="hosts that recordings and webhooks may be at although not public")
    ttl: int | None = Field(None, ge=60, description="seconds after which transcripts are erased; kept if not given")
    max_upload: int = Field(5 * 1024**3, ge=1, description="bytes of a recording at most")
    job_seconds: int = Field(4 * 60 * 60, ge=1, description="seconds that a job may take")
    worker_memory: int = Field(8_192, ge=0, description="MiB of memory for a worker's data; 0 for no limit")
    redact_unasked: bool = Field(False, description="redact the transcripts of clients that do not say `redact_pii`")
    upstreams: str = Field("", description="models of the gateway: JSON, or a file of it; see docs/server-gateway.md")
    gateway_redact: bool = Field(False, description="take personal details out of what the gateway sends to models")
    allow_unredacted: bool = Field(False, description="`redact=false` is allowed in /v1/audio/transcriptions")
    attempts: int = Field(5, ge=1, le=100, description="how often a job is begun whose worker dies")


def server_settings(**given: Any) -> ServerSettings:
    """As `settings`, for the server. Raises `UsageError` for a value that cannot be; it shows no key."""
    return _checked(ServerSettings, given)


def _data_directory() -> Path:
    """``$XDG_DATA_HOME/offrecord``, or what the XDG specification says when that is not set."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "offrecord"
