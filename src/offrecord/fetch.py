"""Requests to addresses that a client named: recordings to download, webhooks to tell.

Whoever may submit jobs could otherwise make the server ask machines that only the server reaches. So: http and https
alone; a name is resolved here and every address it has must be public; the connection goes to the very address that was
checked, so the name cannot mean another one a moment later; each redirect is a new request that is checked like the
first. Hosts that the operator names are let through. The whole request has one deadline, however slowly bytes arrive.
"""

from __future__ import annotations

import ipaddress
import shutil
import socket
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore2

from offrecord.errors import InputError, OutputError

__all__ = ["Limits", "Refused", "can_be_asked", "download", "is_public", "post"]


class Refused(InputError):
    """The address may not be asked, did not answer, or answered with what is no recording."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may cost. ``allowed``: hosts, as they are written in a URL, that need not be public."""

    size: int
    seconds: float
    allowed: Collection[str] = ()


def download(url: str, target: Path, limits: Limits) -> None:
    """Write what ``url`` gives to ``target``. Raises `Refused` with an AssemblyAI-like text, `OutputError` for no room.

    The text names the URL without its query, which is where keys are.
    """
    unable = f"Download error, unable to download {_shown(url)}. "
    reason = "Please make sure the file exists and is accessible from the internet."
    deadline = time.monotonic() + limits.seconds
    try:
        with httpcore2.ConnectionPool(network_backend=_Guarded(limits.allowed, deadline)) as pool:
            for _ in range(_REDIRECTS + 1):
                request = httpcore2.Request("GET", _checked(url), headers=_headers(url), extensions=dict(_TIMEOUTS))
                response = pool.handle_request(request)
                try:
                    if response.status in _REDIRECT:
                        url = urljoin(url, _header(response, "location"))
                        continue
                    if response.status != 200:
                        raise Refused(f"{unable}The server answered {response.status}. {reason}")
                    _write(response, target, limits.size, unable)
                    return
                finally:
                    response.close()
    except _FAULTS as error:
        raise Refused(f"{unable}{_FAULTS_SAID.get(type(error), '')}{reason}") from None
    except ValueError as error:  # of _checked and of the guard; says nothing but why
        raise Refused(f"{unable}{error}. {reason}") from None
    raise Refused(f"{unable}It redirects more than {_REDIRECTS} times. {reason}")


def post(
    url: str, body: bytes, *, header: tuple[str, str] | None, seconds: float, allowed: Collection[str]
) -> int | None:
    """POST a JSON ``body`` and give the status of the answer, whose body is not read; None where there was none.

    Redirects are not followed: the status is theirs.
    """
    try:
        headers = [*_headers(url), ("content-type", "application/json"), ("content-length", str(len(body)))]
        if header:
            headers = [(name, value) for name, value in headers if name.lower() != header[0].lower()] + [header]
        with httpcore2.ConnectionPool(network_backend=_Guarded(allowed, time.monotonic() + seconds)) as pool:
            request = httpcore2.Request(
                "POST", _checked(url), headers=headers, content=body, extensions=dict(_TIMEOUTS)
            )
            response = pool.handle_request(request)
            response.close()
            return int(response.status)
    except (*_FAULTS, ValueError):
        return None


def can_be_asked(url: str) -> bool:
    """Whether a request to ``url`` could be made at all: whether its host may be asked is found out when it is."""
    try:
        _checked(url)
        _headers(url)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether this IP address belongs to the internet at large, also where one address is wrapped in another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        # The internet's own part of all addresses. Beside it lie site-local ones, which `ipaddress` takes for global,
        # and wrappings of IPv4 that only a network of one's own translates.
        if ip not in _UNICAST or ip in _DOCUMENTS:
            return False
    return ip.is_global and not ip.is_multicast


