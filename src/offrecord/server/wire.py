"""Our types in the shape of AssemblyAI's API, by hand. Everything is made from what the database holds of a job.

What breaks AssemblyAI's SDKs is kept out here: unknown values of closed lists (`speech_model`, `entity_type`, the
redaction method), numbers that are not whole, a null where a text must be. All texts come from the redaction, but for
the ``unredacted_`` fields of a job that asked for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from offrecord.labels import LABELS
from offrecord.live import sentences
from offrecord.records import redaction_from, transcript_from
from offrecord.resolve import fold
from offrecord.rows import Job
from offrecord.types import PAUSE_MS, Redaction, Transcript, Word

__all__ = ["DELETED_URL", "listed", "paragraphs_of", "search", "sentences_of", "transcript"]

DELETED_URL = "http://deleted_by_user"


def transcript(job: Job) -> dict[str, Any]:
    """The body of ``GET /v2/transcript/{id}``."""
    body: dict[str, Any] = dict.fromkeys(_NULLS) | dict.fromkeys(_FLAGS, False) | _FIXED
    body |= {"id": job.id, "status": job.status.value, "audio_url": job.url}
    if job.deleted:
        gone = {"audio_url": DELETED_URL, "webhook_url": DELETED_URL, "text": "Deleted by user."}
        return body | gone | {"audio_duration": _seconds(job.duration)}
    body |= {name: value for name, value in job.asked.get("echo", {}).items() if value is not None}
    if job.error is not None:  # AssemblyAI's SDK takes a text or nothing
        body["error"] = job.error
    body |= {
        "webhook_url": job.asked.get("webhook_url"),
        "webhook_auth": job.asked.get("webhook_header") is not None,
        "webhook_auth_header_name": job.asked.get("webhook_header"),
        "webhook_status_code": job.webhook_status,
    }
    if job.result is None:
        return body
    redaction, order = redaction_from(job.result), job.asked["order"]
    body |= _spoken(redaction.transcript, order)
    body |= {
        "audio_duration": _seconds(job.duration),
        "audio_channels": job.result.get("channels") if order["multichannel"] else None,
        "speech_model_used": redaction.made_with.get("recogniser"),
        "language_code": body["language_code"] or _language(redaction),
        "entities": list(_entities(redaction, order)) if order["entities"] else None,
    }
    if job.original is not None:
        spoken = _spoken(transcript_from(job.original), order)
        body |= {f"unredacted_{name}": spoken[name] for name in ("text", "words", "utterances")}
    return body


def listed(job: Job, resource_url: str) -> dict[str, Any]:
    """A row of ``GET /v2/transcript``."""
    return {
        "id": job.id,
        "resource_url": resource_url,
        "status": job.status.value,
        "created": _time(job.created),
        "completed": _time(job.ended) if job.ended else None,
        "audio_url": DELETED_URL if job.deleted else job.url,
        "error": job.error,
    }


def sentences_of(job: Job, redaction: Redaction) -> dict[str, Any]:
    """The body of ``…/sentences``."""
    rows = [_part(redaction.transcript, words, job) for words in sentences(redaction.transcript)]
    return _parts(job, redaction, "sentences", rows)


def paragraphs_of(job: Job, redaction: Redaction) -> dict[str, Any]:
    """The body of ``…/paragraphs``: up to four sentences of one voice, until a pause of two seconds."""
    rows = []
    for words in _paragraphs(redaction.transcript):
        row = _part(redaction.transcript, words, job)
        del row["speaker"]
        rows.append(row | {"confidence": row["words"][0]["confidence"]})
    return _parts(job, redaction, "paragraphs", rows)


def search(job: Job, redaction: Redaction, phrases: Sequence[str]) -> dict[str, Any]:
    """The body of ``…/word-search``: where the phrases are said, in any case, in what is not hidden."""
    words = redaction.transcript.words
    hidden = {i for entity in redaction.entities for i in entity.words}
    said = [None if i in hidden else fold(word.text) for i, word in enumerate(words)]
    matches: list[dict[str, Any]] = []
    for phrase in dict.fromkeys(phrases):
        folded = [part for part in map(fold, phrase.split()) if part]
        length = len(folded)
        at = [i for i in range(len(said) - length + 1) if length and said[i : i + length] == folded]
        if at:
            times = [[words[i].start, max(word.end for word in words[i : i + length])] for i in at]
            matches.append({"text": phrase, "count": len(at), "timestamps": times, "indexes": at})
    return {"id": job.id, "total_count": sum(len(match["indexes"]) for match in matches), "matches": matches}


def _spoken(transcript: Transcript, order: Mapping[str, Any]) -> dict[str, Any]:
    by_voice = order["multichannel"] or order["speakers"]
    words = [_word(word, order) for word in transcript.words]
    return {
        "text": transcript.text.strip(),
        "words": words,
        "utterances": list(_utterances(transcript, words)) if by_voice else None,
        "confidence": _mean(words),
    }


def _word(word: Word, order: Mapping[str, Any]) -> dict[str, Any]:
    channel = str((word.channel or 0) + 1) if order["multichannel"] else None
    speaker = channel or (_letter(word.channel or 0) if order["speakers"] else word.speaker)
    return {
        "text": word.text,
        "start": word.start,
        "end": word.end,
        "confidence": 0.0 if word.confidence is None else word.confidence,
        "speaker": speaker,
        "channel": channel,
    }


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"{number + 1}"


def _utterances(transcript: Transcript, words: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for utterance in transcript.utterances:
        inside = [words[i] for i in utterance.words]
        yield {
            "text": " ".join(word["text"] for word in inside),
            "start": utterance.start,
            "end": utterance.end,
            "confidence": _mean(inside),
            "speaker": inside[0]["speaker"],
            "channel": inside[0]["channel"],
            "words": inside,
        }


def _entities(redaction: Redaction, order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    words = redaction.transcript.words
    for entity in redaction.entities:
        if entity.label in LABELS:  # what a client's own list hid has no name that the SDKs know
            inside = [words[i] for i in entity.words]
            yield {
                "entity_type": entity.label,
                "text": " ".join(word.text for word in inside),
                "start": min(word.start for word in inside),
                "end": max(word.end for word in inside),
                "speaker": _word(inside[0], order)["speaker"],
            }


def _part(transcript: Transcript, words: range, job: Job) -> dict[str, Any]:
    inside = [_word(transcript.words[i], job.asked["order"]) for i in words]
    return {
        "text": " ".join(word["text"] for word in inside),
        "start": inside[0]["start"],
        "end": max(word["end"] for word in inside),
        "confidence": _mean(inside),
        "words": inside,
        "speaker": inside[0]["speaker"],
        "channel": inside[0]["channel"],
    }


def _parts(job: Job, redaction: Redaction, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": job.id,
        "confidence": _mean([word for row in rows for word in row["words"]]),
        "audio_duration": _seconds(job.duration),
        "speech_model_used": redaction.made_with.get("recogniser"),
        name: rows,
    }


def _paragraphs(transcript: Transcript) -> Iterator[range]:
    said = list(sentences(transcript))
    first = 0
    for i, one in enumerate(said):
        following = said[i + 1] if i + 1 < len(said) else None
        last = transcript.words[one[-1]]
        after = transcript.words[following[0]] if following else None
        full = i - first + 1 >= _SENTENCES
        if (
            after is None
            or full
            or (after.speaker, after.channel) != (last.speaker, last.channel)
            or after.start - last.end >= 2 * PAUSE_MS
        ):
            yield range(said[first].start, one.stop)
            first = i + 1


def _mean(words: Sequence[Mapping[str, Any]]) -> float:
    return round(sum(word["confidence"] for word in words) / len(words), 4) if words else 0.0


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else math.ceil(milliseconds / 1_000)


def _time(milliseconds: int) -> str:
    """UTC without a zone, as AssemblyAI writes it."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _language(redaction: Redaction) -> str | None:
    language = redaction.transcript.language
    if language is None and redaction.made_with.get("recogniser", "").endswith(".en"):
        language = "en"
    return "en_us" if language == "en" else language


_SENTENCES = 4
_NULLS = """
text words utterances confidence audio_duration audio_channels language_code language_codes language_confidence
language_confidence_threshold language_detection_results speech_model speech_models speech_model_used entities
sentiment_analysis_results auto_highlights_result content_safety_labels iab_categories_result chapters summary
summary_type summary_model custom_spelling keyterms_prompt prompt word_boost boost_param audio_start_from audio_end_at
redact_pii_policies redact_pii_sub redact_pii_audio_quality redact_pii_audio_options redact_static_entities
speakers_expected speaker_options speech_threshold speech_understanding translated_texts throttled topics custom_topics
webhook_url webhook_status_code webhook_auth_header_name cluster_id speed_boost temperature
""".split()
_FLAGS = """
webhook_auth auto_highlights redact_pii redact_pii_audio redact_pii_return_unredacted summarization punctuate
format_text disfluencies filter_profanity speaker_labels multichannel dual_channel language_detection entity_detection
sentiment_analysis content_safety iab_categories auto_chapters
""".split()
_FIXED: dict[str, Any] = {
    "language_model": "assemblyai_default",
    "acoustic_model": "assemblyai_default",
    "punctuate": True,
    "format_text": True,
}
