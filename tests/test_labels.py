"""The table of labels and its presets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offrecord.errors import UnknownLabel
from offrecord.labels import LABELS, PRESETS, expand, labels_for

CONTRACT = Path(__file__).parents[2] / "shared" / "docs" / "assemblyai-contract.md"


def test_the_names_are_those_of_the_contract() -> None:
    """The table has the 65 policies of AssemblyAI's API, no more and no less."""
    section = CONTRACT.read_text(encoding="utf-8").split("## 5.")[1].split("## 6.")[0]
    names = set(re.findall(r"^\| ([a-z_]+) \|", section, re.MULTILINE)) - {"policy"}
    assert len(names) == 65
    assert set(LABELS) == names


def test_every_label_has_a_meaning_and_known_umbrella() -> None:
    """Rows are complete."""
    for row in LABELS.values():
        assert row.meaning
        assert row.group
        assert row.within is None or row.within in LABELS


@pytest.mark.parametrize(
    ("preset", "inside", "outside"),
    [
        (
            "guide",
            {"person_name", "organization", "email_address", "phone_number", "location_city"},
            {"date", "password"},
        ),
        (
            "default",
            {"person_name", "date_of_birth", "password", "vehicle_id", "healthcare_number"},
            {"person_age", "drug"},
        ),
        ("pci", {"credit_card_number", "credit_card_cvv", "credit_card_expiration"}, {"location_city"}),
        ("hipaa", {"date", "person_age", "location_zip", "healthcare_number", "url"}, {"location_state", "drug"}),
        ("numbers", {"phone_number", "account_number", "credit_card_cvv"}, {"person_name"}),
        ("all", set(LABELS), set()),
    ],
)
def test_presets_hold_what_they_promise(preset: str, inside: set[str], outside: set[str]) -> None:
    """Each preset has the labels that its name stands for, and not those that it leaves."""
    assert inside <= labels_for(preset)
    assert not outside & labels_for(preset)


def test_presets_name_known_labels() -> None:
    """No preset holds a typo."""
    assert all(names <= LABELS.keys() for names in PRESETS.values())


def test_several_names_are_united() -> None:
    """Presets and labels are read together, from a text or a list, in any case."""
    assert labels_for("Numbers, person_name") == labels_for(["numbers", "person_name"])


def test_an_umbrella_brings_what_stands_under_it() -> None:
    """Asking for places hides streets."""
    assert "location_address_street" in expand({"location"})


@pytest.mark.parametrize("typo", ["person_nmae", "pcii", "Phone-number", ""])
def test_an_unknown_name_is_refused(typo: str) -> None:
    """A typo does not pass for success."""
    with pytest.raises(UnknownLabel):
        labels_for(typo)


def test_the_nearest_name_is_told() -> None:
    """The message helps."""
    with pytest.raises(UnknownLabel, match="person_name"):
        labels_for("person_nmae")


def test_no_label_at_all_is_refused() -> None:
    """A policy that hides nothing is a mistake."""
    with pytest.raises(UnknownLabel):
        labels_for([])
