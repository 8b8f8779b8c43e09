"""200 jobs, 30 killed workers, 5 killed servers: what must hold is checked, and the times are printed.

python bench/kills.py [JOBS KILLS RESTARTS SEED]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "acceptance")]

from killing import kill_at_random  # noqa: E402

jobs, kills, restarts, seed = (int(given) for given in (sys.argv[1:] or (200, 30, 5, 1)))
with tempfile.TemporaryDirectory() as directory:
    told = kill_at_random(Path(directory) / "home", jobs=jobs, kills=kills, restarts=restarts, seed=seed)
print(
    f"{told.jobs} jobs, {told.kills} workers and {told.restarts} servers killed: all completed once, "
    f"{told.attempts} attempts, {told.seconds:.0f} s"
)
