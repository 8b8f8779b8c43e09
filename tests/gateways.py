"""A gateway of our own: a real HTTP server on 127.0.0.1 that plays what a model behind it would answer, and every way
in which that goes wrong.

A `Play` is given each question and returns a `Turn`: status, headers and body, or something ruder. `Gateway.asked` holds
what came in, so that a test can say what left the program.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Quotes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """One question as it came in."""

    number: int
    """From 0, over all questions."""
    path: str
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: dict[str, Any]

    @property
    def transcript(self) -> str:
        """The text that the question shows the model."""
        text = json.loads(self.body["messages"][-1]["content"])["transcript"]
        assert isinstance(text, str)
        return text


@dataclass(frozen=True)
class Turn:
    """What is sent back."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    pieces: int = 1
    """The body comes in this many chunks."""
    pause: float = 0.0
    """Seconds before each chunk, and before the status."""
    rude: str = ""
    """``drop``: close without a word. ``half``: close in the middle of the body. ``noise``: no HTTP at all."""


Play = Callable[[Asked], Turn]


def completion(content: object, finish: str | None = "stop", **more: Any) -> Turn:
    """A completion with this content."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, **more.pop("usage", {})}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    envelope = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return Turn(json.dumps(envelope | more).encode())


def entities(quotes: Quotes) -> str:
    """The answer that names these, as a model should give it."""
    return json.dumps({"entities": [{"label": label, "quote": quote} for label, quote in quotes]}, ensure_ascii=False)


def answer(*quotes: tuple[str, str]) -> Turn:
    """A completion that names these."""
    return completion(entities(quotes))


def error(status: int, message: str = "no", **headers: str) -> Turn:
    """An error in OpenAI's manner."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()
    return Turn(body, status, {"Content-Type": "application/json", **headers})


def perfect(known: Quotes) -> Play:
    """A model that finds each of the ``known`` details in whatever it is shown, and misses none."""

    def play(asked: Asked) -> Turn:
        shown = asked.transcript
        return answer(*((label, quote) for label, quote in dict.fromkeys(known) if quote in shown))

    return play


def at(number: int, fault: Play, otherwise: Play, *, times: int = 10**6) -> Play:
    """``fault`` for the ``number``-th different text that is shown, and for its parts, at most ``times``."""
    seen: list[str] = []
    left = [times]
    lock = threading.Lock()

    def play(asked: Asked) -> Turn:
        with lock:
            shown = asked.transcript
            if not any(shown in text for text in seen):
                seen.append(shown)
            chosen = number < len(seen) and shown in seen[number] and left[0] > 0
            left[0] -= chosen
        return fault(asked) if chosen else otherwise(asked)

    return play


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us, or has had enough, hangs up: that is no error of ours."""


@dataclass
class Gateway:
    """A server that is running: its address, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def gateway(play: Play, *, certificate: Path | None = None) -> Iterator[Gateway]:
    """Serve ``play`` on a port of 127.0.0.1 until the end of the block; with TLS if there is a ``certificate``."""
    lock = threading.Lock()
    here = Gateway("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the server's
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                asked = Asked(
                    len(here.asked), self.path, {name.lower(): value for name, value in self.headers.items()}, body
                )
                here.asked.append(asked)
            with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self._send(play(asked))

        def _send(self, turn: Turn) -> None:
            time.sleep(turn.pause)
            if turn.rude in ("drop", "noise"):
                self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" if turn.rude == "noise" else b"")
                self.close_connection = True
                return
            self.send_response(turn.status)
            for name, value in turn.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if turn.rude == "half":
                self.wfile.write(b"%x\r\n%b\r\n" % (len(turn.body), turn.body[: len(turn.body) // 2]))
                self.close_connection = True
                return
            size = max(1, -(-len(turn.body) // turn.pieces))
            for start in range(0, len(turn.body), size):
                piece = turn.body[start : start + size]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
                if turn.pieces > 1:
                    time.sleep(turn.pause)
            self.wfile.write(b"0\r\n\r\n")

    server = _Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake is the handler's: in `accept`, a client that says nothing would keep the server from stopping.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    here.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


def shown(text: str) -> str:
    """A text without white space, case and punctuation: what a leak would be found in, however it was changed."""
    return re.sub(r"[\W_]+", "", text.casefold())
