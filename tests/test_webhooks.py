"""Who tells webhooks: what goes wrong with one message neither lasts for ever nor holds up another."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import until, web

from offrecord.rows import Job
from offrecord.server.webhooks import Courier
from offrecord.store import Store


def ended(store: Store, url: str, *, sound: bool = False) -> str:
    """A job that has ended, and whose webhook is owed its messages."""
    job = store.submit("me", "http://a", asked={"order": {}, "webhook_url": url}, secret={}).id
    claim = store.claim(1)
    assert claim
    file = store.work_path(claim) / "redacted.mp3"
    file.parent.mkdir()
    file.write_bytes(b"sound")
    record = {"words": [], "duration": 1_000, "language": None}
    assert store.finish(claim, result=record, original=None, duration=1_000, sound=file if sound else None)
    return job


@contextmanager
def telling(store: Store, link: object = "http://a/sound") -> Iterator[None]:
    """A courier at work, for whom a link to sound is this, or a fault of ours."""

    def sound_url(_job: Job, _origin: str) -> str:
        if isinstance(link, Exception):
            raise link
        return str(link)

    courier = Courier(store, sound_url, ["127.0.0.1"])
    courier.start()
    try:
        yield
    finally:
        courier.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    made = Store(tmp_path / "home")
    yield made
    made.close()


def attempts(store: Store) -> list[int]:
    with store.reading() as db:
        return [row[0] for row in db.execute("SELECT attempts FROM notices ORDER BY seq")]


def test_a_fault_of_ours_counts_as_an_attempt(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by its kind alone, the message waits its ten seconds, and others are told meanwhile."""
    with web({"/hook": 200}) as (url, seen), telling(store, KeyError("Zyxanderwick")), caplog.at_level(logging.INFO):
        ended(store, f"{url}/hook", sound=True)
        until(lambda: "internal fault: KeyError" in caplog.text)
        other = ended(store, f"{url}/hook")
        until(lambda: len(seen) == 2 and attempts(store) == [1])
    assert other.encode() in seen[1].body
    assert "Zyxanderwick" not in caplog.text


def test_a_message_is_tried_ten_times(store: Store) -> None:
    """The tenth is the last, whatever is answered; then its header goes as well."""
    with web({"/hook": 503}) as (url, seen):
        job = ended(store, f"{url}/hook")
        with store.writing() as db:
            db.execute("UPDATE jobs SET header = ?", ('["x", "y"]',))
        for number in range(1, 11):
            with telling(store):  # which ends when what is under way is done
                until(lambda number=number: len(seen) == number)  # type: ignore[misc]
            with store.writing() as db:
                db.execute("UPDATE notices SET due = 0")
        assert attempts(store) == []
        with telling(store):
            pass
    assert len(seen) == 10
    assert [one.headers["x"] for one in seen] == ["y"] * 10
    assert store.header(job) is None
    found = store.job(job, "me")
    assert found
    assert found.webhook_status == 503


def test_one_that_hangs_holds_up_no_other(store: Store) -> None:
    """Seven that never answer, and the next is told all the same."""
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent, web({"/hook": 200}) as (url, seen):
        for _ in range(7):
            ended(store, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        last = ended(store, f"{url}/hook")
        with telling(store):
            until(lambda: seen and len(attempts(store)) == 7)
    assert last.encode() in seen[0].body
