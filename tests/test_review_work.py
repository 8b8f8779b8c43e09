"""What workers do for reviews: real recordings on a real server, up to the files, which say what was decided."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sounds
from hearings import LENGTH, Dreamer, Script, clock, said
from reviews import Reviewer, done, drafted
from serving import NAMES, SHORT, running, until

from offrecord import audio, export
from offrecord.errors import Unverified
from offrecord.pipeline import Redactor
from offrecord.review import listing, making
from offrecord.review.decisions import Decision, parse
from offrecord.review.ledger import Ledger
from offrecord.review.marks import Mark, Original, decided
from offrecord.review.steps import Entry
from offrecord.review.work import reviewed
from offrecord.rows import now
from offrecord.server.desk import Desk
from offrecord.store import Store
from offrecord.types import Transcript, Word


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewer]:
    """Somebody who signed in to a server with a worker, on which originals may be seen."""
    home = tmp_path_factory.mktemp("review") / "home"
    with running(home, OFFRECORD_REVIEW_UNREDACTED="1") as server:
        yield Reviewer.of(server)


def unzipped(reviewer: Reviewer, job: str) -> dict[str, bytes]:
    """The files of a finished review by name."""
    status, body = reviewer.ask("GET", f"/api/jobs/{job}/files.zip")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_files_are_what_the_decisions_say(desk: Reviewer, tmp_path: Path) -> None:
    """Twenty decisions and an undo on a real recording: every file is, byte for byte, what they make of it."""
    job = desk.submit(NAMES.read_bytes())
    assert desk.ended(job)["status"] == "completed"
    document = desk.get(f"{job}/document")
    names = [entity["id"] for entity in document["entities"]]
    free = [i for i, word in enumerate(document["words"]) if word[0]][-16:]
    steps: list[dict[str, Any]] = [
        {"do": "reject", "entity": names[0]},
        {"do": "pad", "entity": names[1], "pad": [50, 100]},
        {"do": "everywhere", "entity": names[1], "decision": "label", "label": "USERNAME"},
        *({"do": "add", "words": [i, i + 1], "label": "event"} for i in free),
        {"do": "add_time", "start": 100, "end": 150, "label": "event"},
    ]
    revision = 0
    for step in steps:
        revision = desk.decide(job, revision, step)["revision"]
    revision = desk.post(f"{job}/undo", revision=revision)["revision"]
    assert len(steps) == 20
    desk.post(f"{job}/unredacted", held=True)
    words = desk.get(f"{job}/original/words")["words"]
    row = desk.finished(job, revision)
    assert (row["review"], row["error"]) == ("finished", None)
    files = unzipped(desk, job)
    assert sorted(files) == [
        "audit.csv", "audit.json", "redacted.html", "redacted.json", "redacted.srt", "redacted.txt", "redacted.vtt",
        "redacted.wav",
    ]  # fmt: skip

    # The same by hand: from the words that were heard, the details that were found, and the decisions.
    heard = Transcript.spoken(
        [Word(words[i], start, end, confidence) for i, (_, start, end, _, _, confidence) in enumerate(document["words"])],
        document["job"]["duration"],
    )  # fmt: skip
    with closing(Store(desk.server.home)) as store:
        draft = Ledger(store).review(job)
    assert draft
    assert draft.original.transcript == heard
    marks = draft.draft.marks
    for number, step in enumerate(steps[:-1], 1):
        marks = decided(Original(heard), marks, parse([step]), number)
    redaction = making.decided_redaction(Redactor(threads=1), _named(desk, job, tmp_path), heard, draft.draft, marks)
    assert files["redacted.txt"].decode() == export.as_text(redaction)
    assert files["redacted.json"].decode() == export.as_json(redaction)
    assert files["redacted.srt"].decode() == export.as_srt(redaction)
    assert files["redacted.vtt"].decode() == export.as_vtt(redaction)
    expected = tmp_path / "expected.wav"
    audio.write_redacted(
        tmp_path / "in.wav", expected, redaction.muted, sound="beep", container="wav", channels=redaction.channels
    )
    assert files["redacted.wav"] == expected.read_bytes()
    events = json.loads(files["audit.json"])["events"]
    assert [e["what"] for e in events].count("decide") == 20
    text = files["redacted.txt"].decode()
    assert words[2] in text
    assert text.count("[EVENT]") == 16
    assert "[USERNAME]" in text

    # And by another way to the same decisions: the same bytes.
    revision = desk.post(f"{job}/redo", revision=revision)["revision"]
    assert desk.get(job)["review"] == "open"
    assert desk.ask("GET", f"/api/jobs/{job}/files.zip")[0] == 409
    revision = desk.post(f"{job}/undo", revision=revision)["revision"]
    desk.finished(job, revision)
    again = unzipped(desk, job)
    assert {name: body for name, body in again.items() if "audit" not in name} == {
        name: body for name, body in files.items() if "audit" not in name
    }
    assert desk.ask("DELETE", f"/api/jobs/{job}")[0] == 204


def _named(desk: Reviewer, job: str, directory: Path) -> Path:
    """The original as it is given out."""
    status, body = desk.ask("GET", f"/api/jobs/{job}/original/sound")
    assert status == 200
    assert body == NAMES.read_bytes()
    (directory / "in.wav").write_bytes(body)
    return directory / "in.wav"


def test_an_original_is_erased_with_one_request(desk: Reviewer) -> None:
    """Sound and hidden words are gone, from the database's file as well; the files and the audit record stay."""
    job = desk.submit(NAMES.read_bytes())
    desk.ended(job)
    assert desk.ask("DELETE", f"/api/jobs/{job}/original")[0] == 409
    desk.finished(job, 0)
    assert desk.ask("DELETE", f"/api/jobs/{job}/original")[0] == 204
    assert desk.ask("DELETE", f"/api/jobs/{job}/original")[0] == 204
    home = desk.server.home
    assert list((home / "uploads").iterdir()) == []
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".zip")
    for name in (b"Steve", b"Katie"):
        assert name not in kept
        assert name not in desk.server.log.read_bytes()
    row = desk.get(job)
    assert (row["original"], row["review"]) == (False, "finished")
    assert desk.json("POST", f"/api/jobs/{job}/unredacted", {"held": True})[0] == 409
    step = {"revision": 0, "decisions": [{"do": "reject", "entity": "e0"}]}
    assert desk.json("POST", f"/api/jobs/{job}/decisions", step)[0] == 409
    assert len(desk.get(f"{job}/document")["words"]) == 64
    assert "redacted.txt" in unzipped(desk, job)
    assert [e["what"] for e in desk.get(f"{job}/audit.json")["events"]] == ["finish", "finished", "erased"]
    assert desk.ask("DELETE", f"/api/jobs/{job}")[0] == 204
    assert not list(home.rglob(f"*{job}*"))


