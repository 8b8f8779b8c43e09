"""Batches: what is found, what is done, what is not done again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from archives import SAID, Here, Saying, files, order, ran, recording, redactor
from sounds import voice, write

from offrecord import audio
from offrecord.batch import estimate
from offrecord.batch.finding import Found, Search
from offrecord.batch.manifest import Manifest
from offrecord.batch.places import fetch
from offrecord.batch.run import Batch
from offrecord.batch.summary import Pace, summed
from offrecord.batch.work import ROW, Work, settle, stage_of
from offrecord.errors import InputError, NoSpeech, StateError, UsageError
from offrecord.rooms import Rooms


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three recordings in two directories."""
    for i, name in enumerate(("a.wav", "b.wav", "2024/c.wav")):
        recording(tmp_path / "in" / name, seed=i)
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where it goes; not there yet."""
    return tmp_path / "out"


def test_the_tree_is_mirrored(archive: Path, out: Path) -> None:
    """Each recording's outputs are where it was, under its name, and hold no detail."""
    result = ran(archive, out, formats=["txt", "json", "wav"])
    assert files(out) == sorted(
        f"{stem}.redacted.{kind}" for stem in ("a", "b", "2024/c") for kind in ("txt", "json", "wav")
    )
    assert "Margaret" not in (out / "a.redacted.txt").read_text()
    assert result.summary.states == {"done": 3}
    assert result.summary.exit_code == 0


def test_the_manifest_agrees_with_the_outputs(archive: Path, out: Path) -> None:
    """Its rows name each output with its size and digest, and hold counts."""
    ran(archive, out, formats=["txt", "wav"])
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == ["a.wav", "b.wav", "2024/c.wav"]
    assert sorted(name for row in rows for name, *_ in row["outputs"]) == files(out)
    for row in rows:
        assert row["content"] == hashlib.sha256((archive / row["name"]).read_bytes()).hexdigest()
        assert row["entities"] == {"person_name": 1}
        assert row["duration"] == 1_000
        for name, size, digest in row["outputs"]:
            data = (out / name).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (size, digest)


def test_nothing_is_done_twice(archive: Path, out: Path) -> None:
    """A second run over the same recordings with the same settings has nothing to do."""
    ran(archive, out)
    again = ran(archive, out)
    assert again.events[0]["todo"] == 0
    assert again.summary.states == {"done": 3}


def test_a_new_recording_is_done_alone(archive: Path, out: Path) -> None:
    """What was added since is what the next run works on."""
    ran(archive, out)
    recording(archive / "d.wav", seed=9)
    assert ran(archive, out).heard == 1


def test_changed_content_is_done_again(archive: Path, out: Path) -> None:
    """Another sound under the same name is another recording."""
    ran(archive, out, formats=["wav"])
    recording(archive / "a.wav", seed=9)
    again = ran(archive, out, formats=["wav"])
    assert again.heard == 1
    assert again.rows[0]["content"] == hashlib.sha256((archive / "a.wav").read_bytes()).hexdigest()


def test_a_touched_recording_is_looked_at_and_left(archive: Path, out: Path) -> None:
    """The time of a file says only that its content is to be compared, and the next run does not compare it again."""
    ran(archive, out)
    (archive / "a.wav").touch()
    again = ran(archive, out)
    assert (len(again.executor.bodies), again.heard) == (1, 0)
    assert ran(archive, out).events[0]["todo"] == 0


def test_the_clock_set_back_changes_nothing(archive: Path, out: Path) -> None:
    """Content that changes while its time goes back is seen, for times are compared for equality alone."""
    ran(archive, out)
    recording(archive / "a.wav", seed=9)
    os.utime(archive / "a.wav", (1, 1))
    assert ran(archive, out).heard == 1


