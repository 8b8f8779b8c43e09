"""`kill -9` of a batch, of its workers or of a node of its cluster loses no recording, does none twice, halves no file."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from batch_killing import Where, kill_at_random


@pytest.mark.parametrize(("where", "recordings", "kills"), [("local", 16, 5), ("ray", 8, 3), ("nodes", 8, 3)])
def test_a_batch_that_is_killed_comes_to_the_same_end(
    tmp_path: Path, where: Where, recordings: int, kills: int
) -> None:
    """The size for every day; `bench/batch_kills.py` has the large one.

    In a process of its own: Ray keeps what it once read of tokens, and other tests have used it here.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        told = alone.submit(kill_at_random, tmp_path, recordings=recordings, kills=kills, seed=11, where=where).result()
    assert sum(told.kills.values()) >= 1
    assert told.starts == 3 + told.kills["batch"]