def test_a_text_is_a_job_as_well(desk: Reviewer) -> None:
    """It keeps its white space, has no sound, and no listening again; its files are those of a text."""
    text = "Dear Margaret Hill,\n\n  call me on 415 555 0132.\n"
    job = desk.submit(text.encode(), "text/plain; charset=utf-8")
    row = desk.ended(job)
    assert (row["status"], row["timed"], row["verification"], row["duration"]) == ("completed", False, None, 0)
    document = desk.get(f"{job}/document")
    phone = next(e for e in document["entities"] if e["label"] == "PHONE_NUMBER")
    desk.decide(job, 0, {"do": "reject", "entity": phone["id"]})
    desk.finished(job, 1)
    files = unzipped(desk, job)
    assert sorted(files) == ["audit.csv", "audit.json", "redacted.html", "redacted.json", "redacted.txt"]
    assert files["redacted.txt"].decode() == ("Dear [PERSON_NAME] [PERSON_NAME],\n\n  call me on 415 555 0132.\n")
    desk.ask("DELETE", f"/api/jobs/{job}")


@pytest.mark.parametrize(("content", "said_"), [(b"\xff\xfa\x00", "UTF-8"), (b"a\0b", "NUL")])
def test_what_is_no_text_ends_in_an_error(desk: Reviewer, content: bytes, said_: str) -> None:
    """The row says what is wrong, and the upload is gone."""
    job = desk.submit(content, "text/plain")
    row = desk.ended(job)
    assert row["status"] == "error"
    assert said_ in row["error"]
    assert list((desk.server.home / "uploads").iterdir()) == []