@pytest.mark.parametrize(
    "changed",
    [{"policy": "pci"}, {"substitute": "hash"}, {"deny": ["help"]}, {"formats": ["json"]}, {"strictness": "recall"}],
    ids=str,
)
def test_changed_settings_do_all_again(archive: Path, out: Path, changed: dict[str, Any]) -> None:
    """All that decides what comes out is in the digest."""
    ran(archive, out)
    assert ran(archive, out, **changed).heard == 3


@pytest.mark.parametrize("changed", [{"threads": 2}, {"llm_timeout": 9.0}], ids=str)
def test_what_decides_nothing_changes_nothing(archive: Path, out: Path, changed: dict[str, Any]) -> None:
    """Neither threads nor time limits are in the digest."""
    ran(archive, out)
    assert ran(archive, out, **changed).heard == 0


def test_outputs_of_other_settings_go(archive: Path, out: Path) -> None:
    """A format that is not asked for any more does not stay behind with what the older settings left in it."""
    ran(archive, out, formats=["txt", "json"])
    ran(archive, out, formats=["txt"], policy="all")
    assert files(out) == ["2024/c.redacted.txt", "a.redacted.txt", "b.redacted.txt"]


def test_a_lost_output_is_made_again(archive: Path, out: Path) -> None:
    """Or one that is cut off: the manifest knows their sizes."""
    ran(archive, out)
    (out / "a.redacted.txt").unlink()
    (out / "b.redacted.txt").write_text("")
    assert ran(archive, out).heard == 2
    assert (out / "a.redacted.txt").exists()


def test_a_limit_leaves_the_rest_for_the_next_run(archive: Path, out: Path) -> None:
    """So many are worked on, the others wait, and nothing is done twice."""
    assert ran(archive, out, limit=2).summary.states == {"done": 2, "waiting": 1}
    assert ran(archive, out).heard == 1


def test_shuffled_they_are_all_done(archive: Path, out: Path) -> None:
    """In whatever order."""
    assert ran(archive, out, shuffle=True).summary.states == {"done": 3}


def test_a_failure_does_not_stop_the_others(archive: Path, out: Path) -> None:
    """The damaged one has a row that says why, the rest is done, and the exit code tells."""
    (archive / "b.wav").write_bytes(b"no sound")
    result = ran(archive, out)
    assert result.summary.states == {"done": 2, "failed": 1}
    assert result.summary.exit_code == InputError.exit_code
    assert [(code, kind, n) for code, kind, _, n in result.summary.causes] == [(3, "InputError", 1)]
    assert "b.wav" not in str(result.summary.causes)


def test_failures_are_tried_again_when_asked(archive: Path, out: Path) -> None:
    """A recording that cannot be read will not be readable tomorrow; `--retry-failed` tries all the same."""
    (archive / "b.wav").write_bytes(b"no sound")
    ran(archive, out)
    assert len(ran(archive, out).executor.bodies) == 0
    assert len(ran(archive, out, retry_failed=True).executor.bodies) == 1


def test_a_mended_recording_is_done(archive: Path, out: Path) -> None:
    """A failure belongs to the content that failed."""
    (archive / "b.wav").write_bytes(b"no sound")
    ran(archive, out)
    recording(archive / "b.wav", seed=1)
    again = ran(archive, out)
    assert again.summary.states == {"done": 3}
    assert again.rows[1]["error"] is None


def test_a_failure_leaves_what_stood_there(archive: Path, out: Path) -> None:
    """Outputs of the content before stay, and so does what the manifest says of them."""
    ran(archive, out)
    (archive / "b.wav").write_bytes(b"no sound")
    result = ran(archive, out)
    assert result.rows[1]["state"] == "failed"
    assert [name for name, *_ in result.rows[1]["outputs"]] == ["b.redacted.txt"]
    assert (out / "b.redacted.txt").exists()


