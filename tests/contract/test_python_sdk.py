"""AssemblyAI's own Python client, unmodified, against our server: whatever it does with theirs, it does with ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import assemblyai as aai
import pytest
from serving import NAMES, SHORT, Answer, Server, clip, running, until, web

from offrecord import audio
from offrecord.labels import LABELS

# The client's own copying, in the way of pydantic 1.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")


@pytest.fixture(autouse=True)
def client(server: Server) -> Iterator[None]:
    """The base URL is all that is changed."""
    aai.settings.base_url = server.url
    aai.settings.api_key = "any"
    aai.settings.polling_interval = 0.2
    yield
    _forget_client()


def _forget_client() -> None:
    """Close the connections of the client in use: it leaves that to the end of the program."""
    aai.Client.get_default().http_client.close()
    aai.settings.base_url = "http://127.0.0.1:1"
    aai.Client.get_default()  # which replaces the closed one


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of a call, an agent and a customer on a channel each."""
    return clip("d006", 0, 20, tmp_path_factory.mktemp("call") / "call.wav")


POLICIES = [aai.PIIRedactionPolicy(name) for name in LABELS]


def redacting(**more: object) -> aai.TranscriptionConfig:
    return aai.TranscriptionConfig(
        redact_pii=True,
        redact_pii_policies=[aai.PIIRedactionPolicy.person_name],
        redact_pii_sub=aai.PIISubstitutionPolicy.entity_name,
        **more,  # type: ignore[arg-type]
    )


def test_a_file_is_transcribed_and_redacted() -> None:
    """Upload, poll, and a text in which each hidden word is its policy's name."""
    transcript = aai.Transcriber().transcribe(str(NAMES), redacting())
    assert transcript.status == aai.TranscriptStatus.completed
    assert transcript.text
    assert transcript.text.startswith("Good morning, [PERSON_NAME]. Good morning, [PERSON_NAME].")
    assert transcript.words
    assert [w.text for w in transcript.words] == transcript.text.split()
    assert all(a.start <= b.start for a, b in zip(transcript.words, transcript.words[1:], strict=False))
    assert transcript.audio_duration == 30


def test_bytes_are_uploaded() -> None:
    """The client's upload of an open file gives a URL that only this server understands."""
    with SHORT.open("rb") as file:
        url = aai.Transcriber().upload_file(file)
    assert "/v2/upload/" in url
    assert aai.Transcriber().transcribe(url).status == aai.TranscriptStatus.completed


def test_a_url_is_downloaded() -> None:
    """A recording served on loopback, which this server is allowed to ask."""
    with web({"/short.wav": SHORT.read_bytes()}) as (url, _):
        transcript = aai.Transcriber().transcribe(f"{url}/short.wav?signature=x")
    assert transcript.status == aai.TranscriptStatus.completed
    assert transcript.audio_url == f"{url}/short.wav?signature=x"


def test_hashes_keep_the_length_of_words() -> None:
    """The default substitution, with all 65 policies that the client knows: each letter and digit, and nothing else."""
    config = aai.TranscriptionConfig(redact_pii=True, redact_pii_policies=POLICIES)
    config.raw.redact_pii_return_unredacted = True
    transcript = aai.Transcriber().transcribe(str(NAMES), config)
    assert transcript.json_response
    pairs = [
        (said["text"], shown["text"])
        for said, shown in zip(
            transcript.json_response["unredacted_words"], transcript.json_response["words"], strict=True
        )
    ]
    assert ("Steve.", "#####.") in pairs
    hidden = [(said, shown) for said, shown in pairs if said != shown]
    assert all("".join("#" if c.isalnum() else c for c in said) == shown for said, shown in hidden)
    assert transcript.json_response["redact_pii_sub"] == "hash"
    assert sorted(transcript.json_response["redact_pii_policies"]) == sorted(LABELS)


