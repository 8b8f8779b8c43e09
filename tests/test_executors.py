"""Both executors do the same with tasks that end well, fail, or take their worker with them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offrecord.errors import FailedClosed, ModelError, UsageError
from offrecord.executors import DIED, Executor, Outcome, Task
from offrecord.executors.local import Local, cores
from offrecord.executors.ray import OnRay

TESTS = Path(__file__).parent
CANARY = "Zyxanderwick"
Make = Callable[..., Executor]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, for all tests of this file."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture(params=["local", "ray"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """What makes an executor of `works.Obedient`, with two workers."""
    if request.param == "ray":
        request.getfixturevalue("cluster")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    made: list[Executor] = []

    def executor(workers: int = 2, given: dict[str, Any] | None = None, **more: Any) -> Executor:
        given = {"notes": str(tmp_path / "notes")} | (given or {})
        local = request.param == "local"
        made.append(
            Local("works:Obedient", given, workers, **more)
            if local
            else OnRay("works:Obedient", given, "local", workers, **more)
        )
        return made[-1]

    yield executor
    for one in made:
        one.close()


def _tasks(*does: str, **body: Any) -> list[Task]:
    return [Task(f"{n}", {"do": do, "name": f"n{n}", **body}) for n, do in enumerate(does)]


def _by_key(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    assert len({outcome.key for outcome in found}) == len(found)
    return {outcome.key: outcome for outcome in found}


def _noted(tmp_path: Path, what: str) -> list[tuple[str, str]]:
    rows = [line.split(" ") for line in (tmp_path / "notes").read_text().splitlines()]
    return [(pid, of) for word, pid, of in rows if word == what]


CASES: dict[str, tuple[bool, str | None, int, int]] = {
    # what is told: done, error, exit code, attempts
    "well": (True, None, 0, 1),
    "fail": (False, "n0: this is no recording", 3, 1),
    "die": (False, "its worker died 3 times", DIED, 3),
    "die_once": (True, None, 0, 2),
    "fault": (False, "its worker died 3 times (internal fault: ZeroDivisionError at works.py)", DIED, 3),
    "print": (True, None, 0, 1),
}


@pytest.mark.parametrize("do", CASES)
def test_how_a_task_ends(make: Make, do: str) -> None:
    """Done, refused with the code of its error, or given up after three workers died at it; others go on."""
    outcomes = _by_key(make().run(_tasks(do, "well", "well")))
    done, error, code, attempts = CASES[do]
    told = outcomes["0"]
    said = told.error and re.sub(r":\d+\)$", ")", told.error)
    assert (told.body is not None, said, told.exit_code, told.attempts) == (done, error, code, attempts)
    assert [outcomes[key].error for key in ("1", "2")] == [None, None]


def test_the_work_is_built_once_for_each_worker(make: Make, tmp_path: Path) -> None:
    """Models are loaded once, however many tasks there are, and in a second run not again."""
    executor = make()
    for _ in range(2):
        assert len(_by_key(executor.run(_tasks(*["well"] * 20, seconds=0.01)))) == 20
    assert 1 <= len(_noted(tmp_path, "built")) <= 2
    assert len(_noted(tmp_path, "begun")) == 40


def test_a_single_task_starts_a_single_worker(make: Make, tmp_path: Path) -> None:
    """A machine with many cores does not load many models for one recording."""
    _by_key(make(2).run(_tasks("well")))
    assert len(_noted(tmp_path, "built")) == 1


def test_tasks_are_taken_when_there_is_a_slot(make: Make) -> None:
    """A source of a million tasks is not read ahead: never more than twice the slots are under way."""
    taken = given = 0
    most = 0

    def source() -> Iterator[Task]:
        nonlocal taken, most
        for task in _tasks(*["well"] * 30):
            taken += 1
            most = max(most, taken - given)
            yield task

    for _ in make().run(source()):
        given += 1
    assert given == 30
    assert most <= 4


def test_a_source_may_have_nothing_for_a_while(make: Make) -> None:
    """None is no task and no end: it is asked again, and outcomes come meanwhile."""
    got = threading.Event()

    def source() -> Iterator[Task | None]:
        yield Task("first", {"do": "well"})
        while not got.is_set():
            yield None
        yield Task("second", {"do": "well"})

    keys = []
    for outcome in make().run(source()):
        keys.append(outcome.key)
        got.set()
    assert keys == ["first", "second"]


def test_no_worker_is_killed_for_nothing(make: Make, tmp_path: Path) -> None:
    """`kill -9` of a worker in the middle of a task costs one attempt of that task, and no other task anything."""
    executor = make()
    killed: list[int] = []

    def kill() -> None:
        while not (tmp_path / "notes").exists() or not (
            begun := [p for p, n in _noted(tmp_path, "begun") if n == "n0"]
        ):
            time.sleep(0.02)
        killed.append(int(begun[0]))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = _by_key(executor.run(_tasks("well", "well", "well", seconds=0.7)))
    killer.join()
    assert {key: outcome.attempts for key, outcome in outcomes.items()} == {"0": 2, "1": 1, "2": 1}
    assert all(outcome.body and outcome.body["pid"] not in killed for outcome in outcomes.values())
    assert executor.died == 1


def test_what_is_dropped_is_given_up(make: Make) -> None:
    """The task ends in an error, its worker with it, and the next one is done."""
    executor = make(1)
    tasks = [Task("0", {"do": "well", "seconds": 600}), Task("1", {"do": "well"})]
    threading.Timer(0.2, executor.drop, ["0"]).start()
    outcomes = [(outcome.key, outcome.error, outcome.exit_code) for outcome in executor.run(tasks)]
    assert outcomes == [("0", "given up", DIED), ("1", None, 0)]


def test_models_that_cannot_be_loaded_are_an_error_of_their_own(make: Make) -> None:
    """Nothing can be done without: the error is raised as it is, and no task is blamed."""
    with pytest.raises(ModelError, match="there is no model here"):
        list(make(given={"refuse": True}).run(_tasks("well")))


def test_workers_that_die_before_they_are_ready_end_it(make: Make) -> None:
    """It is not tried without end."""
    with pytest.raises(FailedClosed, match="died once before they were ready"):
        list(make(given={"die": True}, attempts=1).run(_tasks("well")))


def test_threads_are_those_of_the_core_group(make: Make, tmp_path: Path) -> None:
    """Two workers with one thread each; a worker that is given threads has those."""
    _by_key(make(given={"threads": 1}).run(_tasks("well")))
    assert {threads for _, threads in _noted(tmp_path, "built")} == {"1"}


def test_no_worker_at_all_is_refused(make: Make) -> None:
    """Zero processes would wait for ever."""
    with pytest.raises(UsageError, match="expected 1 or more"):
        make(0)


def test_keys_are_kept_from_the_workers(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that they are not to see is not in their environment."""
    monkeypatch.setenv("OFFRECORD_API_KEYS", "secret")
    (outcome,) = make(without={"OFFRECORD_API_KEYS"}).run(_tasks("environment"))
    assert outcome.body is not None
    assert outcome.body["PYTHONPATH"]
    assert "OFFRECORD_API_KEYS" not in outcome.body