def test_a_policy_is_that_of_its_job(desk: Reviewer) -> None:
    """By preset or label; one that is none is refused before anything is stored."""
    job = desk.submit(b"Margaret Hill, 415 555 0132", "text/plain", "?policy=phone_number")
    desk.ended(job)
    assert [e["label"] for e in desk.get(f"{job}/document")["entities"]] == ["PHONE_NUMBER"]
    status, body = desk.json("POST", "/api/jobs?policy=phone_numbr", None)
    assert status == 400
    assert "phone_number" in body["error"]


def test_no_recording_ends_in_an_error(desk: Reviewer) -> None:
    """As a job of the API does."""
    job = desk.submit(b"this is no recording")
    row = desk.ended(job)
    assert (row["status"], row["review"], row["original"]) == ("error", None, False)
    assert row["error"]
    assert str(desk.server.home) not in row["error"]


def test_a_recording_without_speech_can_be_reviewed(desk: Reviewer, tmp_path: Path) -> None:
    """Nothing is found, and no sound is given out, for nobody has looked for details in it; its files are empty."""
    silence = sounds.write(tmp_path / "a.wav", np.zeros((1, 32_000)), 16_000, "pcm_s16le", "wav")
    job = desk.submit(silence.read_bytes())
    row = desk.ended(job)
    assert (row["status"], row["entities"], row["duration"]) == ("completed", 0, 2_000)
    document = desk.get(f"{job}/document")
    assert (document["words"], document["suspects"], document["muted"]) == ([], [], [])
    assert desk.json("GET", f"/api/jobs/{job}/sound")[0] == 404
    assert desk.get(f"{job}/peaks")["peaks"] == []
    assert desk.finished(job, 0)["review"] == "finished"
    assert "redacted.wav" not in unzipped(desk, job)


def test_eight_channels_can_be_reviewed(desk: Reviewer, tmp_path: Path) -> None:
    """The page gets a sound that browsers play; the file at the end has all eight."""
    one = next(iter(audio.decode(SHORT, channels="separate")))[:, : 2 * 16_000]
    path = sounds.write(tmp_path / "a.wav", np.repeat(one, 8, axis=0), 16_000, "pcm_s16le", "wav")
    job = desk.submit(path.read_bytes())
    assert desk.ended(job)["status"] == "completed"
    status, body = desk.ask("GET", f"/api/jobs/{job}/sound")
    assert status == 200
    (tmp_path / "b.m4a").write_bytes(body)
    assert audio.probe(tmp_path / "b.m4a").channels == 8
    desk.finished(job, 0)
    (tmp_path / "c.wav").write_bytes(unzipped(desk, job)["redacted.wav"])
    assert audio.probe(tmp_path / "c.wav").channels == 8


def test_a_review_begins_with_what_redact_finds(desk: Reviewer) -> None:
    """The same details, muted in the same places; the sound is given in ranges, as a player asks for it."""
    job = desk.submit(NAMES.read_bytes())
    desk.ended(job)
    document = desk.get(f"{job}/document")
    redaction = Redactor(threads=1).redact(NAMES)
    found = [[e["label"].lower(), *e["words"]] for e in document["entities"]]
    assert found == [[e.label, e.words.start, e.words.stop] for e in redaction.entities]
    assert document["muted"] == [list(interval) for interval in redaction.muted]
    status, whole = desk.ask("GET", f"/api/jobs/{job}/sound")
    assert status == 200
    assert desk.ask("GET", f"/api/jobs/{job}/sound", range="bytes=10-19") == (206, whole[10:20])
    assert len(desk.get(f"{job}/peaks?bars=500")["peaks"]) == 500


