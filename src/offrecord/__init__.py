"""Offrecord takes personal details out of speech: out of the transcript and out of the sound.

    transcribe   recording   -> Transcript   words with times
    detect       Transcript  -> Spans        claims on characters, from several detectors
    resolve      Spans       -> Entities     whole words, each hidden once
    redact       Entities    -> Redaction    the words replaced, the intervals to mute
    export       Redaction   -> files        text, JSON, subtitles, sound

Everything happens on this machine. An error never means "nothing found": what cannot be done raises `OffrecordError`.
"""

from __future__ import annotations

__version__ = "0.1.0"

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offrecord.errors import OffrecordError
from offrecord.pipeline import Redactor
from offrecord.types import Entity, Policy, Redaction, Span, Transcript, Word

# onnxruntime (since 1.29, on Linux as well) tells its makers of each process, session and model, and writes an
# identifier of the machine to the home directory. It looks for this when it is first imported: after this line.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__all__ = [
    "Entity",
    "OffrecordError",
    "Policy",
    "Redaction",
    "Redactor",
    "Span",
    "Transcript",
    "Word",
    "detect",
    "redact",
    "redact_text",
]


def redact(source: str | Path, *, transcript: str | Path | Transcript | None = None, **settings: Any) -> Redaction:
    """The recording at ``source`` with its personal details hidden; nothing is written.

    ``settings`` are those of `Redactor`; `offrecord.export.write` makes files of the result. Raises `OffrecordError`.
    """
    return Redactor(**settings).redact(source, transcript=transcript)


def redact_text(text: str, **settings: Any) -> Redaction:
    """``text`` with its personal details hidden, its lines and spaces as they were. ``settings`` as of `Redactor`."""
    return Redactor(**settings).redact_text(text)


def detect(text: str, *, policy: str | Iterable[str] = "all", **settings: Any) -> list[Span]:
    """The claims on ``text`` in order; offsets are characters. Models are loaded anew: keep a `Redactor` for many."""
    return Redactor(policy=policy, **settings).detect(text)