def test_a_poison_file_is_quarantined(archive: Path, out: Path) -> None:
    """One at which every worker dies is given up after so many attempts, and not begun again unasked."""

    def poison(executor: Here) -> None:
        executor.dies = lambda body: 3 if body["stem"] == "b" else 0

    result = ran(archive, out, prepare=poison)
    assert result.summary.states == {"done": 2, "quarantined": 1}
    assert result.summary.exit_code == InputError.exit_code
    assert result.rows[1]["attempts"] == 3
    assert ran(archive, out).executor.bodies == []
    assert ran(archive, out, retry_failed=True).summary.states == {"done": 3}


def test_silence_is_no_failure(archive: Path, out: Path) -> None:
    """Nobody speaks: texts are written, no sound is, and the summary counts it."""
    result = ran(archive, out, saying=Saying(""), formats=["txt", "wav"])
    assert result.summary.silent == 3
    assert result.summary.exit_code == 0
    assert files(out) == ["2024/c.redacted.txt", "a.redacted.txt", "b.redacted.txt"]


# What may be in IN.


def test_links_in_circles_end(archive: Path, out: Path) -> None:
    """Each directory is entered once, by the way that needs no link if there is one."""
    (archive / "2024" / "up").symlink_to(archive)
    (archive / "0-link").symlink_to(archive / "2024")
    (archive / "loop").symlink_to(archive / "loop")
    result = ran(archive, out)
    assert result.summary.states == {"done": 3}
    assert [problem.reason for problem in result.summary.problems] == ["a link leads nowhere"]
    assert files(out) == ["2024/c.redacted.txt", "a.redacted.txt", "b.redacted.txt"]


