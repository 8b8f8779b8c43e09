"""The annotated texts of `../shared/data` and the held-out dialogues of `training/`, as rows of the reference scorer.

Nothing here is changed in meaning: labels and offsets are those of the files. What a file does not mark is written down
with its set (`complete`), because precision means nothing where details are left unmarked.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"
HELDOUT = ROOT / "training" / "heldout.jsonl"
UNSEEN = ROOT / "training" / "unseen.jsonl"

if not (DATA / "score.py").is_file():
    sys.exit(f"bench: {DATA} is not there; the annotated texts have to lie beside the project, in ../shared/data")
sys.path[:0] = [str(DATA), str(ROOT / "training")]

from dialogues import Dialogue, lower, plain, read_calls  # noqa: E402 - both lie outside of every package
from score import score, telling  # noqa: E402

__all__ = ["DATA", "DIRECT", "HELDOUT", "SETS", "SHARED", "Dialogue", "Gold", "plain", "read_calls", "score", "telling"]

Row = dict[str, Any]
Marked = tuple[int, int, str]

DIRECT = frozenset(
    "person_name phone_number email_address location_address location_zip credit_card_number credit_card_cvv "
    "credit_card_expiration us_social_security_number account_number banking_information date_of_birth drivers_license "
    "passport_number healthcare_number vehicle_id username password ip_address url organization".split()
)
"""The direct identifiers of the project's aims."""

NEGATIVES = frozenset("d018 d026 d028 d030 d034 d048 d052 d054 d055 d056 d059".split())
"""The calls that hold one detail at most, amid what looks like details (`calls/README.md`)."""


@dataclass(frozen=True, slots=True)
class Gold:
    """One set: rows of the scorer, and what can be measured on it.

    ``direct``: its labels that name somebody directly. ``complete``: every personal detail is marked, so precision and
    false masks mean something. ``persons``: the label of persons, where a row of its own compares the masks of persons
    with it. ``by_label``: labels that get a table of their own.
    """

    name: str
    rows: list[Row]
    direct: frozenset[str]
    complete: bool = True
    persons: str | None = None
    by_label: frozenset[str] = frozenset()

    def only_persons(self) -> Gold:
        """The same rows with no other marks than those of persons."""
        rows = [{**row, "spans": [s for s in row["spans"] if s["label"] == self.persons]} for row in self.rows]
        return replace(self, name=f"{self.name}, person masks", rows=rows, complete=True, by_label=frozenset())


def _dialogues(name: str, path: Path, ids: frozenset[str] | None = None, cases: str = "cased lower") -> Iterator[Gold]:
    """Dialogues in several cases: as written; lower, as recognisers without case and punctuation give them; blanked."""
    read = [dialogue for dialogue in read_calls(path) if ids is None or dialogue.name in ids]
    for case in cases.split():
        rows = []
        for dialogue in read:
            text, spans = _in_case(case, *plain(dialogue))
            marks = [{"start": start, "end": end, "label": label} for start, end, label in spans]
            rows.append({"id": dialogue.name, "text": text, "spans": marks})
        yield Gold(f"{name} {case}", rows, DIRECT, by_label=frozenset() if ids or case == "blanked" else DIRECT)


def _in_case(case: str, text: str, spans: list[Marked]) -> tuple[str, list[Marked]]:
    if case == "lower":
        moved: tuple[str, list[Marked]] = lower(text, spans)
        return moved
    # Lower with a space for each mark, so two in a row: nearest to `../shared/data/README.md`.
    return (re.sub(r"[.,?!]", " ", text).lower() if case == "blanked" else text), spans


def _lines(
    name: str,
    files: str,
    direct: str,
    *,
    complete: bool = True,
    persons: str | None = None,
    kept: str = "",
    every: int = 1,
    by_label: bool = False,
) -> Iterator[Gold]:
    """Each ``every``-th line of files in the scorer's format, with the marks of the labels ``kept`` (all if empty)."""
    rows: list[Row] = []
    for file in files.split():
        path = DATA / file
        for line in path.read_text(encoding="utf-8").splitlines()[::every]:
            row = json.loads(line)
            marks = [span for span in row["spans"] if not kept or span["label"] in kept.split()]
            rows.append({"id": f"{path.stem}/{row['id']}", "text": row["text"], "spans": marks})
    named = frozenset(direct.split())
    yield Gold(name, rows, named, complete, persons, named if by_label else frozenset())


_ACI = "aci_bench_names"
SETS: dict[str, Callable[[], Iterator[Gold]]] = {
    "calls": partial(_dialogues, "calls", DATA / "calls" / "calls.jsonl"),
    "heldout": partial(_dialogues, "heldout", HELDOUT),
    "unseen": partial(_dialogues, "unseen", UNSEEN),
    "negatives": partial(_dialogues, "negatives", DATA / "calls" / "calls.jsonl", NEGATIVES),
    "blanked": partial(_dialogues, "calls", DATA / "calls" / "calls.jsonl", cases="blanked"),
    "presidio_synth": partial(
        _lines,
        "presidio_synth",
        "presidio_synth/gold_generated_large.jsonl",
        "PERSON PHONE_NUMBER EMAIL_ADDRESS CREDIT_CARD US_SSN",
        by_label=True,
    ),
    "wnut17": partial(_lines, "wnut17", "wnut17/dev.jsonl", "person", persons="person", complete=False),
    "btc": partial(_lines, "btc", "btc/dev.jsonl", "PER", persons="PER", complete=False),
    "aci": partial(
        _lines,
        "aci, recognised",
        f"{_ACI}/aci_asr.jsonl {_ACI}/aci_asr2.jsonl {_ACI}/virtscribe_asr.jsonl",
        "PATIENT_FIRST PATIENT_LAST DOCTOR",
        complete=False,
    ),
    "uner": partial(_lines, "uner_ewt", "eval_only/uner_ewt/dev.jsonl", "PER", persons="PER", complete=False),
    "sgd": partial(
        _lines,
        "sgd",
        "eval_only/sgd/dev.jsonl",
        "phone_number address street_address therapist_name recipient_name",
        kept="phone_number address street_address therapist_name recipient_name",
        complete=False,
        by_label=True,
    ),
    # Each fifth segment: all of them are 1.5 million characters.
    "earnings21": partial(
        _lines,
        "earnings21, a fifth",
        "eval_only/earnings21/gold_rest.jsonl",
        "PERSON",
        kept="PERSON ORG WEBSITE",
        complete=False,
        every=5,
    ),
}
"""Each set by the name that ``--only`` takes: a function, so that nothing is read that is not asked for."""
