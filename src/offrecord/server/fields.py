"""The fields of AssemblyAI's request, and what this server does with each: one table, for parsing, OpenAPI and docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FIELDS", "Field", "schema"]

State = Literal["works", "accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Field:
    """A row: the field's JSON type, what becomes of it, and what there is to know."""

    type: str
    state: State
    note: str


FIELDS: Mapping[str, Field] = {
    "audio_url": Field("string", "works", "http, https, or what `/v2/upload` gave"),
    "redact_pii": Field(
        "boolean", "works", "off: nothing is hidden, as AssemblyAI does it; not given: `OFFRECORD_REDACT_UNASKED`"
    ),
    "redact_pii_policies": Field("texts", "works", "none or empty: all 65; an unknown name is refused with 400"),
    "redact_pii_sub": Field("string", "works", "`hash` (default) or `entity_name`"),
    "redact_pii_audio": Field("boolean", "works", "the redacted sound is there before the status is `completed`"),
    "redact_pii_audio_quality": Field("string", "works", "`mp3` (default) or `wav`"),
    "redact_pii_audio_options": Field("object", "works", "`silence` instead of the beep; sound of silent recordings"),
    "redact_pii_return_unredacted": Field("boolean", "works", "the only way to the original, which is kept only then"),
    "redact_static_entities": Field("object", "works", "whole words, in any case; not echoed, not kept after the job"),
    "language_code": Field("string", "works", "refused with 400 where the recogniser knows English only"),
    "language_detection": Field(
        "boolean",
        "works",
        "a multilingual recogniser finds the language if none is given; the answer does not say which",
    ),
    "multichannel": Field("boolean", "works", "each channel on its own; utterances by channel"),
    "dual_channel": Field("boolean", "works", "as `multichannel`"),
    "speaker_labels": Field("boolean", "works", "where channels give the speakers; if not, the job ends in an error"),
    "audio_start_from": Field("integer", "works", "times stay the recording's; the redacted sound is silent outside"),
    "audio_end_at": Field("integer", "works", "as `audio_start_from`"),
    "custom_spelling": Field("objects", "works", "before details are looked for; not echoed, not kept after the job"),
    "keyterms_prompt": Field(
        "texts", "works", "words to listen for, 223 tokens of the model at most; not echoed, not kept after the job"
    ),
    "word_boost": Field("texts", "works", "as `keyterms_prompt`"),
    "entity_detection": Field("boolean", "works", "with `redact_pii`: the hidden details, with redacted text"),
    "webhook_url": Field("string", "works", "public hosts, and those in `OFFRECORD_FETCH_ALLOW`"),
    "webhook_auth_header_name": Field("string", "works", ""),
    "webhook_auth_header_value": Field("string", "works", "never shown, and not kept after the last message"),
    "keyterms_prompt_options": Field("object", "accepted", "ignored"),
    "prompt": Field("string", "accepted", "ignored, and not kept"),
    "boost_param": Field("string", "accepted", "ignored"),
    "speech_models": Field("texts", "accepted", "the server's recogniser does it: `speech_model_used` names it"),
    "speech_model": Field("string", "accepted", "ignored; always null in the answer"),
    "language_codes": Field("texts", "accepted", "ignored"),
    "language_confidence_threshold": Field("number", "accepted", "ignored"),
    "language_detection_options": Field("object", "accepted", "ignored"),
    "language_detection_results": Field("object", "accepted", "ignored: it belongs to the answer"),
    "punctuate": Field("boolean", "accepted", "ignored: the recogniser always does"),
    "format_text": Field("boolean", "accepted", "ignored; must not be false with `redact_pii`"),
    "disfluencies": Field("boolean", "accepted", "ignored"),
    "filter_profanity": Field("boolean", "accepted", "ignored"),
    "remove_audio_tags": Field("string", "accepted", "there are none"),
    "speakers_expected": Field("integer", "accepted", "ignored: channels say how many there are"),
    "speaker_options": Field("object", "accepted", "ignored"),
    "temperature": Field("number", "accepted", "ignored"),
    "domain": Field("string", "accepted", "ignored"),
    "speech_threshold": Field("number", "accepted", "ignored"),
    "throttled_only": Field("boolean", "accepted", "ignored"),
    "content_safety_confidence": Field("integer", "accepted", "ignored"),
    "summary_model": Field("string", "accepted", "ignored"),
    "summary_type": Field("string", "accepted", "ignored"),
    "topics": Field("texts", "accepted", "ignored, and not kept"),
    "custom_topics": Field("boolean", "accepted", "ignored"),
    "sentiment_analysis": Field("boolean", "refused", "it is not made here"),
    "auto_highlights": Field("boolean", "refused", "it is not made here"),
    "iab_categories": Field("boolean", "refused", "it is not made here"),
    "content_safety": Field("boolean", "refused", "it is not made here"),
    "summarization": Field("boolean", "refused", "ask a model through the gateway, with the redacted text"),
    "auto_chapters": Field("boolean", "refused", "ask a model through the gateway, with the redacted text"),
    "speech_understanding": Field("object", "refused", "ask a model through the gateway, with the redacted text"),
}
"""Every field of AssemblyAI's request, and what this server does with it. docs/server.md shows this table."""


def schema() -> dict[str, Any]:
    """The body's schema for OpenAPI, from the table."""
    kinds: dict[str, dict[str, Any]] = {
        "texts": {"type": "array", "items": {"type": "string"}},
        "objects": {"type": "array", "items": {"type": "object"}},
        "text or texts": {},
    }
    properties = {
        name: kinds.get(row.type, {"type": row.type})
        | {"description": f"{row.state}: {row.note}" if row.note else row.state}
        for name, row in FIELDS.items()
    }
    return {"type": "object", "required": ["audio_url"], "properties": properties}