def test_a_file_that_cannot_be_read_is_a_row(archive: Path, out: Path) -> None:
    """Here: it is gone when its turn comes. The row says so without its name, and the rest is done."""

    def lose(executor: Here) -> None:
        work = executor.work

        def lost(body: Mapping[str, Any]) -> Any:
            (archive / "b.wav").unlink(missing_ok=True)
            return work(body)

        executor.work = lost

    result = ran(archive, out, prepare=lose)
    assert result.summary.states == {"done": 2, "failed": 1}
    assert result.rows[1]["error"] == "recording.wav: there is no such file"


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A directory of a user without rights, whom this process is meanwhile: root may read everything."""
    with tempfile.TemporaryDirectory() as directory:
        was = os.geteuid()
        if not was:
            os.chown(directory, 65_534, 65_534)
            os.seteuid(65_534)
        try:
            yield Path(directory)
        finally:
            os.seteuid(was)


def test_what_may_not_be_read_is_said(nobody: Path) -> None:
    """A directory without rights is a problem, a file without rights a row; the rest is done."""
    for i, name in enumerate(("a.wav", "b.wav", "c/d.wav")):
        recording(nobody / "in" / name, seed=i)
    (nobody / "in" / "b.wav").chmod(0)
    (nobody / "in" / "c").chmod(0)
    search = Search(str(nobody / "in"), str(nobody / "out"))
    found = {each.name: each.source for each in search}
    assert [problem.reason for problem in search.problems] == ["a directory cannot be read: Permission denied"]
    assert list(found) == ["a.wav", "b.wav"]
    fetch(found["b.wav"], nobody / "recording.wav")
    with pytest.raises(InputError, match="Permission denied"):
        audio.probe(nobody / "recording.wav")
    (nobody / "in" / "c").chmod(0o700)


def test_in_that_may_not_be_reached_is_refused(nobody: Path) -> None:
    """As input that cannot be read, not as a fault of the manifest."""
    recording(nobody / "closed" / "in" / "a.wav")
    (nobody / "closed").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        list(Search(str(nobody / "closed" / "in"), str(nobody / "out")))
    (nobody / "closed").chmod(0o700)


def test_ten_thousand_other_files_are_passed_over(archive: Path, out: Path) -> None:
    """They are counted, not opened."""
    (archive / "notes").mkdir()
    for i in range(10_000):
        (archive / "notes" / f"{i}.txt").touch()
    result = ran(archive, out)
    assert (result.summary.passed, result.summary.states) == (10_000, {"done": 3})


def test_what_is_no_file_is_never_opened(archive: Path, out: Path) -> None:
    """A pipe by the name of a recording would wait for ever."""
    os.mkfifo(archive / "pipe.wav")
    result = ran(archive, out)
    assert (result.summary.passed, result.summary.states) == (1, {"done": 3})


def test_names_that_differ_in_case_or_kind_only_do_not_collide(tmp_path: Path, out: Path) -> None:
    """OUT may be on a disk that does not tell them apart, and `.wav` and `.mp3` of one name have the same outputs."""
    for i, name in enumerate(("Call.wav", "call.wav", "call.WAV", "CALL.mp3")):
        recording(tmp_path / "in" / name, seed=i)
    result = ran(tmp_path / "in", out)
    stems = [name.removesuffix(".redacted.txt") for name in files(out)]
    assert len({stem.casefold() for stem in stems}) == 4
    assert result.summary.states == {"done": 4}
    assert ran(tmp_path / "in", out).events[0]["todo"] == 0


@pytest.mark.parametrize(
    "name",
    ["a\nb.wav", "Ünïcödé.wav", "звонок.wav", "通話.wav", "a'\"$(x);&.wav", "-o.wav", os.fsdecode(b"\xff\xfe.wav")],
)
def test_any_name_is_mirrored(tmp_path: Path, out: Path, name: str) -> None:
    """Line breaks, other alphabets, what shells take for more, and bytes that are no text."""
    recording(tmp_path / "in" / name)
    result = ran(tmp_path / "in", out)
    assert files(out) == [f"{name.removesuffix('.wav')}.redacted.txt"]
    assert json.loads((out / "manifest.jsonl").read_text())["name"] == name
    assert result.summary.exit_code == 0


def test_a_name_that_grows_too_long_is_a_row(tmp_path: Path, out: Path) -> None:
    """The outputs' names are longer than the recording's. The others are done."""
    recording(tmp_path / "in" / ("n" * 250 + ".wav"))
    recording(tmp_path / "in" / "a.wav", seed=1)
    result = ran(tmp_path / "in", out)
    assert result.summary.states == {"done": 1, "failed": 1}
    assert result.rows[1]["kind"] == "InputError"


def test_the_same_recording_twice_is_mirrored_twice(tmp_path: Path, out: Path) -> None:
    """Both places have their outputs, and the summary says that there are copies."""
    recording(tmp_path / "in" / "a.wav")
    recording(tmp_path / "in" / "b.wav")
    assert ran(tmp_path / "in", out).summary.copies == 1
    assert (out / "a.redacted.txt").read_bytes() == (out / "b.redacted.txt").read_bytes()


@pytest.mark.parametrize("inside", ["out", ".", "2024"])
def test_out_may_be_inside_in(archive: Path, inside: str) -> None:
    """Outputs are no recordings: neither those in OUT nor any others by their names."""
    ran(archive, archive / inside, formats=["wav"])
    assert ran(archive, archive / inside, formats=["wav"]).events[0]["todo"] == 0


def test_a_pattern_chooses(archive: Path, out: Path) -> None:
    """`**` goes through directories, and names are relative to what stands before the first star."""
    ran(f"{archive}/**/[bc].wav", out)
    assert files(out) == ["2024/c.redacted.txt", "b.redacted.txt"]


def test_one_recording_is_a_batch_too(archive: Path, out: Path) -> None:
    """A file that is no list is the recording itself."""
    ran(archive / "a.wav", out)
    assert files(out) == ["a.redacted.txt"]


@pytest.mark.parametrize("source", ["nothing", "nothing/*.wav"])
def test_in_that_is_not_there_is_refused(tmp_path: Path, out: Path, source: str) -> None:
    """At once, with the exit code of input that cannot be read."""
    with pytest.raises(InputError):
        ran(tmp_path / source, out)


def test_unknown_schemes_are_refused(out: Path) -> None:
    """A message says which are read."""
    with pytest.raises(UsageError, match="s3://"):
        ran("ftp://a/b", out)


# What may happen meanwhile.


def test_two_runs_on_one_out_are_refused(archive: Path, out: Path) -> None:
    """The second one ends at once, whatever its IN, and with a manifest elsewhere too."""
    with Batch(order(archive, out)):
        with pytest.raises(StateError, match="another run"):
            Batch(order(archive, out))
        with pytest.raises(StateError, match="another run"):
            Batch(order(archive, out, state=out.parent / "state"))


def test_files_in_the_way_are_left(archive: Path, out: Path) -> None:
    """What an output would replace is not the manifest's own: it stays, and the row says so until it is forced."""
    out.mkdir()
    (out / "a.redacted.txt").write_text("mine")
    result = ran(archive, out)
    assert result.summary.states == {"done": 2, "failed": 1}
    assert (out / "a.redacted.txt").read_text() == "mine"
    assert ran(archive, out, force=True).summary.states == {"done": 3}
    assert (out / "a.redacted.txt").read_text() != "mine"


