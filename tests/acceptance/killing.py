"""Jobs of short recordings on a real server, whose workers and whose own process are killed at random moments."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from serving import SHORT, Server, until

__all__ = ["Told", "kill_at_random"]


@dataclass
class Told:
    """What was seen of it."""

    jobs: int
    kills: int
    restarts: int
    seconds: float
    attempts: int
    """Of all jobs together; one for each is the least."""


def kill_at_random(home: Path, *, jobs: int, kills: int, restarts: int, seed: int, workers: int = 1) -> Told:
    """Run ``jobs`` while ``kills`` workers die by SIGKILL, and the server ``restarts`` times, at random moments.

    Checks what must hold at the end: each job completed once with the same words, no recording left on the disk, no
    claim open, the database sound.
    """
    chance = random.Random(seed)
    began = time.monotonic()
    server = Server(home, {"OFFRECORD_ATTEMPTS": "25"}, ("--workers", str(workers)))
    server.start()
    try:
        fields = {"redact_pii": True, "redact_pii_audio": True, "redact_pii_policies": ["person_name"]}
        ids = [server.submit(server.upload(SHORT), **fields) for _ in range(jobs)]
        events = ["worker"] * kills + ["server"] * restarts
        chance.shuffle(events)
        for event in events:
            time.sleep(chance.uniform(0.2, 3.0))
            if event == "server":
                server.kill()
                server.start(wait=False)
            else:
                # A worker that is only just being started may not be there yet.
                pid = chance.choice(until(server.workers))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        transcripts = [server.finished(job) for job in ids]
        sounds = [
            server.json("GET", f"/v2/transcript/{job}/redacted-audio")[1].get("redacted_audio_url") for job in ids
        ]
        whole = [server.get(url)[0] if url else 0 for url in sounds]
    finally:
        server.stop()
    assert [t["status"] for t in transcripts] == ["completed"] * jobs
    assert len({t["text"] for t in transcripts}) == 1
    assert whole == [200] * jobs
    assert sorted(path.name for path in (home / "sound").iterdir()) == sorted(f"{job}.mp3" for job in ids)
    left = [path for name in ("uploads", "work") for path in (home / name).iterdir()]
    assert left == []
    original = SHORT.read_bytes()[-4_000:]
    assert not [path for path in home.rglob("*") if path.is_file() and original in path.read_bytes()]
    database = sqlite3.connect(home / "offrecord.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT id, status, claim, attempts FROM jobs ORDER BY seq").fetchall()
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (0,)
    finally:
        database.close()
    ends = Counter(re.findall(r"job (\S+) completed", server.log.read_text(encoding="utf-8")))
    assert set(ends) <= set(ids)
    assert max(ends.values()) == 1  # a worker that is killed between the end of a job and its line leaves none
    assert [row[:3] for row in rows] == [(job, "completed", None) for job in ids]
    return Told(jobs, kills, restarts, time.monotonic() - began, sum(row[3] for row in rows))
