"""Score a tagger alone, or the whole detector, on every evaluation set, cased and lower; with `shared/data/score.py`.

    python training/evaluate.py [MODEL_DIRECTORY] [--strictness balanced recall] [--errors heldout]

``--errors`` prints what was missed and falsely hidden: text of the invented evaluation dialogues, for looking at by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
sys.path[:0] = [str(SHARED), str(HERE.parent / "src")]

from dialogues import lower, plain, read_calls  # noqa: E402
from overlap import CALLS  # noqa: E402
from score import score  # noqa: E402

from offrecord.detect import detect, patterns, tagger  # noqa: E402
from offrecord.types import Span  # noqa: E402

DIRECT = set(
    "person_name phone_number email_address location_address location_zip credit_card_number credit_card_cvv "
    "credit_card_expiration us_social_security_number account_number banking_information date_of_birth drivers_license "
    "passport_number healthcare_number vehicle_id username password ip_address url organization".split()
)


def sets() -> dict[str, list[dict[str, object]]]:
    """The evaluation sets as gold rows of the scorer."""
    rows = {}
    for name, path in CALLS.items():
        for case in ("cased", "lower"):
            rows[f"{name} {case}"] = []
            for dialogue in read_calls(path):
                text, spans = plain(dialogue)
                if case == "lower":
                    text, spans = lower(text, spans)
                marks = [{"start": a, "end": b, "label": label} for a, b, label in spans]
                rows[f"{name} {case}"].append({"id": dialogue.name, "text": text, "spans": marks})
    return rows


def rules(least: float) -> Callable[[str], list[Span]]:
    """The rules that are at least so sure."""
    return lambda text: [span for span in patterns.find(text) if span.score >= least]


def main() -> None:
    """Print a row a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--strictness", nargs="*", default=["balanced"])
    parser.add_argument("--sure", type=float, nargs="*", help="thresholds to try instead")
    parser.add_argument("--parts", default="tagger,all", help="tagger, patterns, all")
    parser.add_argument("--errors", default="")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    gold = sets()
    for threshold in args.sure or args.strictness:
        chosen = {"threshold": threshold} if args.sure else {"strictness": threshold}
        least = 0.7 if args.sure else patterns.SURE[threshold]
        model = tagger.load(args.model, threads=args.threads, **chosen)
        parts: dict[str, Callable[[str], Sequence[Span]]] = {
            "tagger": model.find,
            "patterns": lambda text: detect(text, [patterns.find]),
            "all": lambda text, model=model, least=least: detect(text, [model.find, rules(least)]),
        }
        for part in args.parts.split(","):
            for name, rows in gold.items():
                found = {row["id"]: parts[part](str(row["text"])) for row in rows}
                pred = [{"id": key, "spans": [[s.start, s.end] for s in spans]} for key, spans in found.items()]
                all_, direct = score(rows, pred), score(rows, pred, DIRECT)
                print(
                    f"{threshold} {part:9s} {name:15s} direct {direct['labels']['ALL']['leak']:.3f}  all {all_['labels']['ALL']['leak']:.3f}"
                    f"  precision {all_['precision']:.3f}  false/1000 {all_['false_per_1000']:.1f}",
                    flush=True,
                )
                if name == args.errors:
                    _errors(rows, found)


def _errors(rows: list[dict[str, object]], found: dict[object, Sequence[Span]]) -> None:
    for row in rows:
        text, marks = str(row["text"]), row["spans"]
        spans = found[row["id"]]
        for mark in marks:  # type: ignore[attr-defined]
            hidden = {k for s in spans for k in range(s.start, s.end)}
            if any(text[k].isalnum() and k not in hidden for k in range(mark["start"], mark["end"])):
                a, b = mark["start"], mark["end"]
                print(f"   MISS {mark['label']:20s} {text[max(0, a - 40) : a]!r} [{text[a:b]}] {text[b : b + 20]!r}")
        for s in spans:
            if not any(mark["start"] < s.end and s.start < mark["end"] for mark in marks):  # type: ignore[attr-defined]
                print(
                    f"   FALSE {s.label:19s} {s.source:15s} {s.score:.2f} {text[max(0, s.start - 40) : s.start]!r} [{text[s.start : s.end]}]"
                )


if __name__ == "__main__":
    main()
