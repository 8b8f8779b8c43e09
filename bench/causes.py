"""Which details are left to hear because they were not found, and why: recogniser, patterns or tagger.

    python bench/causes.py [--only d002] [--list] [--markdown]
    python bench/causes.py --sound [--model DIRECTORY] [--list] [--markdown]

For all 24 recordings of `../shared/audio/calls`: what was said is aligned with what the recogniser wrote, so each
detail has its written words. It is missed if a telling part of these is not hidden (by the scorer's measure), unless
exact times show that 95% of it is muted all the same: timing is what `audio.py` measures. The cause is

    recogniser   it wrote nothing for the detail, or other words than were said, and in the true text it is found
    patterns     else, if it has a form: numbers, addresses, dates, credentials (the tagger misses it, too)
    tagger       else: names, organisations, places, and what else only the context tells

With ``--sound``: all details with exact times of which less than 95% is muted, the whole way with the edges. The cause:

    other words  the recogniser wrote nothing for the detail, or other words than were said, and none of them is hidden
    not found    it wrote what was said, and nothing of that is hidden
    in part      some of the written words are hidden
    neighbour    all are hidden, but the cover ends within the detail because a word that is none stands close by
    times        all are hidden, and they were said elsewhere than the recogniser has them
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING

import report
from audio import COVERED, Call, read_calls, recognised, union, within
from gold import DATA, Dialogue, plain, telling
from gold import read_calls as read_dialogues

if TYPE_CHECKING:
    from offrecord import Redactor, Transcript

FORMLESS = frozenset(
    "person_name organization location_city location_state location_country occupation medical_condition drug".split()
)
"""Labels whose details have no form that a pattern could know."""
CAUSES = ("recogniser", "patterns", "tagger")
AUDIBLE = ("other words", "not found", "in part", "neighbour", "times")
_EARLY_MS = 200
"""A cover ends at the middle of a kept word, or later by what the recogniser is early: this at most."""
_DIGITS = {word: str(digit) for digit, word in enumerate("zero one two three four five six seven eight nine".split())}
_DIGITS |= {"oh": "0", "o": "0", "nought": "0"}


@dataclass(frozen=True, slots=True)
class Missed:
    """A detail that is left: what was said, and what the recogniser wrote for it (both invented)."""

    call: str
    label: str
    cause: str
    said: str
    written: str


def missed(redactor: Redactor, call: Call, dialogue: Dialogue) -> Iterator[Missed]:
    """The details of ``call`` that the detector leaves in what the recogniser writes."""
    heard, _ = recognised(redactor, call.path)
    redaction = redactor.redact_transcript(heard)
    hidden = {position for entity in redaction.entities for position in range(*heard.characters_of(entity.words))}
    text, spans = plain(dialogue)
    found = {position for span in redactor.detect(text) for position in range(span.start, span.end)}
    for number, ((start, end, label), words) in enumerate(zip(spans, _written(text, spans, heard), strict=True)):
        if words and hidden.issuperset(telling(heard.text, *heard.characters_of(words))):
            continue
        if call.exact and _is_muted(call, number, redaction.muted):
            continue
        written = heard.text[slice(*heard.characters_of(words))] if words else ""
        hidden_in_truth = found.issuperset(telling(text, start, end))
        if hidden_in_truth and _folded(text[start:end]) != _folded(written):
            cause = "recogniser"
        else:
            cause = "tagger" if label in FORMLESS else "patterns"
        yield Missed(call.name, label, cause, text[start:end], written)


def audible(redactor: Redactor, call: Call, dialogue: Dialogue) -> Iterator[Missed]:
    """The details of ``call`` that are left to hear the whole way, whatever the cause."""
    from offrecord.redact.edges import intervals

    heard, envelope = recognised(redactor, call.path)
    entities = redactor.redact_transcript(heard).entities
    muted = intervals(heard, entities, pad=redactor.policy.pad, envelope=envelope)
    chosen = {i for entity in entities for i in entity.words}
    hidden = {position for entity in entities for position in range(*heard.characters_of(entity.words))}
    text, spans = plain(dialogue)
    for number, ((start, end, label), words) in enumerate(zip(spans, _written(text, spans, heard), strict=True)):
        if _is_muted(call, number, muted):
            continue
        written = heard.text[slice(*heard.characters_of(words))] if words else ""
        told = telling(heard.text, *heard.characters_of(words)) if words else []
        if not hidden.intersection(told):
            cause = "not found" if words and _folded(text[start:end]) == _folded(written) else "other words"
        elif not hidden.issuperset(told):
            cause = "in part"
        else:
            cause = "neighbour" if _ended_by_a_word(call.details[number], muted, heard, chosen) else "times"
        yield Missed(call.name, label, cause, text[start:end], written)


def _ended_by_a_word(
    detail: tuple[float, float], muted: Sequence[tuple[int, int]], heard: Transcript, chosen: set[int]
) -> bool:
    """Whether a cover ends within the detail, and there is a word that is no detail."""
    inside = [edge for interval in muted for edge in interval if detail[0] < edge < detail[1]]
    kept = [word for i, word in enumerate(heard.words) if i not in chosen]
    return any(word.start <= edge <= word.end + _EARLY_MS for edge in inside for word in kept)


def _is_muted(call: Call, number: int, muted: Sequence[tuple[int, int]]) -> bool:
    start, end = call.details[number]
    covered: float = within((start, end), union(muted))
    return covered >= COVERED * (end - start)


def _folded(text: str) -> str:
    """Letters and digits as they would be written: the same for "oh one three" and "013"."""
    from offrecord.detect.spoken import written

    return re.sub(r"\W", "", written(text).text.lower())


def _written(text: str, spans: Sequence[tuple[int, int, str]], heard: Transcript) -> Iterator[range]:
    """For each span of the true ``text``, the words that stand for it in what was heard, if there are any."""
    said = [(_folded_word(match[0]), match.start()) for match in re.finditer(r"[^\s-]+", text)]
    tokens = [
        (token.lower(), i)
        for i, word in enumerate(heard.words)
        for token in re.findall(r"\d|[^\W\d]+(?:'[^\W\d]+)*", word.text)
    ]
    partner = _aligned([token for token, _ in said], [token for token, _ in tokens])
    taken = {j for j in partner if j is not None}
    for start, end, _ in spans:
        inside = [i for i, (_, at) in enumerate(said) if start <= at < end]
        partners = [j for i in inside if (j := partner[i]) is not None]
        if not partners:
            yield range(0)
            continue
        spoken = "".join(said[i][0] for i in inside)
        chosen = _grown(spoken, range(min(partners), max(partners) + 1), [token for token, _ in tokens], taken)
        yield range(tokens[chosen[0]][1], tokens[chosen[-1]][1] + 1)


def _grown(spoken: str, chosen: range, tokens: Sequence[str], taken: set[int]) -> range:
    """The range with the words beside it that have no partner, as long as with them it sounds more like ``spoken``."""
    while True:
        wider = [
            range(first, stop)
            for first, stop, new in (
                (chosen.start - 1, chosen.stop, chosen.start - 1),
                (chosen.start, chosen.stop + 1, chosen.stop),
            )
            if 0 <= new < len(tokens) and new not in taken
        ]
        best = min([chosen, *wider], key=lambda some: _difference(spoken, "".join(tokens[j] for j in some)))
        if best == chosen:
            return chosen
        chosen = best


def _folded_word(word: str) -> str:
    bare = re.sub(r"[^\w']", "", word.lower())
    return _DIGITS.get(bare, bare)


def _aligned(left: Sequence[str], right: Sequence[str]) -> list[int | None]:
    """For each word of ``left`` its partner in ``right``, by the cheapest edits; words that sound alike cost less."""
    # Cost of the best alignment of the first i and the first j, row by row; and which step led there.
    costs = [float(j) for j in range(len(right) + 1)]
    steps: list[list[int]] = [[2] * (len(right) + 1)]
    for word in left:
        row, step = [costs[0] + 1], [1]
        for j, other in enumerate(right, 1):
            ways = (costs[j - 1] + _difference(word, other), costs[j] + 1, row[j - 1] + 1)
            best = min(range(3), key=ways.__getitem__)
            row.append(ways[best])
            step.append(best)
        costs = row
        steps.append(step)
    partners: list[int | None] = [None] * len(left)
    i, j = len(left), len(right)
    while i > 0:
        way = steps[i][j] if j else 1
        if way == 0:
            partners[i - 1] = j - 1
        i, j = i - (way != 2), j - (way != 1)
    return partners


@lru_cache(maxsize=1 << 18)
def _difference(one: str, other: str) -> float:
    """0 for the same word, just under 2 for words that have nothing in common: rather partners than two edits."""
    return 0.0 if one == other else 1.99 - 1.5 * SequenceMatcher(None, one, other, autojunk=False).ratio()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", action="store_true", help="what is left to hear, of details with exact times")
    parser.add_argument("--only", nargs="+", metavar="CALL", help="these calls instead of all")
    parser.add_argument("--threshold", type=float, help="of Offrecord's tagger, instead of its own")
    parser.add_argument("--model", help="recogniser, instead of Offrecord's own")
    parser.add_argument("--list", action="store_true", help="print each missed detail: all are invented")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N calls: a trial, not a result")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    return parser.parse_args()


def main() -> None:
    """Redact each call, find what is left, and print the counts by label and cause."""
    args = _arguments()
    from offrecord import Redactor

    redactor = Redactor(policy="all", threshold=args.threshold, model=args.model)
    dialogues = {dialogue.name: dialogue for dialogue in read_dialogues(DATA / "calls" / "calls.jsonl")}
    total: Counter[str] = Counter()
    left: list[Missed] = []
    calls = [call for call in read_calls(args.only) if call.exact or not args.sound][: args.limit]
    find, causes = (audible, AUDIBLE) if args.sound else (missed, CAUSES)
    for call in calls:
        report.progress(call.name)
        dialogue = dialogues[call.name]
        total.update(label for _, _, label in plain(dialogue)[1])
        left += find(redactor, call, dialogue)
    counts = Counter((detail.label, detail.cause) for detail in left)
    rows = [
        [label, str(said), *(str(counts[label, cause]) for cause in causes), str(sum(counts[label, c] for c in causes))]
        for label, said in total.most_common()
    ]
    sums = Counter(detail.cause for detail in left)
    rows.append(["all", str(total.total()), *(str(sums[cause]) for cause in causes), str(len(left))])
    notes = [f"recogniser {redactor.recogniser.name}, tagger {redactor.tagger.name}, {len(calls)} recordings"]
    report.show(report.stamp(["faster-whisper"], notes), markdown=args.markdown)
    print(report.table(("label", "details", *causes, "left"), rows, markdown=args.markdown))
    if args.list:
        print()
        header = ("call", "label", "cause", "said", "written")
        cells = [[detail.call, detail.label, detail.cause, detail.said, detail.written] for detail in left]
        print(report.table(header, cells, markdown=args.markdown))


if __name__ == "__main__":
    main()