def test_what_was_complete_when_it_was_killed_is_not_done_again(archive: Path, out: Path) -> None:
    """Outputs that wait for their places beside their row are given them by the next run, and nobody listens again."""
    with Batch(order(archive, out, formats=["txt", "wav"])) as batch:
        batch.find()
        task = next(batch._tasks())
    work = Work(batch.given, redactor(Saying()))
    row = work(task.body)
    work.close()
    stage = stage_of(str(out), task.body["id"])
    assert row["state"] == "done"
    assert stage
    # As it was before the last output had its place.
    (out / "a.redacted.txt").replace(stage / "a.redacted.txt")
    result = ran(archive, out, formats=["txt", "wav"])
    assert (result.events[0]["todo"], result.heard, result.summary.states) == (2, 2, {"done": 3})
    assert (out / "a.redacted.txt").exists()


def test_a_second_attempt_goes_on_where_the_first_died(archive: Path, out: Path) -> None:
    """A worker that dies when all is made and not all is in its place: the next one puts it there."""
    with Batch(order(archive, out, formats=["txt", "wav"])) as batch:
        batch.find()
        task = next(batch._tasks())
        saying = Saying()
        work = Work(batch.given, redactor(saying))
        first = work(task.body)
        stage = stage_of(str(out), task.body["id"])
        assert stage
        (out / "a.redacted.wav").replace(stage / "a.redacted.wav")
        second = work(task.body)
        work.close()
    assert len(saying.heard) == 1
    assert first.keys() == second.keys()
    assert (out / "a.redacted.wav").exists()


def test_what_was_half_done_when_it_was_killed_is_removed(archive: Path, out: Path) -> None:
    """A stage without its row is no result."""
    stage = stage_of(str(out), 1)
    assert stage
    stage.mkdir(parents=True)
    (stage / "a.redacted.txt").write_text("half")
    (stage / f"{ROW}.part").write_text('{"outputs": ')
    assert settle(str(out), stage) is None
    result = ran(archive, out)
    assert result.heard == 3
    assert not list((out / ".offrecord" / "work").glob("*"))
    stage_of(str(out), 99).mkdir(parents=True)  # type: ignore[union-attr]
    ran(archive, out)
    assert not (out / ".offrecord" / "work").exists()


def test_a_lost_manifest_is_taken_from_the_exported_one(archive: Path, out: Path) -> None:
    """So a bucket's batch goes on from another machine."""
    before = ran(archive, out)
    shutil.rmtree(out / ".offrecord")
    again = ran(archive, out)
    assert again.events[0]["todo"] == 0
    assert again.rows == before.rows


def test_a_damaged_manifest_is_refused_and_left(archive: Path, out: Path) -> None:
    """Better not to start than to do all again beside it."""
    ran(archive, out)
    (out / ".offrecord" / "manifest.db").write_bytes(b"no database, but long enough to be one" * 100)
    with pytest.raises(StateError, match="manifest"):
        ran(archive, out)


