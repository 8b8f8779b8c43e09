"""AssemblyAI's recogniser, or any server that answers its API: upload, create, poll, read, delete.

The plain transcript is asked for: what is hidden is decided here. Times, texts and the length that was heard are held
against the recording; an answer that may lack words is refused, for what has no word has no beep. With ``delete`` the
transcript there is deleted when it has been read, after a failure, and after Ctrl-C; its upload goes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from offrecord.cloud import host, is_here, where
from offrecord.errors import InputError, ModelError, NoSpeech, OffrecordError, RemoteError, UsageError
from offrecord.transcribe import Channels, Chunk, Copy, Listener, imported, sending
from offrecord.transcribe.remote import Clock, Meaning, Remote
from offrecord.transcribe.sending import Sound
from offrecord.types import Word

__all__ = ["AssemblyAI"]

KEY = "ASSEMBLYAI_API_KEY"

_LARGEST = 2_200_000_000
"""Bytes that the API takes: 19 hours of one channel (its FAQ on limits, 2026)."""
_SHORTEST = 160
"""Milliseconds below which it refuses."""
_FIRST, _LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two looks at a transcript: at first, and at most."""
_SLACK_MS = 2_000
"""How far its whole seconds, rounded up, and the ends of its words may be from the recording's length."""
_DELETING = 60
"""Seconds that a deletion may take, whatever is left of the deadline."""

_STATUSES: dict[int, Meaning] = {
    400: (RemoteError, "refuses the request (400); check the language and the model"),
    404: (RemoteError, "knows nothing of this address (404); give the base URL without /v2"),
}

_TEXTS: tuple[tuple[str, Meaning], ...] = (
    ("no spoken audio", (NoSpeech, "hears nobody speak, so it cannot find the language; name it with --language")),
    ("duration is too short", (InputError, "takes no recording as short as this one; it wants 160 ms at least")),
    ("does not appear to contain audio", (InputError, "finds no sound in what it was sent")),
    ("transcoding failed", (InputError, "cannot read the sound that it was sent")),
    ("unable to download", (RemoteError, "lost what was uploaded to it; try again")),
    ("cannot access uploaded file", (ModelError, "does not let this key read its own upload; check {key}")),
    ("language: speaker_labels", (UsageError, "cannot tell speakers of this language; use --no-speakers")),
    ("language_code", (UsageError, "does not take this language; check --language")),
    ("speech_model", (ModelError, "does not know this model; check --model")),
    ("api token", (ModelError, "refuses the key; check {key}")),
)  # fmt: skip
"""Pieces of the API's error texts, in small letters. The texts themselves are not shown: they might quote."""


