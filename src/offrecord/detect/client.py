"""The HTTP client of a gateway: where it sends, what it sends along, and how a failure is called.

Nothing goes where the user has not pointed: no redirection is followed, what goes to this machine goes through no
proxy, and headers that the client would take from the environment go to the service that they are for. The client's
errors end here, for they hold requests and replies.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import SecretStr

from offrecord.cloud import is_here
from offrecord.detect.replies import Reply
from offrecord.errors import UsageError

__all__ = ["Client", "address"]

_LONGEST_REPLY = 4_000_000
"""Bytes of a reply; what goes on after that is no answer to a question of five thousand characters."""


def address(base_url: str) -> str:
    """The base URL without a slash at its end. Raises `UsageError` for what cannot be the address of a gateway."""
    url = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise UsageError("the gateway's base URL cannot be read; expected https://HOST/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            "the gateway's base URL does not begin with http:// or https:// and a host, as https://HOST/v1"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "the gateway's base URL holds more than an address; keys belong into OFFRECORD_LLM_API_KEY, OPENAI_API_KEY "
            "or a file that OFFRECORD_LLM_API_KEY_FILE names"
        )
    return url.removesuffix("/chat/completions")


class Client:
    """OpenAI's client for one address, without its retries; its connections are open until `close`."""

    def __init__(self, base_url: str, key: SecretStr | None, timeout: float) -> None:
        """Raises `UsageError` for a key, or a proxy in the environment, that cannot be; ``none`` is no key."""
        value = key.get_secret_value() if key else "none"
        if not re.fullmatch(r"[!-~]+", value):
            raise UsageError("the key for the gateway holds characters that no key has; copy it again")
        self._headers: dict[str, Any] = {"Authorization": openai.omit} if value.lower() == "none" else {}
        if urlsplit(base_url).hostname != "api.openai.com":
            self._headers |= {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
        http = _transport(base_url, timeout)
        if http is None:
            raise UsageError("the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used; correct or unset it")
        self._openai = openai.OpenAI(api_key=value, base_url=base_url, max_retries=0, http_client=http)

    def close(self) -> None:
        """Close the connections. A thread that is waiting for a reply fails."""
        self._openai.close()

    def fetch(self, body: dict[str, Any], limit: float) -> tuple[Reply | None, str]:
        """The gateway's reply within ``limit`` seconds, whatever its status, or else the kind of failure there was.

        Kinds: ``timeout``, ``certificate``, ``proxy``, ``protocol``, ``long``, ``connection``.
        """
        until = time.monotonic() + limit
        timeout = httpx2.Timeout(limit, connect=min(limit, 10))
        try:
            completions = self._openai.chat.completions.with_streaming_response
            with completions.create(**body, timeout=timeout, extra_headers=self._headers) as response:
                data = b"".join(_limited(response.iter_bytes(), until))
                return Reply(response.status_code, dict(response.headers), data), ""
        except openai.APIStatusError as error:
            return Reply(error.status_code, dict(error.response.headers), error.response.content[:100_000]), ""
        except (openai.APIConnectionError, httpx2.HTTPError, httpx2.StreamError) as error:
            return None, _kind(error)


def _transport(base_url: str, timeout: float) -> httpx2.Client | None:
    """The connections; None if the environment names a proxy that cannot be."""
    # Reading all authorities' certificates takes a twentieth of a second, and nothing uses them without TLS.
    verify = True if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx2.Limits(max_connections=64)
    try:
        return httpx2.Client(
            verify=verify,
            # A transport of its own passes over the environment's proxies, but not over its certificates.
            transport=httpx2.HTTPTransport(verify=verify, limits=limits) if is_here(base_url) else None,
            follow_redirects=False,
            timeout=timeout,
            limits=limits,
        )
    except (ValueError, ImportError, httpx2.InvalidURL):
        return None


class _Long(httpx2.StreamError):
    """A reply that goes on and on."""


def _limited(chunks: Iterator[bytes], until: float) -> Iterator[bytes]:
    """The chunks, as long as they are few and in time: a time-out of the connection is one for each of them."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > _LONGEST_REPLY:
            raise _Long("too long")
        if time.monotonic() > until:
            raise httpx2.ReadTimeout("too slow")
        yield chunk


def _kind(error: BaseException | None) -> str:
    """Which kind of failure an error of the client is, by what it was raised from."""
    kinds = (
        (ssl.SSLCertVerificationError, "certificate"),
        (_Long, "long"),
        (httpx2.TimeoutException, "timeout"),
        (httpx2.ProxyError, "proxy"),
        (httpx2.ProtocolError, "protocol"),
        (ssl.SSLError, "protocol"),
    )
    while error is not None:
        for kind, name in kinds:
            if isinstance(error, kind):
                return name
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return "certificate"
        error = error.__cause__ or error.__context__
    return "connection"
