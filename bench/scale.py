"""How a batch scales: beside plain faster-whisper, on Ray beside processes, and with a million recordings.

    python bench/scale.py pair [-n 40] [--repeats 1] [--formats txt,json] [--unverified] [--model DIRECTORY]
    python bench/scale.py many [-n 1000000] [--processes 8] [--faster 100000] [--ray local]

pair: the same recordings (the 24 calls, then others of the shared audio) by two copies of plain faster-whisper with one
thread each (each takes the next recording when it is done with one), by a batch with two processes, and by a batch on
Ray on this machine. Models are loaded before the clock starts; finding, the manifest and all writing are inside. Wall
time; keep the machine idle.
many: a batch whose recogniser waits as long as a real one takes, divided by ``--faster``; everything else is what a
batch does: it finds the files, schedules, records each in the manifest, and looks again at all of them when it is
started once more. The lengths are those of the 60 calls, the pace is ``--pace`` times real time for one core.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import report
from gold import SHARED

from offrecord import Redactor, audio
from offrecord.batch.recipe import Recipe
from offrecord.batch.run import WORKER, Batch, Order
from offrecord.batch.work import Work
from offrecord.executors import Executor, Task
from offrecord.executors.local import Local
from offrecord.executors.ray import OnRay

AUDIO = SHARED / "audio"
OTHERS = ("aws_callcenter", "azure_custom_speech", "google_samples", "ibm_watson", "ljspeech32", "librispeech_bits")


class Stub(Work):
    """In the place of a batch's work: waits, and writes outputs of nothing."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._root = Path(given["out"])

    def __call__(self, body: Mapping[str, Any]) -> dict[str, Any]:
        length = body["id"] * 7_919 % 240_000 + 30_000  # 30 s to 4.5 min, as calls have it
        time.sleep(length / 1000 / float(os.environ["SCALE_PACE"]) / float(os.environ["SCALE_FASTER"]))
        path = self._root / f"{body['stem']}.redacted.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return {
            "state": "done",
            "content": hashlib.sha256(body["stem"].encode()).hexdigest(),
            "notices": [],
            "code": 0,
            "duration": length,
            "words": length // 400,
            "entities": {"person_name": 3, "phone_number": 1, "date": 2},
            "muted": length // 50,
            "verification": {"mode": "around", "found": 0, "widened": 0, "added": 0, "left": 0},
            "outputs": [[f"{body['stem']}.redacted.txt", 0, hashlib.sha256(b"").hexdigest()]],
            "settings": body["settings"],
            "signature": body["signature"],
            "seconds": 1.0,
        }


# Two copies of plain faster-whisper.

_plain: list[Any] = []


def _load(barrier: Any, model: str | None) -> None:
    redactor = Redactor(threads=1, model=model)
    _plain.append(redactor)
    _ = redactor.recogniser
    barrier.wait()


def _recognise(path: str) -> float:
    recogniser: Any = _plain[0].recogniser
    segments, _ = recogniser.model.transcribe(
        path,
        language=_plain[0].settings.language,
        word_timestamps=True,
        vad_filter=True,
        condition_on_previous_text=False,
        **recogniser.options,
    )
    return sum(len(segment.text) for segment in segments)  # they are made as they are taken


