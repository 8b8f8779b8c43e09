"""The review page in a browser, against a stub of its server: what keys do, what is kept, what is never kept.

`test_review_whole.py` plays the page against the real server. Whatever the page says to the console, and every request
to elsewhere, fails a test.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from review_stub import Job, Stub, job, long_job, serving

from offrecord.labels import PRESETS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install '.[browser]'")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")
AXE = Path(__file__).parent / "contract" / "node_modules" / "axe-core" / "axe.min.js"

SAID = [f"w{i}" for i in range(60)]
HIDDEN = [(2, 4), (10, 11), (11, 12), (30, 33), (50, 51)]
CANARY = "Quillfeather"
# What the browser itself reports of a request that a test makes fail.
OURS = re.compile(r"Failed to load resource|net::ERR_")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=30_000)
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with serving(Stub()) as server:
        yield server


class Opened:
    """Tabs of one reviewer, in a browser profile of their own."""

    def __init__(self, browser: Any, stub: Stub, **settings: Any) -> None:
        self.stub = stub
        self.context = browser.new_context(**settings)
        self.said: list[str] = []
        self.asked: list[str] = []

    def tab(self, path: str) -> Any:
        """A tab at a path of the stub."""
        tab = self.context.new_page()
        tab.on("console", lambda message: self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(f"{error}"))
        tab.on("request", lambda request: self.asked.append(request.url))
        tab.goto(self.stub.url + path)
        return tab

    def close(self) -> None:
        self.context.close()
        assert [text for text in self.said if not OURS.search(text)] == []
        assert [url for url in self.asked if not url.startswith((self.stub.url, "blob:"))] == []


@pytest.fixture
def profile(browser: Any, stub: Stub) -> Iterator[Callable[..., Opened]]:
    """Browser profiles, closed and checked at the end."""
    with ExitStack() as opened:

        def make(**settings: Any) -> Opened:
            made = Opened(browser, settings.pop("stub", stub), **settings)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture
def review(profile: Callable[..., Opened], stub: Stub) -> Callable[..., tuple[Any, Job]]:
    """Opens a job: the tab, and the job as the stub has it."""

    def opened(given: Job | None = None, **settings: Any) -> tuple[Any, Job]:
        made = given or job(said=SAID, hidden=HIDDEN)
        stub.jobs[made.id] = made
        tab = profile(**settings).tab(f"/review/{made.id}")
        shown(tab)
        return tab, made

    return opened


def shown(tab: Any) -> None:
    saved(tab)


def expect(what: Any) -> Any:
    return playwright.expect(what)


def press(tab: Any, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def saved(tab: Any) -> None:
    """Wait until every decision has been saved."""
    expect(tab.locator("#saved")).to_have_attribute("data-state", "saved")


def current(tab: Any) -> str:
    return str(tab.locator("#details [aria-current]").get_attribute("data-e"))


# ---- sign-in, list, handing in


def test_a_server_without_keys_asks_for_none(profile: Callable[..., Opened]) -> None:
    """The list is there at once; the session's cookie is not for scripts."""
    reviewer = profile()
    tab = reviewer.tab("/")
    expect(tab.get_by_role("heading", name="Jobs")).to_be_visible()
    (cookie,) = reviewer.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_a_server_with_keys_asks_for_one(profile: Callable[..., Opened]) -> None:
    """A wrong key is refused in words, the right one opens; nothing of it stays in the browser's storage."""
    with serving(Stub(job("mine", said=SAID), keys=["right"])) as guarded:
        tab = profile(stub=guarded).tab("/review/mine")
        tab.locator("#key").fill("wrong")
        press(tab, "Enter")
        expect(tab.locator("#sign-in-error")).to_have_text("The server does not know this key.")
        tab.locator("#key").fill("right")
        press(tab, "Enter")
        shown(tab)
        assert "right" not in tab.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        tab.close()


def test_the_list_says_how_each_job_is(profile: Callable[..., Opened], stub: Stub) -> None:
    """Length, details, verification and review of each; one that is worked on says how far it is; those of the API lead nowhere."""
    stub.jobs.clear()
    for made in (
        job("a", said=SAID, hidden=HIDDEN),
        job("b", status="processing", stage="redacting", share=0.4, left_s=130),
        job("c", status="error", error="No speech was found in it"),
        job("d", said=SAID, review=None, verification={"found": 1, "widened": 0, "left": 2, "mode": "full"}),
        job("e", said=SAID, timed=False, review="finished", original=False),
    ):
        stub.jobs[made.id] = made
    tab = profile().tab("/")
    expect(tab.locator("#jobs-list .facts")).to_have_text(
        [
            "0 details · finished · original erased",
            "0:24 · 0 details · 2 details still to hear · of the API, read only",
            "failed: No speech was found in it",
            "finding details, 40%, about 2 min left",
            "0:24 · 5 details · listened to again: nothing left · to review",
        ]
    )
    assert tab.locator("#jobs-list a").count() == 4
    tab.get_by_role("button", name="Delete").first.click()
    tab.get_by_role("button", name="Delete it").click()
    expect(tab.locator("#jobs-list .deleted .facts")).to_have_text("erased")


