"""Lists of recordings: what a line may say, and what becomes of those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from archives import Saying, files, ran, recording
from servers import Answer, Request, Server

from offrecord.batch.finding import Found, Problem
from offrecord.batch.lists import listed
from offrecord.errors import InputError


def _jsonl(path: Path, *lines: Any) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def _read(path: Path) -> tuple[list[Found], list[Problem]]:
    rows = list(listed(str(path)))
    return [row for row in rows if isinstance(row, Found)], [row for row in rows if isinstance(row, Problem)]


def test_paths_are_relative_to_the_list(tmp_path: Path) -> None:
    """And outputs are mirrored under the path as it was given."""
    recording(tmp_path / "calls" / "a.wav")
    ran(_jsonl(tmp_path / "list.jsonl", {"path": "calls/a.wav"}), tmp_path / "out")
    assert files(tmp_path / "out") == ["calls/a.redacted.txt"]


def test_csv_says_the_same(tmp_path: Path) -> None:
    """A header, then rows; a name may hold a comma, a quote and a line break."""
    recording(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text('\ufeffsource,name,policy,pad\na.wav,"x/""y"",\nz.wav",pci,100\n')
    found, problems = _read(tmp_path / "list.csv")
    assert (found[0].name, found[0].options, problems) == ('x/"y",\nz.wav', {"policy": "pci", "pad": "100"}, [])
    ran(tmp_path / "list.csv", tmp_path / "out")
    assert files(tmp_path / "out") == ['x/"y",\nz.redacted.txt']


BROKEN = [
    "{not json",
    "[]",
    "{}",
    {"source": 7},
    {"source": ""},
    {"source": "a.wav", "url": "https://a/b.wav"},
    {"source": "a.wav", "polcy": "pci"},
    {"source": "a.wav", "policy": "no_such_label"},
    {"source": "a.wav", "substitute": "maybe"},
    {"source": "a.wav", "pad": "much"},
    {"source": "a.wav", "name": "../a.wav"},
    {"source": "a.wav", "name": "/a.wav"},
    {"source": "a.wav", "name": "a//b.wav"},
    {"source": "a.wav", "name": ".offrecord/a.wav"},
    {"source": "a.wav", "name": ["a.wav"]},
    {"source": "a.wav", "transcript": 7},
    {"source": "../../a.wav"},
    {"source": "a.txt"},
    {"source": "gopher://a/b.wav"},
    {"source": "a\0.wav"},
]


@pytest.mark.parametrize("line", BROKEN, ids=str)
def test_a_broken_line_is_reported_and_the_rest_goes_on(tmp_path: Path, line: Any) -> None:
    """With its number and without a word of it; the exit code says that something was wrong."""
    recording(tmp_path / "a.wav")
    result = ran(_jsonl(tmp_path / "list.jsonl", line, {"source": "a.wav"}), tmp_path / "out")
    assert [problem.line for problem in result.summary.problems] == [1]
    assert result.summary.states == {"done": 1}
    assert result.summary.exit_code == InputError.exit_code
    assert "no_such_label" not in str(result.summary.problems)


def test_lines_that_are_no_text_are_broken(tmp_path: Path) -> None:
    """In both kinds of list, and the line after is read."""
    recording(tmp_path / "a.wav")
    (tmp_path / "list.jsonl").write_bytes(b'{"source": "\xff.wav"}\n{"source": "a.wav"}\n')
    (tmp_path / "list.csv").write_bytes(b"source\n\xff.wav\na.wav\na.wav,2\n")
    for name, lines in (("list.jsonl", [1]), ("list.csv", [2, 4])):
        found, problems = _read(tmp_path / name)
        assert ([row.name for row in found], [problem.line for problem in problems]) == (["a.wav"], lines)


def test_duplicates_are_reported_and_done_once(tmp_path: Path) -> None:
    """The first line counts, whatever options the second has; under another name it is another recording."""
    recording(tmp_path / "a.wav")
    lines = [{"source": "a.wav"}, {"source": "a.wav", "policy": "pci"}, {"source": "a.wav", "name": "b.wav"}]
    result = ran(_jsonl(tmp_path / "list.jsonl", *lines), tmp_path / "out")
    assert [(p.line, p.reason) for p in result.summary.problems] == [(2, "the recording of line 1 again")]
    assert files(tmp_path / "out") == ["a.redacted.txt", "b.redacted.txt"]


def test_two_sources_of_one_name_are_reported(tmp_path: Path) -> None:
    """They would have the same outputs; the first line has them."""
    recording(tmp_path / "a.wav")
    recording(tmp_path / "b.wav", seed=1)
    lines = [{"source": "a.wav", "name": "x.wav"}, {"source": "b.wav", "name": "x.wav"}]
    result = ran(_jsonl(tmp_path / "list.jsonl", *lines), tmp_path / "out")
    assert [(p.line, p.reason) for p in result.summary.problems] == [(2, "the name of line 1 again")]
    assert result.heard == 1


def test_options_of_a_line_are_its_own(tmp_path: Path) -> None:
    """They change what comes out of that recording, and nothing of the others, and the command's own lists stay."""
    for i, name in enumerate("abc"):
        recording(tmp_path / f"{name}.wav", seed=i)
    lines = [{"source": "a.wav", "substitute": "hash"}, {"source": "b.wav", "policy": "date"}, {"source": "c.wav"}]
    saying = Saying("my name is Margaret Thompson and the ship is blue call 415-555-0132")
    listed_ = _jsonl(tmp_path / "list.jsonl", *lines)
    ran(listed_, tmp_path / "out", saying=saying, policy="person_name", deny=["blue"])
    texts = {name: (tmp_path / "out" / f"{name}.redacted.txt").read_text() for name in "abc"}
    assert "########" in texts["a"]
    assert "415-555-0132" in texts["a"]  # the command's policy is that of a line which has none
    assert "Margaret" in texts["b"]
    assert "[PERSON_NAME]" in texts["c"]
    assert all("Margaret" not in texts[name] for name in "ac")
    assert all("blue" not in text for text in texts.values())


