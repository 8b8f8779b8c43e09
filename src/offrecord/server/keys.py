"""Who asks, and links that need nobody: API keys, and signed addresses that expire.

Keys are compared in constant time and never kept: jobs belong to a digest that only this home's secret makes. The
secret is a file of its own beside the database, readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from starlette.exceptions import HTTPException

from offrecord.errors import StateError

__all__ = ["ANYONE", "Keys", "Links", "local_key", "secret_of"]

ANYONE = "local"
"""The owner of all jobs of a server without keys, which listens on this machine alone."""


class Keys:
    """The keys of the clients. Without any, every client is the same one."""

    def __init__(self, keys: Sequence[str], secret: bytes) -> None:
        self._owners = {hashlib.sha256(key.encode()).digest(): _digest(secret, "owner", key) for key in keys}

    @property
    def needed(self) -> bool:
        """Whether a client has to give one."""
        return bool(self._owners)

    def owner(self, authorization: str | None) -> str:
        """Who sends this header: the raw key, or ``Bearer`` and the key. Raises the 401 of AssemblyAI's API."""
        if not self._owners:
            return ANYONE
        given = (authorization or "").strip()
        scheme, _, rest = given.partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else given
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        # All of them are compared, so the time does not tell which came close.
        found = [owner for known, owner in self._owners.items() if hmac.compare_digest(known, digest)]
        if not found:
            raise HTTPException(401, "Authentication error, API token missing/invalid")
        return found[0]


class Links:
    """Signs what a link allows, until when."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def query(self, what: str, seconds: int) -> str:
        """The query of a link to ``what`` that holds for so long."""
        expires = int(time.time()) + seconds
        return f"expires={expires}&signature={_digest(self._secret, 'link', f'{what} {expires}')}"

    def allows(self, what: str, expires: str, signature: str) -> bool:
        """Whether this link to ``what`` is ours, and still holds."""
        right = _digest(self._secret, "link", f"{what} {expires}")
        in_time = expires.isascii() and expires.isdigit() and len(expires) < 12 and time.time() < int(expires)
        return hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogatepass")) and in_time


def secret_of(home: Path) -> bytes:
    """The secret of this home, made when it is first asked for. Raises `StateError` for one that is damaged."""
    path = home / "secret"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from None
    secret = path.read_bytes()
    if len(secret) != 32:
        raise StateError(f"{path} is damaged; restore it, or move it away: every client's jobs are then out of reach")
    return secret


def local_key(home: Path) -> tuple[bytes, str]:
    """The secret of this home, and a key that only who may read it can know: always the same one."""
    secret = secret_of(home)
    return secret, _digest(secret, "key", "of the command on this machine")


def _digest(secret: bytes, purpose: str, text: str) -> str:
    return hmac.new(secret, f"{purpose}:{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
