"""The rows of patterns: what one is, and those for contact details and written numbers.

Each pattern is matched against folded text, as it stands and in its written view. Patterns are linear in practice:
every repeat is bounded, and what may be long is anchored at the start of a word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum.us import ssn

from offrecord.detect.english import is_common
from offrecord.detect.vocabulary import TLDS

__all__ = ["ROWS", "Reading", "Row", "Trim", "row"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One view of a text: as it stands or as written; ``low`` is it folded, of the same length."""

    text: str
    low: str
    cased: bool


Trim = Callable[[Reading, "re.Match[str]"], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One pattern. What it claims is group 1 where there is one, or what ``trim`` makes of the match.

    ``needs``: the pattern is only tried on texts that hold one of these. ``check``: one that holds gives ``sure``
    instead of ``score``; where ``score`` is 0, one that fails refuses the match.
    """

    name: str
    label: str
    pattern: re.Pattern[str]
    score: float
    needs: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = None
    sure: float = 0.0
    trim: Trim | None = None


def _machine(found: str) -> bool:
    try:
        ipaddress.ip_address(found)
    except ValueError:
        return False
    return True


def _versionless(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    before = reading.low[max(0, match.start() - 40) : match.start()]
    return None if re.search(r"version|release|firmware|build|driver", before) else match.span()


def row(
    name: str, label: str, pattern: str, score: float, *needs: str,
    check: Callable[[str], bool] | None = None, sure: float = 0.0, trim: Trim | None = None,
) -> Row:  # fmt: skip
    """A row, its pattern compiled."""
    return Row(name, label, re.compile(pattern), score, needs, check, sure, trim)


_TLD = "|".join(sorted(TLDS))
ROWS = (
    row(
        "email", "email_address",
        r"(?<![\w.+'-])[\w+'-][\w.+'-]{0,255}@(?:[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}|(?:gmail|googlemail|yahoo|hotmail|outlook|"
        r"icloud|protonmail|aol|gmx)(?!\w))",
        0.96, "@",
    ),
    row("url", "url", r"(?<![\w@.-])(?:https?://|www\.)[^\s<>\"']{3,2000}", 0.95, "http", "www"),
    row(
        "domain", "url",
        rf"(?<![\w@.-])[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}\.(?:{_TLD})(?:\.(?:uk|au|nz|za|ng|in))?"
        r"(?:/[\w./-]{0,400})?(?![\w@])",
        0.85, ".",
    ),
    row(
        "ip_v4", "ip_address", r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)", 0.0, ".",
        check=_machine, sure=0.9, trim=_versionless,
    ),
    row(
        "ip_v6", "ip_address", r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", 0.0, ":",
        check=_machine, sure=0.9,
    ),
    row("mac", "ip_address", r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])", 0.9, ":", "-"),
    row(
        "ssn_written", "us_social_security_number", r"(?<![\w-])\d{3}(?:-|,? )\d{2}(?:-|,? )\d{4}(?![\w-])", 0.85,
        check=lambda found: ssn.is_valid(re.sub(r"\D+", "-", found)), sure=0.93,
    ),
    row(
        "postcode_gb", "location_zip", r"(?<!\w)[a-pr-uwyz][a-hk-y]?\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2}(?!\w)", 0.8,
    ),
    row(
        "postcode_ca", "location_zip", r"(?<!\w)[abceghj-nprstvxy]\d[a-z] ?\d[a-z]\d(?!\w)", 0.8,
    ),
    row(
        "plate_gb", "vehicle_id", r"(?<!\w)[a-z]{2}\d{2} ?[a-z]{3}(?!\w)", 0.0,
        check=lambda found: not is_common(found[-3:]), sure=0.75,
    ),
    row(
        "sort_code", "banking_information", r"(?<![\w/.-])(?:[4-9]\d|3[2-9])-\d\d-\d\d(?![\w/-])", 0.7, "-",
    ),
    row("coordinates", "location_coordinate", r"(?<![\w.])-?\d{1,3}\.\d{4,15},? ?-?\d{1,3}\.\d{4,15}(?!\w)", 0.9, "."),
)  # fmt: skip
"""Rows that need no judgement beyond their check; those that do stand in `dates`, `names` and `places`."""