def test_the_cores_are_shared_out() -> None:
    """As many processes as cores, with one thread each; fewer where a process is given more."""
    slots = [Local("works:Obedient", given).slots for given in ({}, {"threads": cores()}, {"device": "cuda"})]
    assert 1 <= slots[0] <= cores()
    assert slots[1:] == [1, 1]


def test_what_a_worker_prints_or_raises_is_in_no_file_of_ray(cluster: None, tmp_path: Path) -> None:
    """Ray keeps the output of its workers, and what it says of those that died, in files on every node."""
    ray = importlib.import_module("ray")
    tasks = [Task(f"{n}", {"do": do, "name": CANARY}) for n, do in enumerate(("print", "fault", "die", "well"))]
    with OnRay("works:Obedient", {"notes": str(tmp_path / "notes")}, "local", 2) as executor:
        outcomes = _by_key(executor.run(tasks))
    assert outcomes["1"].error
    assert CANARY not in outcomes["1"].error
    logs = Path(ray._private.worker._global_node.get_logs_dir_path())
    texts = {path.name: path.read_text(errors="replace") for path in logs.rglob("*") if path.is_file()}
    assert any(name.startswith("worker-") for name in texts)
    assert [name for name, text in texts.items() if CANARY in text] == []


def test_a_process_logs_our_lines_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The packages that buckets are read with log the addresses, in which there are names."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    with Local("works:Obedient", {"notes": str(tmp_path / "notes")}, 1) as executor:
        _by_key(executor.run([Task("0", {"do": "print", "name": CANARY})]))
    out, err = capfd.readouterr()
    assert err.endswith(" offrecord done\n")
    assert CANARY not in out + err


def test_on_a_gpu_an_actor_has_one_of_its_own(cluster: None) -> None:
    """As many actors as GPUs; a cluster without any has room for none, and says so by waiting."""
    with OnRay("works:Obedient", {"device": "cuda"}, "local") as executor:
        assert executor.slots == 1
    with OnRay("works:Obedient", {"threads": 2}, "local") as executor:
        assert executor.slots == 1
    with OnRay("works:Obedient", {}, "local") as executor:
        assert executor.slots == 2


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """Not Ray's own words, which are many: where nobody answers, and what to look at."""
    pytest.importorskip("ray")
    command = [sys.executable, "-m", "offrecord", "batch", ".", "out", "--ray", "127.0.0.1:1"]
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 7
    assert "no Ray cluster answers at 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


DRIVER = """
import sys
from offrecord.executors import Task
from offrecord.executors.local import Local
from offrecord.executors.ray import OnRay
where, notes = sys.argv[1:]
given = {"notes": notes}
executor = Local("works:Obedient", given, 2) if where == "local" else OnRay("works:Obedient", given, "local", 2)
list(executor.run(Task(str(n), {"do": "well", "seconds": 600}) for n in range(4)))
"""


@pytest.mark.parametrize("where", ["local", "ray"])
def test_the_workers_end_with_their_parent(where: str, tmp_path: Path) -> None:
    """`kill -9` of the parent ends them in the middle of a task, wherever they run."""
    if where == "ray" and importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed")
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, where, str(tmp_path / "notes")], env=environment, stderr=subprocess.DEVNULL
    ) as driver:
        _until(lambda: (tmp_path / "notes").exists() and len(_noted(tmp_path, "begun")) == 2)
        driver.kill()
    pids = [int(pid) for pid, _ in _noted(tmp_path, "begun")]
    _until(lambda: not any(_runs(pid) for pid in pids))
    assert len(_noted(tmp_path, "begun")) == 2


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _until(look: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "nothing happened for too long"
        time.sleep(0.05)