def test_a_killed_worker_loses_no_finish(desk: Reviewer) -> None:
    """Killed while it makes the files, it is begun again; the server is killed as well, and the review goes on."""
    job = desk.submit(NAMES.read_bytes())
    desk.ended(job)
    desk.decide(job, 0, {"do": "reject", "entity": "e0"})
    desk.post(f"{job}/finish", revision=1)
    until(lambda: desk.get(job)["stage"] in ("redacting", "verifying", "writing"))
    for pid in desk.server.workers():
        os.kill(pid, signal.SIGKILL)
    until(lambda: desk.get(job)["stage"] in ("redacting", "verifying", "writing"))
    desk.server.kill()
    desk.server.start()
    again = Reviewer.of(desk.server)
    desk.cookie = again.cookie
    row = until(lambda: (row := desk.get(job))["review"] != "finishing" and row)
    assert row["review"] == "finished"
    assert "Steve" in unzipped(desk, job)["redacted.txt"].decode()


def _claimed(store: Store, spoken: Transcript, *steps: Decision) -> tuple[str, Path, Any]:
    """A review of a recording that tells the time, some steps on, whose finish a worker has claimed."""
    upload = "0" * 32
    clock(store.upload_path(upload))
    store.add_upload(upload, "local", 1)
    job = done(store, spoken, drafted(spoken, (3, 4, "person_name")), upload=upload)
    ledger = Ledger(store)
    for number, step in enumerate(steps, 1):
        ledger.add(job, Entry(number, now(), "me", "decide", (step,)), token=None, entities=1)
    ledger.finish(job, "me", len(steps))
    claim = store.claim(1)
    assert claim
    work = store.work_path(claim)
    work.mkdir()
    return job, work, claim


def _suspected(store: Store, desk: Desk, job: str) -> list[str]:
    """The kinds of suspects that the page is told of."""
    row = listing.one(store, job, "local")
    assert row
    document = desk.document(row)
    assert document
    return [suspect["kind"] for suspect in document["suspects"]]


SPOKEN = Transcript.spoken(said("my name is Margaret and I need some help today"), LENGTH)


def test_what_is_still_heard_fails_the_finish(tmp_path: Path) -> None:
    """No file is made; with leave of the settings it is, and the result says what is left."""
    with closing(Store(tmp_path / "home")) as store:
        job, work, claim = _claimed(store, SPOKEN)
        desk = Desk(Ledger(store))
        assert _suspected(store, desk, job) == []
        redactor = Redactor()
        redactor.verifier = Dreamer("Margaret")
        with pytest.raises(Unverified, match="finish again"):
            reviewed(store, claim, redactor, store.upload_path(claim.upload), work)
        assert not (work / "files.zip").exists()
        assert store.fail(claim, "still heard")
        row = listing.one(store, job, "local")
        assert row
        assert (row.review, row.finish_error, row.status) == ("failed", "still heard", "completed")
        assert "verification" in _suspected(store, desk, job)
        Ledger(store).finish(job, "me", 0)
        again = store.claim(1)
        assert again
        assert again.upload
        store.work_path(again).mkdir()
        lenient = Redactor(allow_unverified=True)
        lenient.verifier = Dreamer("Margaret")
        done_ = reviewed(store, again, lenient, store.upload_path(again.upload), store.work_path(again))
        assert store.finish(again, **done_)
        row = listing.one(store, job, "local")
        assert row
        assert row.review == "finished"
        assert row.verification
        assert row.verification["left"]


