"""A real server of ours as a process, its clients' web servers, and short recordings of people who say who they are."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import sounds
from conftest import AUDIO

from offrecord import audio

T = TypeVar("T")

SHORT = AUDIO / "ljspeech32" / "LJ002-0020.wav"
"""Two seconds of one reader."""
NAMES = AUDIO / "azure_custom_speech" / "katiesteve.wav"
"""Half a minute of two people who greet each other by name."""


@dataclass
class Server:
    """``offrecord serve`` in a process of its own, over ``home``, on a free port. Without keys unless given."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    port: int = 0

    @property
    def log(self) -> Path:
        return self.home.with_suffix(".log")

    def start(self, *, wait: bool = True) -> Server:
        """Start, or start again on the same port."""
        said = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "offrecord", "serve", "--home", str(self.home), "--port", str(self.port)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFRECORD_")}
        environment = clean | {"OFFRECORD_FETCH_ALLOW": "127.0.0.1", "OFFRECORD_THREADS": "1"} | self.environment
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments], stdout=log, stderr=log, env=environment | {"HF_HUB_OFFLINE": "1"}
            )
        found = until(lambda: re.search(rb"listening on (http://127\.0\.0\.1:(\d+))", self.log.read_bytes()[said:]))
        self.url, self.port = found[1].decode(), int(found[2])
        until(lambda: self.get("/readyz" if wait else "/healthz")[0] == 200)
        return self

    def stop(self) -> None:
        """End it as an operator does."""
        if self.process:
            self.process.terminate()
            assert self.process.wait(60) in (0, -signal.SIGTERM)

    def kill(self) -> None:
        """End it as no one should."""
        assert self.process
        self.process.kill()
        self.process.wait(60)

    def workers(self) -> list[int]:
        """The ids of its worker processes."""
        assert self.process
        # A thread starts those that come later, so they are its children in the eyes of the kernel.
        tasks = Path(f"/proc/{self.process.pid}/task")
        found = [(task / "children").read_text().split() for task in tasks.iterdir()] if tasks.exists() else []
        return sorted({int(pid) for pids in found for pid in pids})

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of a GET of a path or a URL."""
        return self.ask("GET", path, None, **headers)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of any request; 0 where nobody answers."""
        status, _, answer = self.told(method, path, body, **headers)
        return status, answer

    def told(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of any request; 0 where nobody answers."""
        url = path if path.startswith("http") else self.url + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body, method=method, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, _small(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _small(error.headers), error.read()
        except OSError:
            return 0, {}, b""

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and parsed body."""
        given = None if body is None else json.dumps(body).encode()
        status, answer = self.ask(method, path, given, **headers)
        return status, json.loads(answer or b"null")

    def upload(self, path: Path, **headers: str) -> str:
        """The URL of an upload of the file."""
        status, answer = self.ask("POST", "/v2/upload", path.read_bytes(), **headers)
        assert status == 200
        return str(json.loads(answer)["upload_url"])

    def submit(self, audio_url: str, **fields: Any) -> str:
        """The id of a job."""
        status, answer = self.json("POST", "/v2/transcript", {"audio_url": audio_url, **fields})
        assert status == 200, answer
        return str(answer["id"])

    def finished(self, job: str, **headers: str) -> dict[str, Any]:
        """The transcript, when it is completed or failed."""

        def look() -> dict[str, Any] | None:
            _, answer = self.json("GET", f"/v2/transcript/{job}", **headers)
            return answer if answer and answer.get("status") in ("completed", "error") else None

        return until(look)


def _small(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def until(look: Callable[[], T | None], seconds: float = 300) -> T:
    """What ``look`` gives when it first gives something. Fails after so long, which is far longer than it takes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("nothing happened for too long")


@contextmanager
def running(home: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """A server that is stopped at the end, whatever happened."""
    server = Server(home, environment, arguments)
    try:
        yield server.start()
    finally:
        if server.process and server.process.poll() is None:
            server.stop()


@dataclass
class Seen:
    """A request that a web server of a test got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def web(answers: Mapping[str, Answer | bytes | int]) -> Iterator[tuple[str, list[Seen]]]:
    """A web server on loopback: its URL, and what it was asked. By path: a body, a status, or a function that answers."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = answers.get(self.path.partition("?")[0], 404)
            if callable(answer):
                answer(self)
                return
            content = answer if isinstance(answer, bytes) else b""
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            server.shutdown()
            thread.join()


def clip(call: str, start: float, end: float, target: Path) -> Path:
    """A part of one of the calls, seconds, with a person on each of its two channels, as WAV."""
    blocks = list(audio.decode(AUDIO / "calls" / f"{call}.mp3", channels="separate"))
    samples = np.concatenate(blocks, axis=1)[:, round(start * 16_000) : round(end * 16_000)]
    return sounds.write(target, samples, 16_000, "pcm_s16le", "wav")