@pytest.mark.parametrize(("name", "kind"), [("call.thompson.wav", "recording"), ("thompson.txt", "text")])
def test_a_file_is_handed_in(name: str, kind: str, profile: Callable[..., Opened], stub: Stub) -> None:
    """Its bytes go to the server, its name does not; the policy chosen goes with it."""
    stub.jobs.clear()
    stub.bodies.clear()
    reviewer = profile()
    tab = reviewer.tab("/")
    tab.get_by_label("hide").select_option("pci")
    tab.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": b"bytes of it"})
    expect(tab.locator("#jobs-list .name")).to_contain_text("Text of" if kind == "text" else "Recording of")
    expect(tab.locator("#jobs-list .facts")).to_have_text("recognising speech, 25%, about 2 min left")
    assert stub.bodies == [("/review/api/jobs", b"bytes of it")]
    assert next(iter(stub.jobs.values())).info["policy"] == "pci"
    assert "thompson" not in " ".join(reviewer.asked)


def test_a_file_may_be_dropped(profile: Callable[..., Opened], stub: Stub) -> None:
    """Anywhere on the page; an empty one is refused."""
    tab = profile().tab("/")
    expect(tab.get_by_role("heading", name="Jobs")).to_be_visible()
    for content, wait in (
        ("", tab.get_by_text("This file is empty.")),
        ("abc", tab.get_by_text("recognising speech").first),
    ):
        files = tab.evaluate_handle("""(content) => {
            const given = new DataTransfer();
            given.items.add(new File([content], "call.wav"));
            return given;
        }""", content)  # fmt: skip
        tab.dispatch_event("#jobs-title", "drop", {"dataTransfer": files})
        expect(wait).to_be_visible()


def test_every_preset_can_be_chosen(profile: Callable[..., Opened]) -> None:
    """The policies of the list are those of the program."""
    tab = profile().tab("/")
    values = tab.locator("#policy option").evaluate_all("options => options.map((option) => option.value)")
    assert set(values) == set(PRESETS)


# ---- jobs that cannot be reviewed


@pytest.mark.parametrize(
    ("fields", "title", "text"),
    [
        ({"status": "error", "error": "No speech was found in it"}, "This job failed", "No speech was found in it"),
        ({"status": "queued", "stage": "waiting"}, "It waits for its turn", "the work goes on"),
        ({"status": "processing", "stage": "verifying"}, "It is being worked on", "the work goes on"),
        ({"status": "deleted"}, "This job was deleted", "are erased"),
        ({"owner": "somebody"}, "There is no such job", "belongs to another key"),
    ],
    ids=["failed", "waiting", "working", "deleted", "foreign"],
)
def test_a_job_that_cannot_be_reviewed(
    fields: dict[str, Any], title: str, text: str, profile: Callable[..., Opened], stub: Stub
) -> None:
    """The page says what it is with it, in words."""
    made = job("odd", **{name: value for name, value in fields.items() if name != "owner"})
    made.owner = fields.get("owner", "")
    stub.jobs["odd"] = made
    tab = profile().tab("/review/odd")
    expect(tab.locator("#work-title")).to_have_text(title)
    expect(tab.locator("#work-text")).to_contain_text(text)


def test_a_job_that_becomes_ready_opens(profile: Callable[..., Opened], stub: Stub) -> None:
    """Without a reload."""
    made = stub.jobs["soon"] = job("soon", said=SAID, hidden=HIDDEN, status="processing", stage="writing", share=0.9)
    tab = profile().tab("/review/soon")
    expect(tab.locator("#stages .now")).to_have_text("writing")
    made.info["status"] = "completed"
    shown(tab)


def test_a_recording_without_speech(review: Callable[..., Any]) -> None:
    """There are no words; a stretch of sound can be hidden all the same."""
    tab, made = review(job("silent"))
    expect(tab.locator("#transcript")).to_contain_text("No word was recognised in it.")
    press(tab, "j", "a", "z", "b", "Shift+ArrowRight", "b", "i")
    tab.keyboard.type("other p")
    tab.get_by_role("combobox", name="Hide this").fill("person name")
    press(tab, "Enter")
    saved(tab)
    assert made.steps == [{"do": "add_time", "start": 0, "end": 1000, "label": "PERSON_NAME"}]
    expect(tab.locator("#card-title")).to_have_text("person name")


