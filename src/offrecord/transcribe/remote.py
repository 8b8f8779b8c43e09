"""One HTTP service elsewhere: requests with time-outs, attempts and a deadline, and answers that are JSON or an error.

Every foreign failure becomes one of our errors here. They name the host, the status and what to do; never the key, the
path, or the body, which may hold what was said. Redirections are not followed, for the key and the sound would go
wherever they point. A service on this machine is reached without any proxy: otherwise it would not be on this machine.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import httpx2

from offrecord.cloud import host, is_here
from offrecord.errors import InputError, ModelError, OffrecordError, RemoteError, UsageError

__all__ = ["Clock", "Meaning", "Remote"]

Meaning = tuple[type[OffrecordError], str]
"""The error that a status stands for, and its message after the host's name; ``{key}`` is the variable of the key."""

_ATTEMPTS = 5
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may go well."""
_NOT_BEGUN = frozenset({429, 503})
"""Those of them that say that nothing was done."""
_MOST = 256 * 1024 * 1024
"""Bytes of an answer. The words of ten hours are some 15 MB; what is longer is no transcript."""
_TEXT = 64 * 1024
"""Bytes of an error's text that are looked at."""

_STATUSES: dict[int, Meaning] = {
    401: (ModelError, "refuses the key (401); check {key}"),
    403: (ModelError, "refuses access with this key (403); check {key} and what its account may do"),
    404: (RemoteError, "has nothing at this address (404); check the base URL"),
    405: (RemoteError, "does not take this request (405); check the base URL"),
    407: (RemoteError, "is not reached: the proxy wants a password (407); check HTTPS_PROXY"),
    408: (RemoteError, "waited too long for the request (408); try again later"),
    413: (InputError, "takes no recording of this size (413); send it in parts"),
    429: (RemoteError, "takes no more requests for now (429); try again later, or ask for a higher limit"),
}
"""What statuses mean everywhere; adapters have a table of their own for what their API means by others."""

_BROKEN: tuple[tuple[type[httpx2.RequestError], str], ...] = (
    (httpx2.ConnectTimeout, "cannot be reached{proxy}: no answer to the connection; check the address and the network"),
    (httpx2.TimeoutException, "did not answer in time{proxy}; try again"),
    (httpx2.ProxyError, "cannot be reached{proxy}: the proxy refuses; check HTTPS_PROXY and NO_PROXY"),
    (httpx2.ConnectError, "cannot be reached{proxy}; check the address and the network"),
    (httpx2.DecodingError, "sent an answer that is damaged on the way{proxy}; try again"),
    (httpx2.RequestError, "broke the connection off{proxy}; try again"),
)  # fmt: skip
"""The client's exceptions, the first that fits."""


class _Failed(Exception):
    """An attempt that failed: the error it stands for, whether another may go well, and whether it may have begun."""

    def __init__(self, error: OffrecordError, *, again: bool, begun: bool = True, wait: float | None = None) -> None:
        super().__init__()
        self.error, self.again, self.begun, self.wait = error, again, begun, wait


