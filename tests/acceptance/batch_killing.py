"""A batch that dies at random moments: its own process, its workers, or a node of its Ray cluster.

The recordings are very short (two seconds of a reader, each a little longer than the last), so that much of the time
goes into what is interrupted here: starting, writing, putting in place. The recogniser is the real one.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import wave
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from serving import SHORT, until

__all__ = ["Told", "kill_at_random"]

Where = Literal["local", "ray", "nodes"]


@dataclass
class Told:
    """What was seen of it."""

    recordings: int
    kills: Counter[str]
    starts: int
    attempts: int
    """Of all recordings together, in the runs that recorded them; one for each is the least."""
    seconds: float


def kill_at_random(root: Path, *, recordings: int, kills: int, seed: int, where: Where = "local") -> Told:
    """Run a batch while ``kills`` things die by SIGKILL at random moments, then to its end, and check what must hold.

    All recordings are done, none is done twice, no file is there in part, and the manifest agrees with the outputs byte
    for byte.
    """
    chance = random.Random(seed)
    began = time.monotonic()
    _record(root / "in", recordings)
    kinds = {"local": ["batch", "worker"], "ray": ["batch", "worker"], "nodes": ["node", "worker", "batch"]}[where]
    killed: Counter[str] = Counter()
    done: dict[str, tuple[int, int]] = {}
    with _cluster(where, 2 + -(-kills // len(kinds))) as cluster:
        runs = _Runs(root, ["--ray", cluster.address] if cluster else ["--ray", "local"] if where == "ray" else [])
        try:
            runs.start()
            # So many are recorded when the next thing dies: all moments are before the end, and where two are close,
            # the second comes while it starts again.
            moments = sorted(chance.sample(range(recordings * 4 // 5), kills))
            for number, moment in enumerate(moments):
                runs.wait_for(moment)
                time.sleep(chance.uniform(0.0, 0.6))
                kind = kinds[number % len(kinds)]
                if not _kill(kind, runs, cluster, chance):
                    break
                killed[kind] += 1
                if kind == "batch":  # while it runs, nobody else reads its manifest
                    done |= _done(root / "out")
                    runs.start()
            for _ in range(2):  # what was running when the last thing was killed, and once more: there is nothing to do
                assert runs.process.wait(300) == 0, runs.log.read_text()[-2_000:]
                runs.start()
            assert runs.process.wait(300) == 0
        finally:
            runs.end()
    attempts = _check(root, recordings, done, runs)
    return Told(recordings, killed, runs.starts, attempts, time.monotonic() - began)


def _record(directory: Path, recordings: int) -> None:
    with wave.open(str(SHORT)) as reader:
        parameters, frames = reader.getparams(), reader.readframes(reader.getnframes())
    for number in range(recordings):
        path = directory / f"day {number % 3}" / f"{number:03}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as writer:
            writer.setparams(parameters)
            writer.writeframes(frames + bytes(parameters.sampwidth * 160 * number))


@dataclass
class _Runs:
    """The batch's own process, one after the other."""

    root: Path
    arguments: list[str]
    starts: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What all runs have said; a line that a kill has cut off is none."""
        lines = (self.root / "events").read_text().splitlines()
        found = []
        for line in lines:
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def wait_for(self, recordings: int) -> None:
        """Until so many are recorded, or the batch has come to its end."""
        while self.process.poll() is None and sum(e.get("event") == "recording" for e in self.events) < recordings:
            time.sleep(0.02)

    def start(self) -> None:
        command = [sys.executable, "-m", "offrecord", "batch", "in", "out", "--json", "--formats", "txt,json,sound"]
        command += ["--processes", "2", "--attempts", "25", "--threads", "1", *self.arguments]
        (self.root / "tmp").mkdir(exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFRECORD_")}
        environment = clean | {"HF_HUB_OFFLINE": "1", "TMPDIR": str(self.root / "tmp")}
        # Ray makes sockets in there, whose paths may have 107 bytes at most.
        environment |= {"RAY_TMPDIR": "/tmp"}  # noqa: S108
        with (self.root / "events").open("ab") as events, self.log.open("ab") as log:
            if self.starts and (self.root / "events").read_bytes()[-1:] not in (b"", b"\n"):
                events.write(b"\n")
                events.flush()
            self.process = subprocess.Popen(command, cwd=self.root, stdout=events, stderr=log, env=environment)
        self.starts += 1

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _kill(kind: str, runs: _Runs, cluster: _Cluster | None, chance: random.Random) -> bool:
    """Kill one such thing; whether it was there: the batch may have come to its end."""
    if runs.process.poll() is not None:
        return False
    if kind == "batch":
        runs.end()
        return True
    ancestor = runs.process.pid if cluster is None else os.getpid()
    workers: list[int] = []
    while not workers and runs.process.poll() is None:  # it is only just starting
        time.sleep(0.05)
        workers = _workers(ancestor)
    if not workers:
        return False
    with suppress(ProcessLookupError, FileNotFoundError):  # it has just died by itself
        worker = chance.choice(workers)
        if kind == "node":
            assert cluster
            cluster.lose_one(worker)
        else:
            os.kill(worker, signal.SIGKILL)
    return True


def _workers(ancestor: int) -> list[int]:
    """The processes below ``ancestor`` that recordings are worked on in."""
    parents: dict[int, int] = {}
    named: list[int] = []
    for directory in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(directory.name)
            parents[pid] = _parent(pid)
            command = (directory / "cmdline").read_bytes()
            if b"offrecord.executors.process" in command or command.startswith(b"ray::_Work"):
                named.append(pid)

    def below(pid: int) -> bool:
        while pid > 1 and pid != ancestor:
            pid = parents.get(pid, 0)
        return pid == ancestor

    return sorted(pid for pid in named if below(pid))


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass
class _Cluster:
    """A head without work, and nodes of which two do it and the others wait: a new one takes longer than a recording."""

    ray: Any

    @property
    def address(self) -> str:
        return str(self.ray.address)

    def lose_one(self, worker: int) -> None:
        """The node of this worker dies with all that it runs: its processes end when the first of them is gone."""
        os.kill(_parent(worker), signal.SIGKILL)


@contextmanager
def _cluster(where: Where, nodes: int) -> Iterator[_Cluster | None]:
    if where != "nodes":
        yield None
        return
    before = dict(os.environ)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "7" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
    made = importlib.import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(nodes):
            made.add_node(num_cpus=1)
        yield _Cluster(made)
    finally:
        made.shutdown()
        os.environ.clear()
        os.environ.update(before)


def _rows(out: Path) -> list[tuple[int, str, int, str]]:
    database = sqlite3.connect(f"file:{out}/.offrecord/manifest.db?mode=ro", uri=True)
    try:
        return database.execute("SELECT id, state, attempts, outputs FROM recordings").fetchall()
    finally:
        database.close()


def _done(out: Path) -> dict[str, tuple[int, int]]:
    """The outputs of what is recorded as done, with what changes if they are made again."""
    try:
        rows = _rows(out)
    except sqlite3.OperationalError:  # its tables have not been made
        return {}
    names = [name for _, state, _, outputs in rows if state == "done" for name, _, _ in json.loads(outputs)]
    return {name: (stat.st_ino, stat.st_mtime_ns) for name in names for stat in [(out / name).stat()]}


def _check(root: Path, recordings: int, before: dict[str, tuple[int, int]], runs: _Runs) -> int:
    out = root / "out"
    rows = _rows(out)
    assert [state for _, state, _, _ in rows] == ["done"] * recordings
    outputs = {name: (size, digest) for *_, text in rows for name, size, digest in json.loads(text)}
    assert len(outputs) == 3 * recordings
    # The manifest agrees with the outputs, and with what is exported of it.
    for name, (size, digest) in outputs.items():
        content = (out / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, digest)
    exported = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert {name: (size, digest) for row in exported for name, size, digest in row["outputs"]} == outputs
    # Nothing else is there: no half file, and nothing of ours beside the manifest.
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    ours = {name for name in there if name.startswith(".offrecord/")}
    assert there - ours == outputs.keys() | {"manifest.jsonl", "report.html"}
    assert {Path(name).name.removesuffix("-wal").removesuffix("-shm") for name in ours} <= {"manifest.db", "lock"}
    assert not [path for path in (root / "tmp").rglob("*") if path.is_file() and path.suffix == ".wav"]
    # What was done when something died was not done again.
    assert {name: _done(out)[name] for name in before} == before
    ends = Counter(e["id"] for e in runs.events if e.get("event") == "recording" and e["state"] == "done")
    assert [key for key, times in ends.items() if times > 1] == []
    until(lambda: not _workers(os.getpid()))
    return sum(attempts for _, _, attempts, _ in rows)
