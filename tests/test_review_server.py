"""The review page's routes on a real server without workers: sessions, whose jobs, steps, and the original.

Jobs are put into the database as a worker completes them, so nothing is recognised here.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from reviews import Reviewer, done, drafted, spoken
from serving import Server

from offrecord.review.ledger import Ledger
from offrecord.server.keys import Keys, secret_of
from offrecord.store import Store
from offrecord.types import Transcript, Word

CANARY = "Zyxanderwick"
SAID = spoken(f"my name is {CANARY} Lee and my friend is {CANARY} as well")
FOUND = drafted(SAID, (3, 5, "person_name"), (9, 10, "person_name"))
NO_JOB = "9ea68fd3-f953-42c1-9742-976c447fb463"


class Place:
    """A server with two keys, and its database beside it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store = Store(server.home)
        keys = Keys(["one", "two"], secret_of(server.home))
        self.owners = {key: keys.owner(key) for key in ("one", "two")}

    def job(self, transcript: Transcript = SAID, draft: Any = FOUND, key: str = "one", upload: bytes = b"RIFF") -> str:
        """A job that is done, with its original."""
        name = uuid.uuid4().hex
        self.store.upload_path(name).write_bytes(upload)
        self.store.add_upload(name, self.owners[key], len(upload))
        return done(self.store, transcript, draft, owner=self.owners[key], upload=name)

    def one(self) -> Reviewer:
        return Reviewer.of(self.server, "one")

    def two(self) -> Reviewer:
        return Reviewer.of(self.server, "two")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that only talk to it."""
    with started(tmp_path_factory.mktemp("review") / "home", OFFRECORD_REVIEW_UNREDACTED="1") as server:
        yield server


@contextmanager
def started(home: Path, **environment: str) -> Iterator[Server]:
    """A server with the keys ``one`` and ``two`` and no worker."""
    server = Server(home, {"OFFRECORD_API_KEYS": "one,two", **environment}, ("--workers", "0"))
    try:
        yield server.start(wait=False)
    finally:
        if server.process and server.process.poll() is None:
            server.stop()


@pytest.fixture
def place(shared: Server) -> Iterator[Place]:
    made = Place(shared)
    yield made
    made.store.close()


REJECT = {"do": "reject", "entity": "e0"}


def test_the_cookie_is_out_of_reach(shared: Server) -> None:
    """No script reads it, no other site sends it, and it is no key."""
    request = urllib.request.Request(
        f"{shared.url}/review/session", b'{"key": "one"}', {"X-Offrecord": "1"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        cookie = response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert len(cookie.split("; ")[0]) > 40


@pytest.mark.parametrize("key", ["", "three", "on", "onetwo", "one,two"])
def test_a_wrong_key_opens_nothing(shared: Server, key: str) -> None:
    """401, as for the API."""
    status, body = shared.json("POST", "/review/session", {"key": key}, x_offrecord="1")
    assert (status, list(body)) == (401, ["error"])


def test_a_session_tells_who_signed_in(place: Place) -> None:
    """A name that comes from the key, tells nothing of it, and is the same each time."""
    nobody = place.server.json("GET", "/review/session")[1]
    assert (nobody["signed_in"], nobody["needs_key"], nobody["reviewer"]) == (False, True, None)
    first, again, other = (r.json("GET", "/session")[1] for r in (place.one(), place.one(), place.two()))
    assert first["reviewer"] == again["reviewer"] != other["reviewer"]
    assert first["signed_in"]
    assert ["PERSON_NAME", "name of a person, in full, in part, or spelled out"] in first["labels"]


def test_signing_out_ends_the_session(place: Place) -> None:
    """Whoever has the cookie still, has nothing; and what the session held is let go of in the audit record."""
    job, reviewer = place.job(), place.one()
    reviewer.post(f"{job}/unredacted", held=True)
    assert reviewer.ask("DELETE", "/session")[0] == 204
    assert reviewer.ask("GET", "/api/jobs")[0] == 401
    assert [e["what"] for e in place.one().get(f"{job}/audit.json")["events"]] == ["held", "released"]


STRANGE: list[dict[str, str]] = [
    {"x_offrecord": "0"}, {"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "none"},
]  # fmt: skip


@pytest.mark.parametrize("headers", STRANGE, ids=range(len(STRANGE)))
def test_what_the_page_did_not_send_changes_nothing(place: Place, headers: dict[str, str]) -> None:
    """With the cookie, but without the header, from another origin, or from another site: 403."""
    job, reviewer = place.job(), place.one()
    asked = [
        ("POST", f"/api/jobs/{job}/decisions", b'{"revision": 0, "decisions": [{"do": "reject", "entity": "e0"}]}'),
        ("POST", f"/api/jobs/{job}/finish", b'{"revision": 0}'),
        ("POST", f"/api/jobs/{job}/unredacted", b'{"held": true}'),
        ("POST", "/api/jobs", b"sound"),
        ("DELETE", f"/api/jobs/{job}", None),
        ("DELETE", f"/api/jobs/{job}/original", None),
        ("POST", "/session", b'{"key": "one"}'),
        ("DELETE", "/session", None),
    ]
    assert {reviewer.ask(method, path, body, **headers)[0] for method, path, body in asked} == {403}
    assert reviewer.get(f"{job}/document")["revision"] == 0


def test_the_page_may_do_nothing_but_ask_its_own_server(shared: Server) -> None:
    """Its policy, for each of its files and addresses; nothing is cached; and no file beside them is given out."""
    for path in ("/", f"/review/{NO_JOB}", "/static/review.css", "/static/review.js"):
        with urllib.request.urlopen(shared.url + path) as response:
            headers = response.headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    for name in ("../keys.py", "..%2fkeys.py", "keys.py", "", "review.js%00"):
        assert shared.get(f"/static/{name}")[0] == 404


def test_a_key_sees_its_own_jobs_in_pages(tmp_path: Path) -> None:
    """Newest first, without those of others and without deleted ones."""
    with started(tmp_path / "home") as server:
        place = Place(server)
        mine = [place.job() for _ in range(5)]
        place.job(key="two")
        reviewer = place.one()
        assert reviewer.ask("DELETE", f"/api/jobs/{mine[2]}")[0] == 204
        first = reviewer.json("GET", "/api/jobs?limit=2")[1]
        rest = reviewer.json("GET", f"/api/jobs?limit=2&before={first['jobs'][-1]['id']}")[1]
        assert [job["id"] for job in first["jobs"] + rest["jobs"]] == [mine[4], mine[3], mine[1], mine[0]]
        assert (first["more"], rest["more"]) == (True, False)
        place.store.close()


def routes(job: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every route of a job."""
    reads = "/document /peaks /sound /files.zip /audit.json /audit.csv /original/sound /original/words".split()
    step = {"revision": 0, "decisions": [REJECT]}
    return [
        ("GET", f"/api/jobs/{job}", None),
        *(("GET", f"/api/jobs/{job}{path}", None) for path in reads),
        *(("POST", f"/api/jobs/{job}{path}", step) for path in ("/decisions", "/undo", "/redo", "/finish")),
        ("POST", f"/api/jobs/{job}/unredacted", {"held": True}),
        ("DELETE", f"/api/jobs/{job}/original", None),
        ("DELETE", f"/api/jobs/{job}", None),
    ]


