"""What a stranger hears: another recogniser over the redacted sound.

    python bench/relisten.py --second DIRECTORY [--only d002 d006] [--verify around] [--policy all] [--markdown]

Each call of `../shared/audio/calls` with exact times is redacted the whole way, and its sound, muted as it would be
written, is recognised by the model in DIRECTORY (``bench/whisper_base.sh``) with that recogniser's own defaults. A
detail counts if the detector had found it: if half of its time or more is muted. It is recognisable if, within a second
of its place, that recogniser writes a word of it of four letters or more that is not common English, or three digits
of it in a row. Recognised without any muting, the same check says how much that recogniser understands at all.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

import numpy as np
import report
from audio import Call, read_calls, union, within

from offrecord import Redactor, audio
from offrecord.detect.english import is_common
from offrecord.detect.spoken import written
from offrecord.redact.audio import mute
from offrecord.types import Interval

HEADER = ("sound", "details that the detector found", "recognisable", "share")
AROUND_MS = 1_000
_WORD = re.compile(r"[^\W\d_]{4,}|\d+")


def telling(text: str) -> tuple[set[str], str]:
    """The words of a detail that tell something, and its digits."""
    words = [word.lower() for word in _WORD.findall(written(text).text)]
    return {word for word in words if word.isalpha() and not is_common(word)}, "".join(
        word for word in words if word.isdecimal()
    )


def recognisable(detail: str, heard: str) -> bool:
    """Whether what was heard near a detail tells something of it."""
    words, digits = telling(detail)
    said, numbers = telling(heard)
    return bool(words & said) or any(digits[at : at + 3] in numbers for at in range(len(digits) - 2))


def recognise(model: Any, call: Call, muted: tuple[Interval, ...]) -> list[tuple[str, float, float]]:
    """The words that another recogniser makes of the call, with a beep over what is muted: text, start, end in ms."""
    sound = np.concatenate(list(mute(audio.decode(call.path), muted, rate=16_000, sound="beep")), axis=1)[0]
    segments, _ = model.transcribe(sound, word_timestamps=True)
    return [(word.word, word.start * 1000, word.end * 1000) for segment in segments for word in segment.words]


def main() -> None:
    """Redact, recognise anew, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--second", required=True, metavar="DIRECTORY", help="a faster-whisper model")
    parser.add_argument("--only", nargs="+", metavar="CALL")
    parser.add_argument("--policy", default="all")
    parser.add_argument("--verify", default="around", choices=("around", "full", "off"))
    parser.add_argument("--verify-model")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    from offrecord.transcribe import whisper

    redactor = Redactor(policy=args.policy, verify=args.verify, verify_model=args.verify_model, allow_unverified=True)
    second = whisper.load(args.second).model
    found = {"redacted": [0, 0], "as it was": [0, 0]}
    for call in [call for call in read_calls(args.only) if call.exact]:
        report.progress(call.name)
        truth = json.loads(call.path.with_suffix(".json").read_text(encoding="utf-8"))["details"]
        muted = redactor.redact(call.path).muted
        quiet = union(muted)
        for name, intervals in (("redacted", muted), ("as it was", ())):
            words = recognise(second, call, tuple(intervals))
            for detail, (start, end) in zip(truth, call.details, strict=True):
                if within((start, end), quiet) < (end - start) / 2:
                    continue
                near = [text for text, a, b in words if b > start - AROUND_MS and a < end + AROUND_MS]
                told = recognisable(detail["text"], " ".join(near))
                if told and name == "redacted":
                    report.progress(f"recognisable: {call}, {detail['label']} at {start:.0f} ms")
                found[name][0] += 1
                found[name][1] += told
    rows = [[name, str(n), str(told), f"{told / max(1, n):.3f}"] for name, (n, told) in found.items()]
    notes = [f"first {redactor.recogniser.name}, second {args.second}, verify {args.verify}"]
    report.show(report.stamp(["faster-whisper"], notes), markdown=args.markdown)
    print(report.table(HEADER, rows, markdown=args.markdown))


if __name__ == "__main__":
    main()
