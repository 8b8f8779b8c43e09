"""Settings from the environment: ``OFFRECORD_*``. The command line's options come before them, the defaults after.

There is no configuration file: environment and options only. Keys are read from the environment, or from a file that
it names, and never from the command line, where every process on the machine could see them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from offrecord.cloud import implied, key
from offrecord.errors import UsageError

__all__ = ["ServerSettings", "Settings", "base_url_for", "key_for", "server_settings", "settings"]


class Settings(BaseSettings):
    """Each field is read from ``OFFRECORD_`` and its name in capitals; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="OFFRECORD_", frozen=True, extra="ignore")

    policy: str = Field("default", description="preset or labels, separated by commas, that are hidden")
    substitute: Literal["hash", "label", "numbered"] = Field("label", description="what stands for a hidden word")
    sound: Literal["beep", "silence", "room", "none"] = Field("beep", description="what is heard instead")
    pad: int = Field(250, ge=0, le=5_000, description="milliseconds muted on each side of a detail")
    strict: bool | None = Field(
        None, description="mute speech that was not recognised, too; not given, it is done in presets pci and hipaa"
    )
    key_tones: bool | None = Field(
        None, description="mute the tones of telephone keys; not given, it is done in preset pci"
    )
    cloud: Literal["assemblyai"] | None = Field(
        None, description="recogniser, LLM gateway and model of a vendor, where they are not set"
    )
    recogniser: Literal["local", "assemblyai", "openai"] = Field(
        "local", description="who recognises: this machine, or an API: AssemblyAI's, or any `/v1/audio/transcriptions`"
    )
    recogniser_base_url: str | None = Field(
        None, description="address of that API; by default ASSEMBLYAI_BASE_URL or OPENAI_BASE_URL, or the vendor's"
    )
    recogniser_timeout: float = Field(
        3_600, gt=0, le=1_000_000, description="seconds that an API may take for a recording, all in all"
    )
    speakers: bool = Field(True, description="have AssemblyAI tell the speakers apart")
    delete_remote: bool = Field(False, description="delete the transcript and the upload at AssemblyAI afterwards")
    model: str | None = Field(
        None,
        description="model of the recogniser: here a name, a directory or a hub id (the bundled `tiny.en`); elsewhere "
        "the API's name for it (`whisper-1`, or AssemblyAI's own choice)",
    )
    second_model: str | None = Field(
        None,
        description="another recogniser on this machine, which hears all of it as well: details that only it heard are "
        "hidden too",
    )
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
    detector: Literal["local", "llm", "both"] = Field(
        "local", description="who finds details: the models on this machine, a language model, or both together"
    )
    patterns: bool = Field(True, description="with `llm` alone: look for numbers whose checksum holds all the same")
    llm_base_url: str | None = Field(
        None, description="address of an OpenAI-compatible gateway, up to `/v1`; else `OPENAI_BASE_URL`"
    )
    llm_model: str | None = Field(None, description="the gateway's name of the language model")
    llm_api_key: SecretStr | None = Field(
        None, description="key for the gateway, or `none`; else `OPENAI_API_KEY`, or `ASSEMBLYAI_API_KEY` for its hosts"
    )
    llm_concurrency: int = Field(4, ge=1, le=64, description="questions to the gateway at once")
    llm_timeout: float = Field(60, gt=0, le=3_600, description="seconds that one answer may take")
    llm_deadline: float = Field(
        900, gt=0, le=86_400, description="seconds that all answers for one recording or text may take"
    )
    llm_max_tokens: int | None = Field(None, ge=1, description="tokens that all answers together may use")
    llm_max_usd: float | None = Field(None, gt=0, description="US dollars that all answers together may cost")
    llm_premask: bool = Field(False, description="show the language model only what nothing local has found")
    llm_cache: Path | None = Field(None, description="directory that remembers answers, as labels and positions")


def settings(**given: Any) -> Settings:
    """The settings ``given``, and for those that are None or absent the environment's.

    Raises `UsageError` for an unknown setting and for a value that cannot be.
    """
    chosen = _checked(Settings, given)
    if chosen.cloud is None:
        return chosen
    ours = {name: getattr(chosen, name) for name in chosen.model_fields_set}
    return _checked(Settings, ours | implied(chosen.cloud, ours))


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


def base_url_for(chosen: Settings) -> str:
    """The gateway's base URL: ``llm_base_url``, else ``OPENAI_BASE_URL``. Raises `UsageError` if neither is set.

    A key alone names no gateway: nothing is sent to a service that the user has not named.
    """
    base_url = chosen.llm_base_url or os.environ.get("OPENAI_BASE_URL", "").strip()
    if not base_url:
        raise UsageError(
            "which gateway? give its address with --llm-base-url, OFFRECORD_LLM_BASE_URL or OPENAI_BASE_URL, as "
            "http://127.0.0.1:11434/v1 (Ollama) or https://llm-gateway.assemblyai.com/v1"
        )
    return base_url


def key_for(base_url: str, given: SecretStr | None = None) -> SecretStr | None:
    """The key for the gateway at ``base_url``: ``given``, ``OFFRECORD_LLM_API_KEY``, then that of its service.

    AssemblyAI's key goes to AssemblyAI's hosts alone, and OpenAI's to whatever else is asked in its manner. None where
    there is no key; ``none`` is a key, and means that the gateway wants none.
    """
    host = urlsplit(base_url).hostname or ""
    service = "ASSEMBLYAI_API_KEY" if host.endswith(".assemblyai.com") else "OPENAI_API_KEY"
    return given or key("OFFRECORD_LLM_API_KEY") or key(service)


class ServerSettings(BaseSettings):
    """What `offrecord serve` needs beyond `Settings`: read from ``OFFRECORD_`` and the name in capitals as well."""

    model_config = SettingsConfigDict(env_prefix="OFFRECORD_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: _data_directory(),  # noqa: PLW0108 - defined below
        description="directory of the server's database and media",
    )
    media: Path | None = Field(
        None, description="directory of uploads, work and redacted sound, if not the home; with `ray` on shared storage"
    )
    ray: str | None = Field(None, description="Ray cluster that works on recordings: `host:port`, `auto` or `local`")
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
    review_unredacted: bool = Field(False, description="reviewers may ask for the original of a job, job by job")
    attempts: int = Field(5, ge=1, le=100, description="how often a job is begun whose worker dies")


def server_settings(**given: Any) -> ServerSettings:
    """As `settings`, for the server. Raises `UsageError` for a value that cannot be; it shows no key."""
    return _checked(ServerSettings, given)


def _data_directory() -> Path:
    """``$XDG_DATA_HOME/offrecord``, or what the XDG specification says when that is not set."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "offrecord"
