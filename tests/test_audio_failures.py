"""Writing redacted sound that fails: a clear error, nothing half-written, and what stood there before stands."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from sounds import voice, write

from offrecord import audio
from offrecord.errors import InputError, OffrecordError, OutputError, UnknownFormat, UsageError

CALL = AUDIO / "calls" / "d036.mp3"
ROOT = Path(__file__).parents[1]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"container": "avi"}, UnknownFormat, "unknown container 'avi'"),
        ({"container": "mp3"}, UnknownFormat, "at most 2 channels, the recording has 6"),
        ({"sound": "none"}, UsageError, "sound 'none'"),
        ({"muted": [(5, 3)]}, UsageError, "ends before it starts"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    settings: dict[str, object], error: type[OffrecordError], message: str, tmp_path: Path
) -> None:
    """A clear line, and nothing is written."""
    source = write(tmp_path / "in.wav", voice(1, 48_000, 6), 48_000, "pcm_s16le", "wav")
    given = {"muted": [], "sound": "beep", **settings}
    with pytest.raises(error, match=message):
        audio.write_redacted(source, tmp_path / "out", **given)  # type: ignore[arg-type]
    assert names(tmp_path) == ["in.wav"]


def test_what_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    """An error in the source is one of the source, and what stood at the target stands."""
    (tmp_path / "in.mp3").write_text("no sound " * 1_000)
    (tmp_path / "out.mp3").write_text("kept")
    with pytest.raises(InputError, match=r"in\.mp3"):
        audio.write_redacted(tmp_path / "in.mp3", tmp_path / "out.mp3", [], sound="beep")
    assert (tmp_path / "out.mp3").read_text() == "kept"
    assert names(tmp_path) == ["in.mp3", "out.mp3"]


def _missing(directory: Path) -> Path:
    return directory / "nowhere" / "out.wav"


def _under_a_file(directory: Path) -> Path:
    (directory / "file").touch()
    return directory / "file" / "out.wav"


def _a_directory(directory: Path) -> Path:
    (directory / "out.wav").mkdir()
    return directory / "out.wav"


def _system(directory: Path) -> Path:
    return Path("/sys/out.wav")  # not even root may create a file there


@pytest.mark.parametrize("where", [_missing, _under_a_file, _a_directory, _system])
def test_a_place_that_cannot_be_written_is_an_error_of_output(where: Callable[[Path], Path], tmp_path: Path) -> None:
    """The target is named, the reason is the system's, and nothing is left."""
    target = where(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=r"out\.wav cannot be written: \w+") as caught:
        audio.write_redacted(CALL, target, [], sound="beep", container="wav")
    assert caught.value.__suppress_context__
    assert sorted(tmp_path.rglob("*")) == before


RUN = (
    "import sys; from pathlib import Path; from offrecord import audio, errors\n"
    "try: audio.write_redacted(Path(sys.argv[1]), Path(sys.argv[2]), [(0, 500)], sound='beep', container=sys.argv[3])\n"
    "except errors.OutputError as error: sys.exit(f'OutputError: {error}')\n"
)


def run(*arguments: str | Path, largest_file: int | None = None) -> subprocess.Popen[str]:
    """`write_redacted` in a process of its own, which may write files of ``largest_file`` bytes at most."""

    def limited() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,  # noqa: PLW1509 - no thread runs here
    )


@pytest.mark.parametrize("container", audio.CONTAINERS)
@pytest.mark.parametrize("largest", [0, 30_000])
def test_a_full_disk_leaves_nothing(container: str, largest: int, tmp_path: Path) -> None:
    """Whenever the room ends, at the first byte or in the last: an error of output, and what stood there stands."""
    target = tmp_path / f"out.{container}"
    target.write_text("kept")
    process = run(CALL, target, container, largest_file=largest)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said.startswith("OutputError: ")
    assert "File too large" in said
    assert len(said.splitlines()) == 1
    assert target.read_text() == "kept"
    assert names(tmp_path) == [target.name]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of writing: the process ends, its temporary file is gone, what stood there stands."""
    source = write(tmp_path / "long.wav", np.tile(voice(5, 16_000), 360), 16_000, "pcm_s16le", "wav")
    target = tmp_path / "out.mp3"
    target.write_text("kept")
    process = run(source, target, "mp3")
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".offrecord-*")):
        assert process.poll() is None, "it ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
    assert process.returncode != 0
    assert target.read_text() == "kept"
    assert names(tmp_path) == ["long.wav", target.name]