def test_a_released_word_is_no_trace(tmp_path: Path) -> None:
    """A rejected detail is heard in the sound, as was decided, although the same word is hidden elsewhere."""
    spoken = Transcript.spoken(said("my name is Margaret and so I am called Margaret too"), LENGTH)
    marks = (Mark("e0", range(3, 4), "person_name", "rejected", at=3), Mark("e1", range(9, 10), "person_name", at=9))
    redactor = Redactor()
    redactor.verifier = Script(spoken.words)
    draft = drafted(spoken, (3, 4, "person_name"), (9, 10, "person_name"))
    path = clock(tmp_path / "clock.wav")
    redaction = making.decided_redaction(redactor, path, spoken, draft, marks)
    at = spoken.words[3]
    assert not [interval for interval in redaction.muted if interval[0] < at.end and at.start < interval[1]]
    assert redaction.text.split()[3] == "Margaret"
    assert redaction.text.split()[9] == "[PERSON_NAME]"


PADS: list[tuple[tuple[int, int], tuple[int, int]]] = [((0, 0), (0, 0)), ((300, 0), (-300, 0)), ((-50, 100), (50, 100))]


@pytest.mark.parametrize(("pad", "moved"), PADS)
def test_a_pad_moves_the_edges_of_one_detail(tmp_path: Path, pad: tuple[int, int], moved: tuple[int, int]) -> None:
    """By just so many milliseconds, and those of no other."""
    draft = drafted(SPOKEN, (3, 4, "person_name"), (8, 9, "person_name"))
    redactor = Redactor(verify="off")
    path = clock(tmp_path / "clock.wav")
    before = making.decided_redaction(redactor, path, SPOKEN, draft, draft.marks).muted
    marks = (Mark("e0", range(3, 4), "person_name", pad=pad, at=3), draft.marks[1])
    after = making.decided_redaction(redactor, path, SPOKEN, draft, marks).muted
    assert after == ((before[0][0] + moved[0], before[0][1] + moved[1]), before[1])


def test_a_detail_can_never_be_narrowed_to_nothing(tmp_path: Path) -> None:
    """Something of it is muted as long as it is not rejected."""
    draft = drafted(SPOKEN, (3, 4, "person_name"))
    marks = (Mark("e0", range(3, 4), "person_name", pad=(-5_000, -5_000), at=3),)
    path = clock(tmp_path / "clock.wav")
    muted = making.decided_redaction(Redactor(verify="off"), path, SPOKEN, draft, marks).muted
    assert len(muted) == 1
    assert SPOKEN.words[3].start <= muted[0][0] < muted[0][1] <= SPOKEN.words[3].end


def test_what_was_marked_in_the_sound_is_muted(tmp_path: Path) -> None:
    """And named as what no word stands for."""
    draft = drafted(SPOKEN)
    marks = (Mark("a1", None, "event", "added", time=(9_000, 9_500), at=10),)
    path = clock(tmp_path / "clock.wav")
    redaction = making.decided_redaction(Redactor(verify="off"), path, SPOKEN, draft, marks)
    assert redaction.muted == redaction.unrecognised == ((9_000, 9_500),)


def test_a_server_that_leaves_the_sound_alone_makes_none(tmp_path: Path) -> None:
    """OFFRECORD_SOUND=none: words are reviewed, and there is no sound to give out."""
    with running(tmp_path / "home", OFFRECORD_SOUND="none") as server:
        desk = Reviewer.of(server)
        job = desk.submit(SHORT.read_bytes())
        assert desk.ended(job)["status"] == "completed"
        assert desk.ask("GET", f"/api/jobs/{job}/sound")[0] == 404
        desk.finished(job, 0)
        assert sorted(unzipped(desk, job))[2:] == ["redacted.html", "redacted.json", "redacted.srt", "redacted.txt",
                                                   "redacted.vtt"]  # fmt: skip
