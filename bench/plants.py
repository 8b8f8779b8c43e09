"""Faults planted into what is muted: does the second listening find every one?

    python bench/plants.py [--count 50] [--seed 1] [--model tiny.en] [--verify-model DIRECTORY] [--markdown]

The calls of `../shared/audio/calls` with exact times are recognised and their details found, as always. Then one fault
at a time is planted into the muted intervals, at a detail that is otherwise muted wholly:

- late: its interval begins 300 ms after the detail does;
- digit: the loudest 300 ms of the middle third of a number are left;
- channel: its interval lies on the other channel (the words stand on the channel of who says them);
- missed: it has no interval at all.

Found: the second listening mutes at least `AGAIN` of what the fault had left to hear, or says that it is left.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import report
from audio import Call, Times, read_calls, recognised, union, within

from offrecord import Entity, Redactor, Transcript
from offrecord.detect import detect
from offrecord.meter import measure
from offrecord.redact.cover import cover
from offrecord.redact.envelope import FRAME_MS, Envelope
from offrecord.resolve import resolve
from offrecord.types import Interval
from offrecord.verify import Muted, verify

FAULTS = ("late", "digit", "channel", "missed")
SHIFT = 300
"""Milliseconds: how late an interval is, and how much of the middle of a number is left."""
AGAIN = 0.8
HEADER = ("fault", "planted", "found", "share of it muted again", "intervals added or widened")


@dataclass(frozen=True, slots=True)
class Known:
    """A call as the pipeline sees it, in both ways: all channels alike, and each on its own."""

    call: Call
    mono: tuple[Transcript, tuple[Entity, ...], Envelope]
    separate: tuple[Transcript, tuple[Entity, ...], Envelope]
    speakers: tuple[int, ...]
    """The channel of each detail."""
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault: the intervals with it, and the milliseconds that it leaves to hear, on which channel."""

    known: Known
    fault: str
    muted: Muted
    left: tuple[Times, ...]
    row: int


def known(redactor: Redactor, call: Call) -> Known:
    """Recognise and detect once; words stand on the channel of the turn that they are in."""
    truth = json.loads(call.path.with_suffix(".json").read_text(encoding="utf-8"))
    turns = [(turn["start"] * 1000, turn["end"] * 1000, "AB".index(turn["speaker"])) for turn in truth["turns"]]
    mono, envelope = recognised(redactor, call.path)
    entities = resolve(mono, detect(mono.view, redactor.detectors), redactor.policy)

    def channel(start: float, end: float) -> int:
        return max(turns, key=lambda turn: within((start, max(end, start + 1)), [turn[:2]]))[2]

    # Only the words' channels change, not their order, so the entities still name the same words.
    words = tuple(replace(word, channel=channel(word.start, word.end)) for word in mono.words)
    separate = Transcript.spoken(words, mono.duration, mono.language)
    moved = resolve(separate, detect(separate.view, redactor.detectors), redactor.policy)
    return Known(
        call,
        (mono, entities, envelope),
        (separate, moved, measure(call.path, "separate").envelope()),
        tuple("AB".index(detail["speaker"]) for detail in truth["details"]),
        tuple(detail["text"] for detail in truth["details"]),
    )


def rows(transcript: Transcript, entities: Sequence[Entity], envelope: Envelope, redactor: Redactor) -> Muted:
    """What is muted without a fault."""
    made = cover(transcript, entities, redactor.policy, envelope)
    return made.channels or (made.muted,) * len(envelope.levels)


def without(row: Sequence[Interval], gap: Times) -> tuple[Interval, ...]:
    """The intervals with a hole in them."""
    start, end = round(gap[0]), round(gap[1])
    parts = [(a, min(b, start)) for a, b in row if a < start] + [(max(a, end), b) for a, b in row if b > end]
    return tuple(sorted({part for part in parts if part[0] < part[1]}))


