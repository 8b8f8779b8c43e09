"""Words that a recogniser invented: it was not sure of them, and no dictionary has them.

A recogniser that does not know a name writes down what it sounds like: "a damey" for Adeyemi, "playmouth". Detectors
that were taught names and words see neither in it. What is sure, like "Chromecast", is a word that the recogniser was
taught; what is in the dictionary is left to the others. English only: any word of another language looks invented.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from offrecord.types import Span, Word

__all__ = ["Invented", "is_known"]

SCORE = 0.5
"""Less than what any other detector claims with, so that it names a word only where no other does."""
_SURE = 0.9
"""Confidence from which a word is one that the recogniser was taught. In our recordings it wrote "passcode" and
"diarization" with 0.95 and more, and what it made of unknown names with 0.18 to 0.82."""
_SHORTEST = 4
"""Letters. Shorter ones are interjections and initials; nearly all that can be said is a word of some kind."""
_LETTERS = re.compile(r"[a-z]+(?:'[a-z]+)*")
_WORD = re.compile(r"\S+")
_MARKS = ".,;:?!\"'()"


class Invented:
    """Takes words as they are recognised, and is the detector that claims those of them that were invented.

    A word that the recogniser was sure of in one place is none, and what was invented is claimed wherever it stands;
    what comes first decides. Hear before you ask. Claims are on names of persons, since that is what such words most
    often stand for.
    """

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._taught: set[str] = set()

    def hear(self, words: Iterable[Word], language: str | None) -> None:
        """Remember which of the ``words`` were invented, if their ``language`` is English (``en``, ``en_us``).

        One without a confidence never is.
        """
        if language is None or language.lower().replace("_", "-").split("-")[0] != "en":
            return
        sure: dict[str, float] = {}
        for word in words:
            confidence = 1.0 if word.confidence is None else word.confidence
            low = _folded(word.text)
            sure[low] = max(confidence, sure.get(low, 0.0))
        for low, confidence in sure.items():
            if low in self._found or low in self._taught or is_known(low):
                continue
            (self._taught if confidence >= _SURE else self._found).add(low)

    def find(self, text: str) -> list[Span]:
        """The claims on ``text``; offsets are its characters."""
        if not self._found:
            return []
        return [
            Span(match.start(), match.end(), "person_name", SCORE, "invented")
            for match in _WORD.finditer(text)
            if _folded(match[0]) in self._found
        ]


def _folded(word: str) -> str:
    return word.strip(_MARKS).lower()


def is_known(word: str) -> bool:
    """Whether each part of the word is English, or holds a digit, or is too short to tell."""
    return any(character.isdigit() for character in word) or all(map(_is_listed, _parts(word)))


def _parts(word: str) -> Iterator[str]:
    """Its letters without accents, in lower case: "south-east's" is two parts, and nothing is left of "'s"."""
    plain = unicodedata.normalize("NFD", word.lower().replace("\u2019", "'"))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    for match in _LETTERS.finditer(letters):
        part = match[0].split("'")[0]
        if len(part) >= _SHORTEST:
            yield part


def _is_listed(part: str) -> bool:
    """Whether the dictionary has it, as it is or without the s of a plural or of a lost apostrophe."""
    data = _dictionary()
    forms = (part, part.removesuffix("s"))
    return any(len(form) < _SHORTEST or form.encode() == _nearest(data, form.encode()) for form in forms)


def _nearest(data: bytes, form: bytes) -> bytes:
    """The first line that is not before ``form``."""
    return _line(data, bisect_left(range(len(data)), form, key=lambda at: _line(data, at)))


def _line(data: bytes, at: int) -> bytes:
    """The line that the byte at ``at`` belongs to, its end included."""
    start = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at)
    return data[start : len(data) if end < 0 else end]


@cache
def _dictionary() -> bytes:
    """Lines in order. Kept as it stands: as a set of strings it would take ten times the memory."""
    return (files("offrecord.detect") / "dictionary.txt").read_bytes()
