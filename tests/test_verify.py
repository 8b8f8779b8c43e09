"""The second listening, by a recogniser that follows a script: what it hears depends on what is left of the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hearings import LENGTH, Dreamer, Script, clock, said
from hypothesis import given, settings
from hypothesis import strategies as st

from offrecord.errors import FailedClosed
from offrecord.labels import LABELS
from offrecord.types import Entity, Interval, Policy, Span, Transcript, Verification, Word
from offrecord.verify import ROUNDS, Muted, verify
from offrecord.verify.beside import Hidden

ALL = Policy(frozenset(LABELS))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds."""
    return clock(tmp_path_factory.mktemp("sound") / "clock.wav")


def hidden(words: Sequence[Word], label: str, first: int, last: int) -> tuple[Transcript, list[Entity]]:
    """A transcript of the words, and the words ``first`` to ``last`` as an entity of it."""
    transcript = Transcript.spoken(words, LENGTH)
    span = Span(*transcript.characters_of(range(first, last)), label, 1.0, "test")
    return transcript, [Entity(range(first, last), label, (span,))]


def listen(
    path: Path, words: Sequence[Word], entity: tuple[str, int, int], muted: Muted, *, script: Sequence[Word] = ()
) -> tuple[Muted, Verification]:
    """Verify with a scripted recogniser that hears the very words, unless it has a ``script``."""
    transcript, entities = hidden(words, *entity)
    return verify(path, transcript, entities, muted, hearing=Script(script or words), detectors=(), policy=ALL)


def covers(row: Sequence[Interval], start: int, end: int) -> bool:
    """Whether one interval holds all of a time."""
    return any(a <= start and b >= end for a, b in row)


NAME = said("my name is Margaret Thompson and I need some help today")
NUMBER = said("my number is 4 1 5 5 5 0 1 3 2 thanks a lot")


def test_nothing_is_found_where_nothing_is_left(recording: Path) -> None:
    """Intervals that hold the detail stay as they are, and the result says what was listened to."""
    muted, done = listen(recording, NAME, ("person_name", 3, 5), (((2_200, 3_000),),))
    assert muted == (((2_200, 3_000),),)
    assert (done.found, done.rounds, done.left) == (0, 0, ())
    assert (done.mode, done.model, done.decoding) == ("around", "script", "by heart")
    assert done.listened > 3_000


@pytest.mark.parametrize("muted", [((2_400, 3_300),), ((2_000, 2_900),), ((2_000, 2_300), (2_500, 3_300)), ()])
def test_a_hidden_word_outside_the_intervals_is_muted_though_nobody_hears_it(
    recording: Path, muted: tuple[Interval, ...]
) -> None:
    """A recogniser may take what is left of a detail for a word that it wrote there before, or for none."""
    deaf = [word for word in NAME if word.text not in ("Margaret", "Thompson")]
    transcript, entities = hidden(NAME, "person_name", 3, 5)
    (row,), done = verify(recording, transcript, entities, (muted,), hearing=Script(deaf), detectors=(), policy=ALL)
    assert covers(row, transcript.words[3].start, transcript.words[4].end)
    assert done.found
    assert done.left == ()


@pytest.mark.parametrize(("channel", "rows"), [(0, {0}), (1, {1}), (5, {0, 1}), (None, {0, 1})])
def test_a_hidden_word_belongs_to_its_channel_or_to_all(recording: Path, channel: int | None, rows: set[int]) -> None:
    """A transcript from elsewhere may name a channel that the recording does not have: then it is hidden in all."""
    words = [replace(word, channel=channel) for word in NAME]
    transcript, entities = hidden(words, "person_name", 3, 5)
    assert {row for row, _, _ in Hidden(transcript, entities, ALL).uncovered(((), ()))} == rows


def test_what_a_person_covers_by_less_is_left_so(recording: Path) -> None:
    """Unless it is heard: a reviewer's edge is no fault."""
    deaf = [word for word in NAME if word.text not in ("Margaret", "Thompson")]
    transcript, entities = hidden(NAME, "person_name", 3, 5)
    muted = (((2_400, 3_000),),)
    after, done = verify(
        recording, transcript, entities, muted, hearing=Script(deaf), detectors=(), policy=ALL, narrowed=(3, 4)
    )
    assert (after, done.found) == (muted, 0)


@pytest.mark.parametrize(
    ("entity", "muted", "gone"),
    [
        (("person_name", 3, 5), ((2_700, 3_300),), (2_200, 3_000)),  # late
        (("person_name", 3, 5), ((1_900, 2_550),), (2_200, 3_000)),  # early
        (("person_name", 3, 5), (), (2_200, 3_000)),  # missed
    ],
)
def test_a_name_that_is_heard_is_muted(
    recording: Path, entity: tuple[str, int, int], muted: tuple[Interval, ...], gone: Interval
) -> None:
    """An interval that is late, early or missing grows over all of the name."""
    transcript, entities = hidden(NAME, *entity)
    (row,), done = verify(
        recording, transcript, entities, (muted,), hearing=Script(NAME), detectors=(), policy=ALL, mode="full"
    )
    assert covers(row, *gone)
    assert done.found
    assert done.left == ()
    assert done.widened + done.added


def test_a_digit_in_the_middle_is_muted(recording: Path) -> None:
    """One digit that is left of a number is a trace of it."""
    (row,), done = listen(recording, NUMBER, ("phone_number", 3, 12), (((2_200, 3_800), (4_200, 5_800)),))
    assert covers(row, 2_200, 5_800)
    assert done.widened == 1


