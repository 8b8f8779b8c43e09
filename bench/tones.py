"""How well key tones are found, and how often a voice is taken for one.

    python bench/tones.py [--keys 200] [--decibels 6] [--every 1.5] [--seed 0] [--calls] [--markdown]

Random keys (70 to 200 ms, frequencies up to 0.5% off, one tone up to 4 dB louder than the other) are pressed over the
real recordings of `../shared/audio` at 8 kHz, each at a random level within ``--decibels`` of the loudness of the
speech there, until there are ``--keys``. Then the same recordings without keys. Both as they are and after MP3 (64 and
16 kbit/s at 8 kHz).

"found": the share of keys that are muted for 95% of their time or more. "false": how many times something is muted in
the speech without keys, for each ten minutes of it. With ``--calls`` the speech is that of the calls of
`../shared/audio/calls` instead: synthetic voices, on which none of the weights and thresholds were chosen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import report
from gold import SHARED

from offrecord import audio
from offrecord.redact.tones import RATE, KeyTones
from offrecord.samples import resampled

sys.path.insert(0, str(report.ROOT / "tests"))
import sounds

FOLDERS = (
    "aws_callcenter", "azure_custom_speech", "google_samples", "ibm_watson", "librispeech_bits", "ljspeech32",
    "spoken_numbers",
)  # fmt: skip
LINE = 8_000
SHORTEST = 3
"""Seconds; in less there is no room for keys."""
COVERED = 0.95
HEADER = ("sound", "keys", "found", "minutes of speech", "false", "false in 10 min")

Coded = Callable[[sounds.Sound], sounds.Sound]


def recordings(folders: Iterable[str]) -> Iterator[sounds.Sound]:
    """Speech, mixed to one channel, as a telephone carries it."""
    for folder in folders:
        for path in sorted((SHARED / "audio" / folder).iterdir()):
            if path.suffix in audio.SUFFIXES:
                sound = np.concatenate(list(audio.decode(path, rate=LINE)), axis=1)
                if sound.shape[1] >= SHORTEST * LINE:
                    yield sound


def mp3(bit_rate: int) -> Coded:
    """What MP3 at so many bits a second makes of a sound."""

    def coded(sound: sounds.Sound) -> sounds.Sound:
        with tempfile.TemporaryDirectory() as directory:
            path = sounds.write(Path(directory) / "a.mp3", sound, LINE, "libmp3lame", "mp3", bit_rate=bit_rate)
            return np.concatenate(list(audio.decode(path, rate=LINE)), axis=1)

    return coded


def muted(sound: sounds.Sound) -> list[tuple[int, int]]:
    """Where keys are found, in milliseconds."""
    tones = KeyTones()
    for block in resampled([sound.astype(np.float32)], LINE, RATE):
        tones.hear(block)
    return list(tones.found()[0])


def covered(key: tuple[int, int], intervals: list[tuple[int, int]]) -> bool:
    """Whether nothing of the key is left that could be heard."""
    start, end = key
    return sum(max(0, min(end, b) - max(start, a)) for a, b in intervals) >= COVERED * (end - start)


def main() -> None:
    """Press keys, look for them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--decibels", type=float, default=6)
    parser.add_argument("--every", type=float, default=1.5, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", action="store_true", help="over the calls, which chose none of the constants")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    args = parser.parse_args()
    speech = list(recordings(("calls",) if args.calls else FOLDERS))
    random = np.random.default_rng(args.seed)
    pressed: list[tuple[sounds.Sound, list[tuple[int, int]]]] = []
    count = 0
    for sound in cycle(random.permutation(len(speech))):
        copy = speech[sound].copy()
        times = sounds.keys(copy, LINE, random, every=args.every, decibels=args.decibels)[: args.keys - count]
        pressed.append((copy / max(1.0, float(np.abs(copy).max())), times))
        count += len(times)
        if count >= args.keys:
            break
    codecs: dict[str, Coded] = {
        "8 kHz": lambda sound: sound,
        "MP3, 64 kbit/s": mp3(64_000),
        "MP3, 16 kbit/s": mp3(16_000),
    }
    minutes = sum(sound.shape[1] for sound in speech) / LINE / 60
    rows = []
    for name, coded in codecs.items():
        report.progress(name)
        right = 0
        for sound, times in pressed:
            intervals = muted(coded(sound))
            right += sum(covered(key, intervals) for key in times)
        false = sum(len(muted(coded(sound))) for sound in speech)
        rows.append(
            [name, str(count), f"{right / count:.3f}", f"{minutes:.1f}", str(false), f"{false / minutes * 10:.1f}"]
        )
    report.show(report.stamp(["av"]), markdown=args.markdown)
    print(report.table(HEADER, rows, markdown=args.markdown))


if __name__ == "__main__":
    main()
