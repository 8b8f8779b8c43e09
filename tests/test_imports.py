"""Imports point one way: types, stages, pipeline, edges."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "offrecord"
LAYERS = (
    {"errors", "logs", "ranges", "verification"},
    {"labels", "usage"},
    {"cloud", "transcripts"},
    {"types", "settings", "upstreams"},
    {"containers", "edits", "samples", "pictures", "audio", "meter", "detect", "resolve", "transcribe"}
    | {
        f"redact.{name}"
        for name in ("audio", "cover", "crosstalk", "early", "edges", "envelope", "instead", "tones", "unrecognised")
    },
    {"redact", "live", "page", "verify", "provenance", "second"},
    {"export", "loaded"},
    {"pipeline"},
    {"records", "spelling", "orders", "fetch", "rooms", "rows", "database", "executors"},
    {"queue"},
    {"review"},
    {"store", "jobs"},
    {"workers", "elsewhere"},
    {"dispatching"},
    {"server"},
    {"sources"},
    {"batch"},
    {"terminal", "options"},
    {"redacting", "batching", "reviewing"},
    {"cli"},
    {"__main__"},
)


def _layer(module: str) -> int:
    parts = module.split(".")
    for depth in (2, 1):
        for number, names in enumerate(LAYERS):
            if ".".join(parts[:depth]) in names:
                return number
    raise AssertionError(f"{module} has no layer: give it one")


def _imports(path: Path) -> set[str]:
    """The modules of ours that are imported at module level."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "offrecord":
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= {name for name in names if _is_module(name)}
    return {name.removeprefix("offrecord.") for name in found if name != "offrecord"}


def _is_module(name: str) -> bool:
    path = SOURCE.parent / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def test_imports_point_one_way() -> None:
    """A module imports only from its own layer and those below it."""
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        if module == "__init__":
            continue
        wrong += [f"{module} imports {name}" for name in _imports(path) if _layer(name) > _layer(module)]
    assert wrong == []


def test_the_client_of_gateways_is_not_imported_before_it_is_wanted() -> None:
    """It takes a second, and most users have no gateway."""
    code = "import sys, offrecord.cli; sys.exit('openai' in sys.modules or 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_file_is_too_long() -> None:
    """A module that has grown past 300 lines wants to be two."""
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_functions_are_short() -> None:
    """95 of 100 functions are under 50 lines."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]
    assert sum(length >= 50 for length in lengths) / len(lengths) <= 0.05
