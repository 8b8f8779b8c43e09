"""The looking: what in the words of a second listening gives away what was hidden."""

from __future__ import annotations

import re

import pytest

from offrecord.labels import LABELS
from offrecord.types import Entity, Policy, Span, Transcript, Word
from offrecord.verify.beside import Hidden, Utterance
from offrecord.verify.traces import traces

POLICY = Policy(frozenset(LABELS))


def sure(said: str, label: str, heard: str) -> str:
    """What of ``heard`` is a trace; the words of ``said`` in braces are hidden under a label."""
    texts = re.sub(r"[{}]", "", said).split()
    words = [Word(text, 300 * i, 300 * i + 300) for i, text in enumerate(texts)]
    transcript = Transcript.spoken(words, 300 * len(words))
    entities, first = [], None
    for i, text in enumerate(said.split()):
        first = i if text.startswith("{") else first
        if text.endswith("}") and first is not None:
            run = range(first, i + 1)
            span = Span(*transcript.characters_of(run), label, 1.0, "test")
            entities.append(Entity(run, label, (span,)))
    again = [Word(text, 300 * i, 300 * i + 300) for i, text in enumerate(heard.split())]
    utterance = Utterance(again, ((0, transcript.duration),), None)
    (found,) = traces(Hidden(transcript, entities, POLICY), [utterance], ())
    return " ".join(word.text for word in again if any(a <= word.start < b for a, b in found.sure + found.weak))


NAME = "my name is {Margaret Thompson} and I call about the bill"
NUMBER = "my number is {415 555 0132} thank you very much"
STREET = "I live at {1200 Harbor Street} in the old town"
MAIL = "write to {margaret dot thompson at lakemail dot com} if you like"


@pytest.mark.parametrize(
    ("said", "label", "heard", "expected"),
    [
        (NAME, "person_name", "my name is and I call about the bill", ""),
        (NAME, "person_name", "my name is Margaret and I call about the bill", "Margaret"),
        (NAME, "person_name", "my name is Thomson and I call about the bill", "Thomson"),
        (NAME, "person_name", "my name is Marg and I call about the bill", "Marg"),
        (NAME, "person_name", "my name is and I call about the bill Margaret", "Margaret"),
        (NAME, "person_name", "my name is M A R G A R E T and I call about the bill", "M A R G A R E T"),
        (NAME, "person_name", "your name is and I calls about that bill", ""),
        (NAME, "person_name", "", ""),
        (NUMBER, "phone_number", "my number is thank you very much", ""),
        (NUMBER, "phone_number", "my number is 415 thank you very much", "415"),
        (NUMBER, "phone_number", "my number is four one five thank you very much", "four one five"),
        (NUMBER, "phone_number", "my number is 5 thank you very much", "5"),
        (NUMBER, "phone_number", "my number is thank you very much 555 0132", "555 0132"),
        (NUMBER, "phone_number", "my number is thank you very much at 9", ""),
        (STREET, "location_address", "I live at street in the old town", ""),
        (STREET, "location_address", "I live at Harbour in the old town", "Harbour"),
        (MAIL, "email_address", "write to at if you like", ""),
        (MAIL, "email_address", "write to dot com if you like", ""),
        (MAIL, "email_address", "write to lakemail if you like", "lakemail"),
        ("the {card 4111} and again two four eight", "credit_card_number", "the and again 2 4 8", ""),
        ("{Ann} said carny folk came", "person_name", "said Carney folk came", ""),
    ],
)
def test_what_is_a_trace(said: str, label: str, heard: str, expected: str) -> None:
    """The value, its parts, spelled and numeric forms, what is like it; not common words, not what is let pass."""
    assert sure(said, label, heard) == expected


def test_a_value_that_is_let_pass_elsewhere_is_a_trace_here() -> None:
    """The transcript lets a name pass once, by some fault; it is hidden at another place."""
    said = "{Margaret Thompson} called and Margaret Thompson called again"
    assert sure(said, "person_name", "called and Margaret Thompson called again") == "Margaret Thompson"
