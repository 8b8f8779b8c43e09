"""How fast the review page is, in a real browser: opening a job of an hour, and each key, from the performance log.

    python bench/review.py                       # 60 minutes, 10,000 words, 400 details
    python bench/review.py --hours 10            # ten times as much
    python bench/review.py --shots docs          # the screenshots of docs/review.md, of a server's job: --job URL

A key's time is the duration that the browser itself logs for its `keydown` (Event Timing: from the press to the next
frame that is painted, in steps of 8 ms). The page is served by the tests' stub, so that nothing else is measured; the
browser is Debian's chromium, headless. Playwright comes with the extra `browser`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from review_stub import Stub, long_job, serving  # noqa: E402

KEYS = {
    "next detail": ["j"] * 40,
    "previous detail": ["k"] * 20,
    "accept, and on": ["a"] * 40,
    "reject, and on": ["x"] * 40,
    "wider by a word": ["r", "e"] * 10,
    "wider by 50 ms": ["R", "E"] * 10,
    "first, last": ["Home", "End"] * 10,
    "next suspect": ["s"] * 20,
    "5 seconds on": ["ArrowRight"] * 20,
    "zoom": ["+", "-"] * 10,
    "undo, redo": ["z", "Z"] * 10,
    "from word to word": ["t", *["ArrowRight"] * 20],
}
# What the browser says of each key, and of every piece of work that held it up for longer than 50 ms.
OBSERVE = """() => {
    const watch = (call, kind) => new PerformanceObserver((all) => all.getEntries().forEach(call)).observe(kind);
    window.keys = []; window.long = [];
    watch((entry) => {
        if (entry.name === "keydown") keys.push([entry.duration, entry.processingEnd - entry.processingStart]);
    }, {type: "event", durationThreshold: 16});
    watch((entry) => long.push(entry.duration), {type: "longtask"});
}"""
OPENED = """() => new Promise((done) => {
    const look = () => {
        if (document.querySelector("#saved").dataset.state === "saved" && document.querySelector("mark.current"))
            requestAnimationFrame(() => setTimeout(() => done(performance.now())));
        else setTimeout(look, 5);
    };
    look();
})"""


def measure(browser: Browser, url: str, repeats: int) -> None:
    """Print how long opening takes, and each kind of key."""
    opened = []
    for _ in range(repeats):
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.goto(url, wait_until="commit")
        opened.append(tab.evaluate(OPENED))
        tab.close()
    print(f"opened in {statistics.median(opened):.0f} ms (median of {repeats}; slowest {max(opened):.0f})")
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.goto(url)
    tab.evaluate(OPENED)
    tab.wait_for_timeout(2_000)
    tab.evaluate(OBSERVE)
    print(f"{'key':20} {'presses':>8} {'median':>8} {'p95':>8} {'worst':>8}   {'in handlers, worst':>18}")
    for name, keys in KEYS.items():
        tab.evaluate("() => { window.keys = []; }")
        for key in keys:
            tab.keyboard.press(key)
            tab.wait_for_timeout(30)
        tab.keyboard.press("Escape")
        tab.wait_for_timeout(200)
        logged: list[Any] = tab.evaluate("window.keys")
        # Below 16 ms the browser logs nothing: such presses count as 16.
        times = sorted([entry[0] for entry in logged] + [16.0] * max(0, len(keys) - len(logged)))
        work = max((entry[1] for entry in logged), default=0)
        middle, most = statistics.median(times), times[int(0.95 * (len(times) - 1))]
        print(f"{name:20} {len(keys):8} {middle:7.0f}  {most:7.0f}  {times[-1]:7.0f}   {work:17.1f}")
    tab.evaluate("() => { window.long.length = 0; }")
    for key in ("f", "Tab"):
        tab.keyboard.press(key)
    began = time.monotonic()
    tab.evaluate("""async () => {
        const list = document.querySelector("#transcript");
        for (let i = 0; i < 60; i++) { list.scrollTop += 1500; await new Promise(requestAnimationFrame); }
    }""")
    print(f"scrolling over 90,000 pixels in 60 frames: {1000 * (time.monotonic() - began) / 60:.0f} ms a frame")
    print(f"pieces of work over 50 ms while scrolling and filtering: {json.dumps(tab.evaluate('window.long'))}")
    tab.close()


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1180, "height": 760}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1180, "height": 760}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "has_touch": True},
}


def shoot(browser: Browser, url: str, directory: Path) -> None:
    """Screenshots of a job: as it is opened, the help in the dark, and on a telephone; undone afterwards."""
    for look, settings in LOOKS.items():
        context = browser.new_context(reduced_motion="reduce", locale="en-GB", **settings)
        tab = context.new_page()
        tab.goto(url)
        tab.evaluate(OPENED)
        keys = ["Home", "a", "a", "x", "a", "a", "n", "n", "n"]
        for key in keys:
            tab.keyboard.press(key)
            tab.wait_for_timeout(120)
        if look == "dark" and tab.locator("#unredacted").is_visible():
            tab.keyboard.press("u")
        tab.wait_for_timeout(1_000)
        tab.screenshot(path=directory / f"review-{look}.png")
        if look == "dark":
            tab.keyboard.press("u")
        for _ in range(5):
            tab.keyboard.press("z")
            tab.wait_for_timeout(200)
        context.close()
    smaller(directory)


def smaller(directory: Path) -> None:
    """The pictures with 256 colours, where Pillow is there."""
    try:
        from PIL import Image
    except ImportError:
        print("Pillow is not there: the pictures stay as large as they are")
        return
    for look in LOOKS:
        path = directory / f"review-{look}.png"
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Measure, or take the screenshots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--shots", type=Path, help="take the screenshots into this directory instead")
    parser.add_argument("--job", help="the address of a job on a server without keys, for the screenshots")
    given = parser.parse_args()
    hours = given.hours
    job = long_job("hour", words=round(10_000 * hours), details=round(400 * hours), duration=round(3_600_000 * hours))
    with serving(Stub(job)) as stub, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        if given.shots:
            shoot(browser, given.job or f"{stub.url}/review/hour", given.shots)
        else:
            print(f"{hours:g} h, {len(job.words):,} words, {len(job.entities):,} details")
            measure(browser, f"{stub.url}/review/hour", given.repeats)
        browser.close()


if __name__ == "__main__":
    main()