def loudest(envelope: Envelope, start: float, end: float) -> Times:
    """The loudest `SHIFT` milliseconds between two times: a hole in a pause is no fault, there is nothing to hear."""
    starts = range(round(start), max(round(start) + 1, round(end) - SHIFT), FRAME_MS)
    levels = envelope.levels[0].astype(int)
    best = max(starts, key=lambda at: levels[at // FRAME_MS : (at + SHIFT) // FRAME_MS].sum())
    return best, best + SHIFT


def planted(of: Known, redactor: Redactor) -> Iterator[Plant]:
    """Every fault that can be planted into a call, one for each detail and kind."""
    for number, (start, end) in enumerate(of.call.details):
        for fault in FAULTS:
            transcript, entities, envelope = of.separate if fault == "channel" else of.mono
            muted = rows(transcript, entities, envelope, redactor)
            row = of.speakers[number] if fault == "channel" else 0
            if within((start, end), muted[row]) < 0.99 * (end - start):
                continue  # not detected, or left at an edge: no fault of ours would show
            around = next(((a, b) for a, b in muted[row] if a <= (start + end) / 2 < b), None)
            if around is None:
                continue
            if fault == "late":
                # All that the interval holds before the detail is left, too: it is that much late.
                left: Times = (max(around[0], start - 250), min(end, start + SHIFT))
            elif fault == "digit":
                said = of.texts[number].lower().split()
                if sum(word.strip(",.") in DIGITS for word in said) < 4 or end - start < 1_500:
                    continue
                left = loudest(envelope, start + (end - start) / 3, end - (end - start) / 3)
            else:
                left = start, end
            holed = tuple(without(each, left) if n == row else each for n, each in enumerate(muted))
            if fault == "channel":
                other = 1 - row
                swapped = tuple(union([*holed[other], (round(start), round(end))]))
                holed = tuple(swapped if n == other else each for n, each in enumerate(holed))
            yield Plant(of, fault, holed, ((max(left[0], start), min(left[1], end)),), row)


DIGITS = "one two three four five six seven eight nine oh zero double".split()


def main() -> None:
    """Plant, listen, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="CALL")
    parser.add_argument("--model")
    parser.add_argument("--verify-model")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    redactor = Redactor(policy="all", model=args.model, verify_model=args.verify_model)
    choice = random.Random(args.seed)
    plants: list[Plant] = []
    for call in read_calls(args.only):
        if call.exact:
            report.progress(call.name)
            plants += planted(known(redactor, call), redactor)
    choice.shuffle(plants)
    share = -(-args.count // len(FAULTS))
    chosen = [plant for fault in FAULTS for plant in [p for p in plants if p.fault == fault][:share]][: args.count]
    counted: dict[str, list[tuple[bool, float, int]]] = {fault: [] for fault in FAULTS}
    for plant in chosen:
        transcript, entities, envelope = plant.known.separate if plant.fault == "channel" else plant.known.mono
        grown, done = verify(
            plant.known.call.path,
            transcript,
            entities,
            plant.muted,
            hearing=redactor.verifier,
            detectors=redactor.detectors,
            policy=redactor.policy,
            envelope=envelope,
        )
        (left,) = plant.left
        again = within(left, union([*grown[plant.row], *done.left])) / (left[1] - left[0])
        counted[plant.fault].append((again >= AGAIN, again, done.widened + done.added))
        if again < AGAIN:
            report.progress(f"not found: {plant.known.call}, {plant.fault}, {left[0]:.0f} to {left[1]:.0f} ms")
    table = [
        [
            fault,
            str(len(results)),
            str(sum(found for found, _, _ in results)),
            f"{sum(again for _, again, _ in results) / max(1, len(results)):.3f}",
            str(sum(grown for _, _, grown in results)),
        ]
        for fault, results in counted.items()
    ]
    notes = [f"{len(chosen)} faults, seed {args.seed}; listens again: {redactor.verifier.name}"]
    report.show(report.stamp(["faster-whisper"], notes), markdown=args.markdown)
    print(report.table(HEADER, table, markdown=args.markdown))


if __name__ == "__main__":
    main()
