"""Recognisers behind `/v1/audio/transcriptions`: the forms that servers answer in, and every way that one fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clocks import Wound
from conftest import AUDIO
from pydantic import SecretStr
from servers import HTML, Answer
from transcriptions_stub import KEY, TranscriptionsStub, form, seconds

from offrecord import audio
from offrecord.errors import InputError, ModelError, OffrecordError, RemoteError, UsageError
from offrecord.transcribe import Chunk, openai, sending, whisper
from offrecord.transcribe.openai import LONGEST, OpenAI
from offrecord.transcribe.whisper import _joined

MONO = AUDIO / "ljspeech32" / "LJ001-0002.flac"  # 1.9 s
STEREO = AUDIO / "calls" / "d006.mp3"
CALL = AUDIO / "calls" / "d016.mp3"
SECRET = "Zyxanderwick"


def plain(length: float) -> dict[str, Any]:
    """As OpenAI answers: words by themselves, bare of punctuation."""
    words = [("Call", 0.1, 0.3), ("415", 0.4, 0.8), ("555", 0.9, 1.1), ("0132", 1.2, 1.5), (SECRET, 1.55, 1.8)]
    return {
        "task": "transcribe",
        "language": "english",
        "duration": length,
        "text": f"Call 415-555-0132, {SECRET}.",
        "words": [{"word": word, "start": start, "end": end} for word, start, end in words],
    }


def pieces(length: float) -> dict[str, Any]:
    """As whisper.cpp does: pieces of words in each segment, with their probability."""
    words = [(" Call", 0.1, 0.3, 0.9), (" Zyxan", 0.4, 0.8, 0.7), ("der", 0.8, 1.0, 0.4), ("wick", 1.0, 1.4, 0.8), (".", 1.4, 1.4, 0.9)]  # fmt: skip
    listed = [{"word": w, "start": a, "end": b, "t_dtw": -1, "probability": p} for w, a, b, p in words]
    return {
        "task": "transcribe", "language": "english", "duration": str(length), "text": f" Call {SECRET}.\n",
        "segments": [{"id": 0, "text": f" Call {SECRET}.", "start": 0.0, "end": 1.8, "words": listed}],
    }  # fmt: skip


def silence(length: float) -> dict[str, Any]:
    """Nobody speaks."""
    return {"task": "transcribe", "language": "english", "duration": length, "text": "", "segments": [], "words": []}


def recogniser(stub: TranscriptionsStub, **settings: Any) -> OpenAI:
    """The adapter, pointed at the stub."""
    given: dict[str, Any] = {"clock": Wound(), **settings}
    return OpenAI(
        given.pop("url", f"{stub.url}/v1"), given.pop("key", SecretStr(KEY)), given.pop("tell", print), **given
    )


def heard(stub: TranscriptionsStub, path: Path = MONO, channels: Any = "mono", **settings: Any) -> list[Chunk]:
    """All chunks."""
    return list(recogniser(stub, **settings).transcribe(path, channels))


def refused(stub: TranscriptionsStub, kind: type[OffrecordError], **settings: Any) -> str:
    """The message of the error that it must end with, of exactly this kind, silent about what was said."""
    with pytest.raises(OffrecordError) as caught:
        heard(stub, **settings)
    assert type(caught.value) is kind, repr(caught.value)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def stub() -> Iterator[TranscriptionsStub]:
    """One that answers as OpenAI does."""
    with TranscriptionsStub(plain) as running:
        yield running


def test_what_is_asked_for(stub: TranscriptionsStub) -> None:
    """Words with times, of a WAV without the file's name; the key as a bearer."""
    heard(stub, language="en")
    (request,) = stub.requests
    fields = form(request)
    sound = fields.pop("file")
    assert fields == {
        "model": b"whisper-1", "response_format": b"verbose_json", "timestamp_granularities[]": b"word", "language": b"en",
    }  # fmt: skip
    assert 1.8 < seconds(sound) < 2.0
    assert MONO.stem.encode() not in request.body
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_words_get_the_punctuation_of_the_text(stub: TranscriptionsStub) -> None:
    """A number that is listed in three is one word, from the start of the first to the end of the last."""
    (chunk,) = heard(stub)
    assert [(w.text, w.start, w.end) for w in chunk.words] == [
        ("Call", 100, 300), ("415-555-0132,", 400, 1_500), (f"{SECRET}.", 1_550, 1_800),
    ]  # fmt: skip


def test_pieces_become_words() -> None:
    """Their confidence is that of the least sure piece."""
    with TranscriptionsStub(pieces) as stub:
        (chunk,) = heard(stub)
    assert [(w.text, w.start, w.end, w.confidence) for w in chunk.words] == [
        ("Call", 100, 300, 0.9), (f"{SECRET}.", 400, 1_400, 0.4),
    ]  # fmt: skip


