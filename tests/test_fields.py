"""The table of fields, the parser and AssemblyAI's clients agree, field by field; docs/server.md is made from the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import assemblyai as aai
import pytest
from starlette.exceptions import HTTPException

from offrecord.labels import LABELS
from offrecord.server.asking import Asked, parse
from offrecord.server.fields import FIELDS

CLIENT = (
    Path(__file__).parent / "contract" / "node_modules" / "assemblyai" / "dist" / "types" / "openapi.generated.d.ts"
)
BASE: dict[str, Any] = {"audio_url": "http://a/b.wav", "redact_pii": True}
HEADER = {"webhook_auth_header_name": "X-A", "webhook_auth_header_value": "b"}

WORKS: dict[str, tuple[dict[str, Any], Callable[[Asked], bool]]] = {
    "audio_url": ({"audio_url": "http://c"}, lambda a: a.url == "http://c"),
    "redact_pii": ({"redact_pii": False}, lambda a: not a.order.redact and a.order.labels == ()),
    "redact_pii_policies": ({"redact_pii_policies": ["date"]}, lambda a: a.order.labels == ("date",)),
    "redact_pii_sub": ({"redact_pii_sub": "entity_name"}, lambda a: a.order.substitution == "label"),
    "redact_pii_audio": ({"redact_pii_audio": True}, lambda a: a.order.sound and a.order.container == "mp3"),
    "redact_pii_audio_quality": ({"redact_pii_audio_quality": "wav"}, lambda a: a.order.container == "wav"),
    "redact_pii_audio_options": (
        {"redact_pii_audio_options": {
            "override_audio_redaction_method": "silence", "return_redacted_no_speech_audio": True}},
        lambda a: a.order.covered == "silence" and a.order.silent_sound,
    ),
    "redact_pii_return_unredacted": ({"redact_pii_return_unredacted": True}, lambda a: a.order.keep_original),
    "redact_static_entities": (
        {"redact_static_entities": {"A b": ["c"]}}, lambda a: a.order.terms == (("A b", ("c",)),)
    ),
    "language_code": ({"language_code": "es_mx"}, lambda a: a.order.language == "es"),
    "language_detection": ({"language_detection": True}, lambda a: a.order.language is None),
    "multichannel": ({"multichannel": True}, lambda a: a.order.multichannel),
    "dual_channel": ({"dual_channel": True}, lambda a: a.order.multichannel),
    "speaker_labels": ({"speaker_labels": True}, lambda a: a.order.speakers),
    "audio_start_from": ({"audio_start_from": 5}, lambda a: a.order.start == 5),
    "audio_end_at": ({"audio_end_at": 5}, lambda a: a.order.end == 5),
    "custom_spelling": (
        {"custom_spelling": [{"from": ["a b"], "to": "c"}]}, lambda a: a.order.spelling == ((("a b",), "c"),)
    ),
    "keyterms_prompt": ({"keyterms_prompt": [" a b "]}, lambda a: a.order.expected == ("a b",)),
    "word_boost": ({"word_boost": ["a"]}, lambda a: a.order.expected == ("a",)),
    "entity_detection": ({"entity_detection": True}, lambda a: a.order.entities),
    "webhook_url": ({"webhook_url": "http://w"}, lambda a: (a.webhook_url, a.header) == ("http://w", None)),
    "webhook_auth_header_name": ({"webhook_url": "http://w", **HEADER}, lambda a: a.header == ("X-A", "b")),
    "webhook_auth_header_value": ({"webhook_url": "http://w", **HEADER}, lambda a: a.header == ("X-A", "b")),
}  # fmt: skip
"""For each field that works: a value other than the default, and what comes of it."""

SAMPLES: dict[str, Any] = {
    "boolean": True, "string": "Zyxanderwick", "texts": ["Zyxanderwick"], "objects": [{"a": "Zyxanderwick"}], "object": {"a": 1},
    "integer": 3, "number": 0.5,
}  # fmt: skip
"""A value of each type of the table."""


def parsed(**given: Any) -> Asked:
    return parse({**BASE, **given}, english_only=False)


def of(state: str) -> list[str]:
    return [name for name, row in FIELDS.items() if row.state == state]


def test_each_field_that_works_is_in_the_table_of_this_test() -> None:
    """A row that is added to the one has to be added to the other."""
    assert sorted(WORKS) == sorted(of("works"))


@pytest.mark.parametrize("name", WORKS)
def test_a_field_that_works_does_something(name: str) -> None:
    """Its value changes the job, as the table says."""
    fields, holds = WORKS[name]
    assert holds(parsed(**fields))
    # The default of these two is what they say already.
    assert name == "language_detection" or not holds(parsed())


@pytest.mark.parametrize("name", [name for name in of("works") if FIELDS[name].type != "boolean"])
def test_a_field_that_works_is_of_its_type(name: str) -> None:
    """Anything else is refused with 400, and the field is named, its value not."""
    wrong: Any = ["Zyxanderwick"] if FIELDS[name].type in ("string", "integer", "object") else "Zyxanderwick"
    with pytest.raises(HTTPException) as refused:
        parsed(**{name: wrong})
    assert refused.value.status_code == 400
    assert name in refused.value.detail
    assert "Zyxanderwick" not in refused.value.detail


@pytest.mark.parametrize("name", of("accepted"))
def test_a_field_that_is_accepted_changes_nothing(name: str) -> None:
    """The job is the same with it, and a text in it is neither kept nor shown again."""
    plain, given = parsed(), parsed(**{name: SAMPLES[FIELDS[name].type]})
    assert given.order == plain.order
    shown = repr((given.order.asked(), given.order.secret(), dict(given.echo)))
    assert "Zyxanderwick" not in shown


@pytest.mark.parametrize("name", of("refused"))
def test_a_field_that_is_refused_is_refused_when_it_is_on(name: str) -> None:
    """400 that names it; false, null and an empty object are as if it were not there."""
    with pytest.raises(HTTPException, match=f"`{name}` is not offered by this server"):
        parsed(**{name: SAMPLES[FIELDS[name].type]})
    for off in (False, None) if FIELDS[name].type == "boolean" else ({}, None):
        assert parsed(**{name: off}).order == parsed().order


def test_the_table_has_every_field_of_the_python_client() -> None:
    """What its typed configuration can send."""
    config = aai.types.RawTranscriptionConfig
    assert set(config.model_fields) - set(FIELDS) == set()


def test_the_table_has_every_field_of_the_javascript_client() -> None:
    """What its types allow."""
    if not CLIENT.is_file():
        pytest.skip("needs `npm install --prefix tests/contract --ignore-scripts`")
    text = CLIENT.read_text(encoding="utf-8")
    body = text[text.index("type TranscriptOptionalParams") :].partition("\n};")[0]
    names = re.findall(r"^    (\w+)\??:", body, re.MULTILINE)
    assert len(names) > 40
    assert set(names) - set(FIELDS) == set()


def test_unasked_redaction_is_for_those_who_do_not_say() -> None:
    """`OFFRECORD_REDACT_UNASKED`: its policy where nothing or null is said; all policies where true is; none where false."""
    unasked = ("date", "person_name")
    for given in ({}, {"redact_pii": None}):
        asked = parse({"audio_url": "http://a", **given}, english_only=True, unasked=unasked)
        assert (asked.order.redact, asked.order.labels, asked.order.substitution) == (True, unasked, "hash")
        assert asked.echo["redact_pii"] is True
    on = parse({"audio_url": "http://a", "redact_pii": True}, english_only=True, unasked=unasked)
    assert on.order.labels == tuple(LABELS)
    off = parse({"audio_url": "http://a", "redact_pii": False}, english_only=True, unasked=unasked)
    assert (off.order.redact, off.order.labels) == (False, ())
    named = {"audio_url": "http://a", "redact_pii_policies": ["drug"]}
    assert parse(named, english_only=True, unasked=unasked).order.labels == ("drug",)
