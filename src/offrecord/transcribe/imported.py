"""Bring your own transcript: AssemblyAI, Whisper and WhisperX JSON, SubRip, WebVTT, plain text.

The format is found from the content. What has times of words keeps them; a subtitle or segment that has only a start
and an end shares its time out among its words by their length. Times that contradict each other are refused, for a beep
would come at the wrong place. Messages name positions and times, never words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from offrecord.errors import InputError, UsageError
from offrecord.types import Transcript, Word

__all__ = ["SUFFIXES", "assemblyai_words", "for_recording", "from_text", "read", "read_text"]

SUFFIXES = frozenset({".json", ".srt", ".vtt"})
"""Files with these names are transcripts with times; any other text is plain."""

_LONGEST = 1_000
"""Characters of a word. What is longer (a page without spaces) is cut, so that hiding a part does not hide a page."""
_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?$")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,200})>")
_TAG = re.compile(r"</?[a-zA-Z0-9.:][^<>]{0,200}>|\{\\an?\d\}")


def for_recording(transcript: str | Path | Transcript, duration: int) -> Transcript:
    """A transcript, or the one in a file, of a recording of ``duration`` ms: its words in order, cut to its end.

    Raises `InputError` for one without words or of a longer recording, and `UsageError` for one without times.
    """
    value = transcript if isinstance(transcript, Transcript) else read(Path(transcript))
    if not value.words:
        raise InputError("the transcript holds no words, so it does not say what to hide in the recording")
    if not value.timed:
        raise UsageError("the transcript has no times, so the sound cannot be redacted by it; redact it as a text")
    last = max(word.end for word in value.words)
    if last > duration + _SLACK_MS:
        raise InputError(
            f"the transcript goes on to {last} ms, but the recording ends at {duration} ms: is it of this one?"
        )
    return Transcript.spoken(value.words, duration, value.language)


_SLACK_MS = 1_000
"""How far a transcript may go on after its recording: recognisers overshoot the end a little."""


def from_text(text: str) -> Transcript:
    """A transcript without times of any text; line breaks part utterances, and all white space is kept.

    Raises `InputError` for NUL characters: then it is no text.
    """
    if "\0" in text:
        raise InputError(f"this is no text: it holds a NUL character at position {text.index(chr(0))}")
    _check_characters(text, "this text")
    lead = text[: len(text) - len(text.lstrip())]
    return Transcript(tuple(_text_words(text)), lead=lead)


def read_text(path: Path) -> str:
    """The text in the file at ``path``: UTF-8, or UTF-16 with a byte order mark. Raises `InputError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return decode_text(data, path.name)


def decode_text(data: bytes, name: str) -> str:
    """The text in ``data``: UTF-8, or UTF-16 with a byte order mark. Raises `InputError` that calls it ``name``."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no {encoding.upper()} text: see byte {error.start}; convert it to UTF-8") from None


def read(path: Path) -> Transcript:
    """The transcript in the file at ``path``. Raises `InputError` that says where it is broken."""
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path} is empty; expected a transcript")
    if path.suffix.lower() == ".json" or text.lstrip()[0] in "{[":
        return _from_json(text, path.name)
    if text.startswith("WEBVTT") or any(_TIMING.match(line) for line in text.splitlines()[:10]):
        return _timed(_cue_words(text, path.name), path.name)
    if path.suffix.lower() in SUFFIXES:
        raise InputError(f"{path.name}: no subtitle in the first ten lines; expected 00:00:01,000 --> 00:00:02,000")
    return from_text(text)


def _text_words(text: str) -> Iterator[Word]:
    for match in re.finditer(r"(\S+)(\s*)", text):
        said, gap = match.groups()
        for at in range(0, len(said), _LONGEST):
            last = at + _LONGEST >= len(said)
            yield Word(said[at : at + _LONGEST], gap=gap if last else "")


def _timed(words: Iterable[Word], name: str) -> Transcript:
    """A spoken transcript whose voices each speak in the order of their times."""
    listed = list(words)
    if not listed:
        raise InputError(f"{name} holds no words; expected what was said")
    voices: dict[tuple[str | None, int | None], list[tuple[int, Word]]] = {}
    for i, word in enumerate(listed):
        voices.setdefault((word.speaker, word.channel), []).append((i, word))
    for voice in voices.values():
        for (i, before), (j, after) in pairwise(voice):
            if after.start < before.start:
                raise InputError(
                    f"{name}: word {j + 1} begins at {after.start} ms, before word {i + 1} at {before.start} ms; "
                    "sort the transcript by time, or make it again"
                )
    return Transcript.spoken(listed, max(1, *(word.end for word in listed)))


def _shared(text: str, start: int, end: int, speaker: str | None = None, channel: int | None = None) -> Iterator[Word]:
    """The words of ``text`` with the time from ``start`` to ``end`` shared out among them by their length."""
    parts = text.split()
    total = sum(map(len, parts))
    at = 0
    for part in parts:
        begins, at = at, at + len(part)
        span = end - start
        yield Word(part, start + begins * span // total, start + at * span // total, None, speaker, channel)


def _cue_words(text: str, name: str) -> Iterator[Word]:
    """The words of SubRip or WebVTT subtitles. A block of lines without a time is a comment or a number."""
    timing: tuple[int, int] | None = None
    speaker: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        match = _TIMING.match(line)
        if match:
            start, end = (_milliseconds(*match.group(i, i + 1, i + 2, i + 3)) for i in (1, 5))
            if end < start:
                raise InputError(f"{name}, line {number}: a subtitle ends at {end} ms, before it starts at {start} ms")
            timing, speaker = (start, end), None
            body: list[str] = []
        elif "-->" in line:
            raise InputError(f"{name}, line {number}: no times; expected 00:00:01,000 --> 00:00:02,000")
        elif timing and line.strip():
            voice = _VOICE.search(line)
            speaker = voice[1].strip() if voice else speaker
            body.append(_TAG.sub("", _VOICE.sub("", line)))
            continue
        if timing and not line.strip():
            yield from _shared(" ".join(body), *timing, speaker)
            timing = None
    if timing:
        yield from _shared(" ".join(body), *timing, speaker)


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def _from_json(text: str, name: str) -> Transcript:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "too deep"
        raise InputError(f"{name} is broken JSON: {where}") from None
    if isinstance(data, dict) and isinstance(data.get("segments"), list):
        return _timed(_segment_words(data["segments"], name), name)
    if isinstance(data, dict) and isinstance(data.get("words"), list):
        return _timed(assemblyai_words(data, name), name)
    raise InputError(f"{name}: neither `words` (AssemblyAI) nor `segments` (Whisper, WhisperX) is in this JSON")


def assemblyai_words(data: Mapping[str, Any], name: str) -> Iterator[Word]:
    """The words of AssemblyAI's transcript object: milliseconds, and the channel as a text that counts from 1.

    Raises `InputError`, which calls the transcript ``name``, for one without text or times.
    """
    for i, item in enumerate(data["words"], 1):
        where = f"{name}, word {i}"
        start, end = (_number(item, key, where) for key in ("start", "end"))
        channel = item.get("channel")
        for part in _string(item, "text", where).split():
            yield _word(
                part,
                round(start),
                round(end),
                where,
                confidence=item.get("confidence"),
                speaker=item.get("speaker"),
                channel=int(channel) - 1
                if isinstance(channel, str) and channel.isdecimal() and channel != "0"
                else None,
            )


def _segment_words(segments: Sequence[Any], name: str) -> Iterator[Word]:
    """Whisper and WhisperX give seconds, and words in segments; WhisperX leaves the times of some words out."""
    for i, segment in enumerate(segments, 1):
        where = f"{name}, segment {i}"
        start, end = (round(_number(segment, key, where) * 1000) for key in ("start", "end"))
        speaker = segment.get("speaker")
        items = segment.get("words")
        if not items:
            if end < start:
                raise InputError(f"{where} ends at {end} ms, before it starts at {start} ms")
            yield from _shared(_string(segment, "text", where), start, end, speaker)
            continue
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise InputError(f"{where}: `words` is no list of objects")
        yield from _filled(items, start, end, speaker, where)


def _filled(items: list[dict[str, Any]], start: int, end: int, speaker: str | None, where: str) -> Iterator[Word]:
    """Words without times share the time between their neighbours that have some."""
    at = 0
    last = start
    while at < len(items):
        if "start" in items[at] and "end" in items[at]:
            item = items[at]
            last = round(_number(item, "end", where) * 1000)
            text = _string(item, "word", where).strip()
            score = item.get("probability", item.get("score"))
            if text:
                begins = round(_number(item, "start", where) * 1000)
                yield _word(text, begins, last, where, confidence=score, speaker=item.get("speaker", speaker))
            at += 1
            continue
        stop = next((k for k in range(at, len(items)) if "start" in items[k] and "end" in items[k]), len(items))
        until = round(_number(items[stop], "start", where) * 1000) if stop < len(items) else end
        text = " ".join(_string(item, "word", where).strip() for item in items[at:stop])
        yield from _shared(text, last, max(last, until), speaker)
        at = stop


def _word(
    text: str,
    start: int,
    end: int,
    where: str,
    *,
    confidence: Any = None,
    speaker: Any = None,
    channel: int | None = None,
) -> Word:
    if not 0 <= start <= end:
        raise InputError(f"{where}: times {start} to {end} ms; expected 0 <= start <= end")
    sure = min(1.0, max(0.0, confidence)) if isinstance(confidence, int | float) else None
    return Word("_".join(text.split()), start, end, sure, speaker if isinstance(speaker, str) else None, channel)


def _number(item: Any, key: str, where: str) -> float:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e12:  # noqa: PLR0124
        raise InputError(f"{where}: `{key}` is no number")
    return value


def _string(item: Any, key: str, where: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str):
        raise InputError(f"{where}: `{key}` is no text")
    _check_characters(value, where)
    return value


def _check_characters(text: str, where: str) -> None:
    """JSON and Python can hold half of a surrogate pair, which no output can."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: character {error.start} is half of a surrogate pair; repair the encoding") from None