@pytest.mark.parametrize("bare", [True, False], ids=["as OpenAI lists them", "as speaches does"])
def test_a_real_recogniser_is_heard_as_if_it_were_here(bare: bool) -> None:
    """The words of Whisper, listed without punctuation or in its own pieces, come out as our own adapter has them."""
    local = whisper.load(threads=2)
    samples = np.concatenate(list(audio.decode(CALL)), axis=1)[0]
    segments = list(local.model.transcribe(samples, word_timestamps=True, vad_filter=True)[0])
    said = [word for segment in segments for word in segment.words]
    listed = [
        {"word": word.word.strip(" .,?!") if bare else word.word, "start": word.start, "end": word.end} for word in said
    ]
    answer = {"text": "".join(segment.text for segment in segments), "words": listed}
    with TranscriptionsStub(lambda length: answer | {"duration": length}) as stub:
        (chunk,) = heard(stub, CALL)
    ours = [(text, round(start * 1000), round(end * 1000)) for text, start, end, _ in _joined(said, spaced=True)]
    assert len(ours) > 100
    assert [word.text for word in chunk.words] == [text for text, *_ in ours]
    off = [max(abs(w.start - start), abs(w.end - end)) for w, (_, start, end) in zip(chunk.words, ours, strict=True)]
    assert max(off) == 0


def test_a_server_without_a_key_is_sent_none() -> None:
    """speaches and whisper.cpp want none."""
    with TranscriptionsStub(plain, key=None) as stub:
        heard(stub, key=None)
        assert "authorization" not in stub.requests[0].headers


def test_openai_itself_wants_a_key() -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        OpenAI("https://api.openai.com/v1", None, print)


def test_silence_is_believed_when_it_is_said_plainly() -> None:
    """An empty text and no words, of the right length."""
    with TranscriptionsStub(silence) as stub:
        (chunk,) = heard(stub)
    assert chunk.words == []


def test_each_channel_is_sent_on_its_own() -> None:
    """Their words carry the number of the channel, from 0."""
    with TranscriptionsStub(plain) as stub:
        chunks = heard(stub, STEREO, "separate")
        assert len(stub.requests) == 2
        assert form(stub.requests[0])["file"] != form(stub.requests[1])["file"]
    assert {word.channel for chunk in chunks for word in chunk.words} == {0, 1}