class Clock:
    """The time in seconds, and how to wait."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Remote:
    """An API at ``url`` (from `cloud.checked`), open while the ``with`` block runs.

    ``key``: the name of the variable that holds the key, for messages. ``meanings``: what statuses mean in this API.
    ``known``: what pieces of its error texts mean, the first that fits; those texts are looked at, never shown.
    ``seconds``: for all requests and waits together. ``slow``: seconds that one answer may take to begin.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        key: str,
        meanings: Mapping[int, Meaning],
        known: Sequence[tuple[str, Meaning]] = (),
        seconds: float,
        slow: float = 60,
        clock: Clock | None = None,
    ) -> None:
        self._url, self._host, self._key = url, host(url), key
        self._meanings, self._known = _STATUSES | dict(meanings), known
        self._clock = clock or Clock()
        self._seconds = seconds
        self._end = self._clock.now() + seconds
        around = {f"all://{host(url)}": None} if is_here(url) else None
        try:
            self._client = httpx2.Client(
                headers={"user-agent": f"offrecord/{version('offrecord')}", "accept": "application/json", **headers},
                timeout=httpx2.Timeout(60, connect=15, read=slow),
                mounts=around,
            )
        # A proxy's address that is none, a proxy by SOCKS without its package, a file of certificates that is none.
        except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
            raise UsageError(
                f"the network settings cannot be used ({type(error).__name__}); check HTTPS_PROXY, HTTP_PROXY, "
                "ALL_PROXY and SSL_CERT_FILE"
            ) from None

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    def ask(
        self,
        method: str,
        path: str,
        *,
        once: bool = False,
        content: Callable[[], Iterator[bytes]] | None = None,
        **request: Any,
    ) -> dict[str, Any]:
        """The object that is answered. ``content`` makes the body anew for each attempt.

        After a passing failure it is asked again, at most five times, as ``Retry-After`` says or ever later. ``once``:
        only where nothing can have been done. Raises what the tables of statuses and failures say, and `RemoteError`
        for an answer that is no JSON object.
        """
        pause = 0.5
        for left in reversed(range(_ATTEMPTS)):
            body = {"content": self._in_time(content())} if content else {}
            try:
                return self._attempt(method, path, {**request, **body})
            except _Failed as failed:
                if not left or not failed.again or (once and failed.begun):
                    raise failed.error from None
                self.wait(pause if failed.wait is None else failed.wait, failed.error)
                pause *= 2
        raise AssertionError("unreachable")

    def wait(self, seconds: float, failure: OffrecordError | None = None) -> None:
        """Wait, unless the deadline comes before: then raise ``failure``, or a `RemoteError` that says so."""
        if self._clock.now() + seconds > self._end:
            raise failure or self._late() from None
        self._clock.sleep(seconds)

    def allow(self, seconds: float) -> None:
        """Set a new deadline, so many seconds from now."""
        self._end = self._clock.now() + seconds

    def failure(self, what: str, kind: type[OffrecordError] = RemoteError) -> OffrecordError:
        """An error about this service."""
        return kind(f"{self._host} {what}")

    def known(self, text: str) -> OffrecordError | None:
        """What an error text of this service stands for, if it is one that we know."""
        found = next((meaning for piece, meaning in self._known if piece in text.lower()), None)
        return self.failure(found[1].format(key=self._key), found[0]) if found else None

    def _in_time(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for piece in content:
            if self._clock.now() > self._end:
                raise self._late()
            yield piece

    def _attempt(self, method: str, path: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            with self._client.stream(method, self._url + path, **request) as response:
                if response.status_code != 200:
                    raise self._refused(response)
                return self._object(response, self._read(response))
        except httpx2.LocalProtocolError:
            raise InputError("the recording changed while it was sent; send it again when it is complete") from None
        except httpx2.RequestError as error:
            raise self._broken(error) from None

    def _read(self, response: httpx2.Response) -> bytes:
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > _MOST:
                raise self.failure(f"answers with more than {_MOST >> 20} MB; check the base URL")
            if self._clock.now() > self._end:
                raise self._late()
        return bytes(data)

    def _object(self, response: httpx2.Response, data: bytes) -> dict[str, Any]:
        if data.lstrip()[:1] == b"<" or "html" in response.headers.get("content-type", ""):
            raise self.failure("answers with a web page where JSON was expected; check the base URL")
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            raise self.failure("gave an answer that is no JSON, or is cut off; try again") from None
        if not isinstance(answer, dict):
            raise self.failure("gave JSON of another form than its API says; check the base URL")
        return answer

    def _refused(self, response: httpx2.Response) -> _Failed:
        status = response.status_code
        if 300 <= status < 400:
            error = self.failure(f"points to another address ({status}), which is not followed; correct the base URL")
            return _Failed(error, again=False)
        kind, text = self._meanings.get(status) or _other(status)
        known = self.known(next(response.iter_bytes(_TEXT), b"").decode(errors="replace")) if status < 500 else None
        return _Failed(
            known or self.failure(text.format(key=self._key), kind),
            again=status in _PASSING,
            begun=status not in _NOT_BEGUN,
            wait=_retry_after(response.headers.get("retry-after", "")),
        )

    def _broken(self, error: httpx2.RequestError) -> _Failed:
        refused = _certificate(error)
        if refused:
            message = f"shows a certificate that is not trusted ({refused}); name its authority's in SSL_CERT_FILE"
            return _Failed(self.failure(message, ModelError), again=False)
        text = next(text for kind, text in _BROKEN if isinstance(error, kind))
        early = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
        return _Failed(self.failure(text.format(proxy=_through_proxy(self._url))), again=True, begun=not early)

    def _late(self) -> OffrecordError:
        return self.failure(f"did not finish in {self._seconds:g} s; allow more with OFFRECORD_RECOGNISER_TIMEOUT")


def _other(status: int) -> Meaning:
    if status >= 500:
        return RemoteError, f"failed ({status}); try again later"
    return RemoteError, f"refuses the request ({status}); check the base URL, the model and the language"


def _retry_after(value: str) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3); None for anything else."""
    try:
        return max(0.0, float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _certificate(error: BaseException | None) -> str:
    """OpenSSL's reason for refusing a certificate, if that was the cause."""
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message) or "verification failed"
        error = error.__cause__ or error.__context__
    return ""


def _through_proxy(url: str) -> str:
    parsed = httpx2.URL(url)
    proxies = getproxies()
    through = (parsed.scheme in proxies or "all" in proxies) and not proxy_bypass(parsed.host)
    return " through the proxy of the environment" if through and not is_here(url) else ""