@pytest.mark.parametrize("quality", ["mp3", "wav"])
@pytest.mark.parametrize("method", ["beep", "silence"])
def test_redacted_audio_is_saved(tmp_path: Path, quality: str, method: str) -> None:
    """The client asks for the address and loads it; the length stays, and the name is under a beep, or silence."""
    silence = aai.RedactPiiAudioOptions(override_audio_redaction_method=aai.PIIRedactedAudioMethod.silence)
    config = redacting(redact_pii_audio=True).set_redact_pii(
        redact_audio=True,
        redact_audio_quality=aai.PIIRedactedAudioQuality(quality),
        redact_audio_options=silence if method == "silence" else None,
        policies=[aai.PIIRedactionPolicy.person_name],
    )
    transcript = aai.Transcriber().transcribe(str(NAMES), config)
    assert transcript.get_redacted_audio_url().split("?")[0].endswith(f".{quality}")
    target = tmp_path / f"out.{quality}"
    transcript.save_redacted_audio(str(target))
    assert abs(audio.probe(target).duration - audio.probe(NAMES).duration) < 60
    assert audio.probe(target).format == quality
    (samples,) = audio.decode(target, block=10**9)
    name = next(word for word in transcript.words or () if word.text.startswith("#"))
    middle = (name.start + name.end) * 8
    loudest = abs(samples[0, middle - 800 : middle + 800]).max()
    assert loudest < 0.01 if method == "silence" else loudest > 0.05


def test_redacted_audio_expires_after_a_day(tmp_path: Path) -> None:
    """Then the file is gone, and the client takes our 400 for what it is."""
    with running(tmp_path / "home") as own:
        _forget_client()
        aai.settings.base_url = own.url
        transcript = aai.Transcriber().transcribe(str(SHORT), redacting(redact_pii_audio=True))
        assert transcript.get_redacted_audio_url()
        own.stop()
        with sqlite3.connect(own.home / "offrecord.db") as database:
            database.execute("UPDATE jobs SET sound_until = sound_until - 86400001")
        database.close()
        own.start()
        until(lambda: not list((own.home / "sound").iterdir()))
        later = aai.Transcript.get_by_id(str(transcript.id))  # the first one remembers its link
        with pytest.raises(aai.types.RedactedAudioExpiredError):
            later.get_redacted_audio_url()
        assert later.text == transcript.text


def _answering(status: int, body: bytes = b"<html>", **headers: str) -> Answer:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_urls_that_lead_to_no_recording_end_in_an_error() -> None:
    """The job says why, in the manner of AssemblyAI's server, with the URL but not its query; nothing private is asked."""
    answers: dict[str, Answer | bytes | int] = {
        "/missing": 404,
        "/html": _answering(200, content_type="text/html"),
        "/metadata": _answering(302, location="http://169.254.169.254/latest/meta-data/"),
        "/file": _answering(302, location="file:///etc/passwd"),
        "/huge": _answering(200, content_length=str(10 * 1024**3)),
        "/cut": _answering(200, b"RIFF", content_length="5000"),
    }
    texts = {
        "/missing": "The server answered 404",
        "/html": "File does not appear to contain audio. File type is text/html",
        "/metadata": "not on the internet",
        "/file": "Only http and https are asked",
        "/huge": "It is larger than",
        "/cut": "The connection was cut",
    }
    with web(answers) as (url, _):
        transcriber = aai.Transcriber()
        jobs = {path: transcriber.submit(f"{url}{path}?key=secret") for path in answers}
        ended = {path: aai.Transcript.get_by_id(str(job.id)).wait_for_completion() for path, job in jobs.items()}
    for path, transcript in ended.items():
        assert transcript.status == aai.TranscriptStatus.error
        assert transcript.error
        assert texts[path] in transcript.error
        assert "secret" not in transcript.error
        if path != "/html":
            assert transcript.error.startswith(f"Download error, unable to download {url}{path}. ")
    direct = aai.Transcriber().transcribe("http://10.0.0.1/a.wav")
    assert direct.error
    assert "not on the internet" in direct.error


def test_the_original_comes_back_only_when_asked_for() -> None:
    """`redact_pii_return_unredacted` fills the fields of that name, word for word beside the redacted ones."""
    config = redacting()
    config.raw.redact_pii_return_unredacted = True
    asked = aai.Transcriber().transcribe(str(NAMES), config)
    plain = aai.Transcriber().transcribe(str(NAMES), redacting())
    assert asked.json_response
    assert plain.json_response
    assert asked.text == plain.text
    assert asked.json_response["unredacted_text"].startswith("Good morning, Steve.")
    assert len(asked.json_response["unredacted_words"]) == len(asked.words or ())
    assert not [name for name, value in plain.json_response.items() if name.startswith("unredacted") and value]
    assert "Steve" not in json.dumps(plain.json_response)


