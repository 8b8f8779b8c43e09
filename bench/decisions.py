"""How long a review's document and its steps take: an hour of 10,000 words and 400 details, in a home of its own.

    python bench/decisions.py [--words 10000] [--details 400] [--steps 300]

Made up, so nothing is recognised. Times are of the server's side, database included, without HTTP.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from reviews import done, drafted, spoken

from offrecord.review import listing
from offrecord.review.decisions import Decision
from offrecord.review.ledger import Ledger
from offrecord.server.desk import Desk
from offrecord.store import Store


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--details", type=int, default=400)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    said = spoken(" ".join(f"word{i % 997}" for i in range(given.words)), each=3_600_000 // given.words)
    apart = given.words // given.details
    draft = drafted(said, *((i * apart, i * apart + 2, "person_name") for i in range(given.details)))
    with tempfile.TemporaryDirectory() as directory, closing(Store(Path(directory))) as store:
        job = done(store, said, draft)
        row = listing.one(store, job, "local")
        if row is None:
            raise SystemExit("the job is not there")
        first, size = timed(lambda: len(json.dumps(Desk(Ledger(store)).document(row))))
        desk = Desk(Ledger(store))
        desk.document(row)
        again, _ = timed(lambda: json.dumps(desk.document(row)))
        steps = []
        for n in range(given.steps):
            one = Decision("reject", f"e{n % given.details}")
            steps.append(timed(lambda n=n, one=one: desk.step(row, "me", "decide", n, decisions=[one]))[0])
        everywhere, _ = timed(
            lambda: desk.step(
                row, "me", "decide", given.steps, decisions=[Decision("everywhere", "e0", decision="accept")]
            )
        )
        undo, _ = timed(lambda: desk.step(row, "me", "undo", given.steps + 1))
        commits = [timed(lambda: bare(store))[0] for _ in range(given.steps)]
        reload, _ = timed(lambda: Desk(Ledger(store)).document(row))
    print(f"document, first: {first:.0f} ms, {size / 1e6:.2f} MB; again: {again:.0f} ms")
    print(f"a step: median {median(steps):.1f} ms, of which a bare commit on this disk takes {median(commits):.1f} ms")
    print(f"everywhere: {everywhere:.1f} ms")
    print(f"undo: {undo:.1f} ms; document after {given.steps} steps, from the database: {reload:.0f} ms")


def bare(store: Store) -> None:
    """A row that is written and nothing else."""
    with store.writing() as db:
        db.execute("INSERT INTO progress VALUES (hex(randomblob(8)), '', 0, 0)")


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    began = time.perf_counter()
    made = do()
    return (time.perf_counter() - began) * 1_000, made


if __name__ == "__main__":
    main()
