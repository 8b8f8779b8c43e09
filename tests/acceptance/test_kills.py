"""`kill -9` of a worker or of the server loses no job, does none twice, and leaves nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from killing import kill_at_random


def test_killed_workers_and_servers_lose_no_job(tmp_path: Path) -> None:
    """The size for every day; `bench/kills.py` has the large one."""
    told = kill_at_random(tmp_path / "home", jobs=12, kills=5, restarts=2, seed=7)
    assert told.attempts >= told.jobs
