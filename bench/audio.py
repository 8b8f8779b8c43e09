"""How much of the details is left to hear: Offrecord beside the script that people write today.

    python bench/audio.py [--only d002 d006] [--policy all] [--pad 250] [--markdown]
    python bench/audio.py --all --verify around        # the details known and found, before and after verification
    python bench/audio.py --gold [--halves]
    python bench/audio.py --all [--model DIRECTORY]

Each call of `../shared/audio/calls` whose details have exact times is redacted the whole way, and what would be muted
is compared with those times. The usual script takes faster-whisper's words (the same weights and settings), asks
Presidio about their text, and mutes the words that it names, from start to end. With ``--gold`` the truth decides which
words are details, so that the edges alone are measured: as shipped, with the guard band alone, and with the words' own.
``--all`` prints those and the whole way; ``--halves`` adds a row for every other call, to see what was tuned to a few.
``bench/whisper_base.sh DIRECTORY`` puts whisper-base into a directory for ``--model``.

"left": details of which less than 95% is muted. "wrongly muted": seconds outside every detail, guard bands included.
The exact times hold 30 ms of silence at each end of a detail; ``--trim 30`` leaves them out of what has to be muted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peers
import report
from gold import SHARED

if TYPE_CHECKING:
    from offrecord import Entity, Redactor, Transcript
    from offrecord.redact.envelope import Envelope

CALLS = SHARED / "audio" / "calls"
COVERED = 0.95
"""A detail is gone when this share of it is muted; the rest of a syllable tells nothing."""
HEADER = ("what mutes", "details", "left", "share left", "seconds muted", "wrongly muted s/min")

Times = tuple[float, float]
"""Start and end in milliseconds."""
Muter = Callable[["Call"], Iterable[Times]]


@dataclass(frozen=True, slots=True)
class Call:
    """A recording, and what `speak_calls.py` knows of it; ``details`` are in the order in which they are said."""

    name: str
    path: Path
    exact: bool
    duration: float
    details: tuple[Times, ...]
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Heard:
    """What a muter leaves of one or more calls; seconds, and ``minutes`` of recording."""

    details: int = 0
    left: int = 0
    seconds: float = 0.0
    muted: float = 0.0
    wrongly: float = 0.0
    minutes: float = 0.0

    def __add__(self, other: Heard) -> Heard:
        return Heard(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def cells(self, name: str) -> list[str]:
        """The row of the table."""
        return [
            name,
            str(self.details),
            str(self.left),
            f"{self.left / max(1, self.details):.3f}",
            f"{self.muted / self.seconds:.3f}" if self.seconds else "–",
            f"{self.wrongly / self.minutes:.1f}" if self.minutes else "–",
        ]


def read_calls(names: Sequence[str] | None = None) -> list[Call]:
    """The recorded calls, in the order of their names. An unknown name ends the program."""
    known = {path.stem: path for path in sorted(CALLS.glob("*.json"))}
    if unknown := set(names or ()) - known.keys():
        sys.exit(f"bench: {CALLS} has no {min(unknown)}; it has {', '.join(known)}")
    calls = []
    for name in names or known:
        truth = json.loads(known[name].read_text(encoding="utf-8"))
        details = tuple((detail["start"] * 1000, detail["end"] * 1000) for detail in truth["details"])
        path = known[name].with_suffix(".mp3")
        labels = tuple(detail["label"] for detail in truth["details"])
        calls.append(Call(name, path, truth["exact"], truth["seconds"] * 1000, details, labels))
    return calls


def compare(call: Call, muted: Iterable[Times], trim: float = 0) -> Heard:
    """What is left to hear of the details of ``call``, ``trim`` ms shorter at each end, when ``muted`` is."""
    quiet = union(muted)
    said = [(start + trim, end - trim) for start, end in call.details]
    covered = [(end - start, within((start, end), quiet)) for start, end in said]
    inside = sum(within(detail, quiet) for detail in union(call.details))
    return Heard(
        details=len(covered),
        left=sum(found < COVERED * length for length, found in covered),
        seconds=sum(length for length, _ in covered) / 1000,
        muted=sum(found for _, found in covered) / 1000,
        wrongly=(sum(end - start for start, end in quiet) - inside) / 1000,
        minutes=call.duration / 60_000,
    )


def union(ranges: Iterable[Times]) -> list[Times]:
    """The same time as disjoint ranges in order."""
    joined: list[Times] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def within(one: Times, ranges: Iterable[Times]) -> float:
    """How much of ``one`` lies in the disjoint ``ranges``."""
    return sum(max(0.0, min(one[1], end) - max(one[0], start)) for start, end in ranges)


def recognised(redactor: Redactor, path: Path) -> tuple[Transcript, Envelope]:
    """The words of a recording, and the measures of its sound, as the pipeline gets them."""
    from offrecord import Transcript
    from offrecord.meter import Meter

    meter = Meter()
    chunks = list(redactor.recogniser.transcribe(path, listen=meter.hear))
    words = [word for chunk in chunks for word in chunk.words]
    heard = Transcript.spoken(words, chunks[-1].end if chunks else 0, redactor.settings.language)
    return heard, meter.envelope()


def usual_script(redactor: Redactor) -> Muter:
    """Recognise, ask Presidio about the text, mute the words that it names: no more than that."""
    find = peers.PRESIDIO.load(0)
    model: Any = redactor.recogniser.model

    def mute(call: Call) -> list[Times]:
        # Offrecord's settings: better for the script than faster-whisper's defaults, which dream in silence.
        segments, _ = model.transcribe(
            str(call.path), word_timestamps=True, vad_filter=True, condition_on_previous_text=False
        )
        words = [word for segment in segments for word in segment.words]
        text, spans = "", []
        for word in words:
            spans.append((len(text), len(text) + len(word.word)))
            text += word.word
        found = find(text)
        return [
            (word.start * 1000, word.end * 1000)
            for word, (start, end) in zip(words, spans, strict=True)
            if any(start < to and from_ < end for from_, to, _ in found)
        ]

    return mute


def words_of(detail: Times, transcript: Transcript) -> list[int]:
    """The words that say a detail: those that lie in it by half or fill half of it, else the one that shares most."""
    shares = {i: within(detail, [(word.start, word.end)]) for i, word in enumerate(transcript.words)}
    half = [
        i
        for i, share in shares.items()
        if share > 0 and share >= min(detail[1] - detail[0], transcript.words[i].end - transcript.words[i].start) / 2
    ]
    nearest = max(shares, key=lambda i: shares[i], default=None)
    return half or ([nearest] if nearest is not None and shares[nearest] > 0 else [])


def gold_edges(
    call: Call, transcript: Transcript, envelope: Envelope, redactor: Redactor, verifying: str
) -> dict[str, Iterable[Times]]:
    """What is muted when the truth says which words are details: by Offrecord's edges, a pad, and the words' times."""
    from offrecord import Entity
    from offrecord.redact.edges import intervals

    chosen = [
        (label, found)
        for label, detail in zip(call.labels, call.details, strict=True)
        if (found := words_of(detail, transcript))
    ]
    entities = [Entity(range(found[0], found[-1] + 1), label, ()) for label, found in chosen]
    pad = redactor.policy.pad
    said = [transcript.words[i] for _, found in chosen for i in found]
    shipped = intervals(transcript, entities, pad=pad, envelope=envelope)
    ways: dict[str, Iterable[Times]] = {f"gold words, edges as shipped (pad {pad} ms)": shipped}
    if verifying != "off":
        ways[f"gold words, edges as shipped, verified ({verifying})"] = verified(
            call, transcript, disjoint(entities), shipped, envelope, redactor, verifying
        )
    return ways | {
        f"gold words, {pad} ms on each side": intervals(transcript, entities, pad=pad),
        "gold words, their times": [(word.start, word.end) for word in said],
    }


def disjoint(entities: Sequence[Entity]) -> list[Entity]:
    """The same words, each in one entity: two details may share a word."""
    from dataclasses import replace

    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: entity.words.start):
        words = range(max(entity.words.start, kept[-1].words.stop if kept else 0), entity.words.stop)
        kept += [replace(entity, words=words)] if words else []
    return kept


def verified(
    call: Call,
    transcript: Transcript,
    entities: Sequence[Entity],
    muted: tuple[tuple[int, int], ...],
    envelope: Envelope,
    redactor: Redactor,
    verifying: str,
) -> tuple[tuple[int, int], ...]:
    """The intervals after a second listening."""
    from offrecord.verify import verify

    (grown,), _ = verify(
        call.path,
        transcript,
        entities,
        (muted,),
        hearing=redactor.verifier,
        detectors=redactor.detectors,
        policy=redactor.policy,
        mode="full" if verifying == "full" else "around",
        envelope=envelope,
    )
    return grown


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="CALL", help="these calls instead of all with exact times")
    parser.add_argument("--gold", action="store_true", help="let the truth decide which words are details")
    parser.add_argument("--all", action="store_true", help="that, and the whole way")
    parser.add_argument("--halves", action="store_true", help="rows for every other call as well")
    parser.add_argument("--strict", action="store_true", help="mute speech that was not recognised, too")
    parser.add_argument("--policy", default="all")
    parser.add_argument("--pad", type=int, help="milliseconds, instead of Offrecord's own")
    parser.add_argument("--threshold", type=float, help="of Offrecord's tagger, instead of its own")
    parser.add_argument("--model", help="recogniser, for both; default: Offrecord's own")
    parser.add_argument("--second-model", help="another recogniser, which hears all of it as well")
    parser.add_argument("--verify", choices=("around", "full", "off"), default="off", help="listen a second time")
    parser.add_argument("--verify-model", help="who listens a second time; default: the recogniser")
    parser.add_argument("--trim", type=float, default=0, metavar="MS", help="taken off each end of a detail")
    parser.add_argument("--per-call", action="store_true", help="a row for each call as well")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N calls: a trial, not a result")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    return parser.parse_args()


def main() -> None:
    """Redact each call in every way and print the table."""
    args = _arguments()
    from offrecord import Redactor

    redactor = Redactor(
        policy=args.policy, pad=args.pad, threshold=args.threshold, model=args.model, strict=args.strict,
        second_model=args.second_model, verify=args.verify, verify_model=args.verify_model, allow_unverified=True,
    )  # fmt: skip
    calls = [call for call in read_calls(args.only) if call.exact][: args.limit]
    whole = f"Offrecord, {args.policy}" + (", strict" if args.strict else "")
    whole += f", verified ({args.verify})" if args.verify != "off" else ""
    muters: dict[str, Muter] = {} if args.gold else {whole: lambda call: redactor.redact(call.path).muted}
    also = f" and {redactor.second.name}" if redactor.second else ""
    tagger = redactor.tagger.name
    notes = [f"recogniser {redactor.recogniser.name}{also}, tagger {tagger}, pad {redactor.policy.pad} ms"]
    if absent := peers.PRESIDIO.missing():
        notes.append(f"usual script: {absent}")
    elif not (args.gold or args.all):
        muters["usual script (words + Presidio, exact times)"] = usual_script(redactor)
    if args.limit is not None:
        notes.append(f"a trial: only {', '.join(map(str, calls))}")
    heard: dict[tuple[str, str], Heard] = {}
    for call in calls:
        report.progress(call.name)
        ways: dict[str, Iterable[Times]] = {}
        if args.gold or args.all:
            ways |= gold_edges(call, *recognised(redactor, call.path), redactor, args.verify)
        ways |= {name: mute(call) for name, mute in muters.items()}
        heard |= {(name, call.name): compare(call, muted, args.trim) for name, muted in ways.items()}
    rows = []
    for name in dict.fromkeys(name for name, _ in heard):
        mine = {call: result for (way, call), result in heard.items() if way == name}
        rows.append(sum(mine.values(), Heard()).cells(name))
        for first in (0, 1) if args.halves else ():
            rows.append(sum(list(mine.values())[first::2], Heard()).cells(f"  half {first + 1}"))
        rows += [result.cells(f"  {call}") for call, result in mine.items() if args.per_call]
    report.show(report.stamp(["faster-whisper", *peers.PRESIDIO.packages], notes), markdown=args.markdown)
    print(report.table(HEADER, rows, markdown=args.markdown))


if __name__ == "__main__":
    main()