def test_channels_become_utterances(call: Path) -> None:
    """Two channels, recognised each on its own: utterances in the order in which they were begun."""
    transcript = aai.Transcriber().transcribe(str(call), aai.TranscriptionConfig(multichannel=True))
    assert transcript.utterances
    assert {u.channel for u in transcript.utterances if u.channel} == {"1", "2"}
    assert [u.start for u in transcript.utterances] == sorted(u.start for u in transcript.utterances)
    assert transcript.json_response
    assert transcript.json_response["audio_channels"] == 2


def test_channels_tell_speakers_apart(call: Path) -> None:
    """With `speaker_labels`, each channel of a call is a speaker."""
    transcript = aai.Transcriber().transcribe(str(call), aai.TranscriptionConfig(speaker_labels=True))
    assert {u.speaker for u in transcript.utterances or ()} == {"A", "B"}


def test_one_channel_does_not_pretend_to_tell_speakers_apart() -> None:
    """An honest error, with what to do."""
    transcript = aai.Transcriber().transcribe(str(SHORT), aai.TranscriptionConfig(speaker_labels=True))
    assert transcript.status == aai.TranscriptStatus.error
    assert transcript.error
    assert "one channel" in transcript.error


def test_entities_are_named_and_hidden() -> None:
    """With redaction on, `entities` say where and of what kind, and their text is the redacted one."""
    transcript = aai.Transcriber().transcribe(str(NAMES), redacting(entity_detection=True))
    found = [(e.entity_type.value, e.text) for e in transcript.entities or ()]
    # The third is "diarize", which the recogniser is not sure of and no dictionary has.
    assert found == [("person_name", "[PERSON_NAME].")] * 2 + [("person_name", "[PERSON_NAME]")]


def test_entities_without_redaction_are_the_words() -> None:
    """With redaction off nothing is hidden, here as there."""
    transcript = aai.Transcriber().transcribe(str(NAMES), aai.TranscriptionConfig(entity_detection=True))
    assert transcript.text
    assert "[" not in transcript.text
    assert "person_name" in {e.entity_type.value for e in transcript.entities or ()}


def test_exports_hold_the_redacted_words() -> None:
    """Subtitles, sentences, paragraphs, and a search that does not find what is hidden."""
    transcript = aai.Transcriber().transcribe(str(NAMES), redacting())
    assert "[PERSON_NAME]" in transcript.export_subtitles_srt()
    narrow = transcript.export_subtitles_vtt(chars_per_caption=32)
    assert narrow.startswith("WEBVTT")
    assert all(len(line) <= 32 for line in narrow.splitlines() if "-->" not in line)
    sentences = transcript.get_sentences()
    assert " ".join(s.text for s in sentences) == transcript.text
    assert " ".join(p.text for p in transcript.get_paragraphs()) == transcript.text
    found = transcript.word_search(["good morning", "Steve", "real-time"])
    assert [(match.text, match.count) for match in found if match.text == "good morning"] == [("good morning", 2)]
    assert "Steve" not in {match.text for match in found}


def test_words_are_spelled_as_the_client_wants() -> None:
    """A spelling is applied to what was heard, and is not shown again: it may name people."""
    config = redacting()
    config.set_custom_spelling({"MORNING": ["morning"]})
    transcript = aai.Transcriber().transcribe(str(NAMES), config)
    assert transcript.text
    assert transcript.text.startswith("Good MORNING, [PERSON_NAME].")
    assert transcript.json_response
    assert transcript.json_response.get("custom_spelling") is None


@pytest.mark.parametrize("field", ["keyterms_prompt", "word_boost"])
def test_key_terms_are_listened_for(server: Server, field: str) -> None:
    """What was said is written as the client expects it; the terms are neither shown again nor logged nor kept."""
    plain = aai.Transcriber().transcribe(str(NAMES), aai.TranscriptionConfig())
    config = aai.TranscriptionConfig()
    setattr(config.raw, field, ["Katy", "Zyxanderwick"])
    expected = aai.Transcriber().transcribe(str(NAMES), config)
    assert plain.text
    assert expected.text
    assert plain.text.startswith("Good morning, Steve. Good morning, Katie.")
    assert expected.text.startswith("Good morning, Steve. Good morning, Katy.")
    assert "Zyxanderwick" not in json.dumps(expected.json_response)
    kept = server.log.read_bytes() + b"".join(path.read_bytes() for path in server.home.glob("offrecord.db*"))
    assert b"Zyxanderwick" not in kept