def test_a_text_has_no_player(review: Callable[..., Any]) -> None:
    """Its line breaks stay; keys of sound do nothing."""
    given = job("text", said=SAID, hidden=HIDDEN, timed=False, duration=None)
    given.words[20][3] = "\n\n"
    given.utterances = [{"start": 0, "end": 60, "speaker": None, "channel": None}]
    tab, made = review(given)
    assert not tab.locator("#stage").is_visible()
    press(tab, " ", "o", "Enter", "ArrowRight", "Shift+Q", "a")
    saved(tab)
    assert [step["do"] for step in made.steps] == ["accept"]
    assert "w20\n\nw21" in tab.locator("#transcript").inner_text()


def test_ten_hours_on_eight_channels(review: Callable[..., Any]) -> None:
    """The end is one key away; only what is near is laid out; who speaks where is said."""
    given = long_job("long", words=100_000, details=2_000, duration=36_000_000)
    for i, utterance in enumerate(given.utterances):
        utterance |= {"speaker": None, "channel": i % 8}
    tab, _ = review(given)
    press(tab, "End")
    expect(tab.locator("mark.current")).to_be_in_viewport()
    expect(tab.locator("#clock")).to_have_text("9:59:42")
    assert tab.locator(".w").count() < 20_000
    assert "channel 7:" in tab.locator(".who").all_inner_texts()


# ---- deciding by key