def test_a_foreign_job_is_not_there(place: Place) -> None:
    """404 on every route, as for an id that never was, or is none; and the job stays as it was."""
    job, foreign = place.job(), place.two()
    for name in (job, NO_JOB, job.upper() + "x", "..", "%2e%2e"):
        for method, path, body in routes(name):
            status, answer = foreign.ask(method, path, json.dumps(body).encode() if body else None)
            assert status == 404, (method, path)
            assert CANARY.encode() not in answer
    assert place.one().get(f"{job}/document")["revision"] == 0


def test_nobody_who_has_not_signed_in_is_told_anything(place: Place) -> None:
    """401 on every route, whether the job is there or not."""
    nobody = Reviewer(place.server, "offrecord_session=x")
    for name in (place.job(), NO_JOB):
        for method, path, body in routes(name):
            assert nobody.ask(method, path, json.dumps(body).encode() if body else None)[0] == 401, (method, path)
    assert nobody.ask("GET", "/api/jobs")[0] == 401
    assert nobody.ask("POST", "/api/jobs", b"x")[0] == 401


def test_a_deleted_job_is_gone(place: Place) -> None:
    """410 on every route; not a byte of it is left in the home."""
    job, reviewer = place.job(upload=f"RIFF {CANARY} sound".encode()), place.one()
    reviewer.decide(job, 0, REJECT)
    assert reviewer.ask("DELETE", f"/api/jobs/{job}")[0] == 204
    for method, path, body in routes(job):
        assert reviewer.ask(method, path, json.dumps(body).encode() if body else None)[0] == 410, (method, path)
    with closing(sqlite3.connect(place.store.path)) as db:
        counts = [
            db.execute(f"SELECT count(*) FROM {table} WHERE job = ?", (job,)).fetchone()[0]  # noqa: S608
            for table in ("reviews", "drafts", "decisions", "progress")
        ]
    assert counts == [0] * 4
    assert not list(place.store.home.rglob(f"*{job}*"))


