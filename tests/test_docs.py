"""The docs say what is true: pages made from the program are fresh, links lead somewhere, the README's code runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import offrecord
from offrecord import errors
from offrecord.labels import PRESETS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


def _generate() -> Any:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli.md", "settings.md", "server.md"])
def test_generated_pages_are_fresh(page: str) -> None:
    """Run `python docs/generate.py` after changing an option or a setting."""
    assert (DOCS / page).read_text(encoding="utf-8") == _generate().PAGES[page]()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and each anchor a heading."""
    for target in re.findall(r"\]\(([^)#][^)]*)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve()
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


def test_the_tests_of_the_contract_are_there() -> None:
    """Each test that the table of the contract names exists."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "tests" / "contract" / "README.md").read_text(encoding="utf-8")))
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 100
    assert named - there == set()


def test_the_readme_is_short() -> None:
    """At most 150 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_exit_code_is_documented() -> None:
    """The codes of the error tree are in the README and the quickstart."""
    codes = {getattr(errors, name).exit_code for name in errors.__all__} - {errors.OffrecordError.exit_code}
    for page in (ROOT / "README.md", DOCS / "quickstart.md"):
        line = re.sub(r"\s+", " ", page.read_text(encoding="utf-8")).split("Exit codes:")[1].split(".")[0]
        assert codes <= {int(code) for code in re.findall(r"\d+", line)}


def test_every_preset_is_documented() -> None:
    """The quickstart's table has them all."""
    page = (DOCS / "quickstart.md").read_text(encoding="utf-8")
    assert all(f"| `{preset}` |" in page for preset in PRESETS)


def test_every_key_of_the_review_page_is_in_its_guide() -> None:
    """What the page's own list of keys names stands in the guide's table, and nothing else does."""
    page = (ROOT / "src/offrecord/server/static/review.html").read_text(encoding="utf-8")
    listed = re.search(r'<div class="keys">(.+?)</div>', page, re.DOTALL)
    assert listed
    keys = {key for row in re.findall(r"<dt>(.+?)</dt>", listed[1]) for key in re.findall(r"<kbd>(.+?)</kbd>", row)}
    table = (DOCS / "review.md").read_text(encoding="utf-8").split("## Keys")[1].split("## On a telephone")[0]
    named = {key for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for key in re.findall(r"`(.+?)`", row)}
    assert keys <= named
    assert named - keys <= {"Ctrl"}


def test_the_changelog_has_the_version() -> None:
    """The version that the package gives has its entry."""
    assert f"## [{offrecord.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_example_is_what_comes_out() -> None:
    """What lies beside the example has no more than the redacted words."""
    redacted = (ROOT / "examples" / "call.redacted.txt").read_text(encoding="utf-8")
    assert redacted.count("[") >= 12


def test_the_library_example_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The code in the README works as it stands, and prints what its comments say."""
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code
    monkeypatch.chdir(ROOT)
    text = code[1].replace('["a.mp3", "b.mp3"]', "[]")
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102
    assert {(span.start, span.end) for span in names["spans"]} == {(5, 17)}  # type: ignore[attr-defined]