def test_a_long_recording_goes_in_pieces(tmp_path: Path) -> None:
    """Under 25 MB each, together as long as the recording, and their words' times go on."""
    call = np.concatenate(list(audio.decode(STEREO)), axis=1)
    tiled = np.tile(call, -(-1_300 * 16_000 // call.shape[1]))[:, : 1_300 * 16_000]
    path = tmp_path / "long.wav"
    path.write_bytes(sending.header(sending.Sound(1, tiled.shape[1])) + sending.pcm(tiled))
    with TranscriptionsStub(plain) as stub:
        chunks = heard(stub, path)
        assert len(stub.requests) == 3
        assert all(len(request.body) < 25_000_000 for request in stub.requests)
        assert sum(round(seconds(form(request)["file"]) * 16_000) for request in stub.requests) == tiled.shape[1]
    assert chunks[-1].end == 1_300_000
    assert chunks[1].words[0].start == chunks[0].end + 100
    assert all(a.end < b.end for a, b in pairwise(chunks))


def test_a_piece_is_ten_minutes_at_most() -> None:
    """With its header under what OpenAI takes."""
    assert sending.Sound(1, LONGEST).size < 25_000_000


UNUSABLE: list[tuple[str, Mapping[str, Any], type[OffrecordError], str]] = [
    ("no times of words", {"words": None}, ModelError, "no times for words"),
    ("segments only", {"words": [], "segments": [{"text": SECRET, "start": 0.0, "end": 1.0}]}, ModelError, "no times for words"),
    ("text in segments alone", {"text": "", "words": [], "segments": [{"text": SECRET}]}, ModelError, "no times for words"),
    ("a word without a start", {"words": [{"word": SECRET, "end": 1.0}]}, RemoteError, "word 1"),
    ("a word with a start that is no number", {"words": [{"word": SECRET, "start": "0", "end": 1.0}]}, RemoteError, "word 1"),
    ("a word that is no number", {"words": [{"word": SECRET, "start": float("nan"), "end": 1.0}]}, RemoteError, "word 1"),
    ("a word that is no object", {"words": [SECRET]}, RemoteError, "word 1"),
    ("a word beyond the end", {"words": [{"word": SECRET, "start": 50.0, "end": 51.0}]}, RemoteError, "outside"),
    ("a word before the start", {"words": [{"word": SECRET, "start": -1.0, "end": 1.0}]}, RemoteError, "outside"),
    ("fewer words than text", {"text": "one two three four five six seven"}, RemoteError, "fewer words"),
    ("half a character", {"text": f"{SECRET}\ud800"}, RemoteError, "surrogate"),
    ("an endless number", {"words": [{"word": SECRET, "start": 10**400, "end": 1.0}]}, RemoteError, "outside"),
    ("no text", {"text": None}, RemoteError, "without text"),
    ("no length", {"duration": None}, RemoteError, "how much"),
    ("a length that is none", {"duration": SECRET}, RemoteError, "how much"),
    ("a length without end", {"duration": float("inf")}, RemoteError, "how much"),
    ("half the recording", {"duration": 60.0}, RemoteError, "60000 ms"),
    ("segments that are none", {"segments": SECRET}, RemoteError, "without text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "kind", "message"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE]
)
def test_an_answer_that_may_lack_words_is_refused(
    changed: Mapping[str, Any], kind: type[OffrecordError], message: str
) -> None:
    """It is never taken for silence; the message says what to do."""
    with TranscriptionsStub(lambda length: plain(length) | dict(changed)) as stub:
        assert message in refused(stub, kind)


STATUSES: list[tuple[Answer, type[OffrecordError], str]] = [
    (Answer(401, {"error": {"message": "Incorrect API key provided"}}), ModelError, "OPENAI_API_KEY"),
    (Answer(403, {}), ModelError, "OPENAI_API_KEY"),
    (Answer(400, {"error": {"message": f"unknown model {SECRET}"}}), ModelError, "--model"),
    (Answer(400, {"error": {"message": "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'"}}), ModelError, "no times for words"),
    (Answer(400, {"error": {"message": "Audio file is too short. Minimum audio length is 0.1 seconds."}}), InputError, "100 ms"),
    (Answer(404, {"error": {"message": "The model does not exist"}}), ModelError, "/v1"),
    (Answer(413, {"error": {"message": "Maximum content size limit exceeded"}}), InputError, "19 MB"),
    (Answer(422, {"detail": [{"input": SECRET}]}), ModelError, "422"),
    (HTML, RemoteError, "web page"),
    (Answer(200, b'{"text": "Zyxanderwick'), RemoteError, "no JSON"),
    (Answer(200, b"Zyxanderwick speaks", {"content-type": "text/plain"}), RemoteError, "no JSON"),
    (Answer(200, "Zyxanderwick"), RemoteError, "another form"),
    (Answer(307, b"", {"location": "http://127.0.0.1:1/"}), RemoteError, "not followed"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "message"), STATUSES)
def test_what_the_api_refuses(
    stub: TranscriptionsStub, answer: Answer, kind: type[OffrecordError], message: str
) -> None:
    """One error each, that says what to do, and nothing of the answer."""
    stub.next("POST", answer)
    assert message in refused(stub, kind)


def test_no_money_left(stub: TranscriptionsStub) -> None:
    """OpenAI says so with 429."""
    stub.next("POST", *[Answer(429, {"error": {"code": "insufficient_quota"}})] * 5)
    assert "money" in refused(stub, RemoteError)


def test_a_base_url_without_its_path(stub: TranscriptionsStub) -> None:
    """The message says what is mostly missing."""
    assert "/v1" in refused(stub, ModelError, url=stub.url)


@pytest.mark.parametrize("answer", [Answer(429, {}), Answer(503, b""), Answer(breaks=5_000)])
def test_passing_failures_are_tried_again(stub: TranscriptionsStub, answer: Answer) -> None:
    """The sound is sent anew."""
    stub.next("POST", answer, answer)
    (chunk,) = heard(stub)
    assert len(chunk.words) == 3


def test_the_deadline_is_for_the_whole_recording(stub: TranscriptionsStub) -> None:
    """A wait that would go beyond it is not begun."""
    stub.next("POST", Answer(429, {}, {"retry-after": "61"}))
    assert "429" in refused(stub, RemoteError, seconds=60)


def test_another_machine_is_announced_before_it_is_sent_to(
    stub: TranscriptionsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for a recording, by its host."""
    monkeypatch.setenv("HTTP_PROXY", stub.url)
    told: list[tuple[str, int]] = []

    def tell(line: str) -> None:
        told.append((line, len(stub.requests)))

    with pytest.raises(OffrecordError):
        heard(stub, url="http://speech.example.com/v1", tell=tell)
    assert told == [(f"{MONO.name}: sending its sound to speech.example.com, unencrypted", 0)]
    assert len(stub.requests) == 1


def test_the_clients_log_holds_no_key_and_no_word(stub: TranscriptionsStub, caplog: pytest.LogCaptureFixture) -> None:
    """Even with all logging on."""
    caplog.set_level(logging.DEBUG)
    heard(stub)
    assert "/audio/transcriptions" in caplog.text
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


def test_the_key_is_not_in_the_repr(stub: TranscriptionsStub) -> None:
    """A key type that does not print itself."""
    assert KEY not in repr(recogniser(stub))


def test_the_name_has_model_and_host() -> None:
    """For the result."""
    assert openai.OpenAI("http://127.0.0.1:9/v1", None, print, model="m").name == "openai:m at 127.0.0.1:9"
