"""AssemblyAI's recogniser against a stub of its API: what is asked, what comes back, and every way that it fails."""

from __future__ import annotations

import io
import logging
import ssl
import subprocess
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assemblyai_stub import DELETED, KEY, AssemblyAIStub, word
from clocks import Wound
from conftest import AUDIO
from pydantic import SecretStr
from servers import HTML, Answer

from offrecord import audio
from offrecord.errors import InputError, ModelError, NoSpeech, OffrecordError, RemoteError, UsageError
from offrecord.transcribe import Chunk, sending
from offrecord.transcribe.assemblyai import AssemblyAI

MONO = AUDIO / "ljspeech32" / "LJ001-0002.flac"  # 1.9 s
STEREO = AUDIO / "calls" / "d006.mp3"
SECRET = "Zyxanderwick"
WORDS = [word("In", 100, 200), word("being,", 300, 500), word(f"{SECRET}.", 600, 1_500)]

Told = list[str]


class Interrupted(BaseException):
    """Stands for Ctrl-C: pytest would take a real one for its own."""


def recogniser(stub: AssemblyAIStub, told: Told | None = None, **settings: Any) -> AssemblyAI:
    """The adapter, pointed at the stub, with a clock that does not wait."""
    given: dict[str, Any] = {"clock": Wound(), **settings}
    tell = (told if told is not None else []).append
    return AssemblyAI(given.pop("url", stub.url), given.pop("key", SecretStr(KEY)), tell, **given)


def heard(stub: AssemblyAIStub, path: Path = MONO, channels: Any = "mono", **settings: Any) -> Chunk:
    """The one chunk."""
    (chunk,) = recogniser(stub, **settings).transcribe(path, channels)
    return chunk


def refused(stub: AssemblyAIStub, kind: type[OffrecordError], told: Told | None = None, **settings: Any) -> str:
    """The message of the error that it must end with: exactly of this kind, and silent about what was said."""
    with pytest.raises(OffrecordError) as caught:
        list(recogniser(stub, told, **settings).transcribe(MONO))
    assert type(caught.value) is kind, repr(caught.value)
    message = str(caught.value)
    assert SECRET not in message
    assert KEY not in message
    assert "127.0.0.1" in message
    return message


@pytest.fixture
def stub() -> Iterator[AssemblyAIStub]:
    """One that recognises `WORDS`."""
    with AssemblyAIStub(WORDS) as running:
        yield running


class TestWhatIsAsked:
    """Requests, as the contract wants them."""

    def test_the_key_goes_raw(self, stub: AssemblyAIStub) -> None:
        """No `Bearer`, on each request."""
        heard(stub)
        assert {request.headers["authorization"] for request in stub.requests} == {KEY}

    def test_only_the_sound_is_sent(self, stub: AssemblyAIStub) -> None:
        """A WAV of the recording's length, with a length in the header, and no name of the file anywhere."""
        chunk = heard(stub)
        (sent,) = stub.seen("POST /v2/upload")
        assert sent.headers["content-length"] == str(len(sent.body))
        with wave.open(io.BytesIO(sent.body)) as sound:
            assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (1, 16_000, 2)
            assert -(-sound.getnframes() // 16) == chunk.end
            assert max(sound.readframes(16_000)) > 0
        assert all(MONO.stem not in str(request) for request in stub.requests)

    def test_each_channel_is_sent_as_it_sounds(self, stub: AssemblyAIStub) -> None:
        """Samples interleaved, as WAV has them, to the nearest of 16 bits."""
        heard(stub, STEREO, "separate")
        with wave.open(io.BytesIO(stub.seen("POST /v2/upload")[0].body)) as sound:
            sent = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2).T / 32_767
        meant = np.concatenate(list(audio.decode(STEREO, channels="separate")), axis=1).clip(-1, 1)
        assert np.abs(meant[0] - meant[1]).max() > 0.1
        assert np.abs(sent - meant).max() < 1e-4

    def test_the_plain_transcript_is_asked_for(self, stub: AssemblyAIStub) -> None:
        """No redaction there; the language is found, and speakers are told apart."""
        heard(stub)
        (asked,) = stub.seen("POST /v2/transcript")
        assert asked.json == {
            "audio_url": asked.json["audio_url"],
            "language_detection": True,
            "speaker_labels": True,
        }

    def test_language_model_and_speakers_are_passed_on(self, stub: AssemblyAIStub) -> None:
        """As the user set them."""
        heard(stub, language="de", model="universal-2", speakers=False)
        (asked,) = stub.seen("POST /v2/transcript")
        assert asked.json["language_code"] == "de"
        assert asked.json["speech_models"] == ["universal-2"]
        assert "speaker_labels" not in asked.json
        assert "language_detection" not in asked.json

    def test_channels_are_sent_as_they_are(self, stub: AssemblyAIStub) -> None:
        """Two channels go as two, and are asked for as such."""
        heard(stub, STEREO, "separate")
        with wave.open(io.BytesIO(stub.seen("POST /v2/upload")[0].body)) as sound:
            assert sound.getnchannels() == 2
        assert stub.seen("POST /v2/transcript")[0].json["multichannel"] is True
        assert "speaker_labels" not in stub.seen("POST /v2/transcript")[0].json

    def test_a_transcript_is_looked_at_ever_less_often(self) -> None:
        """From one second to ten."""
        clock = Wound()
        with AssemblyAIStub(WORDS, looks=12) as stub:
            heard(stub, clock=clock)
        assert clock.slept[0] == 1
        assert clock.slept == sorted(clock.slept)
        assert clock.slept[-1] == 10

    @pytest.mark.parametrize("tail", ["", "/", "/v2", "/v2/"])
    def test_a_base_url_may_end_in_a_slash(self, stub: AssemblyAIStub, tail: str) -> None:
        """`cloud.checked` and the pipeline take it off."""
        from offrecord import Redactor

        redactor = Redactor(recogniser="assemblyai", recogniser_base_url=stub.url + tail)
        assert isinstance(redactor.recogniser, AssemblyAI)
        assert redactor.recogniser.url == stub.url