@pytest.mark.parametrize(
    ("keys", "steps"),
    [
        (["a"], [{"do": "accept", "entity": "e0"}]),
        (["x"], [{"do": "reject", "entity": "e0"}]),
        (["j", "j", "k", "x"], [{"do": "reject", "entity": "e1"}]),
        (["ArrowDown", "ArrowDown", "ArrowUp", "a"], [{"do": "accept", "entity": "e1"}]),
        (["End", "a", "Home", "x"], [{"do": "accept", "entity": "e4"}, {"do": "reject", "entity": "e0"}]),
        (["q"], [{"do": "words", "entity": "e0", "words": [1, 4]}]),
        (["w"], [{"do": "words", "entity": "e0", "words": [3, 4]}]),
        (["e"], [{"do": "words", "entity": "e0", "words": [2, 3]}]),
        (["r", "r"], [{"do": "words", "entity": "e0", "words": [2, 5]}, {"do": "words", "entity": "e0", "words": [2, 6]}]),
        (["e", "e"], [{"do": "words", "entity": "e0", "words": [2, 3]}]),
        (["Q", "Q", "W"], [{"do": "pad", "entity": "e0", "pad": [n, 0]} for n in (50, 100, 50)]),
        (["E", "R"], [{"do": "pad", "entity": "e0", "pad": [0, n]} for n in (-50, 0)]),
        (["A"], [{"do": "everywhere", "entity": "e0", "decision": "accept"}]),
        (["X"], [{"do": "everywhere", "entity": "e0", "decision": "reject"}]),
        (["l", "z", "i", "p", "Enter"], [{"do": "label", "entity": "e0", "label": "LOCATION_ZIP"}]),
        (["l", "ArrowDown", "ArrowUp", "Escape"], []),
        (["L", "d", "o", "b", "Enter"], [{"do": "everywhere", "entity": "e0", "decision": "label", "label": "DATE_OF_BIRTH"}]),
        (["t", "ArrowRight", "ArrowRight", "i", "c", "i", "t", "y", "Enter"], [{"do": "add", "words": [5, 6], "label": "LOCATION_CITY"}]),
        (["t", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft", "i", "d", "a", "t", "e", "Enter"],
         [{"do": "add", "words": [14, 16], "label": "DATE"}]),
    ],
    ids=lambda value: "-".join(value) if value and isinstance(value[0], str) else "",
)  # fmt: skip
def test_keys_decide(keys: list[str], steps: list[dict[str, Any]], review: Callable[..., Any]) -> None:
    """Each key sends the decision that the guide names, and none else."""
    tab, made = review()
    press(tab, *keys)
    saved(tab)
    assert made.steps == steps


def test_a_decision_goes_on_to_the_next_undecided_one(review: Callable[..., Any]) -> None:
    """So that a and x are enough for most of a job; what is done is counted and said."""
    tab, made = review()
    press(tab, "a", "x", "a")
    saved(tab)
    assert made.states() == ["accepted", "rejected", "accepted", "found", "found"]
    assert current(tab) == "e3"
    expect(tab.locator("#decided-text")).to_have_text("3 of 5 decided")
    expect(tab.locator("#aloud")).to_contain_text("Accepted. 2 undecided. 4 of 5: date, undecided")
    expect(tab.locator("mark.accepted")).to_have_count(2)
    press(tab, "Home", "n")
    assert current(tab) == "e3"


def test_undo_and_redo(review: Callable[..., Any]) -> None:
    """Step by step back to the beginning and forth again, also after a reload; each shows what it changed."""
    tab, made = review()
    press(tab, "a", "x", "r")
    saved(tab)
    decided = [(e["state"], e["words"]) for e in made.entities]
    press(tab, "z", "Control+z", "z")
    saved(tab)
    assert made.states() == ["found"] * 5
    assert current(tab) == "e0"
    expect(tab.locator("#undo")).to_be_disabled()
    tab.reload()
    shown(tab)
    press(tab, "Z", "Control+Shift+z", "Control+y")
    saved(tab)
    assert [(e["state"], e["words"]) for e in made.entities] == decided


def test_a_refused_decision_is_taken_back(review: Callable[..., Any]) -> None:
    """The server's reason is shown, and the page shows what is saved."""
    tab, made = review()
    del made.entities[0]
    press(tab, "a")
    expect(tab.locator("#toast")).to_have_text("This decision cannot be")
    expect(tab.locator("mark.accepted")).to_have_count(0)


def test_single_keys_can_be_switched_off(review: Callable[..., Any]) -> None:
    """For those who dictate; the buttons do the same."""
    tab, made = review()
    press(tab, "?")
    tab.get_by_label("Single keys decide").uncheck()
    tab.get_by_role("button", name="Close").click()
    press(tab, "x", "z")
    tab.get_by_role("button", name="Accept", exact=False).first.click()
    saved(tab)
    assert [step["do"] for step in made.steps] == ["accept"]


def test_the_help_lists_every_key(review: Callable[..., Any]) -> None:
    """By ?, closed by Escape; while it is open, keys decide nothing."""
    tab, made = review()
    press(tab, "?", "a", "x")
    expect(tab.get_by_role("dialog", name="Keys")).to_be_visible()
    press(tab, "Escape")
    expect(tab.locator("#help")).to_be_hidden()
    press(tab, "x")
    saved(tab)
    assert made.steps == [{"do": "reject", "entity": "e0"}]


def test_buttons_do_what_keys_do(review: Callable[..., Any]) -> None:
    """Edges, everywhere, next and previous, undo."""
    tab, made = review()
    tab.get_by_text("Edges and everywhere").click()
    for name in (
        "Start one word earlier",
        "End one word later",
        "Start 50 milliseconds earlier",
        "End 50 milliseconds later",
    ):
        tab.get_by_role("button", name=name).click()
    saved(tab)
    assert (made.entity("e0")["words"], made.entity("e0")["pad"]) == ([1, 5], [50, 50])
    tab.get_by_role("button", name="Undo").click()
    tab.get_by_role("button", name="Next detail").click()
    tab.get_by_role("button", name="Reject everywhere").click()
    saved(tab)
    assert made.entity("e0")["pad"] == [50, 0]
    assert made.entity("e1")["state"] == "rejected"


# ---- adding


def test_words_are_selected_with_the_mouse(review: Callable[..., Any]) -> None:
    """And the page offers to hide them; clicked elsewhere, it does not any more."""
    tab, made = review()
    first, last = (tab.get_by_text(word, exact=True).bounding_box() for word in ("w5", "w8"))
    for _ in range(2):
        tab.mouse.move(first["x"] + 3, first["y"] + 8)
        tab.mouse.down()
        tab.mouse.move(last["x"] + 12, last["y"] + 8, steps=4)
        tab.mouse.up()
        expect(tab.locator("#adding-text")).to_have_text("4 words selected")
        press(tab, "Escape")
        expect(tab.locator("#adding")).to_be_hidden()
    tab.mouse.move(first["x"] + 3, first["y"] + 8)
    tab.mouse.down()
    tab.mouse.move(last["x"] + 12, last["y"] + 8, steps=4)
    tab.mouse.up()
    tab.get_by_role("button", name="Hide it").click()
    tab.get_by_role("option", name="drug").click()
    saved(tab)
    assert made.steps == [{"do": "add", "words": [5, 9], "label": "DRUG"}]
    assert current(tab) == "a1"
    assert "w6" not in tab.locator("#transcript").inner_text().split()


def test_a_stretch_is_dragged_in_the_waveform(review: Callable[..., Any]) -> None:
    """From where the pointer went down to where it came up."""
    tab, made = review()
    box = tab.locator("#wave").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=3)
    tab.mouse.up()
    press(tab, "i", "Enter")
    saved(tab)
    (step,) = made.steps
    assert (step["do"], step["start"], step["end"]) == (
        "add_time",
        pytest.approx(6_000, abs=60),
        pytest.approx(12_000, abs=60),
    )


def test_words_come_back_when_an_addition_is_undone(review: Callable[..., Any]) -> None:
    """Even when the page was opened while they were hidden."""
    tab, _ = review()
    press(tab, "t", "ArrowRight", "ArrowRight", "i", "d", "r", "u", "Enter")
    saved(tab)
    tab.reload()
    shown(tab)
    assert "w5" not in tab.locator("#transcript").inner_text().split()
    press(tab, "z")
    expect(tab.get_by_text("w5", exact=True)).to_be_visible()


# ---- finding one's way


