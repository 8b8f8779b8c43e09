"""Reviews in the database: steps that cannot overwrite one another, older databases, counts, the commands."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from reviews import Reviewer, done, drafted, spoken
from serving import SHORT, Server

from offrecord.errors import UsageError
from offrecord.ranges import merged
from offrecord.redact.envelope import Envelope
from offrecord.review import counts
from offrecord.review.decisions import Decision
from offrecord.review.draft import Draft, original_from, original_record
from offrecord.review.ledger import Busy, Ledger, Stale
from offrecord.review.steps import Entry
from offrecord.review.suspects import suspects
from offrecord.rooms import Rooms
from offrecord.rows import SCHEMA, now
from offrecord.store import Store
from offrecord.types import Entity, Policy, Span, Transcript, Verification, Word

SAID = spoken("my name is Ann Lee and so is she")
FOUND = drafted(SAID, (3, 5, "person_name"), (8, 9, "person_name"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    made = Store(tmp_path / "home")
    yield made
    made.close()


def step(revision: int, *decisions: Decision) -> Entry:
    return Entry(revision, now(), "me", "decide", decisions or (Decision("reject", "e0"),))


def test_two_writers_cannot_take_the_same_revision(store: Store) -> None:
    """The second is told the revision that there is, from another process as well; nothing is lost."""
    job = done(store, SAID, FOUND)
    with closing(Store(store.home)) as other:
        Ledger(store).add(job, step(1), token=None, entities=1)
        with pytest.raises(Stale) as raised:
            Ledger(other).add(job, step(1, Decision("accept", "e0")), token=None, entities=2)
        assert raised.value.revision == 1
        assert [entry.decisions for entry in Ledger(other).entries(job)] == [(Decision("reject", "e0"),)]


def test_a_token_is_taken_once(store: Store) -> None:
    """The database itself holds no two steps of one token in a job; another job has its own."""
    job, other, ledger = done(store, SAID, FOUND), done(store, SAID, FOUND), Ledger(store)
    ledger.add(job, step(1), token="t", entities=1)
    ledger.add(other, step(1), token="t", entities=1)
    assert ledger.taken(job, "t")
    assert not ledger.taken(job, "u")


def test_what_was_not_finished_is_not_erased(store: Store) -> None:
    """Nor what was decided on since."""
    job, ledger = done(store, SAID, FOUND), Ledger(store)
    with pytest.raises(Busy):
        ledger.erase(job, "me")
    review = ledger.review(job)
    assert review
    assert review.original.transcript == SAID


def test_a_draft_and_an_original_come_back_as_they_were() -> None:
    """All fields of both, from their records."""
    text = Transcript((Word("a", gap="\n\n"), Word("b", gap="")), lead="  ")
    assert original_from(json.loads(json.dumps(original_record(text)))) == text
    assert original_from(json.loads(json.dumps(original_record(SAID)))) == SAID
    done_ = Verification("around", "m", "d", 1, 2, 3, 4, 5, 6, ((1, 2),))
    (suspect,) = suspects(SAID, FOUND.entities[:1], Policy(frozenset({"person_name"})))
    draft = Draft(FOUND.entities, (suspect,), ((0, 5),), done_, {"a": "b"}, "mp3")
    assert Draft.of(json.loads(json.dumps(draft.record()))) == draft


def test_a_database_without_reviews_gets_their_tables(tmp_path: Path) -> None:
    """One of version 1 keeps its jobs; a later version than ours is left as it is."""
    home = tmp_path / "home"
    home.mkdir()
    with closing(sqlite3.connect(home / "offrecord.db")) as db:
        db.executescript(SCHEMA + "; PRAGMA user_version = 1;")
        db.execute(
            "INSERT INTO jobs (id, owner, status, created, url, origin, asked) VALUES (?, 'me', 'error', 1, '', '', '{}')",
            ("9ea68fd3-f953-42c1-9742-976c447fb463",),
        )
        db.commit()
    with closing(Store(home)) as store:
        assert store.job("9ea68fd3-f953-42c1-9742-976c447fb463", "me")
        job = done(store, SAID, FOUND)
        assert Ledger(store).review(job)
    with closing(Store(home)) as again:
        assert Ledger(again).review(job)


def test_an_original_outlives_the_day_of_an_upload(store: Store) -> None:
    """It is kept until it is erased; sound that was to be kept is; a text that was kept too long goes with its review."""
    store.upload_path("0" * 32).write_bytes(b"sound")
    store.add_upload("0" * 32, "local", 5)
    job = done(store, SAID, FOUND, upload="0" * 32)
    long_ago = now() - 3 * 24 * 60 * 60 * 1_000
    with store.writing() as db:
        db.execute("UPDATE uploads SET created = ?", (long_ago,))
        db.execute("UPDATE jobs SET ended = ?", (long_ago,))
    store.purge(ttl_ms=None)
    assert store.upload_path("0" * 32).exists()
    Ledger(store).finish(job, "me", 0)
    claim = store.claim(1)
    assert claim
    store.work_path(claim).mkdir()
    store.purge(ttl_ms=1_000)
    assert not store.upload_path("0" * 32).exists()
    assert not store.work_path(claim).exists()
    assert Ledger(store).review(job) is None


def test_a_deleted_job_takes_its_finish_with_it(store: Store) -> None:
    """The worker that makes the files loses its claim, and its files are gone."""
    job, ledger = done(store, SAID, FOUND), Ledger(store)
    ledger.finish(job, "me", 0)
    claim = store.claim(1)
    assert claim
    store.work_path(claim).mkdir()
    (store.work_path(claim) / "x").write_text("x")
    store.delete(job, "local")
    assert not store.holds(claim)
    assert not store.work_path(claim).exists()
    assert store.counts() == {"queued": 0, "processing": 0, "completed": 1, "error": 0}


def test_decisions_are_counted_by_label_source_and_score(store: Store) -> None:
    """What became of what was found, and what was added, in all reviews of the database."""
    ledger = Ledger(store)
    first, second = done(store, SAID, FOUND), done(store, SAID, FOUND, owner="another")
    ledger.add(
        first, step(1, Decision("reject", "e0"), Decision("label", "e1", label="username")), token=None, entities=1
    )
    ledger.add(
        second, step(1, Decision("accept", "e0"), Decision("add", words=(0, 1), label="date")), token=None, entities=3
    )
    rows = counts.counted(ledger)
    assert [list(row.values()) for row in rows] == [
        ["DATE", "reviewer", 0.9, 1.0, 0, 0, 0, 0, 0, 1],
        ["PERSON_NAME", "tagger", 0.8, 0.9, 4, 1, 1, 1, 1, 0],
    ]


def test_the_command_exports_counts(store: Store) -> None:
    """As CSV and JSON; a directory without a database is refused, and none is made there."""
    done(store, SAID, FOUND)
    command = [sys.executable, "-m", "offrecord", "export-decisions", "--home"]
    found = subprocess.run([*command, str(store.home)], capture_output=True, text=True, check=True).stdout
    rows = list(csv.DictReader(found.splitlines()))
    assert [(row["label"], row["undecided"]) for row in rows] == [("PERSON_NAME", "2")]
    as_json = [*command, str(store.home), "--format", "json"]
    found = subprocess.run(as_json, capture_output=True, text=True, check=True).stdout
    assert json.loads(found)["counts"][0]["found"] == 2
    wrong = subprocess.run([*command, str(store.home / "no")], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert not (store.home / "no").exists()
    bad = subprocess.run([*as_json[:-1], "xml"], capture_output=True, text=True, check=False)
    assert bad.returncode == 2


def test_the_command_opens_one_recording_and_leaves_nothing(tmp_path: Path) -> None:
    """Its address is good once, nobody else can sign in, the original may be seen; ended, its directory is gone."""
    # Where a server has its media and its workers is not where one recording is looked at.
    elsewhere = {"OFFRECORD_MEDIA": str(tmp_path / "media"), "OFFRECORD_RAY": "auto", "TMPDIR": str(tmp_path)}
    environment = {n: v for n, v in os.environ.items() if not n.startswith("OFFRECORD_")} | elsewhere
    command = [sys.executable, "-m", "offrecord", "review", str(SHORT), "--no-browser", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    try:
        assert process.stdout
        address = process.stdout.readline().decode().strip()
        found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/review/open\?token=[\w-]{40,}", address)
        assert found
        server = Server(tmp_path / "unused", url=found[1])
        assert server.json("POST", "/review/session", {"key": ""}, x_offrecord="1")[0] == 401
        opener = urllib.request.build_opener(_Stay)
        with opener.open(address) as response:
            job = response.headers["location"].removeprefix("/review/")
            reviewer = Reviewer(server, response.headers["set-cookie"].partition(";")[0])
        assert server.get(address)[0] == 403
        assert reviewer.ended(job)["review"] == "open"
        assert reviewer.post(f"{job}/unredacted", held=True) == {"held": True}
        assert len(list(tmp_path.glob("offrecord-*"))) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        if process.stdout:
            process.stdout.close()
    assert not list(tmp_path.glob("*/*"))


def test_what_a_killed_review_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever keeps something there next: the original must not stay in a directory that nobody knows of."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = [sys.executable, "-m", "offrecord", "review", str(SHORT), "--no-browser", "--threads", "1"]
    environment = {n: v for n, v in os.environ.items() if not n.startswith("OFFRECORD_")} | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    assert list(tmp_path.rglob("*.db"))
    Rooms().close()
    assert not list(tmp_path.glob("*/*"))


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def http_error_303(self, *answer: object) -> object:
        return answer[1]


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 2), (("no.mp3",), 3), (("-",), 2), (("a.srt",), 2), (("a.txt", "--policy", "nam"), 2)]
)
def test_what_cannot_be_reviewed_is_refused(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    """One line and an exit code, and nothing is left."""
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "a.srt").write_text("hello")
    command = [sys.executable, "-m", "offrecord", "review", *arguments]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.srt", "a.txt"]


# Where to look first.

NUMBER = Policy(frozenset({"phone_number", "person_name"}))


def _entity(a: int, b: int, *claims: tuple[str, float]) -> Entity:
    return Entity(
        range(a, b), "person_name", tuple(Span(0, 1, "person_name", score, source) for source, score in claims)
    )


@pytest.mark.parametrize(
    ("claims", "is_suspect"),
    [
        ([("tagger", 0.6)], True),
        ([("tagger", 0.6), ("repeats", 0.6)], True),
        ([("tagger", 0.95)], False),
        ([("tagger", 0.6), ("patterns:iban", 0.6)], False),
        ([("patterns:a", 0.6), ("patterns:b", 0.6)], True),
        ([("repeats", 0.5)], False),
    ],
)
def test_what_one_detector_claims_unsurely_is_a_suspect(claims: list[tuple[str, float]], is_suspect: bool) -> None:
    """Rows of a table are one detector; a repetition is none."""
    found = suspects(SAID, [_entity(3, 5, *claims)], NUMBER)
    assert [(each.kind, each.entity, each.words) for each in found] == (
        [("single_claim", "e0", range(3, 5))] if is_suspect else []
    )


def test_unsure_words_after_a_cue_are_suspects() -> None:
    """Run by run, and not those that are hidden already."""
    words = [Word(t, i * 500, i * 500 + 400, 0.2 if i in (3, 4, 6) else 0.9) for i, t in
             enumerate("my number is for one yes to".split())]  # fmt: skip
    said = Transcript.spoken(words, 5_000)
    quiet = Envelope(np.zeros((1, 500), np.uint8), ((),), ((),))
    found = suspects(said, [_entity(6, 7, ("a", 1.0), ("b", 1.0))], NUMBER, quiet)
    assert [(each.kind, each.words, each.start, each.end) for each in found] == [
        ("unsure_speech", range(3, 5), 1_500, 2_400)
    ]


def test_speech_without_words_is_a_suspect() -> None:
    """In any channel, whether or not strict mode mutes it."""
    said = Transcript.spoken([Word("hello", 0, 400, 0.9)], 5_000)
    speaks = Envelope(np.zeros((1, 500), np.uint8), (((0, 400), (2_000, 4_000)),), ((),))
    assert [(each.kind, each.start, each.end) for each in suspects(said, [], NUMBER, speaks)] == [
        ("unrecognised", 2_000, 4_000)
    ]


def test_what_the_second_listening_found_is_a_suspect() -> None:
    """What grew and what is left, with the detail that it grew for."""
    quiet = Envelope(np.zeros((1, 500), np.uint8), ((),), ((),))
    left = Verification("around", left=((4_000, 4_100),))
    entity = _entity(3, 5, ("a", 1.0), ("b", 1.0))
    found = suspects(
        SAID, [entity], NUMBER, quiet, before=(((1_500, 2_500),),), after=(merged([(1_400, 2_800)]),), done=left
    )
    assert [(each.kind, each.start, each.end, each.entity) for each in found] == [
        ("verification", 1_400, 1_500, "e0"),
        ("verification", 2_500, 2_800, "e0"),
        ("verification", 4_000, 4_100, None),
    ]


def test_events_are_no_steps(store: Store) -> None:
    """They have the revision of the last step, and a step cannot pass for one."""
    job, ledger = done(store, SAID, FOUND), Ledger(store)
    ledger.add(job, step(1), token=None, entities=1)
    ledger.note(job, "me", "held")
    assert [(entry.what, entry.revision) for entry in ledger.entries(job)] == [("decide", 1), ("held", 1)]
    with pytest.raises(UsageError):
        ledger.note(job, "me", "undo")
