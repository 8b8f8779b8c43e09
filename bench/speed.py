"""What redaction costs: beside plain faster-whisper, beside Presidio, and in memory.

    python bench/speed.py [--part whole text] [--repeats 5] [--files d002 d007] [--markdown]
    python bench/speed.py --memory 10

whole: `Redactor.redact` with all outputs written to a temporary directory, against plain faster-whisper on the same
file with the same loaded model and settings, by turns; with the second listening in a column of its own. The sentences
are made as on the command line, and not printed.
text: detection in the 60 calls beside Presidio, by turns, with one thread and with two, each in a process of its own;
and how long the first `offrecord.detect` takes in a fresh one. --memory: a recording of so many hours, made by
repetition, through the command line; the highest resident memory of that process. Wall time; keep the machine idle.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import peers
import report
from gold import SETS, SHARED

CALLS = SHARED / "audio" / "calls"
THREADS = (1, 2)
WARM_UP = 2
"""Runs that are not counted: caches fill, memory is taken."""


def alternating(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """The seconds of each run, taken in turns so that what slows the machine down slows both."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(repeats):
        # The second of two finds the machine as the first left it, so they change places.
        for name in list(runs) if number % 2 == 0 else reversed(list(runs)):
            began = time.perf_counter()
            runs[name]()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios of runs that were neighbours."""
    return median(a / b for a, b in zip(one, other, strict=True))


def whole(path: Path, repeats: int, threads: int) -> list[str]:
    """A row: the whole way beside recognition alone, for one recording."""
    from offrecord import Redactor, audio, export

    redactor = Redactor(threads=threads)
    recogniser: Any = redactor.recogniser

    def redact(*, verifying: bool) -> None:
        with tempfile.TemporaryDirectory() as directory:
            paths = export.outputs(path, Path(directory), recording=True, sound=True)
            redaction = redactor.redact(path, say=lambda _: None, verifying=verifying)
            export.write(redaction, path, paths, redactor.policy)

    def recognise() -> None:
        segments, _ = recogniser.model.transcribe(
            str(path),
            language=redactor.settings.language,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,
            **recogniser.options,
        )
        # The segments are made as they are taken.
        list(segments)

    runs = {
        "whole": partial(redact, verifying=False),
        "plain": recognise,
        "verified": partial(redact, verifying=True),
    }
    for run in runs.values():
        run()
    seconds = alternating(runs, repeats)
    length = audio.probe(path).duration / 1000
    mine, plain = median(seconds["whole"]), median(seconds["plain"])
    low, high = min(seconds["whole"]) / min(seconds["plain"]), ratio(seconds["whole"], seconds["plain"])
    verified = ratio(seconds["verified"], seconds["plain"])
    return [
        path.stem,
        f"{length:.0f}",
        f"{plain:.2f}",
        f"{mine:.2f}",
        f"{high:.3f}",
        f"{low:.3f}",
        f"{length / mine:.1f}",
        f"{verified:.3f}",
    ]


def text_worker(repeats: int, threads: int) -> dict[str, list[float]]:
    """Characters per second of each tool over the calls, repeat by repeat, with ``threads`` threads."""
    peers.threads(threads)
    texts = [row["text"] for row in next(iter(SETS["calls"]())).rows]
    tools = [peers.offrecord(), *([] if peers.PRESIDIO.missing() else [peers.PRESIDIO])]
    runs: dict[str, Callable[[], object]] = {}
    for tool in tools:
        find = tool.load(threads)
        runs[tool.name] = partial(_all, find, texts)
        for text in texts[:WARM_UP]:
            find(text)
    seconds = alternating(runs, repeats)
    characters = sum(map(len, texts))
    return {name: [characters / each for each in times] for name, times in seconds.items()}


def _all(find: peers.Find, texts: Sequence[str]) -> None:
    for each in texts:
        find(each)


def text(repeats: int) -> list[list[str]]:
    """Rows: detection beside Presidio, for each number of threads."""
    rows = []
    for count in THREADS:
        report.progress(f"text, threads: {count}")
        command = [sys.executable, __file__, "--worker", str(count), "--repeats", str(repeats)]
        speeds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        mine, theirs = speeds["Offrecord"], speeds.get("Presidio")
        rows.append(
            [
                str(count),
                f"{median(mine):,.0f}",
                f"{median(theirs):,.0f}" if theirs else "not installed",
                f"{ratio(mine, theirs):.2f}" if theirs else "–",
            ]
        )
    return rows


_FIRST = """
import time
began = time.perf_counter()
import offrecord
imported = time.perf_counter()
offrecord.detect("Hello, this is Ann Lee, my number is four one five, five five five, oh one three two.")
print(imported - began, time.perf_counter() - imported)
"""


def first_call(repeats: int) -> str:
    """How long importing takes and then the first call, in a fresh process each time: medians."""
    command = [sys.executable, "-c", _FIRST]
    runs = [subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout for _ in range(repeats)]
    imported, called = zip(*(map(float, run.split()) for run in runs), strict=True)
    return f"import offrecord {median(imported):.2f} s, then the first offrecord.detect {median(called):.2f} s"


def repeated(source: Path, target: Path, hours: float) -> float:
    """Write the packets of ``source`` to ``target`` again and again until it lasts ``hours``; how many it lasts."""
    import av

    shift, unit = 0, 0.0
    with av.open(str(target), "w") as out:
        stream = None
        while True:
            with av.open(str(source)) as container:
                original = container.streams.audio[0]
                stream = stream or out.add_stream_from_template(original)
                end = shift
                for packet in container.demux(original):
                    if packet.dts is None:
                        continue
                    at = packet.dts + shift
                    packet.pts = packet.dts = at
                    end = at + (packet.duration or 0)
                    packet.stream = stream
                    unit = float(packet.time_base)
                    out.mux(packet)
            shift = end
            if shift * unit >= hours * 3600:
                return shift * unit / 3600


def memory(hours: float, source: Path) -> list[str]:
    """A row: the command line on a recording of ``hours``; its time, and its highest resident memory."""
    with tempfile.TemporaryDirectory() as directory:
        recording = Path(directory) / "long.mp3"
        lasts = repeated(source, recording, hours)
        report.progress(f"made {lasts:.2f} hours of {source.name}, {recording.stat().st_size / 1e6:.0f} MB")
        command = [sys.executable, "-m", "offrecord", "redact", str(recording), "-o", f"{directory}/out", "--quiet"]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        # The system's own count for this one child. It starts from what this process holds, so load no model here.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            sys.exit(f"bench: offrecord redact ended with {process.returncode}; there is no figure to give")
        written = sorted(path.name for path in Path(directory, "out").iterdir())
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return [
        source.stem,
        f"{lasts:.2f}",
        f"{seconds:,.0f}",
        f"{lasts * 3600 / seconds:.1f}",
        f"{peak / 1e6:,.0f}",
        str(len(written)),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=("whole", "text"), default=["whole", "text"])
    parser.add_argument("--memory", type=float, metavar="HOURS", help="measure memory instead")
    parser.add_argument("--files", nargs="+", default=["d002", "d007"], metavar="FILE", help="a call, or a path")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="of the recogniser in `whole`; 0: all cores")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/benchmarks.md")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _file(name: str) -> Path:
    path = CALLS / f"{name}.mp3" if (CALLS / f"{name}.mp3").is_file() else Path(name)
    if not path.is_file():
        sys.exit(f"bench: {name} is neither a call of {CALLS} nor a file")
    return path


def main() -> None:
    """Measure what was asked for and print a table for each part."""
    args = _arguments()
    if args.worker:
        print(json.dumps(text_worker(args.repeats, args.worker)))
        return
    files = [_file(name) for name in args.files]
    tables: list[tuple[Sequence[str], list[list[str]]]] = []
    header: Sequence[str]
    notes = [f"{args.repeats} repeats by turns; medians"]
    if args.memory:
        header = ("repeated", "hours", "seconds", "times real time", "peak MB", "files written")
        tables.append((header, [memory(args.memory, files[0])]))
        notes = ["default settings, all outputs written"]
    if "whole" in args.part and not args.memory:
        header = (
            "recording",
            "seconds",
            "faster-whisper s",
            "whole way s",
            "ratio",
            "ratio of best",
            "times real time",
            "ratio, verified",
        )
        rows = []
        for path in files:
            report.progress(f"whole: {path.name}")
            rows.append(whole(path, args.repeats, args.threads))
        tables.append((header, rows))
    if "text" in args.part and not args.memory:
        tables.append((("threads", "Offrecord characters/s", "Presidio characters/s", "ratio"), text(args.repeats)))
        notes.append(first_call(args.repeats))
    report.show(report.stamp(["faster-whisper", *peers.PRESIDIO.packages], notes), markdown=args.markdown)
    print("\n\n".join(report.table(header, rows, markdown=args.markdown) for header, rows in tables))


if __name__ == "__main__":
    main()