def test_filters(review: Callable[..., Any]) -> None:
    """By label, state and score; next and previous go over what is shown alone."""
    tab, _ = review()
    press(tab, "f")
    assert tab.evaluate("document.activeElement.id") == "filter-state"
    tab.locator("#filter-labels [data-label=PHONE_NUMBER]").click()
    expect(tab.locator("#details li:not([hidden])")).to_have_count(4)
    expect(tab.locator("mark.off")).to_have_count(1)
    press(tab, "Home", "j")
    assert current(tab) == "e2"
    tab.locator("#filter-score").fill("50")
    expect(tab.locator("#count-details")).to_have_text("2 of 5")
    press(tab, "Escape", "a")
    saved(tab)
    tab.get_by_label("Show").select_option("decided")
    expect(tab.locator("#details li:not([hidden])")).to_have_count(1)


def test_suspects(review: Callable[..., Any]) -> None:
    """S goes through them: to the detail that only one detector claimed, to words that can be hidden at once, to sound without words."""
    given = job(said=SAID, hidden=HIDDEN)
    given.suspects = [
        {"id": "s1", "kind": "single_claim", "start": 4_000, "end": 4_350, "words": [10, 11], "entity": "e1"},
        {"id": "s2", "kind": "unsure_speech", "start": 8_000, "end": 8_750, "words": [20, 22], "entity": None},
        {"id": "s3", "kind": "unrecognised", "start": 22_000, "end": 23_000, "words": None, "entity": None},
    ]
    tab, made = review(given)
    press(tab, "s")
    expect(tab.locator("#card-title")).to_have_text("phone number")
    press(tab, "s")
    expect(tab.locator("#adding-text")).to_have_text("2 words selected")
    press(tab, "i", "d", "r", "u", "g", "Enter", "s")
    expect(tab.locator("#adding-text")).to_have_text("0:22.0 to 0:23.0 selected")
    expect(tab.locator("#aloud")).to_have_text("Suspect 3 of 3: speech without words; I hides it")
    saved(tab)
    assert made.steps == [{"do": "add", "words": [20, 22], "label": "DRUG"}]
    expect(tab.locator(".odd")).to_have_count(0)


def test_the_transcript_follows_the_sound(review: Callable[..., Any]) -> None:
    """The word that is heard is marked; Space plays and pauses; the arrows go; the place survives a reload."""
    tab, _ = review()
    press(tab, "ArrowRight", "ArrowRight", "Shift+ArrowLeft")
    expect(tab.locator(".now")).to_have_text("w24")
    press(tab, " ")
    expect(tab.locator(".now")).to_have_text(re.compile("w2[5-9]|date|w3"))
    press(tab, " ")
    paused, at = tab.evaluate("[document.querySelector('#sound').paused, document.querySelector('#sound').currentTime]")
    assert paused
    assert 9.8 < at <= 24
    press(tab, ".", ".")
    assert tab.evaluate("document.querySelector('#sound').playbackRate") == 1.5
    press(tab, "j", "j", "j")
    tab.wait_for_url("**#e3")
    tab.reload()
    shown(tab)
    assert current(tab) == "e3"


def test_loop_stays_on_the_current_detail(review: Callable[..., Any]) -> None:
    """It plays a little before, to a little after, and again."""
    tab, _ = review()
    press(tab, ".", ".", ".", ".", ".", ".", "j", "j", "j", "o")
    times = "() => new Promise((done) => { let n = 0; sound.addEventListener('seeked', () => { if (++n === 2) done(sound.currentTime); }); })"
    assert 10 < tab.evaluate(times.replace("sound.", "document.querySelector('#sound').")) < 14
    press(tab, "o", " ")


def test_the_waveform_is_a_slider_and_zooms(review: Callable[..., Any]) -> None:
    """Reached and moved by keys; zooming asks for finer peaks of what is seen."""
    tab, _ = review(long_job("hour", words=2_000, details=20, duration=3_600_000))
    wave = tab.get_by_role("slider", name="Position")
    wave.focus()
    for key, value in (("End", "3600"), ("Home", "0"), ("PageUp", "30"), ("ArrowDown", "25")):
        press(tab, key)
        expect(wave).to_have_attribute("aria-valuenow", value)
    assert wave.get_attribute("aria-valuetext") == "0:25 of 1:00:00"
    with tab.expect_request(lambda request: "/peaks?start=0&" not in request.url and "/peaks" in request.url):
        press(tab, "+", "+", "+")


# ---- saving


def test_a_lost_answer_is_not_a_lost_decision(review: Callable[..., Any], stub: Stub) -> None:
    """The connection breaks after the server has saved: the page asks again, and it is one decision."""
    tab, made = review()
    stub.bodies.clear()
    broken: list[Any] = []

    def breaks(route: Any) -> None:
        if broken:
            route.continue_()
            return
        broken.append(route.fetch())
        route.abort("connectionreset")

    tab.route("**/decisions", breaks)
    press(tab, "a")
    saved(tab)
    expect(tab.locator("#decided-text")).to_have_text("1 of 5 decided")
    assert made.steps == [{"do": "accept", "entity": "e0"}]
    assert made.revision == 2
    first, second = (body for path, body in stub.bodies if path.endswith("/j1/decisions"))
    assert first == second
    assert json.loads(first)["token"] in made.tokens


