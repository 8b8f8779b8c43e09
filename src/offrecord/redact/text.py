"""Hiding entities in the text: one token for each hidden word, at the same time, in the same place.

Every word outside an entity is the same object as before. With ``hash`` and ``label`` there are as many words as
before; with ``numbered`` an entity becomes one word that lasts as long as all of its words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from offrecord.detect import spoken
from offrecord.resolve import fold
from offrecord.types import Entity, Substitution, Transcript, Word

__all__ = ["substitute"]


def substitute(
    transcript: Transcript, entities: Sequence[Entity], how: Substitution
) -> tuple[Transcript, tuple[Entity, ...]]:
    """``transcript`` without the words of ``entities``, and the entities as ranges of the words of that.

    ``hash``: each letter and digit becomes ``#``, punctuation stays, as AssemblyAI does it. ``label``: each word
    becomes ``[PERSON_NAME]``, with the punctuation around it. ``numbered``: each entity becomes
    ``[PERSON_NAME_1]``; the same value, and the same person under part of the name, gets the same number
    throughout the document.
    """
    numbers = _Numbers()
    words: list[Word] = []
    moved: list[Entity] = []
    at = 0
    for entity in entities:
        words += transcript.words[at : entity.words.start]
        hidden = transcript.words[entity.words.start : entity.words.stop]
        first = len(words)
        if how == "numbered":
            words.append(_one_word(hidden, f"{entity.label.upper()}_{numbers.of(entity.label, hidden)}"))
        else:
            words += (replace(word, text=_token(word.text, entity.label, how)) for word in hidden)
        moved.append(replace(entity, words=range(first, len(words))))
        at = entity.words.stop
    words += transcript.words[at:]
    return Transcript(tuple(words), transcript.duration, transcript.language, transcript.lead), tuple(moved)


def _token(text: str, label: str, how: Substitution) -> str:
    if how == "hash":
        # Letters, digits, accents, emoji: all but ASCII punctuation, which AssemblyAI leaves in place, and its kin.
        return "".join(
            c if unicodedata.category(c)[0] == "P" or (c.isascii() and not c.isalnum()) else "#" for c in text
        )
    return _tagged(text, text, label.upper())


def _tagged(first: str, last: str, name: str) -> str:
    """``[name]`` between the punctuation before the first and after the last hidden word."""
    lead = first[: len(first) - len(first.lstrip("\"'([{¿¡“‘«"))]
    trail = last[len(last.rstrip("\"')]}.,;:?!”’»…")) :]
    return f"{lead}[{name}]{trail}"


def _one_word(hidden: Sequence[Word], name: str) -> Word:
    last = hidden[-1]
    text = _tagged(hidden[0].text, last.text, name)
    return replace(hidden[0], text=text, end=max(word.end for word in hidden), gap=last.gap)


class _Numbers:
    """Numbers for entities in the order in which they first appear."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], int] = {}
        self._persons: list[set[str]] = []

    def of(self, label: str, hidden: Sequence[Word]) -> int:
        """The number of this entity among those of its label."""
        if label == "person_name":
            return self._person({part for word in hidden for part in _name_parts(word.text)} | _spelled(hidden))
        said = spoken.written(" ".join(word.text for word in hidden)).text
        taken = sum(1 for known, _ in self._values if known == label)
        return self._values.setdefault((label, "".join(map(fold, said.split()))), taken + 1)

    def _person(self, parts: set[str]) -> int:
        """The person whose name holds, or is held by, these parts: the first of several, or somebody new."""
        holding = [i for i, known in enumerate(self._persons) if parts and parts <= known]
        held = [i for i, known in enumerate(self._persons) if known and known <= parts]
        same = holding or held
        if not same:
            self._persons.append(parts)
            return len(self._persons)
        if len(same) == 1:
            self._persons[same[0]] |= parts
        return same[0] + 1


def _name_parts(word: str) -> list[str]:
    return [part for part in map(fold, word.replace("-", " ").split()) if len(part) > 1]


def _spelled(hidden: Sequence[Word]) -> set[str]:
    """The name that single letters spell: "S I O B H A N" is siobhan."""
    letters = [fold(word.text) for word in hidden if len(fold(word.text)) == 1]
    return {"".join(letters)} if len(letters) > 1 and len(letters) == len(hidden) else set()
