"""Real HTTP servers on 127.0.0.1 that do as they are told: the ground of the stubs of other people's APIs.

An answer that is waiting for a route is given once, before what the stub itself would say. Everything stops with the
``with`` block.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. ``breaks``: nothing is, and the connection is closed after so many bytes of the request."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: int | None = None
    promised: int | None = None
    """A length that the header claims, if not the true one."""

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


HTML = Answer(200, b"<!doctype html><title>Sign in</title>", {"content-type": "text/html"})


@dataclass(frozen=True, slots=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A server whose ``answer`` says what it says; a stub overrides that."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._waiting: dict[str, list[Answer]] = defaultdict(list)
        self._before: dict[str, Callable[[], None]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._scheme = "https" if tls else "http"
        if tls:
            # The handshake is the handler's: in `accept`, a client that says nothing would keep the server from stopping.
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def next(self, route: str, *answers: Answer) -> None:
        """Give these to the next requests of ``route``, as ``POST /v2/upload``; the path is its beginning."""
        self._waiting[route] += answers

    def before(self, route: str, call: Callable[[], None]) -> None:
        """Call this when a request of ``route`` has come in, before it is answered."""
        self._before[route] = call

    def seen(self, route: str) -> list[Request]:
        """The requests of a route, in order."""
        return [request for request in self.requests if f"{request.method} {request.path}".startswith(route)]

    def waiting(self, line: str) -> Answer | None:
        """The answer that waits for a request, taken."""
        route = max((name for name, queue in self._waiting.items() if queue and line.startswith(name)), default=None)
        return self._waiting[route].pop(0) if route else None

    def called(self, line: str) -> None:
        """Do what is to be done before an answer."""
        for route, call in self._before.items():
            if line.startswith(route):
                call()

    def answer(self, request: Request) -> Answer:
        """What is said to a request that nothing waits for."""
        raise NotImplementedError


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _all(self) -> None:
            line = f"{self.command} {self.path}"
            waiting = server.waiting(line)
            if waiting and waiting.breaks is not None:
                self.rfile.read(waiting.breaks)
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = self._body()
            request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            server.requests.append(request)
            server.called(line)
            self._send(waiting or server.answer(request))

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _send(self, answer: Answer) -> None:
            data = answer.data
            try:
                self.send_response(answer.status)
                headers = {"content-type": "application/json"} | dict(answer.headers)
                headers["content-length"] = str(len(data) if answer.promised is None else answer.promised)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True
            if answer.promised is not None:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _all

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ssl.SSLError):
                self.close_connection = True

    return Handler