def test_offline_everything_is_kept_and_sent_later(review: Callable[..., Any]) -> None:
    """Said clearly, counted, survives a crash of the tab, and goes out in order when the server is back."""
    tab, made = review()
    tab.route("**/decisions", lambda route: route.abort("internetdisconnected"))
    press(tab, "a", "x", "a", "z")
    expect(tab.locator("#saved-text")).to_have_text("Offline: 4 decisions kept")
    expect(tab.locator("#decided-text")).to_have_text("2 of 5 decided")
    assert made.steps == []
    kept = tab.evaluate("JSON.stringify({...localStorage})")
    assert not re.search(r"w\d", kept)
    tab.unroute("**/decisions")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.reload()
    expect(tab.locator("#decided-text")).to_have_text("2 of 5 decided")
    saved(tab)
    assert made.states() == ["accepted", "rejected", "found", "found", "found"]
    assert tab.evaluate("Object.keys(localStorage).length") == 0


def test_another_tab_takes_over_what_a_dead_one_left(profile: Callable[..., Opened], stub: Stub) -> None:
    """A tab that was closed before its decision was saved loses nothing."""
    made = stub.jobs["j1"] = job(said=SAID, hidden=HIDDEN)
    reviewer = profile()
    tab = reviewer.tab("/review/j1")
    shown(tab)
    tab.route("**/decisions", lambda route: route.abort("internetdisconnected"))
    press(tab, "x")
    expect(tab.locator("#saved-text")).to_contain_text("Offline")
    tab.close(run_before_unload=False)
    other = reviewer.tab("/review/j1")
    expect(other.locator("#decided-text")).to_have_text("1 of 5 decided")
    saved(other)
    assert made.states()[0] == "rejected"


def test_two_reviewers_at_one_detail(profile: Callable[..., Opened], stub: Stub) -> None:
    """The second is shown what the first decided, and chooses: once he keeps it, once he sends his own again."""
    made = stub.jobs["j1"] = job(said=SAID, hidden=HIDDEN)
    first, second = (profile().tab("/review/j1") for _ in range(2))
    for tab in (first, second):
        shown(tab)
    press(first, "a")
    saved(first)
    press(second, "x")
    expect(second.locator("#conflict-theirs")).to_have_text("person name at 0:00: undecided, now accepted")
    expect(second.locator("#conflict-mine")).to_have_text("reject person name at 0:00")
    expect(second.locator("mark.accepted")).to_have_count(1)
    second.get_by_role("button", name="Keep theirs").click()
    saved(second)
    assert made.states()[0] == "accepted"
    press(first, "Home", "l", "d", "r", "u", "g", "Enter")
    saved(first)
    press(second, "Home", "x")
    expect(second.locator("#conflict-theirs")).to_have_text("drug at 0:00: was person name")
    press(second, "Enter")
    saved(second)
    assert [step["do"] for step in made.steps] == ["accept", "label", "reject"]
    assert made.states()[0] == "rejected"


def test_two_reviewers_at_different_details(profile: Callable[..., Opened], stub: Stub) -> None:
    """Nobody is stopped: both decisions stand, and the second reviewer is told."""
    made = stub.jobs["j1"] = job(said=SAID, hidden=HIDDEN)
    first, second = (profile().tab("/review/j1") for _ in range(2))
    for tab in (first, second):
        shown(tab)
    press(first, "a")
    press(second, "End", "x")
    saved(first)
    saved(second)
    expect(second.locator("#toast")).to_have_text(
        "Another reviewer changed 1 other detail meanwhile. Yours is saved as well."
    )
    assert (made.states()[0], made.states()[4]) == ("accepted", "rejected")


def test_a_stale_tab_shows_the_present_state(review: Callable[..., Any]) -> None:
    """When it is looked at again."""
    tab, made = review()
    made.entity("e2")["state"] = "rejected"
    made.revision = 9
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator("mark.rejected")).to_have_count(1)
    expect(tab.locator("#toast")).to_contain_text("Changed meanwhile elsewhere: 1 detail.")


@pytest.mark.parametrize("key", ["a", "z", "u"])
def test_a_job_deleted_meanwhile(key: str, review: Callable[..., Any]) -> None:
    """The page says so, and shows nothing of it any more."""
    tab, made = review()
    press(tab, "a")
    saved(tab)
    made.info["status"] = "deleted"
    press(tab, key)
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator("#work-title")).to_have_text("This job was deleted")
    assert "w1" not in tab.content()


