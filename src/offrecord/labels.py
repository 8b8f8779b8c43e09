"""The table of labels: what each means, which group and presets it belongs to.

The 65 names are the policies of AssemblyAI's API (``shared/docs/assemblyai-contract.md``, section 5), so that existing
settings and clients keep their meaning. ``within`` is the umbrella that a label stands under: a policy that names the
umbrella hides everything under it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from offrecord.errors import UnknownLabel

__all__ = [
    "DENIED",
    "KEY_TONES",
    "LABELS",
    "PRESETS",
    "STRICT",
    "Label",
    "check_labels",
    "expand",
    "labels_for",
    "names_in",
]

DENIED = "redacted"
"""The label of what a user's own deny list hides. It is not a policy: the list itself asks for it."""


@dataclass(frozen=True, slots=True)
class Label:
    """One row: the policy's name, its meaning in a line, its group, and its umbrella if it has one."""

    name: str
    meaning: str
    group: str
    within: str | None = None


_ROWS = (
    Label("person_name", "name of a person, in full, in part, or spelled out", "name"),
    Label("organization", "name of a company, authority, club or other organisation", "organisation"),
    Label(
        "organization_medical_facility",
        "name of a hospital, clinic or practice",
        "organisation",
        "organization",
    ),
    Label("organization_id", "registration number of an organisation (EIN, company number)", "organisation"),
    Label("email_address", "e-mail address", "contact"),
    Label("phone_number", "telephone or fax number, in full or in part", "contact"),
    Label("url", "web address", "contact"),
    Label("ip_address", "IPv4 or IPv6 address", "contact"),
    Label("username", "login, handle or account name", "credential"),
    Label("password", "password, PIN, one-time code, door code or secret answer", "credential"),
    Label("location", "any named place", "place"),
    Label("location_address", "address at street level, with all that is said with it", "place", "location"),
    Label("location_address_street", "street part of an address", "place", "location_address"),
    Label("location_city", "city, town or village", "place", "location"),
    Label("location_state", "state, province or county", "place", "location"),
    Label("location_zip", "postal code", "place", "location"),
    Label("location_country", "country", "place", "location"),
    Label("location_coordinate", "geographic co-ordinates", "place", "location"),
    Label("us_social_security_number", "social security number or another country's equivalent", "government"),
    Label("drivers_license", "number of a driving licence", "government"),
    Label("passport_number", "number of a passport or identity card", "government"),
    Label("healthcare_number", "number of a patient or health plan", "government"),
    Label("vehicle_id", "licence plate, VIN or serial number of a vehicle", "vehicle"),
    Label("credit_card_number", "payment card number, in full or in part", "card"),
    Label("credit_card_cvv", "security code of a payment card", "card"),
    Label("credit_card_expiration", "expiry date of a payment card", "card"),
    Label("banking_information", "bank account, routing number, sort code or IBAN", "financial"),
    Label("account_number", "number of a customer, member, order, case, ticket or policy", "account"),
    Label("number_sequence", "another identifier of digits or letters and digits", "account"),
    Label("date_of_birth", "date of birth", "birth"),
    Label("person_age", "age of a person", "birth"),
    Label("date", "calendar date", "time"),
    Label("date_interval", "range of dates, a month, season, year or decade", "time"),
    Label("time", "time of day", "time"),
    Label("duration", "length of time", "time"),
    Label("day", "name of a weekday", "time"),
    Label("month", "name of a month", "time"),
    Label("year", "year", "time"),
    Label("event", "name of an event or holiday", "time"),
    Label("medical_condition", "disease, syndrome, disorder or diagnosis", "health"),
    Label("injury", "injury of the body", "health", "medical_condition"),
    Label("medical_process", "treatment, procedure or test", "health"),
    Label("medical_code", "code of a diagnosis or procedure (ICD, CPT)", "health"),
    Label("drug", "medicine, vitamin or supplement", "health"),
    Label("blood_type", "blood group", "health"),
    Label("statistics", "medical statistics", "health"),
    Label("effect", "word for an effect or a result", "health"),
    Label("gender_sexuality", "gender or sexual orientation", "attribute"),
    Label("gender", "gender identity", "attribute", "gender_sexuality"),
    Label("sexuality", "sexual orientation", "attribute", "gender_sexuality"),
    Label("marital_status", "marital status", "attribute"),
    Label("nationality", "nationality, ethnicity or race", "attribute"),
    Label("language", "name of a natural language", "attribute"),
    Label("occupation", "job or title of a person", "attribute"),
    Label("physical_attribute", "distinctive attribute of the body", "attribute"),
    Label("political_affiliation", "party or political conviction", "attribute"),
    Label("religion", "religion or belief", "attribute"),
    Label("zodiac_sign", "sign of the zodiac", "attribute"),
    Label("money_amount", "amount of money", "business"),
    Label("financial_metric", "financial figure of a business (revenue, EBITDA)", "business"),
    Label("corporate_action", "merger, listing or other act of a company", "business"),
    Label("product", "name of a product", "business"),
    Label("project", "name of a project", "business"),
    Label("trend", "word for a trend", "business"),
    Label("filename", "name or path of a computer file", "business"),
)