_FULL = """
mount -t tmpfs -o size=700k none out && {batch}; echo exit $?; find out -name '*.wav' -size -310k | wc -l
mount -o remount,size=9m out && {batch}; echo exit $?; find out -name '*.wav' | wc -l
"""


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0,
    reason="needs a mount of its own",
)
def test_a_full_disk_ends_the_run(tmp_path: Path) -> None:
    """It would be the same for all that is left, so they wait; with room again, the run goes on where it was."""
    words = [{"text": word, "start": 100 * i, "end": 100 * i + 100} for i, word in enumerate(SAID.split())]
    (tmp_path / "said.json").write_text(json.dumps({"words": words}))
    (tmp_path / "out").mkdir()
    for i in range(6):
        write(tmp_path / f"{i}.wav", voice(20, 8_000, seed=i), 8_000, "pcm_s16le", "wav")
    lines = [json.dumps({"source": f"{i}.wav", "transcript": "said.json", "verify": "off"}) for i in range(6)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    command = f"{sys.executable} -m offrecord batch list.jsonl out --formats wav --processes 1"
    script = _FULL.format(batch=command)
    said = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.stdout.split("\n")[:-1] == ["exit 7", "0", "exit 0", "6"], said.stderr
    assert re.search(r"all: .* waiting;", said.stderr)
    assert "No space left on device" in said.stderr


def test_a_part_of_out_may_be_on_another_disk(archive: Path, out: Path) -> None:
    """A directory of OUT that leads to another file system gets its outputs, whole, and nothing else."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or memory.stat().st_dev == archive.stat().st_dev:
        pytest.skip("there is one file system alone")
    with tempfile.TemporaryDirectory(dir=memory) as other:
        out.mkdir()
        (out / "2024").symlink_to(other)
        assert ran(archive, out).summary.states == {"done": 3}
        row = json.loads((out / "manifest.jsonl").read_text().splitlines()[2])
        assert sorted(path.name for path in Path(other).iterdir()) == sorted(
            Path(name).name for name, *_ in row["outputs"]
        )
        for name, size, digest in row["outputs"]:
            data = (out / name).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (size, digest)


def test_a_dry_run_leaves_nothing(archive: Path, out: Path, tmp_path: Path) -> None:
    """It counts, and measures headers."""
    with Batch(order(archive, out, state=tmp_path / "state", dry=True)) as batch:
        start = batch.find()
        looked = estimate.of(batch.manifest)
    assert start["todo"] == 3
    assert looked.sound == pytest.approx(3_000, rel=0.02)
    assert looked.work is None
    assert not out.exists()


def test_a_dry_run_estimates_by_what_was_done(archive: Path, out: Path) -> None:
    """At the pace of the recordings that the manifest has."""
    ran(archive, out, limit=1)
    with Batch(order(archive, out, dry=True)) as batch:
        batch.find()
        looked = estimate.of(batch.manifest)
    assert looked.todo == 2
    assert looked.work is not None


# The command.


def _command(*arguments: str | Path, **given: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "offrecord", "batch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **given)


def test_the_command_does_it_all(tmp_path: Path) -> None:
    """With a real recogniser in a real process: JSON lines, outputs, reports, exit code; then nothing is left to do."""
    (tmp_path / "in").mkdir()
    example = Path(__file__).parents[2] / "shared" / "audio" / "google_samples"
    shutil.copyfile(min(example.glob("*.wav")), tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "b.wav").write_bytes(b"no sound")
    result = _command(tmp_path / "in", tmp_path / "out", "--json", "--processes", "1", "--formats", "txt,json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["start", "recording", "recording", "end"]
    assert result.returncode == events[-1]["exit_code"] == 3
    assert files(tmp_path / "out") == ["a.redacted.json", "a.redacted.txt"]
    assert stat.S_IMODE((tmp_path / "out" / ".offrecord" / "manifest.db").stat().st_mode) == 0o600
    again = _command(tmp_path / "in", tmp_path / "out", "--json", "--formats", "txt,json")
    assert json.loads(again.stdout.splitlines()[0])["todo"] == 0


def test_the_command_refuses_what_cannot_be(tmp_path: Path) -> None:
    """One line, and the exit code of usage."""
    result = _command(tmp_path, tmp_path / "out", "--formats", "doc")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)


def test_ctrl_c_is_no_loss(tmp_path: Path) -> None:
    """Stopped, it writes its reports and ends with 130; what was done is not done again."""
    for i in range(40):
        recording(tmp_path / "in" / f"{i}.wav", seed=i % 3)
    command = [
        sys.executable,
        "-m",
        "offrecord",
        "batch",
        "in",
        "out",
        "--json",
        "--processes",
        "1",
        "--formats",
        "txt",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        events = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(2)
        rest, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    done = sum(event["event"] == "recording" for event in events + [json.loads(line) for line in rest.splitlines()])
    assert (tmp_path / "out" / "report.html").exists()
    with_all = json.loads(_command("in", "out", "--json", "--dry-run", "--formats", "txt", cwd=tmp_path).stdout)
    assert with_all["todo"] in (40 - done, 40 - done - 1)


def test_the_pace_of_a_day_has_as_many_steps_as_that_of_a_minute() -> None:
    """They double instead of growing in number."""
    pace = Pace()
    for hour in range(24):
        pace.add(3_600_000, hour * 3_600_000)
    assert len(pace.bins) <= 120
    assert sum(pace.bins.values()) == pace.sound == 24 * 3_600_000


def test_what_a_killed_worker_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a recording does not outlive its worker by more than the start of the next; a living one keeps its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "from offrecord.rooms import Rooms; import os; r = Rooms().room(); p = r.__enter__(); "
    code += "(p / 'recording.wav').write_bytes(b'sound'); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)
    assert len(list(tmp_path.rglob("recording.wav"))) == 1
    alive = Rooms()
    with alive.room() as room:
        (room / "mine.wav").touch()
        other = Rooms()
        assert [path.name for path in tmp_path.rglob("*.wav")] == ["mine.wav"]
    alive.close()
    other.close()
    assert not list(next(tmp_path.iterdir()).iterdir())


def test_sound_alone_of_silence_is_a_failure(archive: Path, out: Path) -> None:
    """There is nothing else to write, as with `redact`."""
    result = ran(archive, out, saying=Saying(""), formats=["wav"])
    assert (result.summary.states, result.summary.exit_code) == ({"failed": 3}, NoSpeech.exit_code)


def test_the_report_asks_nothing(archive: Path, out: Path) -> None:
    """No script, no address, and a policy that allows neither; the numbers are in it."""
    (archive / "b.wav").write_bytes(b"no sound")
    ran(archive, out)
    page = (out / "report.html").read_text()
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not re.search(r"<script|src=|href=\"(?!data:)|https?:|url\(", page)
    assert all(told in page for told in ("person name", ">2</text>", "this is not a recording", "<svg"))


def test_failures_that_differ_by_numbers_are_one_cause(tmp_path: Path) -> None:
    """Neither a place nor a length nor the extension parts them."""
    manifest = Manifest(tmp_path / "manifest.db")
    said = ("recording.wav: heard at 12 to 15 ms", "recording.mp3: heard at 7 to 9 ms", "recording: heard at 1 to 2 ms")
    with manifest.finding():
        for i in range(3):
            manifest.see(Found(f"{i}.wav", f"{i}.wav"))
    for i, error in enumerate(said, 1):
        row = {"state": "failed", "code": 6, "kind": "Unverified", "error": error, "settings": "", "signature": ""}
        manifest.record(i, row)
    assert summed(manifest, Pace()).causes == [(6, "Unverified", "heard at N to N ms", 3)]
    manifest.close()
