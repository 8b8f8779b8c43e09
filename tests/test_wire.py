"""The shapes of AssemblyAI's API: whatever a job is, their client can read it, and it says what the redaction says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import assemblyai as aai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.labels import DENIED, LABELS
from offrecord.orders import Order
from offrecord.records import redaction_from, redaction_record, transcript_record
from offrecord.rows import Job, Status
from offrecord.server import wire
from offrecord.server.asking import parse
from offrecord.types import Entity, Redaction, Transcript, Word

ID = "9ea68fd3-f953-42c1-9742-976c447fb463"


def job(redaction: Redaction | None, order: Order = Order(), **more: Any) -> Job:  # noqa: B008 - frozen
    asked = {"order": order.asked(), "echo": {}, "webhook_url": None, "webhook_header": None}
    record = redaction_record(redaction) | {"channels": 2} if redaction else None
    status = Status.COMPLETED if redaction else Status.QUEUED
    made = Job(
        1, ID, "me", status, 0, 1, "http://a/b.wav", "", asked, 1, None, 7_300, record, None, None, None, None, False
    )
    return replace(made, **more)


@st.composite
def redactions(draw: st.DrawFn) -> Redaction:
    """Up to seven words of two voices on a grid of 100 ms, some without confidence, each perhaps an entity."""
    starts = sorted(draw(st.lists(st.integers(0, 60), max_size=7)))
    words = [
        Word(
            draw(st.sampled_from(["a.", "b", "[PERSON_NAME].", "c?"])), start * 100, start * 100 + draw(st.integers(0, 3)) * 100,
            draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])), None, draw(st.sampled_from([0, 1])),
        )
        for start in starts
    ]  # fmt: skip
    transcript = Transcript.spoken(words, 7_300)
    chosen = [i for i in range(len(words)) if draw(st.booleans())]
    labels = st.sampled_from([*LABELS, DENIED])
    return Redaction(
        transcript, tuple(Entity(range(i, i + 1), draw(labels), ()) for i in chosen), (), {"recogniser": "x"}
    )


def whole(value: object) -> bool:
    """Whether there is no float among the times and counts."""
    if isinstance(value, dict):
        return all(
            (not isinstance(inner, float) or name == "confidence") and whole(inner) for name, inner in value.items()
        )
    return all(map(whole, value)) if isinstance(value, list) else True


@given(redactions(), st.booleans(), st.booleans())
def test_their_client_reads_whatever_we_say(redaction: Redaction, multichannel: bool, speakers: bool) -> None:
    """Completed, of one voice or of channels, with any entities: parsed without a fault, and word for word."""
    order = Order(redact=True, entities=True, multichannel=multichannel, speakers=speakers)
    body = wire.transcript(job(redaction, order))
    parsed = aai.types.TranscriptResponse(**body)
    assert [w.text for w in parsed.words or ()] == [w.text for w in redaction.transcript.words]
    assert whole(body)
    assert body["audio_duration"] == 8
    assert (body["utterances"] is None) == (not multichannel and not speakers)
    for name, make in (("sentences", wire.sentences_of), ("paragraphs", wire.paragraphs_of)):
        parts = make(job(redaction, order), redaction)
        assert [w["text"] for part in parts[name] for w in part["words"]] == [
            w.text for w in redaction.transcript.words
        ]
    aai.types.SentencesResponse(**wire.sentences_of(job(redaction, order), redaction))
    aai.types.ParagraphsResponse(**wire.paragraphs_of(job(redaction, order), redaction))


@pytest.mark.parametrize("label", [*LABELS, DENIED])
def test_no_label_breaks_their_client(label: str) -> None:
    """All 65 are theirs as well; what a client's own list hid is left out, for it has no name there."""
    redaction = Redaction(Transcript((Word("x", 0, 100, gap=""),), 1_000), (Entity(range(1), label, ()),))
    body = wire.transcript(job(redaction, Order(redact=True, entities=True)))
    assert len(aai.types.TranscriptResponse(**body).entities or ()) == (label != DENIED)


def test_an_unfinished_and_a_deleted_job_are_read() -> None:
    """Both are transcripts to the client."""
    for status in (Status.QUEUED, Status.PROCESSING):
        assert aai.types.TranscriptResponse(**wire.transcript(job(None, status=status))).status.value == status.value
    failed = aai.types.TranscriptResponse(**wire.transcript(job(None, status=Status.ERROR, error="why")))
    assert failed.error == "why"
    deleted = aai.types.TranscriptResponse(**wire.transcript(job(None, status=Status.COMPLETED, deleted=True)))
    assert (deleted.text, deleted.audio_url) == ("Deleted by user.", "http://deleted_by_user")


def test_the_original_is_in_fields_of_its_own() -> None:
    """Beside the redacted twins, and only where it was kept."""
    hidden = Redaction(Transcript((Word("###", 0, 100, gap=""),), 1_000), ())
    original = transcript_record(Transcript((Word("Ann", 0, 100, gap=""),), 1_000))
    body = wire.transcript(job(hidden, Order(redact=True), original=original))
    assert (body["text"], body["unredacted_text"]) == ("###", "Ann")
    assert not [name for name in wire.transcript(job(hidden)) if name.startswith("unredacted")]


def test_echoes_are_of_values_that_their_client_knows() -> None:
    """The method "beep" and a modern model are none of them."""
    options = {"override_audio_redaction_method": "beep"}
    given = {"audio_url": "a", "redact_pii": True, "redact_pii_audio": True, "redact_pii_audio_options": options}
    asked = parse({**given, "speech_model": "universal-3-5-pro", "language_code": "en"}, english_only=True)
    body = wire.transcript(replace(job(None), asked={"order": asked.order.asked(), "echo": dict(asked.echo)}))
    aai.types.TranscriptResponse(**body)
    assert body["redact_pii_audio_options"] is None
    assert body["speech_model"] is None
    assert body["language_code"] == "en_us"


@given(redactions())
def test_records_come_back(redaction: Redaction) -> None:
    """What is kept in the database is the redaction again."""
    again = redaction_from(redaction_record(redaction))
    assert (again.transcript, again.entities) == (redaction.transcript, redaction.entities)


def test_orders_come_back() -> None:
    """From the two columns; what might name people is in the second alone, and in no repr."""
    order = Order(
        redact=True,
        labels=("date",),
        terms=(("a", ("Ann",)),),
        spelling=((("an",), "Ann"),),
        expected=("Ann",),
        start=5,
    )
    assert Order.of(order.asked(), order.secret()) == order
    assert "Ann" not in str(order.asked()) + repr(order)


def test_search_does_not_find_what_is_hidden() -> None:
    """Neither the placeholder's letters, nor anything in its place; phrases are found over punctuation and case."""
    words = (
        Word("Call,", 0, 100),
        Word("[PERSON_NAME]", 100, 200),
        Word("call", 200, 300),
        Word("BACK.", 300, 400, gap=""),
    )
    redaction = Redaction(Transcript(words, 1_000), (Entity(range(1, 2), "person_name", ()),))
    found = wire.search(job(redaction), redaction, ["call", "call back", "person_name", "nobody", "..."])
    assert [(m["text"], m["count"], m["indexes"]) for m in found["matches"]] == [
        ("call", 2, [0, 2]),
        ("call back", 1, [2]),
    ]
    assert found["matches"][1]["timestamps"] == [[200, 400]]
    assert found["total_count"] == 3
