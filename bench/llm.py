"""The guide's way with a language model beside ours, with the same perfect model: what is left to read.

    python bench/llm.py                    # leak of both on calls and presidio_synth
    python bench/llm.py --every 10         # on each tenth text
    python bench/llm.py --time             # an hour of transcript, 500 ms for each answer
    python bench/llm.py --grounding        # how quotes with errors are placed, by how alike they have to be

The model is a script behind a real HTTP server on 127.0.0.1. It is perfect on what it is shown: it names every
annotated detail that is whole in the question, and nothing else. So what leaks is the method's fault alone. Ours has
the model alone: no tagger, no patterns.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gold import SETS, Gold, score, telling

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from gateways import Asked, Gateway, Turn, answer, gateway

import offrecord
from offrecord.detect import grounding
from offrecord.transcribe import imported

Row = dict[str, Any]
_SPACE = re.compile(r"\s+")


def _single(gap: re.Match[str]) -> str:
    return "\n" if "\n" in gap[0] else " "


class Perfect:
    """A model that knows the annotations of the text that is being read."""

    def __init__(self, pause: float = 0.0) -> None:
        self.known: list[str] = []
        self.pause = pause

    def __call__(self, asked: Asked) -> Turn:
        """Name the details that are whole in what is shown."""
        shown = asked.transcript if asked.body["messages"][-1]["content"].startswith("{") else ""
        # Detectors see single spaces, and so does the model.
        named = [quote for quote in (_SPACE.sub(_single, known) for known in self.known) if quote in shown]
        turn = answer(*(("person_name", quote) for quote in named))
        return Turn(turn.body, pause=self.pause)

    def found(self, shown: str) -> list[str]:
        """The details that are whole in ``shown``, each once, in the order of the text."""
        return [quote for quote in self.known if quote in shown]


def guide(model: Perfect, text: str) -> tuple[list[list[int]], int]:
    """The guide's script: the characters that it replaces, and its calls. It asks the model function directly."""
    hidden: list[list[int]] = []
    calls = start = 0
    for end, after in [*((m.start(), m.end()) for m in re.finditer(r"[.!?]+", text)), (len(text), len(text))]:
        sentence = text[start:end]
        if sentence.strip():
            calls += 1
            try:
                named = model.found(sentence)
            except Exception:  # noqa: BLE001 - so it stands in the guide
                named = []
            left = sentence
            for entity in named:
                # str.replace, seen from outside: all places, in this order, in what is left of the sentence.
                at = left.find(entity)
                while at >= 0:
                    hidden.append([start + at, start + at + len(entity)])
                    left = left[:at] + "#" * len(entity) + left[at + len(entity) :]
                    at = left.find(entity, at + len(entity))
        start = after
    return hidden, calls


def ours(redactor: offrecord.Redactor, text: str) -> tuple[list[list[int]], int]:
    """What `Redactor` hides with the same model alone, and its calls."""
    transcript = imported.from_text(text)
    redaction = redactor.redact_text(text)
    assert redaction.usage is not None
    return [list(transcript.characters_of(entity.words)) for entity in redaction.entities], redaction.usage.calls


def connected(server: Gateway, **given: Any) -> offrecord.Redactor:
    """Our redactor in front of the model, alone."""
    return offrecord.Redactor(
        detector="llm", patterns=False, policy="person_name", llm_base_url=server.url, llm_model="perfect", **given
    )