def _checked(url: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("Only http and https are asked")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A name and password in the URL are not sent")
    _ = parts.port  # raises for one that cannot be
    host = parts.hostname.encode("idna").decode() if ":" not in parts.hostname else f"[{parts.hostname}]"
    port = f":{parts.port}" if parts.port else ""
    path = parts.path or "/"
    target = f"{parts.scheme}://{host}{port}{path}{'?' + parts.query if parts.query else ''}"
    if any(c <= " " or c == "\x7f" for c in target):
        raise ValueError("The URL holds spaces or control characters")
    return target.encode("utf-8") if target.isascii() else _quoted(target)


def _quoted(target: str) -> bytes:
    return b"".join(
        c.encode() if c.isascii() else b"".join(b"%%%02X" % byte for byte in c.encode("utf-8")) for c in target
    )


def _headers(url: str) -> list[tuple[str, str]]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    try:
        host = host.encode("ascii").decode()
    except UnicodeEncodeError:
        host = host.encode("idna").decode()
    return [("host", host), ("user-agent", "offrecord"), ("accept", "*/*")]


def _header(response: httpcore2.Response, name: str) -> str:
    for key, value in response.headers:
        if key.lower() == name.encode():
            return str(value.decode("latin-1"))
    return ""


def _write(response: httpcore2.Response, target: Path, size: int, unable: str) -> None:
    kind = _header(response, "content-type").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _NOT_MEDIA:
        raise Refused(f"File does not appear to contain audio. File type is {kind}.")
    declared = _header(response, "content-length")
    if declared.isdigit() and int(declared) > size:
        raise Refused(f"{unable}It is larger than {size} bytes.")
    if declared.isdigit() and int(declared) > shutil.disk_usage(target.parent).free:
        raise OutputError("the disk has no room for the recording; make room, and submit it again")
    written = 0
    try:
        with target.open("wb") as file:
            for chunk in response.iter_stream():
                written += len(chunk)
                if written > size:
                    raise Refused(f"{unable}It is larger than {size} bytes.")
                file.write(chunk)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        raise OutputError(f"the recording cannot be stored: {error.strerror}; make room, and submit it again") from None


class _Guarded(httpcore2.NetworkBackend):
    """Connections to public addresses, or to ``allowed`` hosts, until ``deadline``."""

    def __init__(self, allowed: Collection[str], deadline: float) -> None:
        self._allowed = {host.strip().lower() for host in allowed}
        self._deadline = deadline
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        name = host.strip("[]").lower()
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError("no address") from None
        addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
        # All of its addresses: a name with one private one is a trap, not a mistake.
        if not self._allowed & {name, f"{name}:{port}"} and not all(map(is_public, addresses)):
            raise ValueError("It is not on the internet, and this server may only ask hosts there")
        for address in addresses[:_TRIES]:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                left = _left(self._deadline, timeout)
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
                return _Hurried(stream, self._deadline)
        raise httpcore2.ConnectError("not reached")


class _Hurried(httpcore2.NetworkStream):
    """A stream whose every operation ends by the deadline of the whole."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return bytes(self._stream.read(max_bytes, _left(self._deadline, timeout)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, timeout)
        return _Hurried(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the deadline is over")
    return min(left, _STEP_S if timeout is None else timeout)


def _shown(url: str) -> str:
    return url.partition("?")[0].partition("#")[0][:200]


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_DOCUMENTS = ipaddress.IPv6Network("3fff::/20")
_REDIRECTS = 5
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_TRIES = 4
_STEP_S = 30.0
_TIMEOUTS: Mapping[str, Any] = {"timeout": {"connect": 10.0, "read": _STEP_S, "write": _STEP_S, "pool": 10.0}}
_NOT_MEDIA = frozenset({"application/json", "application/xhtml+xml", "application/xml", "application/pdf"})

# httpcore2's errors, and what is said of them beyond AssemblyAI's sentence.
_FAULTS = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
)
_FAULTS_SAID: Mapping[type[Exception], str] = {
    httpcore2.ConnectError: "No connection. ",
    httpcore2.ConnectTimeout: "No connection in time. ",
    httpcore2.ReadTimeout: "It took too long. ",
    httpcore2.RemoteProtocolError: "The connection was cut. ",
}
