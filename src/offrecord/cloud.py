"""What `--cloud` stands for, and the addresses and keys of services elsewhere, from the environment.

A key is read from its variable, or from the file that its variable with ``_FILE`` names; never from the command line,
which every user of the machine can see. It is kept in a type that does not print itself.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from offrecord.errors import UsageError

__all__ = ["address", "checked", "host", "implied", "is_here", "key", "where"]

ASSEMBLYAI = "https://api.assemblyai.com"
ASSEMBLYAI_GATEWAY = "https://llm-gateway.assemblyai.com"
OPENAI = "https://api.openai.com/v1"


def implied(cloud: str, chosen: Collection[str] = (), environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The settings that ``--cloud`` stands for, by name; those of the names ``chosen`` the user has set, so they stay.

    ``assemblyai``: its recogniser, and the model of its guide behind its LLM gateway beside the detectors here, for
    another detector can only add. Its key does not go to another gateway, nor its model. Raises `UsageError` for
    another name, and for a key that is none.
    """
    if cloud != "assemblyai":
        raise UsageError(f"unknown cloud {cloud!r}; expected assemblyai")
    # AssemblyAI's clients add the path to this variable; OpenAI's clients want it in the base URL.
    gateway = environment.get("ASSEMBLYAI_LLM_GATEWAY_BASE_URL") or ASSEMBLYAI_GATEWAY
    model: dict[str, Any] = {
        "llm_base_url": gateway.strip().rstrip("/").removesuffix("/v1") + "/v1",
        "llm_model": "claude-sonnet-4-5-20250929",
        "llm_api_key": key("ASSEMBLYAI_API_KEY", environment),
    }
    implies = {"recogniser": "assemblyai", "detector": "both"} | ({} if "llm_base_url" in chosen else model)
    return {name: value for name, value in implies.items() if name not in chosen}


def address(recogniser: str, environment: Mapping[str, str] = os.environ) -> str:
    """The base URL of a recogniser elsewhere: that of the environment, or the vendor's."""
    variable, default = {
        "assemblyai": ("ASSEMBLYAI_BASE_URL", ASSEMBLYAI),
        "openai": ("OPENAI_BASE_URL", OPENAI),
    }[recogniser]
    return environment.get(variable) or default


def key(variable: str, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
    """The key in ``variable``, or in the file that ``variable`` and ``_FILE`` name; None if neither is set.

    Raises `UsageError` for a file that cannot be read, is empty, or for what no header can carry; it shows no key.
    """
    value, file = environment.get(variable, ""), environment.get(f"{variable}_FILE", "")
    name = variable
    if not value.strip() and file:
        name = f"the file of {variable}_FILE"
        try:
            value = Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{variable}_FILE: cannot read {file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{variable}_FILE: {file} is no text, so it holds no key") from None
        if not value.strip():
            raise UsageError(f"{variable}_FILE: {file} is empty; expected a key")
    value = value.strip()
    if not value:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(f"{name} holds no key: it has spaces, line breaks or letters that no key has")
    return SecretStr(value)


def checked(url: str, name: str) -> str:
    """``url`` without its last slash. Raises `UsageError`, which calls it ``name``, if it is no address of an API.

    What was given is not shown: it might hold a password.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise UsageError(f"{name} is no address; expected http:// or https:// and a host") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise UsageError(
            f"{name} is no address of an API; expected http:// or https:// and a host, as https://api.example.com"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(f"{name} holds a name, a password or a query; keys come from the environment alone")
    return url.rstrip("/")


def host(url: str) -> str:
    """The host of ``url``, with its port where it is given."""
    return urlsplit(url).netloc


def is_here(url: str) -> bool:
    """Whether ``url`` is on this machine: ``localhost`` or a loopback address."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def where(url: str) -> str:
    """The host, and whether what is sent there can be read on the way."""
    return host(url) + (", unencrypted" if urlsplit(url).scheme == "http" else "")
