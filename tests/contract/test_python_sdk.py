"""AssemblyAI's own Python client, unmodified, against our server: whatever it does with theirs, it does with ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import assemblyai as aai
import pytest
from serving import NAMES, SHORT, Server, clip, running, until, web

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
    """The default substitution, with all 65 policies that the client knows."""
    config = aai.TranscriptionConfig(redact_pii=True, redact_pii_policies=POLICIES)
    transcript = aai.Transcriber().transcribe(str(NAMES), config)
    assert transcript.text
    assert transcript.text.startswith("####### " if transcript.text[0] == "#" else "Good morning, #####.")
    assert transcript.json_response
    assert transcript.json_response["redact_pii_sub"] == "hash"
    assert sorted(transcript.json_response["redact_pii_policies"]) == sorted(LABELS)


@pytest.mark.parametrize("quality", ["mp3", "wav"])
@pytest.mark.parametrize("method", ["beep", "silence"])
def test_redacted_audio_is_saved(tmp_path: Path, quality: str, method: str) -> None:
    """The client asks for the address, and loads it without its key; the length stays."""
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
    assert [(e.entity_type.value, e.text) for e in transcript.entities or ()] == [("person_name", "[PERSON_NAME].")] * 2


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