def test_a_job_that_is_not_done_or_has_failed_has_nothing_to_review(place: Place) -> None:
    """Its row says where it stands, and what went wrong; the rest is 409 or 404."""
    owner, reviewer = place.owners["one"], place.one()
    order = {"order": {"sound": False}, "echo": {}, "review": {"kind": "recording", "policy": None}}
    waiting, failed = (place.store.submit(owner, "", asked=order, secret={}, review="recording").id for _ in range(2))
    with place.store.writing() as db:
        db.execute("UPDATE jobs SET status = 'error', error = 'It is no recording.' WHERE id = ?", (failed,))
    for job, status, error in ((waiting, "queued", None), (failed, "error", "It is no recording.")):
        row = reviewer.get(job)
        assert (row["status"], row["error"], row["review"], row["original"]) == (status, error, None, False)
        for method, path, body in routes(job)[1:-1]:
            given = json.dumps(body).encode() if body else None
            expected = {"/peaks": 200, "/audit.json": 200, "/audit.csv": 200, "/original/words": 423,
                        "/original/sound": 423, "/sound": 404}  # fmt: skip
            found = reviewer.ask(method, path, given)[0]
            assert found == expected.get(path.removeprefix(f"/api/jobs/{job}"), 409), path
    place.store.delete(waiting, owner)


def test_a_document_has_what_the_page_needs_and_no_hidden_word(place: Place) -> None:
    """Words without those of details, utterances, details with their sources; rejected words stay hidden."""
    job, reviewer = place.job(), place.one()
    reviewer.decide(job, 0, REJECT)
    status, body = reviewer.ask("GET", f"/api/jobs/{job}/document")
    document = json.loads(body)
    assert status == 200
    assert CANARY.encode() not in body
    assert [word[0] for word in document["words"]] == "my|name|is|||and|my|friend|is||as|well".split("|")
    assert document["words"][1][1:] == [500, 1_000, " ", 0, 0.9]
    assert document["utterances"] == [{"start": 0, "end": 12, "speaker": None, "channel": None}]
    assert document["entities"][0] == {
        "id": "e0", "words": [3, 5], "label": "PERSON_NAME", "source": ["tagger"], "score": 0.85, "state": "rejected",
        "pad": [0, 0], "time": None, "at": 3,
    }  # fmt: skip
    assert (document["revision"], document["can_undo"], document["can_redo"]) == (1, True, False)
    job_row = document["job"]
    assert (job_row["entities"], job_row["review"], job_row["original"], job_row["timed"]) == (1, "open", True, True)


def test_what_was_a_detail_once_is_not_shown(place: Place) -> None:
    """A word that a narrower detail lets go waits for the finish; one that was added is hidden at once."""
    job, reviewer = place.job(), place.one()
    narrow, add = {"do": "words", "entity": "e0", "words": [4, 5]}, {"do": "add", "words": [1, 2], "label": "date"}
    reviewer.decide(job, 0, narrow, add)
    assert [word[0] for word in reviewer.get(f"{job}/document")["words"]][:6] == ["my", "", "is", "", "", "and"]


