"""The server's figures: polling while it works, memory during a large upload, what a job costs beyond its recording.

python bench/server.py poll [REQUESTS_PER_SECOND SECONDS]
python bench/server.py upload [MEGABYTES]
python bench/server.py overhead [RECORDING]
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from conftest import AUDIO  # noqa: E402
from serving import NAMES, Server, running  # noqa: E402

import offrecord  # noqa: E402
from offrecord import export  # noqa: E402

LONG = AUDIO / "aws_callcenter" / "Auto0_mono.wav"


def poll(server: Server, rate: int = 300, seconds: int = 20) -> None:
    """Ask for one job's status ``rate`` times a second over 20 connections, while a worker transcribes."""
    job = server.submit(server.upload(LONG), redact_pii=True, redact_pii_audio=True)
    times: list[float] = []
    wrong: list[int] = []
    end = time.monotonic() + seconds

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        due = time.monotonic()
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.perf_counter()
            connection.request("GET", f"/v2/transcript/{job}")
            response = connection.getresponse()
            response.read()
            times.append(time.perf_counter() - began)
            wrong.extend([response.status] if response.status != 200 else [])
            due += 20 / rate

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    marks = statistics.quantiles(times, n=100)
    print(
        f"{len(times) / seconds:.0f} requests a second for {seconds} s, {len(wrong)} errors: "
        f"median {marks[49] * 1000:.1f} ms, p99 {marks[98] * 1000:.1f} ms, at most {max(times) * 1000:.1f} ms"
    )


def upload(server: Server, megabytes: int = 2_048) -> None:
    """Upload so much, and print the most memory that the server's process ever had."""
    assert server.process
    before = _peak(server.process.pid)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)

    def body() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1 << 20)

    began = time.monotonic()
    connection.request("POST", "/v2/upload", body=body(), encode_chunked=True, headers={"transfer-encoding": "chunked"})
    assert connection.getresponse().status == 200
    took = time.monotonic() - began
    peak = _peak(server.process.pid)
    print(f"{megabytes} MB uploaded in {took:.0f} s: {peak:.0f} MB of memory at most, {before:.0f} MB before")


def overhead(server: Server, recording: Path = NAMES) -> None:
    """The same recording through the library with loaded models and through the server, in turns, seven times each."""
    redactor = offrecord.Redactor(policy="all", substitute="hash", threads=1)
    plain, served = [], []
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(8):
            began = time.perf_counter()
            redaction = redactor.redact(recording)
            export.write(redaction, recording, {"mp3": Path(directory) / "a.mp3"}, redactor.policy)
            plain.append(time.perf_counter() - began)
            began = time.perf_counter()
            job = server.submit(server.upload(recording), redact_pii=True, redact_pii_audio=True)
            while server.json("GET", f"/v2/transcript/{job}")[1]["status"] != "completed":
                time.sleep(0.01)
            served.append(time.perf_counter() - began)
    difference = statistics.median(b - a for a, b in zip(plain[1:], served[1:], strict=True))
    print(
        f"library {statistics.median(plain[1:]):.2f} s, server {statistics.median(served[1:]):.2f} s: "
        f"{difference * 1000:.0f} ms more for upload, queue, polling and result"
    )


def _peak(pid: int) -> float:
    """The most memory that a process had resident, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024


with tempfile.TemporaryDirectory() as home, running(Path(home) / "home") as started:
    name, *given = sys.argv[1:] or ["poll"]
    if name == "overhead":
        overhead(started, *map(Path, given))
    else:
        {"poll": poll, "upload": upload}[name](started, *map(int, given))