class TestWhatComesBack:
    """Words, times, speakers, channels."""

    def test_words_have_times_and_confidence(self, stub: AssemblyAIStub) -> None:
        """As the API gave them, punctuation and all."""
        chunk = heard(stub)
        assert [(w.text, w.start, w.end, w.confidence) for w in chunk.words] == [
            ("In", 100, 200, 0.9), ("being,", 300, 500, 0.9), (f"{SECRET}.", 600, 1_500, 0.9),
        ]  # fmt: skip
        assert chunk.copy == "kept"

    def test_speakers_stand_on_the_words(self) -> None:
        """A and B."""
        words = [word("Hi.", 0, 100, "A"), word("Hello.", 200, 400, "B")]
        with AssemblyAIStub(words) as stub:
            assert [w.speaker for w in heard(stub).words] == ["A", "B"]

    def test_channels_count_from_nought(self) -> None:
        """ "1" is channel 0; a speaker that only repeats the channel is none."""
        words = [word("Hi.", 0, 100, "1", "1"), word("Hello.", 50, 400, "2", "2"), word("Bye.", 500, 600, "1A", "1")]
        with AssemblyAIStub(words) as stub:
            chunk = heard(stub, STEREO, "separate")
        assert [(w.channel, w.speaker) for w in chunk.words] == [(0, None), (1, None), (0, "1A")]

    def test_words_come_in_the_order_of_their_times(self) -> None:
        """Whatever the order in the answer."""
        with AssemblyAIStub([word("b", 500, 600), word("a", 100, 200)]) as stub:
            assert [w.text for w in heard(stub).words] == ["a", "b"]

    def test_silence_is_believed_when_it_is_said_plainly(self) -> None:
        """Completed, no words, an empty text, and the length is right."""
        with AssemblyAIStub([]) as stub:
            assert heard(stub).words == []

    def test_a_confidence_beyond_all_bounds_is_cut_back(self) -> None:
        """It is a number from 0 to 1."""
        words = [{**word("a", 0, 1), "confidence": 10**400}, {**word("b", 2, 3), "confidence": float("nan")}]
        with AssemblyAIStub(words) as stub:
            assert [w.confidence for w in heard(stub).words] == [1, 0]

    def test_an_answer_of_a_megabyte_is_read(self) -> None:
        """Ten thousand words."""
        words = [word("word", i % 1_800, i % 1_800 + 10) for i in range(10_000)]
        with AssemblyAIStub(words) as stub:
            assert len(heard(stub).words) == 10_000