def test_steps_are_taken_back_and_again(place: Place) -> None:
    """Undo and redo go by the revision as well, and say what can be done next."""
    job, reviewer = place.job(), place.one()
    before = reviewer.get(f"{job}/document")["entities"]
    after = reviewer.decide(job, 0, REJECT, {"do": "add", "words": [0, 1], "label": "date"})
    undone = reviewer.post(f"{job}/undo", revision=1)
    assert (undone["entities"], undone["can_undo"], undone["can_redo"]) == (before, False, True)
    redone = reviewer.post(f"{job}/redo", revision=2)
    assert redone["entities"] == after["entities"]
    assert redone["revision"] == 3
    status, body = reviewer.json("POST", f"/api/jobs/{job}/redo", {"revision": 3})
    assert (status, body) == (400, {"error": "there is nothing to redo"})


def test_a_stale_tab_is_told_so(place: Place) -> None:
    """409 with the revision that there is, for every kind of step; the decision of the other reviewer stays."""
    job, reviewer, other = place.job(), place.one(), place.one()
    reviewer.decide(job, 0, REJECT)
    for path, body in (("decisions", {"decisions": [{"do": "accept", "entity": "e0"}]}), ("undo", {}), ("finish", {})):
        status, answer = other.json("POST", f"/api/jobs/{job}/{path}", {"revision": 0, **body})
        assert (status, answer["revision"]) == (409, 1)
        assert answer["error"]
    assert other.get(f"{job}/document")["entities"][0]["state"] == "rejected"


def test_a_step_that_is_sent_twice_is_taken_once(place: Place) -> None:
    """The connection was lost after it was taken: the same request with its token is answered as it stands now."""
    job, reviewer = place.job(), place.one()
    first = reviewer.decide(job, 0, REJECT, token="t-1")
    assert reviewer.decide(job, 0, REJECT, token="t-1") == first
    reviewer.decide(job, 1, {"do": "reject", "entity": "e1"}, token="t-2")
    again = reviewer.decide(job, 0, REJECT, token="t-1")
    assert (again["revision"], [e["state"] for e in again["entities"]]) == (2, ["rejected", "rejected"])
    assert reviewer.post(f"{job}/undo", revision=2, token="t-3") == reviewer.post(
        f"{job}/undo", revision=2, token="t-3"
    )


def _raw(place: Place, reviewer: Reviewer, job: str, body: bytes, sent: int) -> None:
    """A decision of which so many bytes are sent before the connection is cut."""
    head = (
        f"POST /review/api/jobs/{job}/decisions HTTP/1.1\r\nhost: 127.0.0.1:{place.server.port}\r\n"
        f"cookie: {reviewer.cookie}\r\nx-offrecord: 1\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", place.server.port)) as connection:
        connection.sendall(head.encode() + body[:sent])


def test_a_connection_that_is_lost_loses_no_decision(place: Place) -> None:
    """Cut before all of it was sent, nothing is decided. Cut before the answer, the same is sent again: it is taken once."""
    job, reviewer = place.job(), place.one()
    body = json.dumps({"revision": 0, "decisions": [REJECT], "token": "lost"}).encode()
    _raw(place, reviewer, job, body, len(body) - 1)
    assert reviewer.get(f"{job}/document")["revision"] == 0
    _raw(place, reviewer, job, body, len(body))
    for _ in range(2):
        again = reviewer.decide(job, 0, REJECT, token="lost")
        assert (again["revision"], again["entities"][0]["state"]) == (1, "rejected")


def test_of_many_at_once_one_is_taken(place: Place) -> None:
    """Twelve reviewers decide on the same revision at the same moment: one is taken, eleven are told."""
    job, reviewer = place.job(), place.one()
    body = {"revision": 0, "decisions": [{"do": "everywhere", "entity": "e0", "decision": "accept"}]}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: reviewer.json("POST", f"/api/jobs/{job}/decisions", body)[0], range(12)))
    assert sorted(answers) == [200] + [409] * 11
    assert reviewer.get(f"{job}/document")["revision"] == 1