@dataclass(frozen=True, slots=True)
class AssemblyAI:
    """The recogniser at ``url`` (from `cloud.checked`).

    ``tell`` is called before anything is sent to another machine, and with what became of the copy there.
    ``seconds``: for a whole recording, from the first byte to the transcript.
    """

    url: str
    key: SecretStr | None
    tell: Callable[[str], None]
    model: str | None = None
    language: str | None = None
    speakers: bool = True
    delete: bool = False
    seconds: float = 3_600
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        if not self.key and not is_here(self.url):
            raise UsageError(f"no key for {host(self.url)}: set {KEY}, or {KEY}_FILE to a file that holds it")

    @property
    def name(self) -> str:
        """As it stands in the result: with the model that was asked for, and the host."""
        return f"assemblyai{':' + self.model if self.model else ''} at {host(self.url)}"

    def transcribe(self, path: Path, channels: Channels = "mono", *, listen: Listener | None = None) -> Iterator[Chunk]:
        """All words in one chunk, with speakers, or with ``separate`` and several channels, with channels.

        Raises `InputError` for what cannot be decoded or is refused, `ModelError` for a key, certificate or model that
        is, `UsageError` for a language that is, `NoSpeech` if nobody speaks and so no language is found, and
        `RemoteError` for all else that fails.
        """
        sound = sending.measured(path, channels, listen)
        duration = sending.milliseconds(sound.samples)
        if duration < _SHORTEST:
            raise InputError(f"{path.name}: {duration} ms of sound; AssemblyAI wants {_SHORTEST} at least")
        if sound.size > _LARGEST:
            raise InputError(f"{path.name} is {sound.size >> 20} MB of sound; AssemblyAI takes {_LARGEST >> 20}")
        if not is_here(self.url):
            self.tell(f"{path.name}: sending its sound to {where(self.url)}")
        with self._open() as remote:
            upload = self._upload(remote, path, channels, sound)
            name = self._create(remote, upload, several=sound.channels > 1)
            words, copy = self._fetched(remote, name, duration, path.name)
        yield Chunk(words, duration, copy)

    def _open(self) -> Remote:
        key = {"authorization": self.key.get_secret_value()} if self.key else {}
        return Remote(
            self.url, headers=key, key=KEY, meanings=_STATUSES, known=_TEXTS, seconds=self.seconds, clock=self.clock
        )

    def _upload(self, remote: Remote, path: Path, channels: Channels, sound: Sound) -> str:
        answer = remote.ask(
            "POST",
            "/v2/upload",
            content=lambda: sending.wav(path, channels, sound),
            headers={"content-length": str(sound.size), "content-type": "application/octet-stream"},
        )
        return _text(remote, answer, "upload_url")

    def _create(self, remote: Remote, upload: str, *, several: bool) -> str:
        """The name of a new transcript. Asked for once only: what is made unseen could not be deleted."""
        wanted: dict[str, Any] = {"audio_url": upload}
        wanted |= {"language_code": self.language} if self.language else {"language_detection": True}
        wanted |= {"multichannel": True} if several else {"speaker_labels": True} if self.speakers else {}
        wanted |= {"speech_models": [self.model]} if self.model else {}
        try:
            name = _text(remote, remote.ask("POST", "/v2/transcript", once=True, json=wanted), "id")
        except BaseException:
            if self.delete:
                self.tell(f"the upload at {host(self.url)} could not be deleted, for it has no transcript to go with")
            raise
        if not name.replace("-", "").replace("_", "").isalnum():
            raise remote.failure("gave a transcript a name that is none; check the base URL")
        return name

    def _fetched(self, remote: Remote, name: str, duration: int, file: str) -> tuple[list[Word], Copy]:
        try:
            words = _words(remote, self._finished(remote, name), duration)
        except BaseException:
            if self.delete:
                self._deleted(remote, name, file)
            raise
        return words, self._deleted(remote, name, file) if self.delete else "kept"

    def _finished(self, remote: Remote, name: str) -> Mapping[str, Any]:
        pause = _FIRST
        while True:
            answer = remote.ask("GET", f"/v2/transcript/{name}")
            status = _text(remote, answer, "status")
            if status == "completed":
                return answer
            if status == "error":
                raise remote.known(str(answer.get("error"))) or remote.failure(
                    f"could not recognise the recording; its reason is not shown, for it might quote: see {name} there"
                )
            if status not in ("queued", "processing"):
                raise remote.failure("gave a transcript a status that its API does not have; check the base URL")
            remote.wait(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _deleted(self, remote: Remote, name: str, file: str) -> Copy:
        """Delete the transcript, and say whether the API says that it is gone. The words are not lost by a failure."""
        remote.allow(_DELETING)
        gone = False
        try:
            gone = remote.ask("DELETE", f"/v2/transcript/{name}").get("audio_url") == "http://deleted_by_user"
        except OffrecordError as error:
            self.tell(f"{file}: {error}")
        finally:
            left = f"could NOT be deleted; delete the transcript {name} there"
            self.tell(f"{file}: its copy at {host(self.url)} {'is deleted' if gone else left}")
        return "deleted" if gone else "not deleted"


def _words(remote: Remote, answer: Mapping[str, Any], duration: int) -> list[Word]:
    """The words of a complete transcript of a recording of this length, in the order of their times."""
    heard = answer.get("audio_duration")
    if isinstance(heard, bool) or not isinstance(heard, int | float) or not 0 <= heard < 1_000_000:
        raise remote.failure("does not say how much of the recording it heard, so words may be missing")
    if not abs(heard * 1_000 - duration) <= _SLACK_MS:
        raise remote.failure(f"heard {heard:g} s of a recording of {duration / 1000:.1f} s, so words may be missing")
    listed, text = answer.get("words"), answer.get("text")
    if not isinstance(listed, list) or not isinstance(text, str):
        raise remote.failure("gave a transcript without words or text")
    try:
        words = list(imported.assemblyai_words(answer, "the transcript"))
    except InputError as error:
        raise remote.failure(f"gave a transcript that cannot be used: {error}") from None
    if _letters(text) - _letters("".join(word.text for word in words)):
        raise remote.failure("gave fewer words with times than its text has, so some could not be hidden in the sound")
    if any(word.end > duration + _SLACK_MS for word in words):
        raise remote.failure(f"gave words beyond the recording's end at {duration} ms")
    # With channels the speaker is the channel once more.
    ours = (replace(word, speaker=None) if word.speaker == _number(word.channel) else word for word in words)
    return sorted(ours, key=lambda word: word.start)


def _number(channel: int | None) -> str | None:
    return None if channel is None else str(channel + 1)


def _letters(text: str) -> Counter[str]:
    """How many there are of each letter and digit: the order of two voices at once may differ."""
    return Counter(character for character in text.casefold() if character.isalnum())


def _text(remote: Remote, answer: Mapping[str, Any], field_: str) -> str:
    value = answer.get(field_)
    if not isinstance(value, str) or not value:
        raise remote.failure(f"gave an answer without `{field_}`; check the base URL")
    return value
