"""The database: the queue's order and claims, what an end does, what is erased, and files that are not ours."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.errors import StateError
from offrecord.rows import Claim, Status
from offrecord.store import Store

CANARY = "Zyxanderwick"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    made = Store(tmp_path / "home")
    yield made
    made.close()


def submit(store: Store, owner: str = "me", **more: str | None) -> str:
    return store.submit(owner, "http://a/b.wav", asked={"order": {}}, secret={}, **more).id  # type: ignore[arg-type]


def claim(store: Store, worker: int = 1) -> Claim:
    claimed = store.claim(worker)
    assert claimed
    return claimed


def finish(store: Store, claimed: Claim, text: str = "x") -> bool:
    record = {"words": [[text, 0, 100, 1.0, None, None]], "duration": 1_000, "language": None}
    return store.finish(claimed, result=record, original=None, duration=1_000, sound=None)


def bytes_of(store: Store) -> bytes:
    """The database's file and its journal."""
    return b"".join(path.read_bytes() for path in store.home.glob("offrecord.db*"))


def test_jobs_are_claimed_in_the_order_in_which_they_came(store: Store) -> None:
    """First in, first out; nothing twice; then nothing."""
    ids = [submit(store) for _ in range(4)]
    assert [claim(store).id for _ in ids] == ids
    assert store.claim(1) is None


