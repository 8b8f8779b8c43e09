"""100 recordings in a batch, 20 things killed at random moments: what must hold is checked, and the times are printed.

python bench/batch_kills.py local|ray|nodes [RECORDINGS KILLS SEED]

local: the batch itself and its processes. ray: the batch and its actors. nodes: nodes of a cluster, too. The recordings
are two seconds long and the recogniser is the real one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "acceptance")]

from batch_killing import kill_at_random  # noqa: E402

where = sys.argv[1]
recordings, kills, seed = (int(given) for given in (sys.argv[2:] or (100, 20, 1)))
with tempfile.TemporaryDirectory() as directory:
    told = kill_at_random(Path(directory), recordings=recordings, kills=kills, seed=seed, where=where)
print(
    f"{where}: {told.recordings} recordings, killed: "
    + ", ".join(f"{n} {kind}" for kind, n in sorted(told.kills.items()))
    + f"; {told.starts} starts, {told.attempts} attempts recorded, {told.seconds:.0f} s: all done, none twice, no half "
    "file, manifest and outputs agree"
)
