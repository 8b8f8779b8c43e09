"""The review page, the real server, a real worker and a real recording, played through by keyboard alone."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from reviews import Reviewer
from serving import Server, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install '.[browser]'")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")

CALL = Path(__file__).parents[1] / "examples" / "call.mp3"
WAIT = 240_000
# Twenty decisions: on to the next after each; a label, edges, additions in words and sound, and everywhere.
ADD = ["t", "ArrowDown", "ArrowRight", "Shift+ArrowRight", "i", "e", "v", "e", "n", "t", "Enter", "Escape"]
KEYS = [
    *["Home", "a", "x", "a", "a", "x", "a"], *["End", "l", "u", "r", "l", "Enter"], *["Home", "R", "Shift+Q", "r", "e"],
    *ADD, *["j", "A"], *["b", "Shift+ArrowRight", "b", "i", "e", "v", "e", "n", "t", "Enter"], *["n", "a", "a", "x"],
    *["End", "q", "w", "W"],
]  # fmt: skip


@dataclass
class Played:
    """What a play through the page left: what was posted, what came over the network, what was downloaded."""

    posted: list[dict[str, Any]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    page: str = ""
    marks: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    original: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    shown: str = ""
    ended: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with (
        running(tmp_path_factory.mktemp("whole") / "home", OFFRECORD_REVIEW_UNREDACTED="1") as server,
        playwright.sync_playwright() as driver,
    ):
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield _play(chromium, server)
        chromium.close()


def _play(chromium: Any, server: Server) -> Played:
    played, context = Played(url=server.url), chromium.new_context()
    tab, expect = context.new_page(), playwright.expect
    tab.on("console", lambda message: played.said.append(message.text))
    tab.on("pageerror", lambda error: played.said.append(str(error)))
    tab.on("request", lambda request: _noted(played, request))
    tab.on("response", lambda response: _received(played, response))
    tab.goto(server.url)
    tab.locator("#file").set_input_files(CALL)
    expect(tab.locator("#jobs-list .facts").first).to_contain_text("to review", timeout=WAIT)
    tab.locator("#jobs-list a").first.press("Enter")
    expect(tab.locator("#saved")).to_have_attribute("data-state", "saved")
    for key in KEYS:
        tab.keyboard.press(key)
    expect(tab.locator("#saved")).to_have_attribute("data-state", "saved", timeout=60_000)
    for key in ("z", "z", "z", "Z", "Z"):
        tab.keyboard.press(key)
    tab.wait_for_timeout(200)
    expect(tab.locator("#saved")).to_have_attribute("data-state", "saved", timeout=60_000)
    played.page = tab.content() + tab.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    played.marks = len({mark.get_attribute("data-e") for mark in tab.locator("#transcript mark").all()})
    job = tab.url.partition("#")[0].rpartition("/")[2]
    # Whatever was received so far; the files, in which what was rejected is released, come after.
    before = len(played.received)
    tab.keyboard.press("F")
    tab.keyboard.press("Enter")
    expect(tab.locator("#outcome-title")).to_have_text(re.compile("Finished|failed"), timeout=WAIT)
    played.ended.append(tab.locator("#outcome-title").inner_text())
    played.ended.append(tab.locator("#outcome-text").inner_text())
    with tab.expect_download() as download:
        tab.keyboard.press("Enter")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        played.files = {name: archive.read(name) for name in archive.namelist()}
    del played.received[before:]
    _second_look(played, tab, server, job)
    context.close()
    return played


def _second_look(played: Played, tab: Any, server: Server, job: str) -> None:
    """The document as it was finished, the unredacted view, and the original erased."""
    other = Reviewer.of(server)
    played.document = other.get(f"{job}/document")
    other.post(f"{job}/unredacted", held=True)
    played.original = other.get(f"{job}/original/words")["words"]
    other.post(f"{job}/unredacted", held=False)
    tab.keyboard.press("u")
    playwright.expect(tab.locator("#held")).to_be_visible()
    played.shown = tab.locator("#transcript").inner_text()
    tab.keyboard.press("u")
    tab.get_by_role("button", name="Erase the original").press("Enter")
    tab.get_by_role("button", name="Erase it").press("Enter")
    playwright.expect(tab.locator("#outcome-text")).to_contain_text("The original is erased.")
    played.ended.append(str(other.json("GET", f"/api/jobs/{job}/original/words")[0]))


def _noted(played: Played, request: Any) -> None:
    played.asked.append(request.url)
    if request.method == "POST" and request.url.endswith(("/decisions", "/undo", "/redo")):
        played.posted.append({"to": request.url.rpartition("/")[2], **json.loads(request.post_data)})


def _received(played: Played, response: Any) -> None:
    if "json" in response.headers.get("content-type", "") and "/original/" not in response.url:
        try:
            played.received.append(response.body())
        except playwright.Error:
            return  # a tab that went on does not have it any more


def _hidden(document: dict[str, Any]) -> dict[int, str]:
    """The label of each word that the decisions hide."""
    return {
        word: entity["label"]
        for entity in document["entities"]
        if entity["words"] and entity["state"] != "rejected"
        for word in range(*entity["words"])
    }


def test_twenty_decisions_were_saved(played: Played) -> None:
    """Each as its key means it, in order, on the revision that the one before made; then three back and two forth."""
    done = [step["decisions"][0]["do"] for step in played.posted if step["to"] == "decisions"]
    assert done == [
        "accept", "reject", "accept", "accept", "reject", "accept", "label", "pad", "pad", "words", "words", "add",
        "everywhere", "add_time", "accept", "accept", "reject", "words", "words", "pad",
    ]  # fmt: skip
    assert [step["to"] for step in played.posted[20:]] == ["undo", "undo", "undo", "redo", "redo"]
    assert [step["revision"] for step in played.posted] == list(
        range(played.posted[0]["revision"], played.posted[0]["revision"] + 25)
    )
    assert played.document["can_undo"]


def test_the_files_are_what_was_decided(played: Played) -> None:
    """Every word: its placeholder where a decision hides it, and the very word where none does; text and JSON alike."""
    assert played.ended[0] == "Finished", played.ended
    hidden = _hidden(played.document)
    expected = [
        f"[{hidden[i]}]{re.search(r'[.,;:?!]*$', word)[0]}" if i in hidden else word  # type: ignore[index]
        for i, word in enumerate(played.original)
    ]
    assert [word["text"] for word in json.loads(played.files["redacted.json"])["words"]] == expected
    assert played.files["redacted.txt"].decode().split() == expected
    rejected = [e for e in played.document["entities"] if e["state"] == "rejected" and e["words"]]
    assert rejected
    assert all(expected[i] == played.original[i] for e in rejected for i in range(*e["words"]))


def test_there_is_a_file_of_each_kind(played: Played) -> None:
    """Text, JSON, subtitles, page, sound, and the audit record twice."""
    assert {Path(name).suffix for name in played.files} == {".txt", ".json", ".srt", ".vtt", ".html", ".mp3", ".csv"}
    assert {"audit.json", "audit.csv"} <= set(played.files)


def test_the_audit_record_holds_no_word(played: Played) -> None:
    """It names decisions and ids; of what was said there is nothing, hidden or not."""
    record = played.files["audit.json"].decode() + played.files["audit.csv"].decode()
    assert "reject" in record
    assert "e0" in record
    for word in {re.sub(r"\W", "", word).lower() for word in played.original}:
        assert len(word) < 8 or word not in record.lower()


def test_nothing_of_the_original_reached_the_browser(played: Played) -> None:
    """No word that was found to be a detail is in the page, its storage or any answer, what was rejected included."""
    hidden = {
        i for e in played.document["entities"] if e["words"] and e["id"].startswith("e") for i in range(*e["words"])
    }
    told = {re.sub(r"\W", "", word).lower() for i, word in enumerate(played.original) if i not in hidden}
    secrets = {re.sub(r"\W", "", played.original[i]).lower() for i in hidden} - told
    labels = {part for entity in played.document["entities"] for part in entity["label"].lower().split("_")}
    secrets = {word for word in secrets - labels if len(word) >= 5}
    assert len(secrets) >= 5
    seen = played.page.lower() + b"".join(played.received).decode().lower()
    assert [word for word in secrets if word in seen] == []
    assert [url for url in played.asked if not url.startswith(played.url)] == []


def test_the_page_shows_what_is_saved(played: Played) -> None:
    """As many marks as details with words; nothing on the console."""
    assert played.marks == sum(bool(entity["words"]) for entity in played.document["entities"])
    assert played.said == []


def test_the_original_is_seen_while_it_is_held_and_then_erased(played: Played) -> None:
    """Every word of it, and afterwards no reviewer gets it."""
    assert set(played.original) <= set(played.shown.split())
    assert played.ended[2] in ("404", "409", "410", "423")