def test_a_changed_option_does_its_recording_again(tmp_path: Path) -> None:
    """And no other."""
    recording(tmp_path / "a.wav")
    recording(tmp_path / "b.wav", seed=1)
    ran(_jsonl(tmp_path / "list.jsonl", {"source": "a.wav"}, {"source": "b.wav"}), tmp_path / "out")
    changed = _jsonl(tmp_path / "list.jsonl", {"source": "a.wav", "substitute": "hash"}, {"source": "b.wav"})
    assert ran(changed, tmp_path / "out").heard == 1


def test_a_transcript_of_its_own_decides_the_words(tmp_path: Path) -> None:
    """It is not recognised."""
    recording(tmp_path / "a.wav")
    words = [
        {"text": word, "start": 100 * i, "end": 100 * i + 90} for i, word in enumerate("call Robert Miller".split())
    ]
    (tmp_path / "said.json").write_text(json.dumps({"words": words}))
    result = ran(_jsonl(tmp_path / "list.jsonl", {"source": "a.wav", "transcript": "said.json"}), tmp_path / "out")
    assert result.heard == 0
    assert (tmp_path / "out" / "a.redacted.txt").read_text() == "call [PERSON_NAME] [PERSON_NAME]\n"


class _Web(Server):
    def answer(self, request: Request) -> Answer:  # noqa: ARG002
        return Answer(404)


def test_addresses_on_the_web_are_fetched_once(tmp_path: Path) -> None:
    """Mirrored under host and path, without the query, which may be a key; one that is refused is a row."""
    data = recording(tmp_path / "a.wav").read_bytes()
    with _Web() as web:
        web.next("GET /calls/a.wav", Answer(200, data))
        lines = [{"url": f"{web.url}/calls/a.wav?key=secret"}, {"url": f"{web.url}/calls/b.wav?key=secret"}]
        result = ran(_jsonl(tmp_path / "list.jsonl", *lines), tmp_path / "out")
        again = ran(tmp_path / "list.jsonl", tmp_path / "out")
    assert files(tmp_path / "out") == ["127.0.0.1/calls/a.redacted.txt"]
    assert result.summary.states == {"done": 1, "failed": 1}
    assert again.executor.bodies == []
    assert "secret" not in json.dumps(result.events) + (tmp_path / "out" / "manifest.jsonl").read_text()


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """At once."""
    with pytest.raises(InputError, match="cannot be read"):
        ran(tmp_path / "list.jsonl", tmp_path / "out")