def test_a_session_that_ends_in_the_middle(profile: Callable[..., Opened]) -> None:
    """The decision is kept, and saved after signing in again."""
    with serving(Stub(job("mine", said=SAID, hidden=HIDDEN), keys=["right"])) as guarded:
        reviewer = profile(stub=guarded)
        tab = reviewer.tab("/review/mine")
        tab.locator("#key").fill("right")
        press(tab, "Enter")
        shown(tab)
        reviewer.context.clear_cookies()
        press(tab, "x")
        tab.locator("#again-key").fill("right")
        press(tab, "Enter")
        saved(tab)
        assert guarded.jobs["mine"].states()[0] == "rejected"
        tab.close()


# ---- the original


def canaries() -> Job:
    """A job whose first detail holds the word that nobody may see."""
    return job("canary", said=[*SAID[:2], CANARY, *SAID[3:]], hidden=HIDDEN)


STORED = """async () => {
    const caches_ = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map((request) => request.url)));
    const databases = (await indexedDB.databases()).map((database) => database.name);
    return JSON.stringify([{...localStorage}, {...sessionStorage}, caches_, databases, document.cookie, history.state, location.href]);
}"""


def test_nothing_of_the_original_without_the_unredacted_view(review: Callable[..., Any], stub: Stub) -> None:
    """Not in the page, its source, its storage, what came over the network, or what was asked for; whatever is decided."""
    stub.asked.clear()
    received: list[str] = []
    tab, _ = review(canaries())
    tab.on("response", lambda response: received.append(response.url))
    press(tab, "x", "Home", "e", "w", "z", "a", "A", "Enter", "o", "o", " ")
    saved(tab)
    tab.reload()
    shown(tab)
    assert CANARY not in tab.content() + tab.evaluate(STORED)
    assert not [line for line in stub.asked if "original" in line]
    assert received


def test_the_unredacted_view(review: Callable[..., Any], stub: Stub) -> None:
    """Asked for by U, clearly marked, let go of by U: then nothing of it is left in the page; nothing is ever stored."""
    tab, made = review(canaries())
    press(tab, "u")
    expect(tab.locator("#held")).to_be_visible()
    expect(tab.locator("#transcript")).to_contain_text(CANARY)
    assert made.held
    assert "/original/sound" in tab.evaluate("document.querySelector('#sound').src")
    assert CANARY not in tab.evaluate(STORED)
    press(tab, "x", "u")
    expect(tab.locator("#held")).to_be_hidden()
    assert CANARY not in tab.content()
    assert "/original" not in tab.evaluate("document.querySelector('#sound').src")
    saved(tab)
    press(tab, "u")
    expect(tab.locator("#transcript")).to_contain_text(CANARY)
    tab.goto(f"{stub.url}/")
    expect(tab.get_by_role("heading", name="Jobs")).to_be_visible()
    assert made.events == ["held", "let go", "held", "let go"]
    assert CANARY not in tab.evaluate(STORED)
    tab.go_back()
    shown(tab)
    assert CANARY not in tab.content()


def test_a_server_that_does_not_show_originals(profile: Callable[..., Opened]) -> None:
    """There is no button, and the key says why."""
    with serving(Stub(job("mine", said=SAID, hidden=HIDDEN), unredacted=False)) as strict:
        tab = profile(stub=strict).tab("/review/mine")
        shown(tab)
        assert not tab.locator("#unredacted").is_visible()
        press(tab, "u")
        expect(tab.locator("#toast")).to_contain_text("OFFRECORD_REVIEW_UNREDACTED")
        assert not [line for line in strict.asked if "POST" in line]
        tab.close()


def test_whatever_was_said_is_text(review: Callable[..., Any]) -> None:
    """Markup, scripts, long words and words from right to left are shown as they are, in place, and run nowhere."""
    said = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(2)</script>",
        "x" * 3_000,
        "שלום",
        "مرحبا",
        "\u202eevil",
        "${7*7}",
        "</span><b>bold",
        *SAID,
    ]
    given = job("hostile", said=said, hidden=[(9, 10)], error="<b>no</b>")
    given.utterances[0]["speaker"] = "<i>Speaker</i>"
    given.entities[0] |= {"label": '"><U>OWN</U>', "source": ["<s>tagger</s>"]}
    tab, _ = review(given, viewport={"width": 360, "height": 740})
    press(tab, "j", "u")
    expect(tab.locator("#transcript")).to_contain_text("<script>alert(2)</script>")
    expect(tab.locator(".who").first).to_have_text("<i>Speaker</i>:")
    assert tab.locator("#transcript :is(img, script, b, i, u, s)").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.evaluate("document.querySelector('#transcript').scrollWidth <= 360")


# ---- sound that cannot be played, finishing


def test_a_browser_without_sound(review: Callable[..., Any]) -> None:
    """It is said once, and everything else works."""

    def silent(tab: Any) -> None:
        tab.route("**/sound", lambda route: route.fulfill(status=200, content_type="audio/wav", body=b"not sound"))

    tab, made = review()
    silent(tab)
    tab.reload()
    shown(tab)
    expect(tab.locator("#sound-error")).to_have_text("This browser cannot play the sound. Everything else works.")
    press(tab, " ", "Enter", "ArrowRight", "a")
    saved(tab)
    assert made.states()[0] == "accepted"


