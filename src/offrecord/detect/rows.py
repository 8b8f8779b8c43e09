"""The rows of patterns for contact details, dates, ages and written numbers.

Each pattern is matched against folded text, as it stands and in its written view. Patterns are linear in practice:
every repeat is bounded, and what may be long is anchored at the start of a word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum.us import ssn

from offrecord.detect.vocabulary import MONTHS, TLDS, WEEKDAYS

__all__ = ["ROWS", "Reading", "Row"]


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


def _day(found: str) -> bool:
    """Whether three numbers can be a day, a month and a year in some order."""
    parts = [int(part) for part in re.split(r"\D+", found)]
    if len(parts) != 3:
        return False
    if parts[0] > 31:
        return 1900 <= parts[0] <= 2099 and 1 <= parts[1] <= 12 and 1 <= parts[2] <= 31
    return min(parts[:2]) in range(1, 13) and max(parts[:2]) <= 31


def _versionless(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    before = reading.low[max(0, match.start() - 40) : match.start()]
    return None if re.search(r"version|release|firmware|build|driver", before) else match.span()


_YEAR = r"(?:19|20)\d\d"
_MONTH = rf"(?:{'|'.join(MONTHS)})"
_SHORT = r"(?:jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)}),? "
_NTH = r"\d{1,2}(?:st|nd|rd|th)"
_ENDS = r"(?![\w'])"
_CLAUSE_END = (
    r"(?=[.,?!;\n]|$| (?:at|and|or|to|if|for|when|because|before|after|is|was|we|i|you|he|she|they|so|but|then|with|through|"
    r"until|till|around|works|would|will|should|please|in|that|this)\b)"
)
_BORN = r"(?:birth|born|birthday|birthdate|dob|d\.?o\.?b\.?)"
_ANY_DATE = (
    rf"(?:(?:{_WEEKDAY})?(?:the )?(?:{_NTH}(?: day)?(?: of)?|\d{{1,2}}(?: of)?) (?:{_MONTH}|{_SHORT})(?:,? {_YEAR}|,? '?\d\d)?|"
    rf"(?:{_MONTH}|{_SHORT}),? (?:the )?(?:{_NTH}|\d{{1,2}})(?:,? ?{_YEAR}|,? '?\d\d(?!\d))?|"
    rf"(?:the )?{_NTH} of (?:the )?{_NTH},? ?(?:{_YEAR}|'?\d\d)?|\d{{1,2}}[ /.-]\d{{1,2}}[ /.-](?:{_YEAR}|\d\d)|{_MONTH},? (?:of )?{_YEAR})"
)


def _row(
    name: str, label: str, pattern: str, score: float, *needs: str,
    check: Callable[[str], bool] | None = None, sure: float = 0.0, trim: Trim | None = None,
) -> Row:  # fmt: skip
    return Row(name, label, re.compile(pattern), score, needs, check, sure, trim)


_TLD = "|".join(sorted(TLDS))
ROWS = (
    _row(
        "email", "email_address",
        r"(?<![\w.+'-])[\w+'-][\w.+'-]{0,255}@(?:[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}|(?:gmail|googlemail|yahoo|hotmail|outlook|"
        r"icloud|protonmail|aol|gmx)(?!\w))",
        0.96, "@",
    ),
    _row("url", "url", r"(?<![\w@.-])(?:https?://|www\.)[^\s<>\"']{3,2000}", 0.95, "http", "www"),
    _row(
        "domain", "url",
        rf"(?<![\w@.-])[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}\.(?:{_TLD})(?:\.(?:uk|au|nz|za|ng|in))?"
        r"(?:/[\w./-]{0,400})?(?![\w@])",
        0.85, ".",
    ),
    _row(
        "ip_v4", "ip_address", r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)", 0.0, ".",
        check=_machine, sure=0.9, trim=_versionless,
    ),
    _row(
        "ip_v6", "ip_address", r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", 0.0, ":",
        check=_machine, sure=0.9,
    ),
    _row("mac", "ip_address", r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])", 0.9, ":", "-"),
    _row(
        "ssn_written", "us_social_security_number", r"(?<![\w-])\d{3}(?:-|,? )\d{2}(?:-|,? )\d{4}(?![\w-])", 0.85,
        check=lambda found: ssn.is_valid(re.sub(r"\D+", "-", found)), sure=0.93,
    ),
    _row("coordinates", "location_coordinate", r"(?<![\w.])-?\d{1,3}\.\d{4,15},? ?-?\d{1,3}\.\d{4,15}(?!\w)", 0.9, "."),
    _row(
        "day_of_month", "date",
        rf"(?<!\w)(?:{_WEEKDAY})?(?:the )?{_NTH}(?: day)?(?: of)? (?:{_MONTH}|{_SHORT})(?:,? ?{_YEAR})?{_ENDS}", 0.92,
    ),
    _row(
        "month_and_day", "date",
        rf"(?<!\w)(?:{_WEEKDAY})?(?:{_MONTH}|{_SHORT}),? (?:the )?{_NTH}(?:,? ?{_YEAR})?{_ENDS}", 0.92,
    ),
    _row(
        "month_and_number", "date",
        rf"(?<!\w)(?:{_WEEKDAY})?(?:{_MONTH}|{_SHORT}) \d{{1,2}}(?:,? ?{_YEAR}|(?=[.,?!;\n]|$)){_ENDS}", 0.8,
    ),
    _row("number_and_month", "date", rf"(?<![\w.,-])\d{{1,2}} (?:{_MONTH}|{_SHORT}),? ?{_YEAR}{_ENDS}", 0.9),
    _row("on_month_number", "date", rf"(?<!\w)(?:on|since|until|till|by|from) ({_MONTH} \d{{1,2}}){_ENDS}", 0.75),
    _row("month_and_year", "date", rf"(?<!\w){_MONTH},? (?:of )?{_YEAR}(?!\d|st|th)", 0.88),
    _row("weekday_and_day", "date", rf"(?<!\w){_WEEKDAY}(?:the )?{_NTH}{_ENDS}", 0.88),
    _row("nth_of_nth", "date", rf"(?<!\w)(?:the )?{_NTH} of (?:the )?{_NTH},? ?(?:{_YEAR}|\d\d)(?!\d)", 0.85),
    _row(
        "day_alone", "date",
        rf"(?<!\w)(?:on|by|until|till|since|before|after|from|it's|is|for) (the {_NTH}){_CLAUSE_END}", 0.62, " the ",
    ),
    _row(
        "numeric_date", "date",
        r"(?<![\w/.-])(?:\d{1,2}([/.-])\d{1,2}\1(?:(?:19|20)\d\d|\d\d)|\d{4}([/-])\d{1,2}\2\d{1,2})(?![\w/-])", 0.0,
        check=_day, sure=0.88, trim=lambda reading, match: match.span(),
    ),
    _row("born", "date_of_birth", rf"(?<!\w){_BORN}[^\n\d]{{0,24}}?\b({_ANY_DATE}){_ENDS}", 0.93, "b"),
    _row("birthday_asked", "date_of_birth", rf"(?<!\w){_BORN}[^\n]{{0,60}}\n[^\n\d]{{0,30}}?\b({_ANY_DATE}){_ENDS}", 0.93, "b"),
    _row(
        "expiry", "credit_card_expiration",
        rf"(?:expir|valid (?:until|thru|through)|good (?:thru|through))[^\d\n]{{0,30}}(?:\n[^\d\n]{{0,24}})?\b((?:{_MONTH}|\d{{1,2}})"
        r"(?: of |/|,? )(?:20)?\d\d)(?!\w)", 0.9, "expir", "valid", "good",
    ),
    _row(
        "years_old", "person_age",
        r"(?<![\w.,])(\d{1,3}[ -](?:and a half[ -])?(?:years?|yrs?|months?|weeks?)[ -](?:old|of age))(?!\w)", 0.8, "old", "age",
    ),
    _row("aged", "person_age", r"(?<!\w)(?:aged|age of|age is|age:?|turn(?:ed|ing|s)?) (\d{1,3})" + _CLAUSE_END, 0.72,
         "age", "turn"),
    _row(
        "is_age", "person_age",
        r"(?<!\w)(?:i'm|i am|he's|he is|she's|she is) (?:only |just |almost |nearly )?(\d{1,2})"
        r"(?=[.,?!;\n](?! \d)|$| and (?:he|she|i|my|a|the)\b| now\b)", 0.62, "i'm ", "i am ", "he's ", "he is ", "she's ", "she is ",
    ),
    _row(
        "age_asked", "person_age",
        r"(?<!\w)(?:how old|(?:your|his|her|their) age)[^\n]{0,60}\n[^\n\d]{0,20}?\b(\d{1,3}(?: months?)?)(?![\w$%-]|[.,]\d)", 0.85,
        "old", "age",
    ),
)  # fmt: skip
"""Rows that need no judgement beyond their check; those that do stand in `names` and `places`."""