def test_a_slice_keeps_its_times() -> None:
    """Only what lies between the two is transcribed, at the times of the recording."""
    config = aai.TranscriptionConfig(audio_start_from=10_000, audio_end_at=20_000)
    transcript = aai.Transcriber().transcribe(str(NAMES), config)
    assert transcript.words
    assert all(word.start >= 9_000 and word.end <= 21_000 for word in transcript.words)


def test_transcripts_are_listed_in_pages(tmp_path: Path) -> None:
    """The client walks from the newest to the oldest by the addresses that it is given."""
    with running(tmp_path / "home", "--workers", "0") as own:
        _forget_client()
        aai.settings.base_url = own.url
        ids = [own.submit("http://127.0.0.1/a.wav") for _ in range(5)]
        transcriber, params, seen = aai.Transcriber(), aai.ListTranscriptParameters(limit=2), []
        page = transcriber.list_transcripts(params)
        while page.transcripts:
            seen += [item.id for item in page.transcripts]
            if page.page_details.before_id_of_prev_url is None:
                break
            params.before_id = page.page_details.before_id_of_prev_url
            page = transcriber.list_transcripts(params)
    assert seen == ids[::-1]


def test_deleting_erases(server: Server) -> None:
    """The scrubbed transcript of AssemblyAI's API, at once and later."""
    transcript = aai.Transcriber().transcribe(str(NAMES), redacting(redact_pii_audio=True))
    assert transcript.id
    deleted = aai.Transcript.delete_by_id(transcript.id)
    assert (deleted.text, deleted.audio_url) == ("Deleted by user.", "http://deleted_by_user")
    again = aai.Transcript.get_by_id(transcript.id)
    assert again.text == "Deleted by user."
    assert not again.words
    assert not list((server.home / "sound").glob(f"{transcript.id}.*"))


def test_an_unknown_id_is_an_error() -> None:
    """As AssemblyAI's server says it."""
    with pytest.raises(aai.types.TranscriptError, match="transcript id not found"):
        aai.Transcript.get_by_id("9ea68fd3-f953-42c1-9742-976c447fb463")


def test_a_wrong_key_is_an_error(tmp_path: Path) -> None:
    """401 with AssemblyAI's text, and the right key works."""
    with running(tmp_path / "home", "--workers", "0", OFFRECORD_API_KEYS="right,other") as own:
        _forget_client()
        aai.settings.base_url, aai.settings.api_key = own.url, "wrong"
        with pytest.raises(aai.types.TranscriptError, match="Authentication error, API token missing/invalid"):
            aai.Transcriber().submit("http://127.0.0.1/a.wav")
        _forget_client()
        aai.settings.base_url, aai.settings.api_key = own.url, "right"
        assert aai.Transcriber().submit("http://127.0.0.1/a.wav").id


def test_what_is_no_recording_ends_in_an_error(tmp_path: Path) -> None:
    """The upload is taken, as theirs is; the job says what is wrong."""
    (tmp_path / "a.mp3").write_text('{"error": "none"}')
    transcript = aai.Transcriber().transcribe(str(tmp_path / "a.mp3"))
    assert transcript.status == aai.TranscriptStatus.error
    assert transcript.error
    assert transcript.error.startswith("File does not appear to contain audio. File type is application/json (")
    assert str(tmp_path) not in transcript.error


def test_webhooks_are_told_twice() -> None:
    """The transcript first, then its redacted sound; both with the header that was asked for."""
    with web({"/hook": 200}) as (url, seen):
        config = redacting(redact_pii_audio=True).set_webhook(f"{url}/hook?mine=1", "X-Secret", "open sesame")
        submitted = aai.Transcriber().submit(str(NAMES), config)
        until(lambda: len(seen) == 2)
        assert [message.path for message in seen] == ["/hook?mine=1"] * 2
        assert [message.headers["x-secret"] for message in seen] == ["open sesame"] * 2
        first, second = (json.loads(message.body) for message in seen)
        assert first == {"transcript_id": submitted.id, "status": "completed"}
        assert second["status"] == "redacted_audio_ready"
        transcript = until(
            lambda: (t := aai.Transcript.get_by_id(str(submitted.id))).json_response["webhook_status_code"] and t  # type: ignore[index]
        )
    assert transcript.json_response
    assert transcript.json_response["webhook_auth"] is True
    assert "open sesame" not in json.dumps(transcript.json_response)