LABELS: dict[str, Label] = {row.name: row for row in _ROWS}
"""All labels by name, in the order of the table."""

_PLACE = frozenset(row.name for row in _ROWS if row.group == "place")
_ADDRESS = frozenset(
    "location_address location_address_street location_city location_state location_zip location_country".split()
)
_CARD = frozenset(row.name for row in _ROWS if row.group == "card")
_NUMBERS = frozenset(
    "phone_number us_social_security_number drivers_license passport_number healthcare_number vehicle_id "
    "banking_information account_number number_sequence organization_id location_zip ip_address password".split()
)

STRICT = frozenset({"pci", "hipaa"})
"""Presets under which speech that was not recognised is muted, if nothing else is said."""

KEY_TONES = frozenset({"pci"})
"""Presets under which the tones of telephone keys are."""

PRESETS: dict[str, frozenset[str]] = {
    # The guide that the project began with asks for these.
    "guide": frozenset({"person_name", "organization", "email_address", "phone_number"}) | _ADDRESS,
    # Every direct identifier.
    "default": frozenset(
        row.name
        for row in _ROWS
        if row.group
        in {
            "name",
            "organisation",
            "contact",
            "place",
            "government",
            "vehicle",
            "card",
            "financial",
            "account",
            "credential",
        }
    )
    | {"date_of_birth"},
    # What PCI DSS forbids to keep, and what names the holder of a card.
    "pci": _CARD | {"banking_information", "account_number", "number_sequence", "password", "person_name"},
    # The 18 identifiers of the Safe Harbor method, 45 CFR 164.514(b)(2), as far as speech carries them: names; places
    # smaller than a state; dates finer than a year and ages; contact; the numbers; not biometrics (the voice stays).
    "hipaa": frozenset(
        {
            "person_name",
            "date",
            "date_interval",
            "day",
            "month",
            "date_of_birth",
            "person_age",
            "email_address",
        }
    )
    | {"phone_number", "url", "ip_address", "username", "organization_medical_facility", "physical_attribute"}
    | (_PLACE - {"location_state", "location_country", "location"})
    | _NUMBERS
    | _CARD,
    "numbers": _NUMBERS | _CARD | {"date_of_birth"},
    "all": frozenset(LABELS),
}
"""Sets of labels by a name of their own."""


def check_labels(names: Iterable[str]) -> None:
    """Raise `UnknownLabel`, naming the nearest label, unless every name is in the table (or is `DENIED`)."""
    for name in names:
        if name not in LABELS and name != DENIED:
            raise UnknownLabel(f"unknown label {name!r}{_nearest(name, LABELS)}; `offrecord labels` lists all")


def labels_for(policy: str | Iterable[str]) -> frozenset[str]:
    """The labels that a preset's name, a comma-separated text, or several such names stand for.

    ``"pci"``, ``"person_name,phone_number"`` and ``["guide", "date"]`` are all read. Umbrellas bring what stands under
    them. Raises `UnknownLabel` for anything else, and for no name at all.
    """
    chosen: set[str] = set()
    for name in names_in(policy):
        if name not in PRESETS and name not in LABELS:
            raise UnknownLabel(
                f"unknown label or preset {name!r}{_nearest(name, [*PRESETS, *LABELS])}; see `offrecord labels`"
            )
        chosen |= PRESETS.get(name, frozenset({name}))
    if not chosen:
        raise UnknownLabel("no label was given; name a preset (default, guide, pci, hipaa, numbers, all) or labels")
    return expand(chosen)


def names_in(policy: str | Iterable[str]) -> list[str]:
    """The presets and labels as they were named, one by one."""
    parts = policy.split(",") if isinstance(policy, str) else policy
    return [name.strip().lower() for name in parts]


def expand(names: Iterable[str]) -> frozenset[str]:
    """The labels, and every label that stands under one of them."""
    chosen = set(names)
    while True:
        under = {row.name for row in _ROWS if row.within in chosen} - chosen
        if not under:
            return frozenset(chosen)
        chosen |= under


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
