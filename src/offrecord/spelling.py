"""A client's own words in a transcript: how names are to be written, and which texts stand for which label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offrecord.labels import DENIED
from offrecord.resolve import phrases
from offrecord.types import Redaction, Transcript, Word

__all__ = ["respelled", "retagged"]


def respelled(transcript: Transcript, spelling: Sequence[tuple[Sequence[str], str]]) -> Transcript:
    """``transcript`` with each phrase of ``spelling`` written as its one word: whole words, in any case.

    The word lasts as long as what it stands for, and keeps the punctuation after it. A phrase does not go over from
    one voice to another. Of two that overlap the earlier in the text wins, and of those the longer.
    """
    found = [
        (words, to)
        for said, to in spelling
        for words in phrases(transcript, said)
        if not any(transcript.words[i].ends_utterance_before(transcript.words[i + 1]) for i in words[:-1])
    ]
    words: list[Word] = []
    at = 0
    for run, to in sorted(found, key=lambda pair: (pair[0].start, -pair[0].stop)):
        if run.start < at:
            continue
        last = transcript.words[run[-1]]
        text = to + last.text[len(last.text.rstrip(".,;:?!")) :]
        words += transcript.words[at : run.start]
        end = max(transcript.words[i].end for i in run)
        words.append(replace(transcript.words[run.start], text=text, end=end, gap=last.gap))
        at = run.stop
    words += transcript.words[at:]
    return Transcript(tuple(words), transcript.duration, transcript.language, transcript.lead)


def retagged(redaction: Redaction, original: Transcript, terms: Sequence[tuple[str, Sequence[str]]]) -> Redaction:
    """``redaction`` with the client's own labels on the words that only its ``terms`` hid; same words, same times."""
    words = list(redaction.transcript.words)
    mine = {i for entity in redaction.entities if entity.label == DENIED for i in entity.words}
    for label, texts in terms:
        tag = "_".join(label.upper().split())
        for run in phrases(original, texts):
            for i in mine.intersection(run):
                words[i] = replace(words[i], text=words[i].text.replace(f"[{DENIED.upper()}]", f"[{tag}]"))
    transcript = redaction.transcript
    return replace(
        redaction, transcript=Transcript(tuple(words), transcript.duration, transcript.language, transcript.lead)
    )