def compare(gold: Gold, every: int) -> None:
    """Print leak, precision and calls of both methods on a set."""
    rows = gold.rows[::every]
    model = Perfect()
    found: dict[str, list[Row]] = {"the guide": [], "offrecord": []}
    calls = dict.fromkeys(found, 0)
    with gateway(model) as server:
        redactor = connected(server)
        for row in rows:
            model.known = list(dict.fromkeys(row["text"][s["start"] : s["end"]] for s in row["spans"]))
            for name, (spans, asked) in (
                ("the guide", guide(model, row["text"])),
                ("offrecord", ours(redactor, row["text"])),
            ):
                found[name].append({"id": row["id"], "spans": spans})
                calls[name] += asked
    characters = sum(len(row["text"]) for row in rows)
    for name, predicted in found.items():
        result = score(rows, predicted)
        every_label = result["labels"]["ALL"]
        print(
            f"{gold.name:24} {name:10} {every_label['n']:6} details  leak {every_label['leak']:.4f}  "
            f"text leak {result['doc_leak']:.4f}  precision {result['precision']:.4f}  "
            f"{calls[name]:6} calls, one for {characters / max(1, calls[name]):.0f} characters"
        )


def timed() -> None:
    """Print how long an hour of transcript takes with a model that thinks for half a second."""
    rows = [row for gold in SETS["calls"]() for row in gold.rows]
    text = "\n".join(row["text"] for row in rows)[:50_000]
    model = Perfect(pause=0.5)
    with gateway(model) as server:
        redactor = connected(server, llm_concurrency=8)
        began = time.monotonic()
        redaction = redactor.redact_text(text)
        seconds = time.monotonic() - began
    assert redaction.usage is not None
    print(f"{len(text)} characters, 8 at once, 500 ms each: {redaction.usage.calls} calls, {seconds:.1f} s")
    sentences = sum(bool(part.strip()) for part in re.split(r"[.!?]+", text))
    print(f"the guide, one after the other: {sentences} calls, {sentences / 2:.0f} s at least")


def grounded(every: int) -> None:
    """Print what becomes of quotes with errors in them, and of quotes that are of another text."""
    rows = [row for gold in SETS["calls"]() for row in gold.rows][:: max(1, every // 4)]
    chance = random.Random(7)
    others = [row["text"][s["start"] : s["end"]] for row in rows for s in row["spans"]]
    for name, change in (
        ("one letter in eight wrong", _typos),
        ("a word left out", _shorter),
        ("of another text", None),
    ):
        counts: dict[str, int] = {"whole": 0, "sentence": 0, "part": 0, "none": 0}
        for row in rows:
            ground = grounding.Ground(row["text"])
            for span in row["spans"]:
                said = row["text"][span["start"] : span["end"]]
                quote = change(said, chance) if change else chance.choice(others)
                if change is None and quote.casefold() in row["text"].casefold():
                    continue
                counts[_outcome(ground, row["text"], span, quote, foreign=change is None)] += 1
        total = max(1, sum(counts.values()))
        print(f"{name:28} {total:5} quotes  " + "  ".join(f"{k} {v / total:.3f}" for k, v in counts.items()))


def _outcome(ground: grounding.Ground, text: str, span: Row, quote: str, *, foreign: bool) -> str:
    placed = ground.place(grounding.Quote("person_name", quote))
    how = "sentence" if any(s.source == "llm:sentence" for s in placed) else "whole"
    if foreign or not placed:
        return how if placed else "none"
    hidden = {i for s in placed for i in range(s.start, s.end)}
    return how if set(telling(text, span["start"], span["end"])) <= hidden else "part"


def _typos(said: str, chance: random.Random) -> str:
    return "".join(
        chance.choice("abcdefghijklmnopqrstuvwxyz") if c.isalpha() and chance.random() < 1 / 8 else c for c in said
    )


def _shorter(said: str, chance: random.Random) -> str:
    words = said.split()
    if len(words) > 1:
        words.pop(chance.randrange(len(words)))
    return " ".join(words)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="only each so many-th text")
    parser.add_argument("--only", default="calls,presidio_synth", help="sets, separated by commas")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--grounding", action="store_true")
    given = parser.parse_args(arguments)
    if given.time:
        timed()
    elif given.grounding:
        grounded(given.every)
    else:
        for name in given.only.split(","):
            for gold in SETS[name]():
                compare(gold, given.every)


if __name__ == "__main__":
    main()
