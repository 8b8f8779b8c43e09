"""Any recogniser behind ``POST /v1/audio/transcriptions`` with times of words: OpenAI, Groq, speaches, whisper.cpp.

The recording goes in pieces of ten minutes at most, cut where it is quietest, as WAV made in memory: 19 MB, where
OpenAI takes 25, in the one format that every server reads. Each channel is sent on its own. The text decides which
words there are, with their punctuation; the listed words give the times. Servers split words in ways of their own, so
the two are laid beside each other, and an answer whose words lack times is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from offrecord import audio
from offrecord.cloud import OPENAI, host, is_here, where
from offrecord.errors import InputError, ModelError, RemoteError, UsageError
from offrecord.transcribe import Channels, Chunk, Listener, overheard, sending
from offrecord.transcribe.placing import Piece, placed
from offrecord.transcribe.remote import Clock, Meaning, Remote
from offrecord.transcribe.whisper import chunks
from offrecord.types import Word

__all__ = ["DEFAULT", "OpenAI"]

KEY = "OPENAI_API_KEY"
DEFAULT = "whisper-1"
"""OpenAI's model that gives times of words; its newer ones do not."""

LONGEST = 600 * sending.RATE
"""Samples of a piece at most: ten minutes."""
_SLACK_MS = 2_000
"""How far the length that a server says it heard may be from what it was sent."""

_NO_TIMES = (
    "gives no times for words with this model, so nothing could be hidden in the sound; name a model that does: "
    "whisper-1 at OpenAI, whisper-large-v3 at Groq, any of speaches or whisper.cpp"
)

_REFUSED = (
    "refuses the request ({}); check --model and --language: "
    "the API has to give verbose_json with times of words, which not each of its models does"
)

_STATUSES: dict[int, Meaning] = {
    400: (ModelError, _REFUSED.format(400)),
    404: (ModelError, "knows nothing of this address or model (404); the base URL mostly ends in /v1; check --model"),
    413: (InputError, "takes no ten minutes of sound at a time (413: 19 MB); raise its limit"),
    422: (ModelError, _REFUSED.format(422)),
}  # fmt: skip

_TEXTS: tuple[tuple[str, Meaning], ...] = (
    ("verbose_json", (ModelError, _NO_TIMES)),
    ("timestamp_granularities", (ModelError, _NO_TIMES)),
    ("too short", (InputError, "takes no recording as short as this one; OpenAI wants 100 ms at least")),
    ("insufficient_quota", (RemoteError, "says that the account has no money left; check its plan")),
)


