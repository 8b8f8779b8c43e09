"""Words that a recogniser invented are claimed; those that it was taught, and those in the dictionary, are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import AUDIO
from hearings import Dictated
from sounds import write

from offrecord import Redactor
from offrecord.detect.invented import Invented, is_known
from offrecord.types import Word


def heard(*words: tuple[str, float | None]) -> list[Word]:
    """Words with the recogniser's confidence, 300 ms each."""
    return [Word(text, 300 * i, 300 * i + 250, confidence, gap=" ") for i, (text, confidence) in enumerate(words)]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("pharmacy.", True),
        ("Pharmacies", True),
        ("that'll", True),
        ("café", True),
        ("well-known", True),
        ("whos", True),  # an apostrophe that a recogniser left out
        ("B12", True),
        ("hmm", True),
        ("damey.", False),
        ("playmouth", False),
        ("Broadneck's", False),
        ("river-damey", False),
        ("zzzz", False),
        ("aaaa", False),
    ],
)
def test_words_of_the_dictionary_are_known(word: str, *, known: bool) -> None:
    """English words in all their forms are known, and so is what is too short or too numerical to tell."""
    assert is_known(word) is known


@pytest.mark.parametrize(
    ("confidence", "claimed"),
    [(0.2, True), (0.82, True), (0.95, False), (None, False)],
)
def test_what_a_recogniser_is_sure_of_is_not_invented(confidence: float | None, *, claimed: bool) -> None:
    """A word that no dictionary has is claimed if the recogniser doubted it: of others it is said to know them."""
    invented = Invented()
    invented.hear(heard(("from", 0.9), ("playmouth", confidence)), "en")
    assert [(span.start, span.end) for span in invented.find("from playmouth")] == ([(5, 14)] if claimed else [])


def test_what_was_invented_is_claimed_everywhere() -> None:
    """The same invention is the same name, with whatever marks and in whatever case it is written."""
    invented = Invented()
    invented.hear(heard(("playmouth", 0.3), ("so", 0.9), ("Playmouth.", 0.8)), "en")
    assert [span.start for span in invented.find("playmouth so Playmouth.")] == [0, 13]


def test_what_comes_first_decides() -> None:
    """Of a word that is sure in one place of a chunk nothing is claimed; what has been said hidden stays hidden."""
    invented = Invented()
    invented.hear(heard(("chromecast", 0.6), ("the", 0.9), ("Chromecast?", 0.97)), "en")
    invented.hear(heard(("chromecast", 0.5), ("playmouth", 0.5)), "en")
    invented.hear(heard(("playmouth", 0.99)), "en")
    assert [span.start for span in invented.find("chromecast playmouth")] == [11]


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ({"language": "en"}, True),
        ({"language": "en_us"}, True),
        ({"language": "de"}, False),
        ({}, False),
        ({"language": "en", "strictness": "precision"}, False),
        ({"language": "en", "policy": "numbers"}, False),
    ],
)
def test_invented_words_are_hidden_in_english(tmp_path: Path, given: dict[str, Any], *, hidden: bool) -> None:
    """Where English is known to be spoken, for of other languages no word is in the dictionary; not for precision."""
    path = write(tmp_path / "call.wav", np.zeros((1, 16_000), np.float32), 8_000, "pcm_s16le", "wav")
    redactor = Redactor(verify="off", **given)
    vars(redactor)["recogniser"] = Dictated(heard(("it", 0.9), ("was", 0.9), ("xyplough", 0.4), ("again", 0.9)))
    said: list[str] = []
    redaction = redactor.redact(path, say=said.append)
    assert ("xyplough" not in redaction.text) is hidden
    assert said == [redaction.text]


def test_a_name_that_the_recogniser_does_not_know_is_gone_from_a_real_call() -> None:
    """The bundled recogniser writes "playmouth" for Plymouth, and "damey" for Adeyemi."""
    redaction = Redactor(verify="off").redact(AUDIO / "calls" / "d002.mp3")
    assert not {"playmouth", "damey"} & set(redaction.text.lower().replace(".", " ").split())
    assert any(span.source == "invented" for entity in redaction.entities for span in entity.spans)
