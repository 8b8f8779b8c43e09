"""What `offrecord batch` costs beside the work itself: per recording, and at the start of a run over many.

    python bench/batch.py overhead              # beside Redactor.redact and export.write with the same loaded models
    TMPDIR=/dev/shm python bench/batch.py startup 100000    # to the first task, where all but one is done; and memory

`overhead` gives each recording its transcript, so that no recogniser's time hides what is measured; the two ways take
turns, recording by recording. `startup` makes files of a few bytes and their outputs, fills a manifest by a stub, and
measures a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import offrecord
from offrecord import export
from offrecord.batch.recipe import Recipe
from offrecord.batch.run import Batch, Order
from offrecord.batch.work import Work
from offrecord.executors import Outcome, Task

OUTPUTS = ("txt", "json", "srt", "vtt", "mp3")


class Here:
    """An executor in this process. ``before`` is called before each task; how long that took, and all else, is kept."""

    slots = ready = 1
    died = 0

    def __init__(self, work: Any, before: Any = lambda _: None) -> None:
        self.work, self.before = work, before
        self.plain: list[float] = []
        self.whole: list[float] = []

    def run(self, tasks: Iterable[Task | None]) -> Iterator[Outcome]:
        began = time.perf_counter()
        for task in tasks:
            if task is None:
                continue
            asked = time.perf_counter()
            self.before(task.body)
            done = time.perf_counter()
            self.plain.append(done - asked)
            yield Outcome(task.key, self.work(task.body), None, 0, 1, 0.0)
            # The caller has written its row and asks for the next.
            self.whole.append(time.perf_counter() - done + asked - began)
            began = time.perf_counter()


def overhead(count: int) -> None:
    """Print the milliseconds that a batch adds to a recording: the median of the differences, pair by pair."""
    said = "hello this is a call about the order that I made my name is Robert Miller and that is all".split()
    words = [{"text": text, "start": 300 * i, "end": 300 * i + 250} for i, text in enumerate(said)]
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "said.json").write_text(json.dumps({"words": words}))
        sound = np.random.default_rng(0).integers(-9_000, 9_000, 8_000 * 10, np.int16).tobytes()
        lines = []
        for i in range(count):
            with wave.open(str(home / f"{i}.wav"), "wb") as file:
                file.setparams((1, 2, 8_000, 0, "NONE", ""))
                file.writeframes(sound)
            lines.append(json.dumps({"source": f"{i}.wav", "transcript": "said.json"}))
        (home / "list.jsonl").write_text("\n".join(lines))
        redactor = offrecord.Redactor(verify="off")
        _ = redactor.recogniser, redactor.tagger

        def plain(body: Mapping[str, Any]) -> None:
            source = Path(body["source"])
            paths = export.outputs(source, home / "plain", recording=True, sound=True)
            export.write(redactor.redact(source, transcript=home / "said.json"), source, paths, redactor.policy)

        order = Order(str(home / "list.jsonl"), str(home / "out"), Recipe.of(redactor))
        with Batch(order) as batch:
            work = Work(batch.given, redactor)
            executor = Here(work, plain)
            batch.find()
            batch.go(executor)
            work.close()
    added = [whole - plain for whole, plain in zip(executor.whole, executor.plain, strict=True)]
    least, _, most = statistics.quantiles(added, n=4)
    print(
        f"{count} recordings of 10 s, five outputs each: {statistics.median(executor.plain) * 1000:.1f} ms plain, "
        f"{statistics.median(added) * 1000:.1f} ms more in a batch (quartiles {least * 1000:.1f} and {most * 1000:.1f})"
    )


def startup(count: int) -> None:
    """Print how long a run takes to find out that nothing, and that one thing, is to be done; and its memory."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        began = time.perf_counter()
        for i in range(count):
            _file(home / "in" / f"{i // 1000:04}" / f"{i:07}.mp3")

        def made(body: Mapping[str, Any]) -> dict[str, Any]:
            outputs = []
            for kind in OUTPUTS:
                _file(home / "out" / f"{body['stem']}.redacted.{kind}")
                outputs.append([f"{body['stem']}.redacted.{kind}", 4, "0" * 64])
            return {
                "state": "done", "code": 0, "content": f"{body['id']:064}", "settings": body["settings"],
                "signature": body["signature"], "duration": 60_000, "words": 150, "muted": 4_000, "seconds": 6.0,
                "entities": {"person_name": 3, "phone_number": 1}, "outputs": outputs, "notices": [],
                "verification": {"mode": "around", "found": 1, "widened": 1, "added": 0, "left": 0},
            }  # fmt: skip

        with Batch(_order(home)) as batch:
            batch.find()
            found = time.perf_counter()
            batch.go(Here(made))
            recorded = time.perf_counter()
            batch.write_reports()
        exported = time.perf_counter()
        size = (home / "out" / ".offrecord" / "manifest.db").stat().st_size
        (home / "in" / "new.mp3").write_bytes(b"new")
        seen = subprocess.run([sys.executable, __file__, "look", directory], capture_output=True, text=True, check=True)
    print(f"{count:,} recordings: made and found in {found - began:.1f} s, recorded in {recorded - found:.1f} s")
    print(f"reports in {exported - recorded:.1f} s; manifest {size / 1e6:.0f} MB")
    print(seen.stdout.strip())


def _file(path: Path) -> None:
    """A file of four bytes, which those of one directory share: making a million is not what is measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    one = path.parent / ".one"
    if not one.exists():
        one.write_bytes(b"made")
    path.hardlink_to(one)


def look(home: Path) -> None:
    """In a process of its own: to the first task."""
    with Batch(_order(home)) as batch:
        todo = batch.find()["todo"]
        first = next(batch._tasks()).key
        seconds = time.perf_counter() - BEGAN
    used = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"the next run: {todo} to do, its first task (number {first}) after {seconds:.2f} s "
        f"({used:.2f} s of a core, imports included), {memory:.0f} MB of memory"
    )


def _order(home: Path) -> Order:
    return Order(str(home / "in"), str(home / "out"), Recipe.of(offrecord.Redactor()))


BEGAN = time.perf_counter()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("overhead", "startup", "look"))
    parser.add_argument("of", nargs="?")
    asked = parser.parse_args()
    if asked.what == "look":
        look(Path(asked.of))
    else:
        {"overhead": overhead, "startup": startup}[asked.what](
            int(asked.of or {"overhead": 50, "startup": 100_000}[asked.what])
        )
