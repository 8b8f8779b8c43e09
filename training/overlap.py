"""Does the training text hold any four words in a row of an evaluation file? Then its figures would flatter.

    python training/overlap.py            exit code 1 and the places, if it does
    python training/overlap.py --mend     part such words in the carriers with a filler, as speakers do

Words are folded: case and punctuation do not count. Compared are the carriers with every text that the detector is scored
on. Digits, letters and dates in a row say nothing
of a text's origin and do not count: there are only so many.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from dialogues import MARK, plain, read_calls, read_carriers

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
CALLS = {
    "calls": SHARED / "calls" / "calls.jsonl",
    "heldout": HERE / "heldout.jsonl",
    "unseen": HERE / "unseen.jsonl",
}
"""The evaluation sets of annotated dialogues."""
LENGTH = 4
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")

_FILLERS = ("uh", "um", "er", "like", "you know", "I mean", "well", "sort of")
_CODE = re.compile(
    r"[a-z]|\d+|oh|zero|nought|double|triple|treble|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|"
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|hundred|thousand|and|dot|at|dash|slash|com|org|co|uk|net|"
    r"underscore|hyphen|stroke|the|of|on|as|in|for|capital|plus|\w+(?:teen|tie|s|x|f|n|gh|nin|r)th|first|second|third|(?:twenty|thirty)-\w+|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october|"
    r"november|december"
)
_COUNTS = re.compile(r"(?!(?:and|the|of|on|as|in|for|at|a|i|dot)$)(?:" + _CODE.pattern + ")")

Gram = tuple[str, ...]


def grams(text: str) -> Iterator[tuple[Gram, int]]:
    """Each run of `LENGTH` words, folded, and the character where it begins. Runs stay within a line."""
    at = 0
    for line in text.split("\n"):
        words = [(match[0].lower().replace("’", "'"), at + match.start()) for match in _WORD.finditer(line)]
        for i in range(len(words) - LENGTH + 1):
            yield tuple(word for word, _ in words[i : i + LENGTH]), words[i][1]
        at += len(line) + 1


def evaluation_texts() -> Iterator[tuple[str, str]]:
    """Name and text of everything that is scored and not trained on."""
    for name, path in CALLS.items():
        for dialogue in read_calls(path) if path.exists() else ():
            yield name, plain(dialogue)[0]
    for folder in ("btc", "wnut17", "presidio_synth", "eval_only/earnings21", "eval_only/sgd", "eval_only/uner_ewt"):
        for path in sorted((SHARED / folder).glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield folder, json.loads(line)["text"]


def forbidden(names: Iterable[str] = ()) -> dict[Gram, str]:
    """The runs of words of the evaluation texts (of those named, or of all), each with the name of one that has it."""
    wanted = set(names)
    return {gram: name for name, text in evaluation_texts() if not wanted or name in wanted for gram, _ in grams(text)}


def _is_code(gram: Gram) -> bool:
    if len(gram[0]) == 1 and gram[1:3] == ("as", "in"):
        return True
    return all(_CODE.fullmatch(word) for word in gram) and sum(bool(_COUNTS.fullmatch(word)) for word in gram) > 0


def _mend(line: str, seen: dict[Gram, str]) -> str:
    """``line`` with a filler in each overlapping run, between two words that are both outside marks."""
    rng = random.Random(line)
    for _ in range(50):
        if line.startswith("#") or ": " not in line:
            return line
        head = line.index(": ") + 2
        place = _raw_places(line, head)
        text = "".join(line[i] for i in place)
        at = next((at for gram, at in grams(text) if gram in seen), None)
        if at is None:
            return line
        words = list(_WORD.finditer(text, at))[:LENGTH]
        gaps = [(a.end(), b.start()) for a, b in itertools.pairwise(words)]
        free = [b for a, b in gaps if place[b] - place[a] == b - a and not _inside(line, place[b] - 1)]
        if not free:
            return line
        where = place[free[len(free) // 2]]
        line = line[:where] + rng.choice(_FILLERS) + " " + line[where:]
    return line


def _raw_places(line: str, head: int) -> list[int]:
    """Where in the marked line each character of the plain text stands."""
    places, at = [], head
    for match in MARK.finditer(line, head):
        places += [*range(at, match.start()), *range(match.start(2), match.end(2))]
        at = match.end()
    return [*places, *range(at, len(line))]


def _inside(line: str, at: int) -> bool:
    return any(match.start() <= at < match.end() for match in MARK.finditer(line))


def main() -> int:
    """Print each overlap; 1 if there is one."""
    seen = {gram: name for gram, name in forbidden().items() if not _is_code(gram)}
    if "--mend" in sys.argv:
        for path in sorted((HERE / "carriers").glob("*/*.txt")):
            text = path.read_text(encoding="utf-8")
            mended = "\n".join(_mend(line, seen) for line in text.split("\n"))
            path.write_text(mended, encoding="utf-8")
    found = 0
    for directory in sorted((HERE / "carriers").iterdir()):
        for dialogue in read_carriers(directory):
            for gram, _ in grams(plain(dialogue)[0]):
                if gram in seen:
                    found += 1
                    print(f"{dialogue.name}: {' '.join(gram)!r} is in {seen[gram]}")
    for number, line in enumerate((HERE / "recognised.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        for gram, _ in grams(json.loads(line)["text"]):
            if gram in seen:
                found += 1
                print(f"recognised.jsonl:{number}: {' '.join(gram)!r} is in {seen[gram]}")
    print(f"{found} overlaps of {LENGTH} words")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
