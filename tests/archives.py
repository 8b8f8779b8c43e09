"""What the tests of batches share: a recogniser that says what it is told, an executor in this process, recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from sounds import voice, write

import offrecord
from offrecord import audio
from offrecord.batch.recipe import Recipe
from offrecord.batch.run import Batch, Order
from offrecord.batch.summary import Summary
from offrecord.batch.work import Work
from offrecord.errors import OffrecordError
from offrecord.executors import DIED, Outcome, Task
from offrecord.transcribe import Chunk, Listener, overheard
from offrecord.types import Word

SAID = "my name is Margaret Thompson"


@dataclass
class Saying:
    """A recogniser that hears the same words in every recording, and counts the recordings."""

    text: str = SAID
    name: str = "saying"
    heard: list[Path] = field(default_factory=list)

    def transcribe(
        self, path: Path, channels: Literal["mono", "separate"] = "mono", *, listen: Listener | None = None
    ) -> Iterator[Chunk]:
        """One chunk with the words, a tenth of a second each."""
        self.heard.append(path)
        samples = sum(block.shape[1] for block in overheard(audio.decode(path, rate=16_000, channels=channels), listen))
        words = [Word(text, 100 * i, 100 * i + 100) for i, text in enumerate(self.text.split())]
        yield Chunk(words, samples // 16)


@cache
def _tagger() -> Any:
    return offrecord.Redactor().tagger


def redactor(saying: Saying, **given: Any) -> offrecord.Redactor:
    """A redactor with this recogniser, that listens to nothing again."""
    made = offrecord.Redactor(verify="off", **given)
    vars(made).update(recogniser=saying, tagger=_tagger())
    return made


def recording(path: Path, seed: int = 0) -> Path:
    """A second of sound at ``path``; another ``seed`` is another sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_sound(seed))
    return path


@cache
def _sound(seed: int) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        made = write(Path(directory) / "a.wav", voice(1, 8_000, seed=seed), 8_000, "pcm_s16le", "wav")
        return made.read_bytes()


class Here:
    """An executor in this process. ``dies`` says of a task how often its worker dies at it."""

    slots = 1
    ready = 1
    died = 0

    def __init__(self, work: Callable[[Mapping[str, Any]], Any], attempts: int = 3) -> None:
        self.work, self.attempts = work, attempts
        self.bodies: list[Mapping[str, Any]] = []
        self.dies: Callable[[Mapping[str, Any]], int] = lambda _: 0

    def run(self, tasks: Iterable[Task | None]) -> Iterator[Outcome]:
        """One after the other."""
        for task in tasks:
            if task is None:
                continue
            self.bodies.append(task.body)
            deaths = self.dies(task.body)
            if deaths >= self.attempts:
                error = f"its worker died {self.attempts} times"
                yield Outcome(task.key, None, error, DIED, self.attempts, 0.0)
                continue
            try:
                yield Outcome(task.key, self.work(task.body), None, 0, deaths + 1, 0.0)
            except OffrecordError as error:
                yield Outcome(task.key, None, str(error), error.exit_code, deaths + 1, 0.0)

    def drop(self, key: str) -> None:
        """Nothing is at work while somebody could say this."""

    def close(self) -> None:
        """Nothing runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Ran:
    """A run that has ended: its summary, the events, the recogniser and the executor."""

    summary: Summary
    events: list[Mapping[str, Any]]
    saying: Saying
    executor: Here
    rows: list[dict[str, Any]]

    @property
    def heard(self) -> int:
        """How many recordings were recognised."""
        return len(self.saying.heard)


def order(source: Path | str, out: Path | str, **given: Any) -> Order:
    """An order for texts alone unless ``formats`` says otherwise; settings of a redactor may be among ``given``."""
    formats = given.pop("formats", ["txt"])
    asked = {name: given.pop(name) for name in list(given) if name in Order.__slots__}
    recipe = Recipe.of(redactor(Saying(), **given), formats, given.get("policy"))
    return replace(Order(str(source), str(out), recipe), **asked)


def ran(
    source: Path | str,
    out: Path | str,
    *,
    prepare: Callable[[Here], None] = lambda _: None,
    saying: Saying | None = None,
    **given: Any,
) -> Ran:
    """Run a batch in this process."""
    said = saying or Saying()
    asked = order(source, out, **dict(given))
    settings = {name: value for name, value in given.items() if name not in (*Order.__slots__, "formats")}
    events: list[Mapping[str, Any]] = []
    with Batch(asked) as batch:
        work = Work(batch.given, redactor(said, **settings))
        executor = Here(work)
        prepare(executor)
        try:
            if batch.find(events.append)["todo"]:
                batch.go(executor, events.append)
            batch.write_reports()
        finally:
            work.close()
        return Ran(batch.summary(), events, said, executor, list(batch.manifest.exported()))


def files(directory: Path) -> list[str]:
    """The outputs in a directory: all but what is ours."""
    ours = {"report.html", "manifest.jsonl"}
    found = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != ".offrecord" and str(path) not in ours)
