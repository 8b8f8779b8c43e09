"""Shapes of identifiers, with their checksums.

A row says what a run of digits and letters is when it has just this shape. A checksum that holds makes the row sure;
one that fails takes nothing away, because recognisers garble digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
from stdnum import iban, luhn
from stdnum.gb import nhs
from stdnum.us import rtn, ssn

__all__ = ["SHAPES", "Shape", "shapes_of"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One row. ``score`` holds for the shape alone (0: only after a cue for its label), ``sure`` with the check."""

    name: str
    label: str
    pattern: re.Pattern[str]
    score: float
    check: Callable[[str], bool] | None = None
    sure: float = 0.0


def _phone(*regions: str) -> Callable[[str], bool]:
    def holds(compact: str) -> bool:
        for region in regions:
            try:
                number = phonenumbers.parse(compact, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                return True
        return False

    return holds


_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _vin(compact: str) -> bool:
    """The check digit of North American vehicles; python-stdnum has none for them."""
    total = sum(int(_VIN_VALUES[c]) * weight for c, weight in zip(compact, _VIN_WEIGHTS, strict=True))
    return compact[8] == "0123456789X"[total % 11]


def _shape(
    name: str, label: str, pattern: str, score: float, check: Callable[[str], bool] | None = None, sure: float = 0.0
) -> Shape:
    return Shape(name, label, re.compile(pattern), score, check, sure)


SHAPES = (
    _shape("iban", "banking_information", r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", 0.6, iban.is_valid, 0.99),
    _shape("card", "credit_card_number", r"[2-6]\d{12,18}", 0.85, luhn.is_valid, 0.97),
    _shape("phone_international", "phone_number", r"\+\d{7,15}", 0.9, _phone("US"), 0.98),
    _shape("phone_us", "phone_number", r"1?[2-9]\d{2}[2-9]\d{6}", 0.85, _phone("US"), 0.92),
    _shape("phone_gb", "phone_number", r"0[12378]\d{8,9}|44[1237]\d{9}", 0.85, _phone("GB"), 0.92),
    _shape("phone_au", "phone_number", r"0[23478]\d{8}|1[38]00\d{6}", 0.85, _phone("AU"), 0.92),
    _shape("phone_local", "phone_number", r"[2-9]\d{6}", 0.75),
    _shape("vin", "vehicle_id", r"[A-HJ-NPR-Z0-9]{17}", 0.7, _vin, 0.98),
    _shape("ssn", "us_social_security_number", r"\d{9}", 0.0, ssn.is_valid, 0.97),
    _shape("aba", "banking_information", r"\d{9}", 0.0, rtn.is_valid, 0.97),
    _shape("nhs", "healthcare_number", r"\d{10}", 0.0, nhs.is_valid, 0.97),
    _shape("npi", "healthcare_number", r"[12]\d{9}", 0.0, lambda compact: luhn.is_valid("80840" + compact), 0.97),
    _shape("national_insurance", "us_social_security_number", r"[A-CEGHJ-PR-TW-Z][A-NP-Z]\d{6}[A-D]", 0.85),
    _shape("postcode_gb", "location_zip", r"[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?\d[ABD-HJLNP-UW-Z]{2}", 0.8),
    _shape("postcode_ca", "location_zip", r"[ABCEGHJ-NPRSTVXY]\d[A-Z]\d[A-Z]\d", 0.8),
    _shape("plate_gb", "vehicle_id", r"[A-Z]{2}\d{2}[A-Z]{3}", 0.75),
)


def shapes_of(compact: str) -> list[tuple[Shape, bool]]:
    """The rows that a run (upper case, no separators) has the shape of, and whether each one's checksum holds."""
    if len(compact) > 40:
        return []
    return [(row, row.check is not None and row.check(compact)) for row in SHAPES if row.pattern.fullmatch(compact)]
