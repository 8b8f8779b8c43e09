"""The memory that an upload to AssemblyAI's API takes, by the length of the recording: `python bench/upload.py 1 60`.

Each length is sent by a process of its own to a server on loopback that throws the sound away.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import resource
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from offrecord.transcribe import sending
from offrecord.transcribe.assemblyai import AssemblyAI

MINUTE = 60 * sending.RATE


def serve(port: Connection) -> None:
    """Answer as the API does, with a transcript of nobody."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        seconds = 0

        def do_POST(self) -> None:
            left = int(self.headers["content-length"])
            if self.path == "/v2/upload":
                Handler.seconds = math.ceil((left - 44) / (2 * sending.RATE))
            while left:
                left -= len(self.rfile.read(min(left, 65_536)))
            self._say({"upload_url": "u", "id": "t", "status": "queued"})

        def do_GET(self) -> None:
            self._say({"status": "completed", "words": [], "text": "", "audio_duration": Handler.seconds})

        def _say(self, answer: dict[str, object]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_port)
    server.serve_forever()


def send(minutes: int, port: int) -> None:
    """Send so many minutes of silence, and print the peak of this process."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "silence.wav"
        with path.open("wb") as file:
            file.write(sending.header(sending.Sound(1, minutes * MINUTE)))
            for _ in range(minutes):
                file.write(bytes(2 * MINUTE))
        (chunk,) = AssemblyAI(f"http://127.0.0.1:{port}", None, print).transcribe(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{chunk.end // 60_000} min: {minutes * MINUTE * 2 >> 20} MB sent, {peak} MB at the peak")


def main() -> None:
    """Measure each length that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=int, nargs="+")
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(theirs,), daemon=True)
    lengths = parser.parse_args().minutes
    server.start()
    port = ours.recv()
    for minutes in lengths:
        sender = spawn.Process(target=send, args=(minutes, port))
        sender.start()
        sender.join()
    server.terminate()


if __name__ == "__main__":
    main()