def plain(paths: Sequence[Path], model: str | None) -> float:
    """Seconds of two copies."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, _load, (barrier := context.Barrier(3), model)) as pool:
        barrier.wait()
        began = time.perf_counter()
        for _ in pool.imap_unordered(_recognise, map(str, paths)):
            pass
        return time.perf_counter() - began


# A batch.


def batch(
    source: Path, formats: Sequence[str], redactor: Redactor, make: Callable[[Mapping[str, Any]], Executor]
) -> float:
    """Seconds of a batch by two workers, from their being ready to its end."""
    with tempfile.TemporaryDirectory() as directory:
        order = Order(str(source), f"{directory}/out", Recipe.of(redactor, list(formats), None))
        with Batch(order) as held, make(held.given) as executor:
            for _ in executor.run(_until_ready(executor)):
                pass
            began = time.perf_counter()
            held.find()
            summary = held.go(executor)
            held.write_reports()
            seconds = time.perf_counter() - began
            assert not summary.exit_code, summary
    return seconds


def _until_ready(executor: Executor) -> Iterator[Task | None]:
    while executor.ready < executor.slots:
        yield None


def recordings(count: int) -> list[Path]:
    """So many recordings: the calls, then the others, folder by folder."""
    found = sorted((AUDIO / "calls").glob("*.mp3"))
    for folder in OTHERS:
        found += (path for path in sorted((AUDIO / folder).iterdir()) if path.suffix in (".flac", ".wav"))
    if len(found) < count:
        sys.exit(f"there are {len(found)} recordings; give -n that many at most")
    return found[:count]


def pair(given: argparse.Namespace) -> None:
    """The table of ``pair``."""
    paths = recordings(given.n)
    hours = sum(audio.probe(path).duration for path in paths) / 3_600_000
    formats = given.formats.split(",")
    verify = "off" if given.unverified else "around"
    redactor = Redactor(verify=verify, model=given.model)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for path in paths:
            (Path(directory) / f"{path.parent.name}-{path.name}").symlink_to(path.resolve())
        runs: dict[str, Callable[[], float]] = {
            "two copies of faster-whisper": lambda: plain(paths, given.model),
            "batch, two processes": lambda: batch(
                Path(directory), formats, redactor, lambda to: Local(WORKER, to, 2, eager=True)
            ),
            "batch, Ray local": lambda: batch(
                Path(directory), formats, redactor, lambda to: OnRay(WORKER, to, "local", 2, eager=True)
            ),
        }
        for turn in range(given.repeats):
            for name in list(runs) if turn % 2 == 0 else reversed(list(runs)):
                seconds.setdefault(name, []).append(runs[name]())
                print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    base, local = seconds["two copies of faster-whisper"], seconds["batch, two processes"]
    rows = [
        [
            name,
            f"{median(of):.1f}",
            f"{hours * 3600 / median(of) / 2:.2f}",
            f"{median(b / s for b, s in zip(base, of, strict=True)):.3f}",
            f"{median(b / s for b, s in zip(local, of, strict=True)):.3f}",
        ]
        for name, of in seconds.items()
    ]
    what = f"outputs {given.formats}; verify {verify}; model {given.model or 'tiny.en'}"
    notes = [f"{len(paths)} recordings, {hours:.2f} hours; {what}"]
    print(report.stamp(["faster-whisper", "ray"], [*notes, f"{given.repeats} repeats by turns; medians"]))
    header = ["who", "seconds", "hours of audio a core-hour", "of faster-whisper", "of two processes"]
    print(report.table(header, rows, markdown=given.markdown))


def many(given: argparse.Namespace) -> None:
    """The table of ``many``."""
    os.environ |= {
        "PYTHONPATH": str(Path(__file__).parent.resolve()),
        "SCALE_PACE": str(given.pace),
        "SCALE_FASTER": str(given.faster),
    }
    rows = []
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        source, out = Path(directory) / "in", Path(directory) / "out"
        for number in range(given.n):
            if number % 1000 == 0:
                (source / f"{number // 1000:04}").mkdir(parents=True)
            (source / f"{number // 1000:04}" / f"{number:07}.wav").touch()
        order = Order(str(source), str(out), Recipe.of(Redactor(sound="none"), ["txt"], None))
        with Batch(order) as held:
            began = time.perf_counter()
            held.find()
            rows.append(["first start: found and planned", f"{time.perf_counter() - began:.1f} s"])
            with _workers(given, held.given) as executor:
                for _ in executor.run(_until_ready(executor)):
                    pass
                began = time.perf_counter()
                held.go(executor)
                took = time.perf_counter() - began
            rows.append([f"scheduled and recorded, {executor.slots} workers", f"{given.n / took:,.0f} a second"])
            waited = sum((n * 7_919 % 240_000 + 30_000) / 1000 for n in range(1, given.n + 1)) / given.pace
            rows.append(
                [
                    "time that workers spent waiting as a recogniser",
                    f"{waited / given.faster / took / executor.slots:.0%}",
                ]
            )
            began = time.perf_counter()
            held.write_reports()
            rows.append(["report and manifest.jsonl written", f"{time.perf_counter() - began:.1f} s"])
        size = sum(path.stat().st_size for path in (out / ".offrecord").rglob("*") if path.is_file())
        rows.append(["manifest", f"{size / 1e6:,.0f} MB, {size / given.n:,.0f} bytes a recording"])
        rows.append(["manifest.jsonl", f"{(out / 'manifest.jsonl').stat().st_size / 1e6:,.0f} MB"])
        began = time.perf_counter()
        with Batch(order) as held:
            todo = held.find()["todo"]
            rows.append(["started again: nothing to do is known after", f"{time.perf_counter() - began:.1f} s"])
            assert todo == 0, todo
        rows.append(
            ["memory of the batch", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most"]
        )
        shutil.rmtree(source)
    print(report.stamp(["ray"], [f"{given.n:,} recordings, times divided by {given.faster:g}, pace {given.pace:g}"]))
    print(report.table(["what", "measured"], rows, markdown=given.markdown))


def _workers(given: argparse.Namespace, to: Mapping[str, Any]) -> Executor:
    if given.ray:
        return OnRay("scale:Stub", to, given.ray, given.processes, eager=True)
    return Local("scale:Stub", to, given.processes, eager=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["pair", "many"])
    parser.add_argument("-n", type=int, help="recordings: 40 for pair, 1,000,000 for many")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--formats", default="txt,json")
    parser.add_argument("--model", help="pair: another model, for all of them")
    parser.add_argument("--unverified", action="store_true", help="without the second listening")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--faster", type=float, default=100_000)
    parser.add_argument("--pace", type=float, default=5.0, help="times real time of one core")
    parser.add_argument("--ray", help="many: on Ray at this address, instead of processes")
    parser.add_argument("--directory", help="where the files of `many` are made")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    given.n = given.n or {"pair": 40, "many": 1_000_000}[given.part]
    {"pair": pair, "many": many}[given.part](given)


if __name__ == "__main__":
    main()
