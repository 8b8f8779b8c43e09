"""Do better times pay? The words of the first pass aligned with the sound once more, and what the edges make of it.

    python bench/align.py [--close] [--only d002 d006] [--model DIRECTORY] [--halves] [--markdown]

The text stays as it was recognised; its times are taken again with CTranslate2's ``align``, from other windows:
passages of up to 25 seconds that begin elsewhere in three ways; with ``--close``, windows of two, four and six words on
each side of a detail as well. Then both measures of `audio.py`: "gold" where the truth says which words are details,
"whole" where Offrecord does. "CPU" is the processor time beside that of the first pass, recognition and all.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import report
from audio import Call, Heard, Times, compare, read_calls, recognised, words_of

if TYPE_CHECKING:
    from offrecord import Entity, Redactor, Transcript
    from offrecord.redact.envelope import Envelope

HEADER = ("times", "gold left", "share", "wrongly s/min", "whole left", "share", "wrongly s/min", "CPU")
_RATE = 16_000
_LONGEST = 25_000
"""Milliseconds of a passage; the recogniser hears thirty seconds at once."""
_SHIFTS = (1.0, 1 / 3, 2 / 3)
"""The first passage of a way is so much of that."""
_CLOSE = (2, 4, 6)
"""Words on each side of a detail, in a close window."""
_BESIDE = 500
"""Milliseconds of sound before and after the words of a window, at most."""

Clock = dict[int, Times]
"""New times of words, milliseconds."""


@dataclass(slots=True)
class Work:
    """Results by way, for every call; processor seconds by what they were spent on."""

    gold: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    whole: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def passages(transcript: Transcript, shift: float) -> list[range]:
    """All words in passages of up to `_LONGEST`, the first shorter by ``shift``, each cut where the gap is widest."""
    words, found, first = transcript.words, [], 0
    longest = _LONGEST * shift
    while first < len(words):
        inside = [i for i in range(first, len(words)) if words[i].end - words[first].start <= longest] or [first]
        stop = inside[-1] + 1
        if stop < len(words):
            later = range(first + len(inside) // 2 + 1, stop + 1)
            stop = max(later, key=lambda i: words[i].start - words[i - 1].end, default=stop)
        found.append(range(first, stop))
        first, longest = stop, _LONGEST
    return found


def around(transcript: Transcript, entities: Iterable[Entity], beside: int) -> list[range]:
    """The words of each detail with so many on each side."""
    last = len(transcript.words)
    return [range(max(0, e.words.start - beside), min(last, e.words.stop + beside)) for e in entities]


def align(model: Any, samples: np.ndarray, transcript: Transcript, window: range) -> Clock:
    """The times of the words of ``window`` from one alignment of them with the sound that holds them."""
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer

    words = transcript.words
    before = words[window.start - 1].end if window.start else 0
    after = words[window.stop].start if window.stop < len(words) else transcript.duration
    start = max(words[window.start].start - _BESIDE, min(before, words[window.start].start))
    end = min(words[window.stop - 1].end + _BESIDE, max(after, words[window.stop - 1].end))
    sound = samples[start * _RATE // 1000 : end * _RATE // 1000]
    if not len(sound):
        return {}
    features = model.feature_extractor(sound)
    frames = min(features.shape[-1] - 1, 3000)
    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="en")
    text, spans = "", []
    for i in window:
        spans.append((len(text) + 1, len(text) + 1 + len(words[i].text)))
        text += f" {words[i].text}"
    encoded = model.encode(pad_or_trim(features[:, :3000]))
    found = model.find_alignment(tokenizer, [tokenizer.encode(text)], encoded, frames)[0]
    clock, at = {}, 0
    pieces = []
    for piece in found:
        pieces.append((at, at + len(piece["word"]), piece))
        at += len(piece["word"])
    for i, (first, last) in zip(window, spans, strict=True):
        mine = [p for a, b, p in pieces if a < last and b > first and any(c.isalnum() for c in p["word"])]
        if mine:
            clock[i] = start + mine[0]["start"] * 1000, start + mine[-1]["end"] * 1000
    return clock


def retimed(
    transcript: Transcript, clocks: Sequence[Clock], choose: Callable[[list[float], list[float]], Times]
) -> Transcript:
    """The same words with the times that ``choose`` makes of all starts and all ends; in order, as words have to be."""
    words, least = [], 0
    for i, word in enumerate(transcript.words):
        known = [clock[i] for clock in clocks if i in clock]
        start, end = choose([s for s, _ in known], [e for _, e in known]) if known else (word.start, word.end)
        start = min(max(round(start), least), transcript.duration)
        words.append(replace(word, start=start, end=min(max(round(end), start), transcript.duration)))
        least = start
    return replace(transcript, words=tuple(words))


def middle(starts: list[float], ends: list[float]) -> Times:
    """The median of each."""
    return median(starts), median(ends)


def widest(starts: list[float], ends: list[float]) -> Times:
    """The earliest start and the latest end."""
    return min(starts), max(ends)


def truth(call: Call, transcript: Transcript) -> list[Entity]:
    """The details as entities, their words by the truth and the times of ``transcript``."""
    from offrecord import Entity

    said = zip(call.labels, call.details, strict=True)
    return [Entity(range(f[0], f[-1] + 1), label, ()) for label, d in said if (f := words_of(d, transcript))]


def ways(
    redactor: Redactor, call: Call, transcript: Transcript, found: Sequence[Entity], work: Work, *, near: bool
) -> dict[str, Transcript]:
    """The transcript with the times of every way; the processor time of each is added to ``work``."""
    from offrecord import audio

    model: Any = redactor.recogniser.model
    samples = np.concatenate(list(audio.decode(call.path, rate=_RATE)), axis=1)[0]
    details = list({e.words: e for e in (*found, *truth(call, transcript))}.values())

    def clocks(name: str, several: Sequence[list[range]]) -> list[Clock]:
        made: list[Clock] = []
        for windows in several:
            began = time.process_time()
            clock: Clock = {}
            for window in windows:
                clock |= align(model, samples, transcript, window)
            work.seconds[f"{name} {len(made) + 1}"] += time.process_time() - began
            made.append(clock)
        return made

    first: Clock = {i: (word.start, word.end) for i, word in enumerate(transcript.words)}
    long = clocks("passages", [passages(transcript, shift) for shift in _SHIFTS])
    made = {
        "first pass, as shipped": transcript,
        "aligned again": retimed(transcript, long[:1], middle),
        "median of 3": retimed(transcript, long, middle),
        "median of 3 and the first pass": retimed(transcript, [first, *long], middle),
        "widest of 3 and the first pass": retimed(transcript, [first, *long], widest),
    }
    if near:
        close = clocks("close", [around(transcript, details, beside) for beside in _CLOSE])
        made["close, aligned again"] = retimed(transcript, close[1:2], middle)
        made["close, median of 3"] = retimed(transcript, close, middle)
        made["close, median of 3 and the first pass"] = retimed(transcript, [first, *close], middle)
    return made


def measure(redactor: Redactor, call: Call, work: Work, *, near: bool) -> None:
    """All ways on one call."""
    from offrecord.redact.edges import intervals

    began = time.process_time()
    transcript, envelope = recognised(redactor, call.path)
    work.seconds["first pass"] += time.process_time() - began
    found = redactor.redact_transcript(transcript).entities

    def muted(timed: Transcript, entities: Sequence[Entity], envelope: Envelope) -> Heard:
        return compare(call, intervals(timed, entities, pad=redactor.policy.pad, envelope=envelope))

    for name, timed in ways(redactor, call, transcript, found, work, near=near).items():
        work.gold[name].append(muted(timed, truth(call, timed), envelope))
        work.whole[name].append(muted(timed, found, envelope))


def cost(name: str, work: Work) -> str:
    """The processor time of a way beside that of the first pass."""
    kind = "close" if name.startswith("close") else "passages"
    numbers = (1, 2, 3) if "3" in name else (1,) if kind == "passages" else (2,)
    spent = 0.0 if name.endswith("shipped") else sum(work.seconds[f"{kind} {number}"] for number in numbers)
    return f"+{spent / work.seconds['first pass']:.0%}"


def main() -> None:
    """Align each call in every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--close", action="store_true", help="try windows close around each detail as well")
    parser.add_argument("--only", nargs="+", metavar="CALL", help="these calls instead of all with exact times")
    parser.add_argument("--model", help="recogniser; default: Offrecord's own")
    parser.add_argument("--halves", action="store_true", help="rows for every other call as well")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N calls: a trial, not a result")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    args = parser.parse_args()
    from offrecord import Redactor

    redactor = Redactor(policy="all", model=args.model, threads=1)
    work = Work()
    for call in [call for call in read_calls(args.only) if call.exact][: args.limit]:
        report.progress(call.name)
        measure(redactor, call, work, near=args.close)
    rows = []
    for name in work.gold:
        for label, part in ((name, slice(None)), ("  half 1", slice(0, None, 2)), ("  half 2", slice(1, None, 2))):
            if label == name or args.halves:
                sums = [sum(kind[name][part], Heard()) for kind in (work.gold, work.whole)]
                cells = [
                    cell
                    for s in sums
                    for cell in (str(s.left), f"{s.left / s.details:.3f}", f"{s.wrongly / s.minutes:.1f}")
                ]
                rows.append([label, *cells, cost(name, work) if label == name else ""])
    notes = [f"recogniser {redactor.recogniser.name}, tagger {redactor.tagger.name}, pad {redactor.policy.pad} ms"]
    report.show(report.stamp(["faster-whisper"], notes), markdown=args.markdown)
    print(report.table(HEADER, rows, markdown=args.markdown))


if __name__ == "__main__":
    main()