UNUSABLE: list[tuple[str, dict[str, Any]]] = [
    ("no length", {"audio_duration": None}),
    ("half the recording", {"audio_duration": 0, "words": [], "text": ""}) ,
    ("another recording", {"audio_duration": 61}),
    ("an endless length", {"audio_duration": 10**400}),
    ("a length that is no number", {"audio_duration": float("nan")}),
    ("half a character", {"words": [word("\ud800", 0, 100)], "text": "\ud800"}),
    ("no words", {"words": None}),
    ("no words for a text", {"words": []}),
    ("a text without words", {"words": [], "text": SECRET}),
    ("no text", {"text": None, "words": []}),
    ("fewer words than text", {"words": WORDS[:1]}),
    ("a word without times", {"words": [{"text": SECRET}], "text": SECRET}),
    ("a word that ends before it starts", {"words": [word(SECRET, 500, 100)], "text": SECRET}),
    ("a word beyond the end", {"words": [word(SECRET, 500, 100_000)], "text": SECRET}),
    ("words that are no objects", {"words": [SECRET], "text": SECRET}),
    ("another status", {"status": "done"}),
    ("no status", {"status": None}),
]  # fmt: skip


@pytest.mark.parametrize("changed", [row[1] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_an_answer_that_may_lack_words_is_refused(changed: dict[str, Any]) -> None:
    """It is never taken for a recording in which nobody speaks."""
    if changed.get("audio_duration") == 0:
        with AssemblyAIStub([], changed=changed) as stub, pytest.raises(RemoteError, match="heard 0 s"):
            heard(stub, STEREO)
        return
    with AssemblyAIStub(WORDS, changed=changed) as stub:
        refused(stub, RemoteError)


REASONS = [
    ("Audio duration is too short.", InputError, "160 ms"),
    ("File does not appear to contain audio. File type is text/html (HTML document).", InputError, "no sound"),
    ("Transcoding failed. File type application/json", InputError, "cannot read"),
    ("Download error, unable to download https://x. Please make sure the file exists.", RemoteError, "try again"),
    ("language_detection cannot be performed on files with no spoken audio.", NoSpeech, "--language"),
    (f"Unexpected: '{SECRET}' in utterance 3", RemoteError, "not shown"),
    (None, RemoteError, "not shown"),
]


@pytest.mark.parametrize(("reason", "kind", "message"), REASONS)
def test_a_recording_that_is_refused(reason: str | None, kind: type[OffrecordError], message: str) -> None:
    """Known reasons become our errors; the others are not quoted, for they may hold what was said."""
    with AssemblyAIStub(WORDS, changed={"status": "error", "error": reason}) as stub:
        assert message in refused(stub, kind)


STATUSES: list[tuple[str, Answer, type[OffrecordError], str]] = [
    ("POST /v2/upload", Answer(401, {"error": "Authentication error, API token missing/invalid"}), ModelError, "ASSEMBLYAI_API_KEY"),
    ("POST /v2/upload", Answer(403, {"error": "no"}), ModelError, "ASSEMBLYAI_API_KEY"),
    ("POST /v2/upload", Answer(413, {}), InputError, "413"),
    ("POST /v2/upload", Answer(404, {}), RemoteError, "/v2"),
    ("POST /v2/upload", Answer(302, b"", {"location": "http://127.0.0.1:1/"}), RemoteError, "not followed"),
    ("POST /v2/upload", HTML, RemoteError, "web page"),
    ("POST /v2/upload", Answer(200, b'{"upload_url": "https:'), RemoteError, "no JSON"),
    ("POST /v2/upload", Answer(200, b""), RemoteError, "no JSON"),
    ("POST /v2/upload", Answer(200, [1]), RemoteError, "another form"),
    ("POST /v2/upload", Answer(200, {}), RemoteError, "upload_url"),
    ("POST /v2/upload", Answer(200, b"[" * 100_000), RemoteError, "no JSON"),
    ("POST /v2/transcript", Answer(400, {"error": "The following models are not available in this language: speaker_labels"}), UsageError, "--no-speakers"),
    ("POST /v2/transcript", Answer(400, {"error": f"strange {SECRET}"}), RemoteError, "400"),
    ("POST /v2/transcript", Answer(403, {"error": "Cannot access uploaded file"}), ModelError, "own upload"),
    ("POST /v2/transcript", Answer(500, {"error": SECRET}), RemoteError, "500"),
    ("POST /v2/transcript", Answer(200, {"status": "queued"}), RemoteError, "`id`"),
    ("POST /v2/transcript", Answer(200, {"id": "../../v2/account"}), RemoteError, "name"),
    ("GET /v2/transcript/", Answer(400, {"error": "Transcript lookup error, transcript id not found"}), RemoteError, "400"),
    ("GET /v2/transcript/", Answer(401, {}), ModelError, "ASSEMBLYAI_API_KEY"),
    ("GET /v2/transcript/", HTML, RemoteError, "web page"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "answer", "kind", "message"), STATUSES)
def test_what_the_api_refuses(
    stub: AssemblyAIStub, route: str, answer: Answer, kind: type[OffrecordError], message: str
) -> None:
    """One error each, that says what to do, and nothing of the answer."""
    stub.next(route, answer)
    assert message in refused(stub, kind)


class TestPassingFailures:
    """What may go well the next time is tried again, and not for ever."""

    @pytest.mark.parametrize("route", ["POST /v2/upload", "GET /v2/transcript/"])
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_it_is_asked_again(self, stub: AssemblyAIStub, route: str, status: int) -> None:
        """Three failures, then an answer."""
        stub.next(route, *[Answer(status, b"<html>")] * 3)
        assert len(heard(stub).words) == 3

    def test_it_waits_as_long_as_it_is_told(self, stub: AssemblyAIStub) -> None:
        """Seconds, or a date."""
        clock = Wound()
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        stub.next("POST /v2/upload", *(Answer(429, {}, {"retry-after": after}) for after in ("7", later, "soon")))
        heard(stub, clock=clock)
        assert clock.slept[0] == 7
        assert 80 < clock.slept[1] <= 90
        assert clock.slept[2] == 2  # what is no time counts as none: doubled from half a second

    def test_a_date_that_is_past_is_now(self, stub: AssemblyAIStub) -> None:
        """No wait, and no error."""
        clock = Wound()
        stub.next("POST /v2/upload", Answer(503, {}, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}))
        heard(stub, clock=clock)
        assert clock.slept[0] == 0

    def test_it_gives_up_after_five(self, stub: AssemblyAIStub) -> None:
        """The last failure is the error."""
        stub.next("POST /v2/upload", *[Answer(429, {})] * 6)
        assert "429" in refused(stub, RemoteError)
        assert len(stub.seen("POST /v2/upload")) == 5

    def test_it_does_not_wait_beyond_the_deadline(self, stub: AssemblyAIStub) -> None:
        """A `Retry-After` of a day is the end at once."""
        clock = Wound()
        stub.next("POST /v2/upload", Answer(429, {}, {"retry-after": "86400"}))
        assert "429" in refused(stub, RemoteError, clock=clock)
        assert clock.slept == []

    def test_an_upload_that_breaks_off_is_sent_again(self, stub: AssemblyAIStub) -> None:
        """From its beginning."""
        stub.next("POST /v2/upload", Answer(breaks=10_000))
        assert len(heard(stub).words) == 3
        assert len(stub.seen("POST /v2/upload")) == 1

    def test_an_upload_that_always_breaks_off_is_an_error(self, stub: AssemblyAIStub) -> None:
        """After five attempts."""
        stub.next("POST /v2/upload", *[Answer(breaks=10_000)] * 5)
        assert "broke the connection off" in refused(stub, RemoteError)

    def test_a_transcript_is_not_made_twice(self, stub: AssemblyAIStub) -> None:
        """Whether the first was made is not known, and one that nobody knows of could not be deleted."""
        stub.next("POST /v2/transcript", Answer(breaks=0), Answer(500, {}))
        assert "broke the connection off" in refused(stub, RemoteError)

    def test_a_transcript_that_was_not_begun_is_asked_for_again(self, stub: AssemblyAIStub) -> None:
        """Too many requests."""
        stub.next("POST /v2/transcript", Answer(429, {}), Answer(503, {}))
        assert len(heard(stub).words) == 3

    def test_an_answer_that_is_cut_off_is_an_error(self, stub: AssemblyAIStub) -> None:
        """Fewer bytes than its header says."""
        stub.next("GET /v2/transcript/", *[Answer(200, {"status": "completed"}, promised=1_000)] * 5)
        assert "broke the connection off" in refused(stub, RemoteError)

    def test_a_transcript_that_never_ends_meets_the_deadline(self) -> None:
        """`OFFRECORD_RECOGNISER_TIMEOUT`."""
        clock = Wound()
        with AssemblyAIStub(WORDS, looks=10_000) as stub:
            assert "did not finish in 600 s" in refused(stub, RemoteError, clock=clock, seconds=600)
        assert clock.at <= 600


class TestDeleting:
    """`--delete-remote`."""

    def test_it_is_gone_afterwards(self, stub: AssemblyAIStub) -> None:
        """Transcript and upload, and the result says so."""
        told: Told = []
        (chunk,) = recogniser(stub, told, delete=True).transcribe(MONO)
        assert chunk.copy == "deleted"
        assert len(chunk.words) == 3
        assert stub.uploads == {}
        assert [t["audio_url"] for t in stub.transcripts.values()] == [DELETED]
        assert any("is deleted" in line for line in told)

    def test_without_it_nothing_is_deleted(self, stub: AssemblyAIStub) -> None:
        """The account keeps it."""
        heard(stub)
        assert stub.seen("DELETE") == []

    @pytest.mark.parametrize(
        "changed", [{"status": "error", "error": "Transcoding failed."}, {"words": None}, {"audio_duration": 99}]
    )
    def test_it_is_gone_after_a_failure(self, changed: dict[str, Any]) -> None:
        """The error is raised all the same."""
        told: Told = []
        with AssemblyAIStub(WORDS, changed=changed) as stub:
            refused(stub, InputError if "error" in changed else RemoteError, told, delete=True)
            assert [t["audio_url"] for t in stub.transcripts.values()] == [DELETED]
        assert any("is deleted" in line for line in told)

    def test_it_is_gone_after_the_deadline(self) -> None:
        """Deleting has a time of its own."""
        with AssemblyAIStub(WORDS, looks=10_000) as stub:
            stub.next("DELETE", *[Answer(503, {}, {"retry-after": "20"})] * 2)
            refused(stub, RemoteError, delete=True, seconds=60)
            assert [t["audio_url"] for t in stub.transcripts.values()] == [DELETED]

    def test_it_is_gone_after_an_interruption(self) -> None:
        """Ctrl-C while it is waited for."""

        class Impatient(Wound):
            def sleep(self, seconds: float) -> None:
                raise Interrupted(seconds)

        told: Told = []
        with AssemblyAIStub(WORDS) as stub:
            with pytest.raises(Interrupted):
                list(recogniser(stub, told, delete=True, clock=Impatient()).transcribe(MONO))
            assert len(stub.seen("DELETE")) == 1
        assert any("is deleted" in line for line in told)

    @pytest.mark.parametrize(
        "answers",
        [
            [Answer(500, {})] * 5,
            [Answer(401, {})],
            [HTML],
            [Answer(200, {})],
            [Answer(breaks=0)] * 5,
            [Answer(404, {})],
        ],
        ids=["500", "401", "a web page", "nothing", "broken off", "404"],
    )
    def test_a_failed_deletion_is_said_and_the_words_stay(self, stub: AssemblyAIStub, answers: list[Answer]) -> None:
        """The result says that it is not deleted, and the user is told which transcript to delete by hand."""
        told: Told = []
        stub.next("DELETE", *answers)
        (chunk,) = recogniser(stub, told, delete=True).transcribe(MONO)
        assert chunk.copy == "not deleted"
        assert len(chunk.words) == 3
        (name,) = stub.transcripts
        assert any("could NOT be deleted" in line and name in line for line in told)

    def test_an_upload_without_a_transcript_is_said(self, stub: AssemblyAIStub) -> None:
        """The API deletes uploads with their transcripts only."""
        told: Told = []
        stub.next("POST /v2/transcript", Answer(400, {}))
        refused(stub, RemoteError, told, delete=True)
        assert any("upload" in line and "could not be deleted" in line for line in told)


class TestTheWayThere:
    """Addresses, certificates, proxies."""

    def test_no_key(self) -> None:
        """Before anything is sent; the message names the variable."""
        with pytest.raises(UsageError, match="ASSEMBLYAI_API_KEY"):
            AssemblyAI("https://api.example.com", None, print)

    def test_a_wrong_key(self, stub: AssemblyAIStub) -> None:
        """The variable is named, the key is not shown."""
        wrong = SecretStr("wrong-key-0815")
        message = refused(stub, ModelError, key=wrong)
        assert "401" in message or "refuses the key" in message
        assert "0815" not in message

    def test_nobody_listens(self) -> None:
        """A port that is closed."""
        with AssemblyAIStub() as stub:
            url = stub.url
        assert "cannot be reached" in refused(stub, RemoteError, url=url)

    def test_a_certificate_that_nobody_signed(self, tls: ssl.SSLContext) -> None:
        """It says so, and where to name the authority; it is not asked again."""
        clock = Wound()
        with AssemblyAIStub(WORDS, tls=tls) as stub:
            assert "SSL_CERT_FILE" in refused(stub, ModelError, clock=clock)
        assert clock.slept == []

    def test_a_certificate_of_ones_own(
        self, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`SSL_CERT_FILE` names it."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        with AssemblyAIStub(WORDS, tls=tls) as stub:
            assert len(heard(stub).words) == 3

    def test_what_is_here_is_reached_without_a_proxy(
        self, stub: AssemblyAIStub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A proxy would take it from this machine."""
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert len(heard(stub).words) == 3

    def test_a_proxy_that_is_dead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The line says that there is one."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        far = AssemblyAI("http://api.example.com", SecretStr(KEY), print, clock=Wound())
        with pytest.raises(RemoteError, match=r"api\.example\.com cannot be reached through the proxy"):
            list(far.transcribe(MONO))

    def test_a_proxy_is_used(self, stub: AssemblyAIStub, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is elsewhere goes through it; the stub sees the address that was meant."""
        monkeypatch.setenv("HTTP_PROXY", stub.url)
        told: Told = []
        far = AssemblyAI("http://api.example.com", SecretStr(KEY), told.append, clock=Wound())
        with pytest.raises(RemoteError):
            list(far.transcribe(MONO))
        assert stub.requests[0].path == "http://api.example.com/v2/upload"
        assert told == [f"{MONO.name}: sending its sound to api.example.com, unencrypted"]

    @pytest.mark.parametrize("proxy", ["gopher://x", "http://[", "socks5://127.0.0.1:1"])
    def test_a_proxy_that_is_none(self, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """One line, not an exception of the client's."""
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        far = AssemblyAI("https://api.example.com", SecretStr(KEY), print, clock=Wound())
        with pytest.raises((UsageError, RemoteError), match=r"proxy|PROXY"):
            list(far.transcribe(MONO))


def test_what_is_here_is_not_announced(stub: AssemblyAIStub) -> None:
    """Nothing leaves the machine."""
    told: Told = []
    list(recogniser(stub, told).transcribe(MONO))
    assert told == []


def test_a_recording_that_cannot_be_read_is_not_sent(stub: AssemblyAIStub, tmp_path: Path) -> None:
    """It is found out before."""
    (tmp_path / "a.mp3").write_bytes(b"no sound at all")
    with pytest.raises(InputError):
        list(recogniser(stub).transcribe(tmp_path / "a.mp3"))
    assert stub.requests == []


def test_a_recording_that_changes_while_it_is_sent_is_refused(stub: AssemblyAIStub, tmp_path: Path) -> None:
    """Its times would be of something else."""
    path = tmp_path / "a.wav"
    _wav(path, 40_000)

    def shorter() -> None:
        _wav(path, 20_000)

    stub.next("POST /v2/upload", Answer(503, {}))
    stub.before("POST /v2/upload", shorter)
    with pytest.raises(InputError, match="changed while it was sent"):
        list(recogniser(stub).transcribe(path))


def test_the_sound_is_never_held_whole() -> None:
    """It goes ten seconds at a time, however long it is."""
    sound = sending.measured(STEREO, "separate")
    sizes = [len(piece) for piece in sending.wav(STEREO, "separate", sound)]
    assert sum(sizes) == sound.size
    assert max(sizes) == 10 * 16_000 * 2 * 2


def test_the_clients_log_holds_no_key_and_no_word(stub: AssemblyAIStub, caplog: pytest.LogCaptureFixture) -> None:
    """Even with all logging on."""
    caplog.set_level(logging.DEBUG)
    heard(stub, delete=True)
    assert "/v2/upload" in caplog.text
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


def test_the_key_is_not_in_the_repr(stub: AssemblyAIStub) -> None:
    """A key type that does not print itself."""
    assert KEY not in repr(recogniser(stub))


def _wav(path: Path, samples: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * samples))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate that signs itself, and its key."""
    where = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=where, check=True, capture_output=True,
    )  # fmt: skip
    return where


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """For a server that shows it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context
