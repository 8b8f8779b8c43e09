"""The page in a browser: it follows the sound, obeys the keyboard, and asks nothing of anybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sounds import voice, write

from offrecord import audio, export, page
from offrecord.types import Entity, Policy, Redaction, Transcript, Word

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install '.[browser]'")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")

WORDS = tuple(
    Word("[PERSON_NAME]." if i == 4 else f"w{i}" + "." * (i % 5 == 4), i * 1_000, i * 1_000 + 800) for i in range(20)
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield chromium
        chromium.close()


def write_page(directory: Path, *formats: str) -> Path:
    source = write(directory / "call.wav", voice(20, 16_000), 16_000, "pcm_s16le", "wav")
    entity = Entity(range(4, 5), "person_name", ())
    redaction = Redaction(Transcript(WORDS, 20_000), (entity,), ((3_900, 5_100),), {}, source=audio.identity(source))
    paths = export.outputs(source, directory, ["html", *formats], recording=True, sound=True)
    export.write(redaction, source, paths, Policy(frozenset({"person_name"})))
    return paths["html"]


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page, opened; whatever it says to the console or asks for is a failure."""
    with _opened(browser, write_page(tmp_path)) as tab:
        yield tab


# Not `wait_for_function`: the page's policy forbids it to evaluate a string.
_LOADED = """() => new Promise((done) => {
    const sound = document.querySelector("audio");
    if (sound.readyState) done(); else sound.addEventListener("loadedmetadata", () => done());
})"""


class _opened:  # noqa: N801 - used as a function
    def __init__(self, browser: Any, path: Path, **settings: Any) -> None:
        self._context = browser.new_context(**settings)
        self.tab = self._context.new_page()
        self._path = path
        self.said: list[str] = []
        self.asked: list[str] = []

    def __enter__(self) -> Any:
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(self._path.as_uri())
        self.tab.evaluate(_LOADED)
        return self.tab

    def __exit__(self, *_: object) -> None:
        self._context.close()
        assert self.said == []
        beside = self._path.parent.as_uri()
        assert [url for url in self.asked if not url.startswith(("data:", beside))] == []


def at(tab: Any) -> float:
    return float(tab.evaluate("document.querySelector('audio').currentTime"))


def now(tab: Any) -> list[str]:
    return list(tab.locator(".now").all_inner_texts())


def test_a_click_on_a_word_goes_there(shown: Any) -> None:
    """The player stands at the word's start, and the word is marked as the current one."""
    shown.get_by_text("w7", exact=True).click()
    assert at(shown) == pytest.approx(7)
    assert now(shown) == ["w7"]
    assert shown.locator("[aria-current]").count() == 1


def test_space_and_arrows_work_everywhere(shown: Any) -> None:
    """Space plays and pauses; the arrows go five seconds; the current word follows."""
    shown.keyboard.press("ArrowRight")
    assert at(shown) == pytest.approx(5)
    assert now(shown) == ["w5"]
    shown.keyboard.press("Space")
    shown.locator(".now", has_text="w6").wait_for()
    shown.keyboard.press("Space")
    assert shown.evaluate("document.querySelector('audio').paused")
    shown.keyboard.press("ArrowLeft")
    assert 1 <= at(shown) < 3


def test_the_waveform_is_a_slider(shown: Any) -> None:
    """Reached by the tabulator, moved by its keys, and it says where it is."""
    shown.keyboard.press("Tab")
    wave = shown.get_by_role("slider", name="Position")
    assert wave.evaluate("element => element === document.activeElement")
    assert wave.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    for key, value in (("End", "20"), ("Home", "0"), ("ArrowUp", "5"), ("PageUp", "20")):
        shown.keyboard.press(key)
        assert wave.get_attribute("aria-valuenow") == value
    assert wave.get_attribute("aria-valuetext") == "0:20 of 0:20"
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] / 2, "y": 10})
    assert at(shown) == pytest.approx(10, abs=0.1)


def test_the_words_are_one_stop_of_the_tabulator(shown: Any) -> None:
    """Arrows go from word to word and line to line, Enter goes to where it was said."""
    shown.locator("[data-s]").first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        shown.keyboard.press(key)
    assert shown.evaluate("document.activeElement.innerText") == "w6"
    shown.keyboard.press("Enter")
    assert at(shown) == pytest.approx(6)
    assert shown.locator('#transcript [tabindex="0"]').count() == 1


def test_labels_can_be_left_out(shown: Any) -> None:
    """Pressed once, the label's details go from the list and are no longer marked; pressed again, they are back."""
    button = shown.get_by_role("button", name="person name 1")
    button.press("Enter")
    assert not shown.locator("li").is_visible()
    assert shown.locator("mark.off").count() == 1
    button.press("Space")
    assert shown.locator("li").is_visible()
    assert at(shown) == 0


def test_a_detail_leads_to_its_place(shown: Any) -> None:
    """The time in the list is where it was said."""
    shown.locator("li button").click()
    assert at(shown) == pytest.approx(4)
    assert now(shown) == ["[PERSON_NAME]."]


def test_sound_beside_the_page_is_played(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its policy lets it, and nothing else, be loaded."""
    monkeypatch.setattr(page, "LARGEST", 1_000)
    with _opened(browser, write_page(tmp_path, "sound")) as tab:
        assert tab.evaluate("document.querySelector('audio').duration") == pytest.approx(20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone(scheme: str, browser: Any, tmp_path: Path) -> None:
    """At 360 pixels nothing is cut off, in light and in dark; where motion is unwanted there is none."""
    settings = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme, "reduced_motion": "reduce"}
    with _opened(browser, write_page(tmp_path), **settings) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
        assert tab.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(21, 21, 19)") == (scheme == "dark")