BAD: list[tuple[str, Any]] = [
    ("decisions", {"revision": 0}), ("decisions", {"revision": 0, "decisions": [{"do": "fly"}]}),
    ("decisions", {"revision": "0", "decisions": [REJECT]}), ("decisions", {"revision": True, "decisions": [REJECT]}),
    ("decisions", {"revision": -1, "decisions": [REJECT]}), ("decisions", [REJECT]), ("decisions", "x"),
    ("decisions", {"revision": 0, "decisions": [REJECT], "token": ""}),
    ("decisions", {"revision": 0, "decisions": [REJECT], "token": "t" * 65}),
    ("decisions", {"revision": 0, "decisions": [REJECT], "token": 1}),
    ("decisions", {"revision": 0, "decisions": [{"do": "accept", "entity": "e7"}]}),
    ("undo", {"revision": 0}), ("finish", {}), ("unredacted", {"held": "yes"}), ("unredacted", {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), BAD, ids=range(len(BAD)))
def test_a_bad_body_is_refused(place: Place, path: str, body: Any) -> None:
    """400 with a text, and nothing is decided."""
    job, reviewer = place.job(), place.one()
    status, answer = reviewer.json("POST", f"/api/jobs/{job}/{path}", body)
    assert (status, list(answer)) == (400, ["error"])
    assert reviewer.get(f"{job}/document")["revision"] == 0


def test_decisions_survive_the_server(tmp_path: Path) -> None:
    """Killed after the answer, it starts with every step, and undo goes on from there."""
    with started(tmp_path / "home") as server:
        place = Place(server)
        job = place.job()
        after = place.one().decide(job, 0, REJECT, {"do": "everywhere", "entity": "e1", "decision": "label",
                                                    "label": "username"})  # fmt: skip
        server.kill()
        server.start(wait=False)
        reviewer = place.one()
        assert reviewer.get(f"{job}/document")["entities"] == after["entities"]
        assert reviewer.post(f"{job}/undo", revision=1)["can_redo"]
        place.store.close()


def test_the_original_is_for_who_holds_it(place: Place) -> None:
    """423 until it is asked for, to that session alone, for that job alone; never cached; an event each time."""
    sound = b"RIFF" + bytes(range(200))
    job, other_job, reviewer, other = place.job(upload=sound), place.job(), place.one(), place.one()
    paths = [f"/api/jobs/{job}/original/{what}" for what in ("words", "sound")]
    assert [reviewer.ask("GET", path)[0] for path in paths] == [423, 423]
    assert reviewer.post(f"{job}/unredacted", held=True) == {"held": True}
    assert reviewer.get(f"{job}/original/words")["words"][3] == CANARY
    assert reviewer.ask("GET", paths[1]) == (200, sound)
    assert reviewer.ask("GET", paths[1], range="bytes=4-7") == (206, sound[4:8])
    for path in paths:
        request = urllib.request.Request(f"{place.server.url}/review{path}", headers={"cookie": reviewer.cookie})
        with urllib.request.urlopen(request) as response:
            assert response.headers["cache-control"] == "no-store"
    assert [other.ask("GET", path)[0] for path in paths] == [423, 423]
    assert reviewer.ask("GET", f"/api/jobs/{other_job}/original/words")[0] == 423
    assert reviewer.json("GET", "/session")[1]["held"] == [job]
    reviewer.post(f"{job}/unredacted", held=False)
    assert [reviewer.ask("GET", path)[0] for path in paths] == [423, 423]
    assert [e["what"] for e in reviewer.get(f"{job}/audit.json")["events"]] == ["held", "released"]


def test_the_original_is_shown_by_no_server_that_was_not_told_to(tmp_path: Path) -> None:
    """403 when it is asked for, and 423 for what nobody holds."""
    with started(tmp_path / "home") as server:
        place = Place(server)
        job, reviewer = place.job(), place.one()
        assert not reviewer.json("GET", "/session")[1]["unredacted_allowed"]
        assert reviewer.json("POST", f"/api/jobs/{job}/unredacted", {"held": True})[0] == 403
        assert reviewer.ask("GET", f"/api/jobs/{job}/original/words")[0] == 423
        assert reviewer.get(f"{job}/audit.json")["events"] == []
        place.store.close()


def test_the_audit_record_says_who_decided_what(place: Place) -> None:
    """Positions are ids and words; no text, no key, and no millisecond of the recording."""
    job, reviewer = place.job(), place.one()
    who = reviewer.json("GET", "/session")[1]["reviewer"]
    steps: list[dict[str, Any]] = [
        {"do": "label", "entity": "e0", "label": "username"}, {"do": "words", "entity": "e0", "words": [2, 5]},
        {"do": "pad", "entity": "e0", "pad": [317, 50]}, {"do": "add_time", "start": 4_321, "end": 4_999, "label": "event"},
        {"do": "everywhere", "entity": "e1", "decision": "reject"},
    ]  # fmt: skip
    reviewer.decide(job, 0, *steps)
    reviewer.post(f"{job}/undo", revision=1)
    _, body = reviewer.ask("GET", f"/api/jobs/{job}/audit.csv")
    lines = body.decode().splitlines()
    assert lines[0] == "at,who,what,revision,decision,entity,label,first_word,end_word"
    assert [line.partition(f"Z,{who},")[2] for line in lines[1:]] == [
        "decide,1,label,e0,username,,", "decide,1,words,e0,,2,5", "decide,1,pad,e0,,,", "decide,1,add_time,a1,event,,",
        "decide,1,everywhere reject,e1,,,", "undo,2,,,,,",
    ]  # fmt: skip
    events = reviewer.get(f"{job}/audit.json")["events"]
    assert [event["decision"] for event in events][:2] == ["label", "words"]
    for kept in (body, json.dumps(events).encode()):
        assert not any(text in kept for text in (CANARY.encode(), b"4321", b"4999", b"317", b"one,"))


def test_a_text_is_reviewed_without_sound(place: Place) -> None:
    """It has its own white space, and no times; nothing can be marked in sound that is not there."""
    words = (Word("Dear", gap="\n\n"), Word(CANARY, gap="  "), Word("bye", gap="\n"))
    text = Transcript(words, lead="  ")
    job, reviewer = place.job(text, drafted(text, (1, 2, "person_name"))), place.one()
    document = reviewer.get(f"{job}/document")
    assert (document["job"]["timed"], document["lead"]) == (False, "  ")
    assert [[w[0], w[3]] for w in document["words"]] == [["Dear", "\n\n"], ["", "  "], ["bye", "\n"]]
    assert reviewer.json("GET", f"/api/jobs/{job}/sound")[0] == 404
    pad = {"revision": 0, "decisions": [{"do": "pad", "entity": "e0", "pad": [50, 50]}]}
    assert reviewer.json("POST", f"/api/jobs/{job}/decisions", pad)[0] == 400


def test_a_hostile_transcript_stays_data(place: Place) -> None:
    """Scripts, right-to-left marks and a word of a thousand letters come as JSON that no browser takes for a page."""
    words = ["<script>alert(1)</script>", "\u202eevil\u202c", "x" * 1_000, "</script>", "it's", "\u2028"]
    said = Transcript.spoken([Word(w, i * 500, i * 500 + 400) for i, w in enumerate(words) if w.strip()], 4_000)
    job, reviewer = place.job(said, drafted(said, (4, 5, "date"))), place.one()
    request = urllib.request.Request(
        f"{place.server.url}/review/api/jobs/{job}/document", headers={"cookie": reviewer.cookie}
    )
    with urllib.request.urlopen(request) as response:
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert [word[0] for word in json.loads(response.read())["words"]] == [*words[:4], ""]


def test_ten_hours_can_be_reviewed(place: Place) -> None:
    """A hundred thousand words and four thousand details: document, steps and undo."""
    said = spoken(" ".join(["word"] * 100_000), each=360)
    found = drafted(said, *((i, i + 1, "person_name") for i in range(0, 100_000, 25)))
    job, reviewer = place.job(said, found), place.one()
    document = reviewer.get(f"{job}/document")
    assert (len(document["words"]), len(document["entities"])) == (100_000, 4_000)
    assert document["job"]["duration"] == 36_000_000
    everywhere = {"do": "everywhere", "entity": "e7", "decision": "reject"}
    assert {e["state"] for e in reviewer.decide(job, 0, everywhere)["entities"]} == {"rejected"}
    assert {e["state"] for e in reviewer.post(f"{job}/undo", revision=1)["entities"]} == {"found"}


def test_peaks_are_of_the_interval_that_was_asked_for(place: Place) -> None:
    """The loudest of each equal part; no more parts than there are steps; none of an empty interval."""
    job, reviewer = place.job(), place.one()
    assert reviewer.get(f"{job}/peaks?start=0&end=30&bars=10")["peaks"] == [0.063, 0.502, 1.0]
    assert reviewer.get(f"{job}/peaks?start=0&end=60&bars=2")["peaks"] == [1.0, 1.0]
    assert reviewer.get(f"{job}/peaks?start=9000")["peaks"] == []
    for query in ("bars=0", "start=-1", "end=x", "bars=99999"):
        assert reviewer.json("GET", f"/api/jobs/{job}/peaks?{query}")[0] == 400


def test_an_address_is_good_once(place: Place) -> None:
    """It opens a session of the job's owner and leads to the job; a second time, or changed, it is refused."""
    job = place.job()
    token = Ledger(place.store).open_once(place.owners["one"], job, 60)
    opener = urllib.request.build_opener(_Stay)
    with opener.open(f"{place.server.url}/review/open?token={token}") as response:
        assert (response.status, response.headers["location"]) == (303, f"/review/{job}")
        reviewer = Reviewer(place.server, response.headers["set-cookie"].partition(";")[0])
    assert reviewer.get(job)["id"] == job
    late = Ledger(place.store).open_once(place.owners["one"], job, -1)
    for bad in (token, late, token + "x", ""):
        assert place.server.get(f"/review/open?token={bad}")[0] == 403


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def http_error_303(self, *answer: Any) -> Any:
        return answer[1]


def test_a_finish_without_workers_waits_and_takes_no_step(place: Place) -> None:
    """The review is being finished: steps are 409, and finishing again is the same."""
    job, reviewer = place.job(), place.one()
    assert reviewer.post(f"{job}/finish", revision=0)["review"] == "finishing"
    assert reviewer.post(f"{job}/finish", revision=0)["review"] == "finishing"
    status, body = reviewer.json("POST", f"/api/jobs/{job}/decisions", {"revision": 0, "decisions": [REJECT]})
    assert (status, body["revision"]) == (409, 0)
    assert reviewer.ask("DELETE", f"/api/jobs/{job}/original")[0] == 409
    assert reviewer.ask("GET", f"/api/jobs/{job}/files.zip")[0] == 409
    assert reviewer.ask("DELETE", f"/api/jobs/{job}")[0] == 204
    assert place.store.claim(1) is None


def test_nothing_of_the_original_is_in_any_answer(place: Place) -> None:
    """Every route of a job, whatever was decided, without the unredacted view; and not in the log."""
    job, reviewer = place.job(upload=f"RIFF{CANARY}".encode()), place.one()
    reviewer.decide(job, 0, REJECT, {"do": "everywhere", "entity": "e1", "decision": "accept"})
    answers = [reviewer.ask("GET", "/api/jobs")[1]]
    answers += [reviewer.ask(m, path, json.dumps(b).encode() if b else None)[1] for m, path, b in routes(job)[:-1]]
    answers += [
        place.server.get(f"/v2/transcript/{job}{p}", authorization="one")[1] for p in ("", "/sentences", "/srt")
    ]
    answers.append(place.server.get(f"/v2/transcript/{job}/word-search?words={CANARY}", authorization="one")[1])
    found = b"".join(answers).replace(f'"{CANARY}":'.encode(), b"")
    assert place.server.json("GET", f"/v2/transcript/{job}", authorization="one")[0] == 200
    assert CANARY.lower().encode() not in found.lower()
    assert CANARY.encode() not in place.server.log.read_bytes()
    place.store.delete(job, place.owners["one"])
