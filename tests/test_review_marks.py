"""Decisions about details: what each does, what cannot be, and what holds whatever was decided."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviews import beginnings, decisions, originals, spoken, texted

from offrecord.errors import UsageError
from offrecord.review.decisions import Decision, parse
from offrecord.review.draft import Draft
from offrecord.review.making import entities_of
from offrecord.review.marks import Mark, Marks, Original, decided
from offrecord.review.steps import Entry, History
from offrecord.types import Redaction


def entry(revision: int, what: Any, *steps: Decision) -> Entry:
    return Entry(revision, 1_000 * revision, "me", what, steps)


def played(data: st.DataObject, most: int = 8) -> tuple[Original, Marks, list[Entry], History]:
    """A review that went on for some steps, undo and redo among them."""
    original = data.draw(originals())
    beginning = data.draw(beginnings(original))
    history = History(original, beginning)
    entries: list[Entry] = []
    for number in range(1, data.draw(st.integers(1, most)) + 1):
        what = data.draw(st.sampled_from(["decide", "decide", "decide", "undo", "redo"]))
        steps = [data.draw(decisions(original, history.marks))] if what == "decide" else []
        step = entry(number, what, *steps)
        try:
            history.take(step)
        except UsageError:
            continue
        entries.append(step)
    return original, beginning, entries, history


@given(st.data())
def test_undoing_everything_is_the_beginning(data: st.DataObject) -> None:
    """As many undos as there are steps lead back to what was found, and one more does nothing."""
    _, beginning, entries, history = played(data)
    at = len(entries) + 100
    while history.can_undo:
        history.take(entry(at, "undo"))
        at += 1
    assert history.marks == beginning
    history.take(entry(at, "undo"))
    assert history.marks == beginning


@given(st.data())
def test_redo_is_the_same_again(data: st.DataObject) -> None:
    """After any number of undos, as many redos give the very same marks, ids included."""
    _, _, _, history = played(data)
    seen = [history.marks]
    at = 1_000
    while history.can_undo:
        history.take(entry(at, "undo"))
        seen.append(history.marks)
        at += 1
    for expected in reversed(seen[:-1]):
        history.take(entry(at, "redo"))
        assert history.marks == expected
        at += 1


@given(st.data())
def test_a_reload_is_the_same(data: st.DataObject) -> None:
    """The entries alone give the marks again."""
    original, beginning, entries, history = played(data)
    again = History.of(original, beginning, entries)
    assert (again.marks, again.can_undo, again.can_redo) == (history.marks, history.can_undo, history.can_redo)


@given(st.data())
def test_marks_stay_disjoint_and_in_order(data: st.DataObject) -> None:
    """No word belongs to two marks, rejected ones included; ids are never given twice; a redaction can be made."""
    original, _, _, history = played(data)
    marks = history.marks
    words = [mark.words for mark in marks if mark.words is not None]
    assert all(a.stop <= b.start for a, b in pairwise(words))
    assert all(0 <= run.start < run.stop <= len(original.transcript.words) for run in words)
    assert len({mark.id for mark in marks}) == len(marks)
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)
    entities, _ = entities_of(original.transcript, Draft(()), tuple(m for m in marks if m.id.startswith("a")))
    Redaction(original.transcript, tuple(entities))


@given(st.data())
def test_only_a_rejection_or_narrowing_lets_a_word_go(data: st.DataObject) -> None:
    """Whatever else is decided, what was hidden stays hidden."""
    original = data.draw(originals())
    marks = data.draw(beginnings(original))
    for number in range(1, 6):
        decision = data.draw(decisions(original, marks))
        try:
            after = decided(original, marks, [decision], number)
        except UsageError:
            continue
        lost = _hidden(marks) - _hidden(after)
        if decision.do == "words":
            (mine,) = [mark for mark in marks if mark.id == decision.entity]
            lost -= set(mine.mine)
        if decision.do != "reject" and decision.decision != "reject":
            assert lost == set()
        marks = after


@given(st.data())
def test_everywhere_takes_all_mentions(data: st.DataObject) -> None:
    """Accepted everywhere, no mention is left open; rejected everywhere, no detail of these very words is hidden."""
    original = data.draw(originals())
    marks = data.draw(beginnings(original))
    if not marks:
        return
    mark = data.draw(st.sampled_from(marks))
    assert mark.words
    how = data.draw(st.sampled_from(["accept", "reject"]))
    after = decided(original, marks, [Decision("everywhere", mark.id, decision=how)], 1)
    said, length = original.folded, len(mark.words)
    value = said[mark.words.start : mark.words.stop]
    mentions = [range(i, i + length) for i in range(len(said)) if said[i : i + length] == value]
    if how == "accept":
        assert {i for words in mentions for i in words} <= _hidden(after)
    else:
        assert not [each for each in after if each.hides and each.words in mentions]


def _hidden(marks: Marks) -> set[int]:
    return {i for mark in marks if mark.hides for i in mark.mine}


ANN = texted("Ann", "met", "ann,", "and", "Ann", "Lee", "left")
FOUND = (Mark("e0", range(0, 1), "person_name", at=0), Mark("e1", range(4, 6), "person_name", at=4))


def after(*steps: Decision, marks: Marks = FOUND, original: Original = ANN) -> list[tuple[str, Any, str, str]]:
    return [(m.id, m.words, m.label, m.state) for m in decided(original, marks, steps, 7)]


CASES: list[tuple[Decision, list[tuple[str, Any, str, str]]]] = [
    (Decision("accept", "e0"),
     [("e0", range(0, 1), "person_name", "accepted"), ("e1", range(4, 6), "person_name", "found")]),
    (Decision("reject", "e0"),
     [("e0", range(0, 1), "person_name", "rejected"), ("e1", range(4, 6), "person_name", "found")]),
    (Decision("label", "e1", label="username"),
     [("e0", range(0, 1), "person_name", "found"), ("e1", range(4, 6), "username", "accepted")]),
    (Decision("words", "e0", words=(0, 5)),
     [("e0", range(0, 5), "person_name", "accepted"), ("e1", range(5, 6), "person_name", "found")]),
    (Decision("words", "e0", words=(0, 6)), [("e0", range(0, 6), "person_name", "accepted")]),
    (Decision("words", "e1", words=(5, 6)),
     [("e0", range(0, 1), "person_name", "found"), ("e1", range(5, 6), "person_name", "accepted")]),
    (Decision("add", words=(1, 3), label="event"),
     [("e0", range(0, 1), "person_name", "found"), ("a7", range(1, 3), "event", "added"),
      ("e1", range(4, 6), "person_name", "found")]),
    (Decision("add", words=(3, 5), label="event"),
     [("e0", range(0, 1), "person_name", "found"), ("a7", range(3, 5), "event", "added"),
      ("e1", range(5, 6), "person_name", "found")]),
    (Decision("everywhere", "e0", decision="accept"),
     [("e0", range(0, 1), "person_name", "accepted"), ("a7", range(2, 3), "person_name", "added"),
      ("e1", range(4, 6), "person_name", "found")]),
    (Decision("everywhere", "e0", decision="label", label="username"),
     [("e0", range(0, 1), "username", "accepted"), ("a7", range(2, 3), "username", "added"),
      ("e1", range(4, 6), "person_name", "found")]),
    (Decision("everywhere", "e0", decision="reject"),
     [("e0", range(0, 1), "person_name", "rejected"), ("e1", range(4, 6), "person_name", "found")]),
]  # fmt: skip


@pytest.mark.parametrize(("decision", "expected"), CASES, ids=range(len(CASES)))
def test_what_a_decision_does(decision: Decision, expected: list[tuple[str, Any, str, str]]) -> None:
    """One decision on two details."""
    assert after(decision) == expected


def test_words_over_a_detail_on_both_sides_stay_hidden() -> None:
    """A detail that another one cuts in two is two, and all of its words are hidden."""
    marks = (Mark("e0", range(0, 1), "event", at=0), Mark("e1", range(2, 7), "person_name", at=2))
    assert after(Decision("words", "e0", words=(3, 5)), marks=marks) == [
        ("e1", range(2, 3), "person_name", "found"),
        ("e0", range(3, 5), "event", "accepted"),
        ("a7", range(5, 7), "person_name", "found"),
    ]


def test_added_words_inside_a_rejected_detail_are_hidden() -> None:
    """Of the rejected one the larger part is left, which hides nothing."""
    marks = (Mark("e0", range(1, 7), "event", "rejected", at=1),)
    assert after(Decision("add", words=(2, 3), label="date"), marks=marks) == [
        ("a7", range(2, 3), "date", "added"),
        ("e0", range(3, 7), "event", "rejected"),
    ]


def test_an_added_detail_that_is_rejected_can_come_back() -> None:
    """Accepted again, it is an added one."""
    marks = decided(ANN, FOUND, [Decision("add", words=(1, 2), label="date"), Decision("reject", "a7")], 7)
    assert [m.state for m in marks] == ["found", "rejected", "found"]
    assert [m.state for m in decided(ANN, marks, [Decision("accept", "a7")], 8)] == ["found", "added", "found"]


SAID = Original(spoken("my name is Ann Lee and that is all"))


def test_a_time_without_words_is_a_detail_of_sound() -> None:
    """It stands before the word that follows it, and keeps its time."""
    quiet = Original(spoken("a b"))
    (mark,) = decided(quiet, (), [Decision("add_time", time=(400, 600), label="event")], 3)
    assert (mark.words, mark.time, mark.at, mark.state) == (None, (400, 600), 1, "added")


def test_a_time_with_words_hides_the_words() -> None:
    """Those that are heard in it for half of their length and more; what is hidden already stays what it is."""
    found = (Mark("e0", range(3, 4), "person_name", at=3),)
    marks = decided(SAID, found, [Decision("add_time", time=(1_200, 2_700), label="username")], 4)
    assert [(m.id, m.words, m.time) for m in marks] == [
        ("a4", range(2, 3), (1_200, 2_700)),
        ("e0", range(3, 4), None),
        ("a4.2", range(4, 5), None),
    ]


def test_a_new_decision_leaves_what_was_undone() -> None:
    """There is nothing to redo after it, and the id that the undone one had is not given again."""
    history = History(ANN, FOUND)
    history.take(entry(1, "decide", Decision("add", words=(1, 2), label="date")))
    history.take(entry(2, "undo"))
    assert history.can_redo
    history.take(entry(3, "decide", Decision("add", words=(1, 2), label="event")))
    assert not history.can_redo
    assert [mark.id for mark in history.marks] == ["e0", "a3", "e1"]


IMPOSSIBLE: list[Decision] = [
    Decision("accept", "e9"),
    Decision("accept", None),
    Decision("label", "e0", label="persn"),
    Decision("add", words=(6, 8), label="date"),
    Decision("add", words=(4, 5), label="date"),
    Decision("add", words=(4, 6), label="date"),
    Decision("words", "e0", words=(7, 8)),
    Decision("pad", "e0", pad=(50, 50)),
    Decision("add_time", time=(0, 10), label="date"),
]


@pytest.mark.parametrize("decision", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_what_cannot_be_decided_is_refused(decision: Decision) -> None:
    """An unknown detail or label, words that are not there or hidden already, sound in a text."""
    with pytest.raises(UsageError):
        decided(ANN, FOUND, [decision], 7)


def test_a_step_is_taken_as_a_whole() -> None:
    """One impossible decision among others, and none of them is taken."""
    history = History(ANN, FOUND)
    with pytest.raises(UsageError):
        history.take(entry(1, "decide", Decision("reject", "e0"), Decision("reject", "e9")))
    assert history.marks == FOUND
    assert not history.can_undo


BAD: list[Any] = [
    None, [], {}, "x", [None], [{}], [{"do": "erase"}], [{"do": ["accept"]}], [{"do": "accept"}],
    [{"do": "accept", "entity": 1}], [{"do": "accept", "entity": ""}], [{"do": "accept", "entity": "e" * 65}],
    [{"do": "label", "entity": "e0"}], [{"do": "words", "entity": "e0", "words": [1]}],
    [{"do": "words", "entity": "e0", "words": [2, 2]}], [{"do": "words", "entity": "e0", "words": [-1, 2]}],
    [{"do": "words", "entity": "e0", "words": [0, True]}], [{"do": "words", "entity": "e0", "words": [0.0, 2.0]}],
    [{"do": "pad", "entity": "e0", "pad": [0, 5_001]}], [{"do": "pad", "entity": "e0", "pad": [-5_001, 0]}],
    [{"do": "add", "words": [0, 1]}], [{"do": "add", "words": [0, 1 << 41], "label": "date"}],
    [{"do": "add_time", "start": 5, "end": 5, "label": "date"}], [{"do": "add_time", "start": 5, "label": "date"}],
    [{"do": "everywhere", "entity": "e0"}], [{"do": "everywhere", "entity": "e0", "decision": "pad"}],
    [{"do": "everywhere", "entity": "e0", "decision": "label"}], [{"do": "accept", "entity": "e0"}] * 501,
]  # fmt: skip


@pytest.mark.parametrize("rows", BAD, ids=range(len(BAD)))
def test_what_is_no_decision_is_refused(rows: Any) -> None:
    """With an error for the client, and before anything is read or written."""
    with pytest.raises(UsageError):
        parse(rows)


@given(st.data())
def test_a_decision_is_kept_as_it_was(data: st.DataObject) -> None:
    """Its record is read as the same decision."""
    original = data.draw(originals())
    decision = data.draw(decisions(original, data.draw(beginnings(original))))
    assert parse([decision.record()]) == (decision,)