@dataclass(frozen=True, slots=True)
class OpenAI:
    """The recogniser at ``url`` (from `cloud.checked`), with ``/v1``.

    ``tell`` is called before anything is sent to another machine. ``seconds``: for a whole recording.
    """

    url: str
    key: SecretStr | None
    tell: Callable[[str], None]
    model: str = DEFAULT
    language: str | None = None
    seconds: float = 3_600
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        if not self.key and host(self.url) == host(OPENAI):
            raise UsageError(f"no key for {host(self.url)}: set {KEY}, or {KEY}_FILE to a file that holds it")

    @property
    def name(self) -> str:
        """As it stands in the result: with the model, and the host."""
        return f"openai:{self.model} at {host(self.url)}"

    def transcribe(self, path: Path, channels: Channels = "mono", *, listen: Listener | None = None) -> Iterator[Chunk]:
        """The words, in the order of their times, piece after piece; with ``separate`` channel by channel.

        Raises `InputError` for what cannot be decoded or is refused, `ModelError` for a key, certificate or model that
        is, or that gives no times for words, and `RemoteError` for all else that fails.
        """
        position = 0
        key = {"authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}
        with Remote(
            self.url, headers=key, key=KEY, meanings=_STATUSES, known=_TEXTS, seconds=self.seconds, slow=self.seconds,
            clock=self.clock,
        ) as remote:  # fmt: skip
            blocks = overheard(audio.decode(path, rate=sending.RATE, channels=channels), listen)
            for samples in chunks(blocks, LONGEST):
                if not position and not is_here(self.url):
                    self.tell(f"{path.name}: sending its sound to {where(self.url)}")
                start = sending.milliseconds(position)
                position += samples.shape[1]
                end = sending.milliseconds(position)
                words = [
                    word
                    for number, channel in enumerate(samples)
                    for word in self._words(remote, channel, start, end, number if len(samples) > 1 else None)
                ]
                yield Chunk(words, end, None if is_here(self.url) else "kept")

    def _words(
        self, remote: Remote, samples: npt.NDArray[np.float32], start: int, end: int, channel: int | None
    ) -> list[Word]:
        sound = sending.header(sending.Sound(1, len(samples))) + sending.pcm(samples[None])
        fields = {"model": self.model, "response_format": "verbose_json", "timestamp_granularities[]": "word"}
        fields |= {"language": self.language} if self.language else {}
        answer = remote.ask(
            "POST", "/audio/transcriptions", data=fields, files={"file": ("audio.wav", sound, "audio/wav")}
        )
        text, pieces = _heard(remote, answer, end - start)
        if pieces is None:
            return []
        words = placed(text, pieces, end - start)
        if words is None:
            raise remote.failure(
                "gave fewer words with times than its text has, so some could not be hidden in the sound"
            )
        made = [
            Word(
                word.text,
                start=min(start + word.start, end),
                end=min(start + max(word.start, word.end), end),
                confidence=word.confidence,
                channel=channel,
            )
            for word in words
        ]
        return sorted(made, key=lambda word: word.start)


def _heard(remote: Remote, answer: Mapping[str, Any], length: int) -> tuple[str, list[Piece] | None]:
    """The text and the pieces with times of a sound of so many milliseconds; None for the pieces of silence."""
    text, segments = answer.get("text"), answer.get("segments") or []
    if not isinstance(text, str) or not isinstance(segments, list):
        raise remote.failure("gave an answer without text; check the base URL")
    try:
        heard = round(float(answer["duration"]) * 1_000)  # OpenAI has given it as a text
    except (KeyError, TypeError, ValueError, OverflowError):
        raise remote.failure("does not say how much of the recording it heard, so words may be missing") from None
    if abs(heard - length) > _SLACK_MS:
        raise remote.failure(f"heard {heard} ms of {length} that it was sent, so words may be missing")
    # OpenAI lists all words by themselves, whisper.cpp those of each segment in it.
    listed = answer.get("words") or [
        word for part in segments if isinstance(part, dict) for word in part.get("words") or ()
    ]
    if not listed and not text.strip() and not any(str(part.get("text", "?")).strip() for part in segments):
        return "", None
    if not listed:
        raise remote.failure(_NO_TIMES, ModelError)
    pieces = [_piece(remote, item, i, length) for i, item in enumerate(listed, 1)]
    try:
        "".join([text, *(piece.text for piece in pieces)]).encode()
    except UnicodeEncodeError:
        raise remote.failure("gave a text with half of a surrogate pair, which nothing can show") from None
    return text, pieces


def _piece(remote: Remote, item: Any, number: int, length: int) -> Piece:
    """A listed word, its seconds as milliseconds."""
    values = item if isinstance(item, dict) else {}
    text, start, end = values.get("word"), values.get("start"), values.get("end")
    if not isinstance(text, str) or not isinstance(start, int | float) or not isinstance(end, int | float):
        raise remote.failure(f"gave no times for word {number}, so it could not be hidden in the sound")
    if not 0 <= start * 1_000 <= length + _SLACK_MS or not 0 <= end * 1_000 <= length + _SLACK_MS:
        raise remote.failure(f"gave word {number} a time outside of the {length} ms that it was sent")
    sure = values.get("probability", values.get("confidence"))
    confidence = round(min(1.0, max(0.0, sure)), 3) if isinstance(sure, int | float) else None
    begins = round(start * 1_000)
    return Piece(text, begins, max(begins, round(end * 1_000)), confidence)