def test_finish(review: Callable[..., Any]) -> None:
    """Confirmed with counts, with progress, to files and audit record; then the original can be erased, by one click and a yes."""
    tab, made = review()
    press(tab, "a", "x", "F")
    expect(tab.locator("#sure-facts")).to_have_text(
        "1accepted0added by you1rejected: will be released3undecided: will be hidden, as accepted ones"
    )
    press(tab, "Escape")
    assert made.info["review"] == "open"
    press(tab, "F")
    tab.get_by_role("dialog").get_by_role("button", name="Finish").press("Enter")
    expect(tab.locator("#outcome-title")).to_have_text("It is being finished")
    press(tab, "a")
    expect(tab.locator("#toast")).to_contain_text("It is being finished")
    made.info |= {"review": "finished", "stage": "done"}
    expect(tab.locator("#outcome-text")).to_have_text(
        "Listened to again: nothing left. The original is still on the server."
    )
    assert tab.evaluate("document.activeElement.id") == "download"
    with tab.expect_download() as download:
        press(tab, "Enter")
    assert json.loads(download.value.path().read_text()) == made.states()
    for name in ("json", "csv"):
        with tab.expect_download() as download:
            tab.locator(f"#audit-{name}").click()
        assert download.value.suggested_filename == f"audit.{name}"
    tab.get_by_role("button", name="Erase the original").click()
    tab.get_by_role("button", name="Erase it").click()
    expect(tab.locator("#outcome-text")).to_contain_text("The original is erased.")
    assert made.info["original"] is False
    assert not tab.locator("#unredacted").is_visible()


def test_finishing_may_fail(review: Callable[..., Any]) -> None:
    """Nothing was released then, the reason is there, and one can decide on and try again."""
    tab, made = review()
    press(tab, "F", "Enter")
    expect(tab.locator("#outcome-title")).to_have_text("It is being finished")
    made.info |= {"review": "failed", "error": "A detail could still be heard"}
    expect(tab.locator("#outcome-title")).to_have_text("Finishing failed: nothing was released")
    expect(tab.locator("#outcome-text")).to_have_text("A detail could still be heard")
    press(tab, "a", "F", "Enter")
    expect(tab.locator("#outcome-title")).to_have_text("It is being finished")
    assert made.info["review"] == "finishing"
    assert made.states()[0] == "accepted"
    made.info["review"] = "open"


# ---- for everybody


WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(look: str, profile: Callable[..., Opened], stub: Stub) -> None:
    """No violation of WCAG 2.2 AA or of good practice: list, progress, job, lists, held view, every dialog, the end."""
    if not AXE.is_file():
        pytest.skip("needs `npm install --prefix tests/contract --ignore-scripts`")
    given = job(said=SAID, hidden=HIDDEN)
    given.suspects = [
        {"id": "s", "kind": "unrecognised", "start": 22_000, "end": 23_000, "words": None, "entity": None}
    ]
    stub.jobs.clear()
    stub.jobs |= {
        "j1": given,
        "p": job("p", status="processing", stage="redacting", share=0.5),
        "f": job("f", status="error"),
    }
    reviewer = profile(reduced_motion="reduce", **LOOKS[look])
    found: list[Any] = []

    def check(tab: Any, where: str) -> None:
        if not tab.evaluate("typeof axe !== 'undefined'"):
            tab.evaluate(AXE.read_text(encoding="utf-8"))
        # In the dark only the colours are others.
        rules = ["color-contrast"] if look == "dark" else WCAG
        result = tab.evaluate(
            "(only) => axe.run(document, {resultTypes: ['violations'], runOnly: only})",
            {"type": "rule" if look == "dark" else "tag", "values": rules},
        )
        found.extend((where, v["id"], [node["target"] for node in v["nodes"]][:3]) for v in result["violations"])
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), where

    tab = reviewer.tab("/")
    expect(tab.locator("#jobs-list li")).to_have_count(3)
    check(tab, "list")
    tab.goto(f"{stub.url}/review/p")
    expect(tab.locator("#work-title")).to_be_visible()
    check(tab, "progress")
    tab.goto(f"{stub.url}/review/j1")
    shown(tab)
    press(tab, "a", "x")
    saved(tab)
    check(tab, "job")
    for keys, where in (
        (["u"], "held"),
        (["l"], "labels"),
        (["?"], "help"),
        (["F"], "finish"),
        (["s"], "suspects"),
        (["f"], "filters"),
    ):
        press(tab, *keys)
        if where == "held":
            expect(tab.locator("#held")).to_be_visible()
        check(tab, where)
        press(tab, "Escape", "Escape")
    given.info["review"] = "finished"
    tab.reload()
    shown(tab)
    check(tab, "finished")
    assert found == []