def test_what_the_recogniser_never_wrote_is_muted(recording: Path) -> None:
    """A name that the first pass left out, and that is hidden elsewhere, is heard the second time."""
    heard = said("my name is Margaret Thompson and I need Margaret to help")
    first = [word for i, word in enumerate(heard) if i != 8]
    (row,), done = listen(recording, first, ("person_name", 3, 5), (((2_200, 3_000),),), script=heard)
    assert covers(row, heard[8].start, heard[8].end)
    assert done.added == 1


def test_a_detector_is_asked_about_what_is_new(recording: Path) -> None:
    """What nobody hid and the transcript does not let pass is claimed by a detector; what it lets pass is not."""
    heard = said("my name is Margaret and Zebulon needs some help")
    first = said("my name is Margaret and so long needs some help")

    def find(text: str) -> list[Span]:
        return [
            Span(at, at + len(word), "person_name", 0.9, "test")
            for word in ("Zebulon", "help")
            if (at := text.find(word)) >= 0
        ]

    transcript, entities = hidden(first, "person_name", 3, 4)
    (row,), done = verify(
        recording, transcript, entities, (((2_200, 2_600),),), hearing=Script(heard), detectors=(find,), policy=ALL
    )
    assert covers(row, heard[5].start, heard[5].end)
    assert not any(a < heard[8].end and b > heard[8].start for a, b in row)
    assert done.found == 1


def test_each_channel_is_heard_on_its_own(tmp_path: Path) -> None:
    """Intervals that were put on the other channel: the channel of the voice is muted as well."""
    words = said("my name is Margaret Thompson and I need some help", channel=0)
    path = clock(tmp_path / "two.wav", channels=2)
    rows, done = listen(path, words, ("person_name", 3, 5), ((), ((2_200, 3_000),)))
    assert covers(rows[0], 2_200, 3_000)
    assert covers(rows[1], 2_200, 3_000)
    assert done.added == 1


def test_only_what_changed_is_heard_again(recording: Path) -> None:
    """The second round listens to the seconds around the trace, not to all of the recording."""
    hearing = Script(NAME)
    transcript, entities = hidden(NAME, "person_name", 3, 5)
    _, done = verify(
        recording, transcript, entities, (((1_000, 1_100),),), hearing=hearing, detectors=(), policy=ALL, mode="full"
    )
    assert done.rounds == 1
    assert hearing.heard[0] > LENGTH - 500
    assert hearing.heard[-1] < LENGTH - 3_000


def test_a_dream_is_left_after_three_rounds(recording: Path) -> None:
    """A recogniser that hears the name in whatever it is given: the rounds end, and the result says so."""
    transcript, entities = hidden(NAME, "person_name", 3, 5)
    _, done = verify(
        recording, transcript, entities, (((2_200, 3_000),),), hearing=Dreamer("Margaret"), detectors=(), policy=ALL
    )
    assert done.rounds == ROUNDS
    assert done.left


def test_a_deaf_recogniser_proves_nothing(recording: Path) -> None:
    """It heard nothing of twenty words and more that are let pass: so nothing heard means nothing."""
    words = said("my name is Margaret and " + "this is what they said to us " * 3, each=200)
    transcript, entities = hidden(words, "person_name", 3, 4)
    with pytest.raises(FailedClosed, match="--verify-model"):
        verify(
            recording, transcript, entities, (((1_600, 1_800),),), hearing=Script(()), detectors=(), policy=ALL,
            mode="full",
        )  # fmt: skip


def test_an_allowed_word_is_no_trace(recording: Path) -> None:
    """What the user lets pass is let pass by the second listening."""

    def find(text: str) -> list[Span]:
        at = text.find("Larkfield")
        return [Span(at, at + 9, "organization", 0.9, "test")] if at >= 0 else []

    heard = said("my name is Margaret from Larkfield in town")
    transcript, entities = hidden(said("my name is Margaret from lack feel in town"), "person_name", 3, 4)
    policy = Policy(frozenset(LABELS), allow=("larkfield",))
    muted = (((2_200, 2_600),),)
    assert (
        verify(recording, transcript, entities, muted, hearing=Script(heard), detectors=(find,), policy=policy)[0]
        == muted
    )


@settings(max_examples=30)  # each decodes twelve seconds up to four times
@given(
    muted=st.lists(st.tuples(st.integers(0, 110), st.integers(1, 10)), max_size=4),
    text=st.lists(st.sampled_from(["Margaret", "Thompson", "4", "155", "the", "help", "today"]), max_size=6),
)
def test_intervals_only_grow(
    tmp_path_factory: pytest.TempPathFactory, muted: list[tuple[int, int]], text: list[str]
) -> None:
    """Whatever is heard: what was muted stays muted, in order, inside the recording, in at most three rounds."""
    from offrecord.ranges import merged

    path = tmp_path_factory.getbasetemp() / "property.wav"
    if not path.exists():
        clock(path)
    row = merged((100 * start, 100 * (start + length)) for start, length in muted)
    transcript, entities = hidden(NAME, "person_name", 3, 5)
    (grown,), done = verify(
        path, transcript, entities, (row,), hearing=Dreamer(" ".join(text)), detectors=(), policy=ALL
    )
    assert all(covers(grown, *interval) for interval in row)
    assert all(0 <= a < b <= LENGTH for a, b in grown)
    assert all(a[1] < b[0] for a, b in pairwise(grown))
    assert done.rounds <= ROUNDS
    assert "argaret" not in repr(done)