def test_processes_never_claim_the_same_job(store: Store) -> None:
    """Four processes claim 200 jobs as fast as they can: each job goes to one."""
    ids = [submit(store) for _ in range(200)]
    code = (
        "import sys, os\nfrom pathlib import Path\nfrom offrecord.queue import Queue\n"
        "store = Queue(Path(sys.argv[1]))\n"
        "while claim := store.claim(os.getpid()): print(claim.id)\n"
    )
    claimers = [
        subprocess.Popen([sys.executable, "-c", code, str(store.home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    claimed = [line for claimer in claimers for line in claimer.communicate(timeout=120)[0].split()]
    assert sorted(claimed) == sorted(ids)


def test_a_claim_that_was_lost_cannot_finish(store: Store) -> None:
    """The lease ran out and another worker has the job: what the first brings is refused, the second's is kept."""
    job = submit(store)
    first = claim(store, worker=1)
    store.give_back(worker=1, attempts=5)
    second = claim(store, worker=2)
    assert (first.id, second.attempt) == (second.id, 2)
    assert not finish(store, first, CANARY)
    assert not store.fail(first, "late")
    assert finish(store, second, "kept")
    found = store.job(job, "me")
    assert found
    assert found.result
    assert found.result["words"][0][0] == "kept"
    assert CANARY.encode() not in bytes_of(store)


def test_a_lease_that_is_renewed_holds(store: Store) -> None:
    """Only claims without a sign of life come back."""
    submit(store)
    submit(store)
    living, dead = claim(store, 1), claim(store, 2)
    with store.writing() as db:
        db.execute("UPDATE jobs SET lease = 0")
    assert store.renew(living)
    assert [job for job, _ in store.give_back(attempts=5)] == [dead.id]
    assert store.holds(living)
    assert not store.holds(dead)
    assert not store.renew(dead)


def test_a_job_that_had_its_attempts_ends_in_an_error(store: Store) -> None:
    """A recording that kills each worker does not kill them for ever."""
    job = submit(store)
    for _ in range(3):
        claim(store, worker=7)
        store.give_back(worker=7, attempts=3)
    found = store.job(job, "me")
    assert found
    assert (found.status, found.attempts) == (Status.ERROR, 3)
    assert found.error == "The recording could not be processed: its worker ended 3 times. It is not tried again."
    assert store.claim(1) is None


def test_an_end_on_purpose_is_not_counted(store: Store) -> None:
    """A server that is stopped and started often wears out no job."""
    job = submit(store)
    for _ in range(5):
        assert claim(store).attempt == 1
        assert store.give_back(attempts=1, all_=True, counted=False) == [(job, 1)]
    found = store.job(job, "me")
    assert found
    assert (found.status, found.attempts) == (Status.QUEUED, 0)


@given(st.lists(st.sampled_from(["submit", "claim", "finish", "fail", "die", "delete", "restart"]), max_size=25))
def test_whatever_happens_every_job_has_one_state(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """After any sequence of events: claims and statuses agree, finished jobs keep their result, none is lost."""
    store = Store(tmp_path_factory.mktemp("store") / "home")
    made: list[str] = []
    claims: list[Claim] = []
    results: dict[str, str] = {}
    for number, step in enumerate(steps):
        if step == "submit":
            made.append(submit(store))
        elif step == "claim":
            claimed = store.claim(worker=number % 3)
            claims += [claimed] if claimed else []
        elif step == "finish" and claims:
            last = claims[number % len(claims)]
            if finish(store, last, f"r{number}"):
                assert last.id not in results
                results[last.id] = f"r{number}"
        elif step == "fail" and claims:
            last = claims[number % len(claims)]
            if store.fail(last, "bad"):
                assert last.id not in results
        elif step == "die":
            store.give_back(worker=number % 3, attempts=3)
        elif step == "delete" and made:
            store.delete(made[number % len(made)], "me")
            results.pop(made[number % len(made)], None)
        elif step == "restart":
            store.give_back(attempts=3, all_=True)
    with store.reading() as db:
        rows = db.execute("SELECT id, status, claim, result FROM jobs").fetchall()
    store.close()
    assert [row[0] for row in rows] == made
    for job, status, token, result in rows:
        assert (status == "processing") == (token is not None)
        assert (result is not None) == (job in results)
        assert job not in results or results[job] in result


def test_deleting_leaves_no_byte(store: Store) -> None:
    """Result, original, URL, secret and header are in no page of the database, nor in its journal."""
    job = store.submit(
        "me", f"http://a/{CANARY}", asked={"order": {}, "webhook_url": f"http://{CANARY}"},
        secret={"terms": [["a", [CANARY]]]}, header=("x", CANARY),
    ).id  # fmt: skip
    claimed = claim(store)
    record = {"words": [[CANARY * 900, 0, 100, 1.0, None, None]], "duration": 1_000, "language": None}
    store.finish(claimed, result=record, original=record, duration=1_000, sound=None)
    assert CANARY.encode() in bytes_of(store)
    store.delete(job, "me")
    assert CANARY.encode() not in bytes_of(store)


def test_secrets_go_when_the_job_ends(store: Store) -> None:
    """Terms and spellings of a client are in the database only as long as they are needed, whatever the end."""
    for end in ("finish", "fail"):
        store.submit("me", "http://a", asked={"order": {}}, secret={"terms": [["a", [CANARY]]]})
        claimed = claim(store)
        assert claimed.secret == {"terms": [["a", [CANARY]]]}
        assert CANARY.encode() in bytes_of(store)
        assert finish(store, claimed) if end == "finish" else store.fail(claimed, "bad")
        assert CANARY.encode() not in bytes_of(store)


def test_webhooks_are_owed_from_the_moment_of_the_end(store: Store) -> None:
    """The second message waits for the first; the header goes with the last."""
    store.submit("me", "http://a", asked={"order": {}, "webhook_url": "http://b"}, secret={}, header=("x", CANARY))
    claimed = claim(store)
    work = store.work_path(claimed)
    work.mkdir()
    (work / "redacted.mp3").write_bytes(b"sound")
    record = {"words": [], "duration": 1_000, "language": None}
    assert store.finish(claimed, result=record, original=None, duration=1_000, sound=work / "redacted.mp3")
    assert store.sound_path(claimed.id, "mp3").read_bytes() == b"sound"
    assert not work.exists()
    (first,) = store.owed(8)
    assert first.kind == "transcript"
    store.told(first, 500, again_at=0)
    (again,) = store.owed(8)
    assert (again.kind, again.attempts) == ("transcript", 1)
    store.told(again, 200, again_at=None)
    (second,) = store.owed(8)
    assert second.kind == "sound"
    assert store.header(claimed.id) == ("x", CANARY)
    store.told(second, 200, again_at=None)
    assert store.owed(8) == []
    assert store.header(claimed.id) is None


def test_owners_do_not_see_each_other(store: Store) -> None:
    """Reading, listing, paging from and deleting a job of another gives nothing."""
    mine, theirs = submit(store, "me"), submit(store, "them")
    assert store.job(theirs, "me") is None
    assert store.delete(theirs, "me") is None
    assert [job.id for job in store.jobs("me", limit=10)] == [mine]
    assert store.jobs("me", limit=10, before=theirs) == []
    assert store.job(theirs, "them")


def test_pages_go_both_ways(store: Store) -> None:
    """Newest first; before and after are what comes next to the job that is named."""
    ids = [submit(store) for _ in range(6)][::-1]
    assert [job.id for job in store.jobs("me", limit=2)] == ids[:2]
    assert [job.id for job in store.jobs("me", limit=2, before=ids[1])] == ids[2:4]
    assert [job.id for job in store.jobs("me", limit=2, after=ids[4])] == ids[2:4]


def test_strays_are_removed(store: Store) -> None:
    """Files that no row knows, but not those that may be on their way."""
    old = [store.home / "uploads" / "a.half", store.home / "sound" / "b.mp3", store.home / "work" / "c.d" / "e"]
    for path in old:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    os.utime(old[2].parent, (0, 0))
    for path in old:
        os.utime(path, (0, 0))
    os.utime(old[2].parent, (0, 0))
    fresh = store.home / "uploads" / "f.half"
    fresh.write_bytes(b"x")
    store.purge(ttl_ms=None)
    assert [path for path in (*old, fresh) if path.exists()] == [fresh]


def test_uploads_that_no_job_names_go_after_a_day(store: Store) -> None:
    """Those that a job waits for stay, however old; so do fresh ones."""
    for upload in ("a" * 32, "b" * 32, "c" * 32):
        store.add_upload(upload, "me", 1)
        store.upload_path(upload).write_bytes(b"x")
        os.utime(store.upload_path(upload), (0, 0))
    submit(store, upload="b" * 32)
    with store.writing() as db:
        db.execute("UPDATE uploads SET created = created - 86400001 WHERE id != ?", ("c" * 32,))
    store.purge(ttl_ms=None)
    assert sorted(path.name for path in (store.home / "uploads").iterdir()) == ["b" * 32, "c" * 32]
    assert [store.upload_owner(c * 32) for c in "abc"] == [None, "me", "me"]


def test_redacted_sound_goes_after_a_day(store: Store) -> None:
    """The file and the way to it; the transcript stays, and so does sound that is younger."""
    jobs = [submit(store) for _ in range(2)]
    record = {"words": [], "duration": 1_000, "language": None}
    for _ in jobs:
        claimed = claim(store)
        work = store.work_path(claimed)
        work.mkdir()
        (work / "redacted.mp3").write_bytes(b"sound")
        assert store.finish(claimed, result=record, original=None, duration=1_000, sound=work / "redacted.mp3")
    with store.writing() as db:
        db.execute("UPDATE jobs SET sound_until = sound_until - 86400001 WHERE id = ?", (jobs[0],))
    store.purge(ttl_ms=None)
    assert [path.name for path in (store.home / "sound").iterdir()] == [f"{jobs[1]}.mp3"]
    old, young = (store.job(job, "me") for job in jobs)
    assert old
    assert young
    assert (old.sound, old.status, young.sound) == (None, Status.COMPLETED, "mp3")


def test_what_was_erased_is_given_back_to_the_disk(store: Store) -> None:
    """The database shrinks again, to what it was before."""
    submit(store)
    store.settle()
    before = store.path.stat().st_size
    job = submit(store)
    claimed = [claim(store), claim(store)][1]
    assert finish(store, claimed, "x" * 3_000_000)
    assert store.path.stat().st_size > 3_000_000
    store.delete(job, "me")
    store.purge(ttl_ms=None)
    assert store.path.stat().st_size <= before + 4_096


FULL = """
import resource, sys
from pathlib import Path
from offrecord.errors import StateError
from offrecord.store import Store

store = Store(Path(sys.argv[1]))
job = store.submit("me", "http://a", asked={"order": {}}, secret={"terms": [["a", ["Zyxanderwick"]]]}).id
claim = store.claim(1)
store.settle()
room, unlimited = store.path.stat().st_size, resource.RLIM_INFINITY
record = {"words": [["x" * 500_000, 0, 100, 1.0, None, None]], "duration": 1_000, "language": None}
work = store.work_path(claim)
work.mkdir()
sound = work / "redacted.mp3"
sound.write_bytes(b"sound")
refused = []
resource.setrlimit(resource.RLIMIT_FSIZE, (room, unlimited))
for attempt in (
    lambda: store.finish(claim, result=record, original=None, duration=1, sound=sound),
    lambda: store.submit("me", "http://" + "a" * 500_000, asked={}, secret={}),
):
    try:
        attempt()
    except StateError as error:
        refused.append("full" in str(error))
assert refused == [True, True], refused
assert store.holds(claim)
assert [found.status for found in store.jobs("me", limit=9)] == ["processing"]
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
sound.parent.mkdir(exist_ok=True)
sound.write_bytes(b"sound")
assert store.finish(claim, result=record, original=None, duration=1, sound=sound)
with store.reading() as db:
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
"""


def test_a_full_disk_is_an_error_and_no_loss(tmp_path: Path) -> None:
    """No room for a result or a job: nothing of it is stored, what was there stays, and with room it goes on.

    The limit is on the size of a file, as the disk's is, in a process of its own.
    """
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "home")], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


NOT_OURS: dict[str, bytes] = {
    "text": b"this is no database at all, but a text that somebody put here" * 20,
    "damaged header": b"SQLite format 3\0" + b"\xff" * 4_080,
    "empty pages": b"SQLite format 3\0" + bytes(4_080),
}


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_a_file_that_is_no_database_is_refused_and_left(tmp_path: Path, content: bytes) -> None:
    """A clear error, and not a byte is written over."""
    (tmp_path / "offrecord.db").write_bytes(content)
    with pytest.raises(StateError, match=r"left as it is|refused"):
        Store(tmp_path)
    assert (tmp_path / "offrecord.db").read_bytes() == content


def test_somebody_elses_database_is_refused_and_left(tmp_path: Path) -> None:
    """One that has tables, but not ours; and one of a later version."""
    for version in (0, 99):
        path = tmp_path / f"{version}" / "offrecord.db"
        path.parent.mkdir()
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE theirs (a)")
        database.execute(f"PRAGMA user_version = {version}")
        database.close()
        before = path.read_bytes()
        with pytest.raises(StateError, match="is not ours"):
            Store(path.parent)
        assert path.read_bytes() == before


def test_a_locked_database_is_an_error_at_the_start(store: Store) -> None:
    """After some patience, in words; the other program's work is not disturbed."""
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StateError, match="locked by another program"):
        Store(store.home)
    other.execute("COMMIT")
    other.close()
    Store(store.home).close()


def test_damage_in_the_middle_is_found_at_the_start(tmp_path: Path) -> None:
    """The server checks the whole database before it serves from it."""
    store = Store(tmp_path / "home")
    for _ in range(300):
        submit(store)
    store.settle()
    store.close()
    content = bytearray(store.path.read_bytes())
    content[8_192:16_384] = b"\xaa" * 8_192
    store.path.write_bytes(content)
    again = Store(tmp_path / "home")
    with pytest.raises(StateError, match=r"damaged|no sound database"):
        again.hold()
    again.close()
    assert store.path.read_bytes() == bytes(content)


def test_two_servers_cannot_hold_one_home(store: Store) -> None:
    """The second is refused; after the first has closed, it is not."""
    store.hold()
    second = Store(store.home)
    with pytest.raises(StateError, match="another server works in"):
        second.hold()
    store.close()
    second.hold()
    second.close()


def test_connections_go_with_their_threads(store: Store) -> None:
    """A server and a worker that run for months have as many files open as threads, not as there ever were."""
    mine = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        thread = threading.Thread(target=store.counts)
        thread.start()
        thread.join()
    assert len(list(Path("/proc/self/fd").iterdir())) <= mine + 1  # SQLite keeps one for the file's locks


def test_files_are_their_owners_alone(store: Store) -> None:
    """Nobody else on the machine reads the directory or the database."""
    assert store.home.stat().st_mode & 0o077 == 0
    assert store.path.stat().st_mode & 0o077 == 0
