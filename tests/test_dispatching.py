"""A server's jobs on an executor: what is claimed, kept, given back and ended, with processes in the place of nodes."""

from __future__ import annotations

import os
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import SHORT, running, until

from offrecord.dispatching import Dispatch
from offrecord.executors import Executor
from offrecord.executors.local import Local
from offrecord.rows import Job, Status
from offrecord.store import Store

TESTS = Path(__file__).parent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database whose media are elsewhere, as they are where nodes share them."""
    made = Store(tmp_path / "home", tmp_path / "media")
    yield made
    made.close()


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    """One worker that does `works.Jobs`."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    with Local("works:Jobs", {}, 1, attempts=1, eager=True) as made:
        yield made


@contextmanager
def dispatching(store: Store, executor: Executor, *, attempts: int = 3, job_seconds: int = 60) -> Iterator[Dispatch]:
    dispatch = Dispatch(store, executor, attempts=attempts, job_seconds=job_seconds)
    dispatch.start()
    try:
        yield dispatch
    finally:
        dispatch.stop()


def _submit(store: Store, says: str) -> str:
    upload = uuid.uuid4().hex
    store.add_upload(upload, "me", len(says))
    store.upload_path(upload).write_text(says)
    return store.submit("me", "", asked={"order": {}}, secret={"terms": [["a", [says]]]}, upload=upload).id


def _job(store: Store, job: str) -> Job:
    found = store.job(job, "me")
    assert found
    return found


def _ended(store: Store, job: str) -> Job:
    return until(lambda: found if (found := _job(store, job)).ended else None)


def _begun(store: Store) -> bool:
    return bool(list((store.media / "work").glob("*/begun")))


def _files(store: Store) -> list[str]:
    return [path.name for name in ("uploads", "work", "sound") for path in (store.media / name).rglob("*")]


def test_a_job_is_done_and_leaves_its_sound(store: Store, executor: Executor) -> None:
    """The result is in the database, the sound where it is served, and nothing else on the shared storage."""
    with dispatching(store, executor):
        job = _ended(store, _submit(store, "hello"))
    assert (job.status, job.attempts, job.duration, job.sound) == (Status.COMPLETED, 1, 1_000, "mp3")
    assert job.result
    assert job.result["words"][0][0] == "hello"
    assert _files(store) == [f"{job.id}.mp3"]
    assert not list(store.home.rglob("*.mp3"))


def test_an_error_is_told_without_our_files(store: Store, executor: Executor) -> None:
    """The client knows nothing of directories."""
    with dispatching(store, executor):
        job = _ended(store, _submit(store, "refuse"))
    assert job.status is Status.ERROR
    assert job.error
    assert job.error.endswith(": this is no recording")
    assert "/" not in job.error
    assert _files(store) == []


def test_a_recording_that_kills_its_workers_ends_in_an_error(store: Store, executor: Executor) -> None:
    """After so many attempts; the next job is done."""
    with dispatching(store, executor, attempts=2) as dispatch:
        poison, good = _submit(store, "die"), _submit(store, "hello")
        assert _ended(store, poison).error == (
            "The recording could not be processed: its worker ended 2 times. It is not tried again."
        )
        assert _ended(store, good).status is Status.COMPLETED
        assert dispatch.restarts == 2


def test_a_killed_worker_loses_no_job(store: Store, executor: Executor) -> None:
    """It is queued again at once, with one attempt more."""
    with dispatching(store, executor):
        job = _submit(store, "wait")
        until(lambda: _begun(store))
        until(lambda: store.upload_path(str(_upload(store, job)))).write_text("hello")
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        assert (_ended(store, job).status, _job(store, job).attempts) == (Status.COMPLETED, 2)


def _upload(store: Store, job: str) -> str:
    with sqlite3.connect(store.path) as database:
        row = database.execute("SELECT upload FROM jobs WHERE id = ?", (job,)).fetchone()
    database.close()
    return str(row[0])


def _children() -> list[int]:
    found = [(task / "children").read_text().split() for task in Path("/proc/self/task").iterdir()]
    return [
        int(pid) for pids in found for pid in pids if b"executors.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_a_deleted_job_ends_its_work(store: Store, executor: Executor) -> None:
    """What is being made of it is forgotten with it, and the worker's place is taken by another."""
    with dispatching(store, executor) as dispatch:
        job = _submit(store, "wait")
        until(lambda: _begun(store))
        (before,) = _children()
        store.delete(job, "me")
        until(lambda: before not in _children())
        assert _files(store) == []
        assert _ended(store, _submit(store, "hello")).status is Status.COMPLETED
        assert dispatch.ready == 1


def test_a_job_that_takes_too_long_ends_in_an_error(store: Store, executor: Executor) -> None:
    """And so does its work."""
    with dispatching(store, executor, job_seconds=1):
        job = _ended(store, _submit(store, "wait"))
        assert job.error == "The recording was not done in 1 seconds."
        assert _ended(store, _submit(store, "hello")).status is Status.COMPLETED


def test_what_was_being_worked_on_waits_for_the_next_start(store: Store, executor: Executor) -> None:
    """And the attempt is not counted: nothing was wrong with it."""
    with dispatching(store, executor):
        job = _submit(store, "wait")
        until(lambda: _begun(store))
    assert (_job(store, job).status, _job(store, job).attempts) == (Status.QUEUED, 0)
    assert [name for name in _files(store) if name != _upload(store, job)] == []


def test_a_result_that_is_not_there_is_no_result(store: Store, executor: Executor) -> None:
    """Storage that the nodes do not share: the job is tried again, and ends in an error. It is never empty."""
    with dispatching(store, executor, attempts=2):
        job = _ended(store, _submit(store, "forget"))
    assert (job.status, job.result) == (Status.ERROR, None)


def test_what_is_asked_for_in_confidence_is_removed_when_it_is_read(tmp_path: Path) -> None:
    """On the shared storage it is for as long as it takes a worker to read it."""
    from offrecord import elsewhere
    from offrecord.rows import Claim
    from offrecord.settings import server_settings

    work = tmp_path / "work"
    asked = {"order": {"redact": True, "labels": ["person_name"]}}
    claim = Claim("job", "token", 1, "upload", "", asked, {"terms": [["mine", ["Zyxanderwick"]]]})
    body = elsewhere.task(claim, work, SHORT)
    assert "Zyxanderwick" not in str(body)
    done = elsewhere.Work(elsewhere.given(server_settings(home=tmp_path), {"threads": 1}))(body)
    assert not (work / "asked.json").exists()
    assert "Zyxanderwick" not in "".join(path.read_text() for path in work.iterdir()) + str(done)
    assert elsewhere.read(done, work)["result"]["words"]


def test_a_server_works_on_ray(tmp_path: Path) -> None:
    """A job from the upload to the redacted sound; when the server is stopped, so is Ray."""
    pytest.importorskip("ray")
    media = tmp_path / "media"
    with running(tmp_path / "home", "--ray", "local", "--workers", "1", "--media", str(media)) as server:
        job = server.submit(server.upload(SHORT), redact_pii=True, redact_pii_audio=True, redact_pii_sub="entity_name")
        transcript = server.finished(job)
        assert transcript["status"] == "completed", transcript["error"]
        assert transcript["words"]
        assert (media / "sound" / f"{job}.mp3").exists()
        assert list((media / "work").iterdir()) == []
        assert max((word["text"] for word in transcript["words"]), key=len) not in server.log.read_text()
    assert not list((tmp_path / "home").glob("sound"))
