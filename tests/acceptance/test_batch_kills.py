"""`kill -9` of a batch, of its workers or of a node of its cluster loses no recording, does none twice, halves no file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from batch_killing import Where, kill_at_random


@pytest.mark.parametrize(
    ("where", "recordings", "kills"),
    [
        ("local", 16, 5),
        pytest.param("nodes", 8, 3, marks=pytest.mark.cluster),
    ],
)
def test_a_batch_that_is_killed_comes_to_the_same_end(
    tmp_path: Path, where: Where, recordings: int, kills: int
) -> None:
    """The size for every day, and of the nodes by hand (`-m cluster`); `bench/batch_kills.py` has the large one."""
    told = kill_at_random(tmp_path, recordings=recordings, kills=kills, seed=11, where=where)
    assert sum(told.kills.values()) >= 1
    assert told.starts == 3 + told.kills["batch"]
