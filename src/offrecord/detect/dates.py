"""Rows for dates, dates of birth, expiry dates and ages, in the written view.

A calendar date has a day and a month, a month and a year, or a weekday and a day; a weekday, month or year alone is
none.
"""

from __future__ import annotations

import re

from offrecord.detect.rows import Reading, row
from offrecord.detect.vocabulary import MONTHS, WEEKDAYS

__all__ = ["DATE_ROWS"]


def _day(found: str) -> bool:
    """Whether numbers can be a day and a month, and a year if there are three, in some order."""
    parts = [int(part) for part in re.findall(r"\d+", found)]
    if parts[0] > 31:
        return 1900 <= parts[0] <= 2099 and 1 <= parts[1] <= 12 and 1 <= parts[2] <= 31
    return min(parts[:2]) in range(1, 13) and max(parts[:2]) <= 31


def _not_version(_: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    """Dots between the numbers are a version's unless a whole year is among them."""
    found = match[0]
    return None if "." in found and not re.search(r"(?:19|20)\d\d", found) else match.span()


_YEAR = r"(?:19|20)\d\d"
_SHORT = r"(?:jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_MONTH = rf"(?:{'|'.join(MONTHS)}|{_SHORT})"
_SURE_MONTH = rf"(?:{'|'.join(m for m in MONTHS if m not in ('may', 'march'))}|{_SHORT})"
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)}|(?:mon|tues?|wed|thur?s?|fri|sat|sun)\.?),? "
_NTH = r"\d{1,2}(?:st|nd|rd|th)"
_LATER_NTH = r"(?:[4-9]th|1\dth|2\d(?:st|nd|rd|th)|3[01](?:st|th))"
_ENDS = r"(?![\w'])"
_CLAUSE_END = (
    r"(?=[.,?!;:)\n]|$| (?:at|and|or|to|if|for|when|because|before|after|is|was|we|i|i'm|i'll|we'll|you|he|she|they|so|"
    r"but|then|with|through|until|till|around|works|would|will|should|please|in|that|this|still|okay|ok|yeah|not)\b)"
)
_OF_YEAR = rf"(?:,? ?(?:in |of )?{_YEAR})?"
_BORN = r"(?:birth|born|birthday|birthdate|dob|d\.?o\.?b\.?)"
_ANY_DATE = (
    rf"(?:(?:{_WEEKDAY})?(?:the )?(?:{_NTH}(?: day)?(?: of)?|\d{{1,2}}(?: of)?)[ -]{_MONTH}"
    rf"(?:[,-]? ?{_YEAR}|,? '?\d\d)?|"
    rf"{_MONTH},? (?:the )?(?:{_NTH}|\d{{1,2}})(?:,? ?(?:of )?{_YEAR}|,? '?\d\d(?!\d))?|{_MONTH},? \d{{3,6}}|"
    rf"(?:the )?{_NTH} of (?:the )?{_NTH}(?:,? ?(?:{_YEAR}|'?\d\d))?|\d{{1,2}}[ /.-]\d{{1,2}}[ /.-](?:{_YEAR}|\d\d)|"
    rf"{_MONTH},? (?:of )?{_YEAR})"
)
_KIN = (
    "son|daughter|boy|girl|kid|child|baby|mother|father|mom|mum|dad|husband|wife|partner|brother|sister|grandson|"
    "granddaughter|grandmother|grandfather|nephew|niece|patient|man|woman|eldest|oldest|youngest"
)
_IS = r"(?:i'm|i am|he's|he is|she's|she is|who's)"

DATE_ROWS = (
    row(
        "day_of_month", "date",
        rf"(?<!\w)(?:{_WEEKDAY})?(?:the )?{_NTH}(?: day)?(?: of)? {_MONTH}{_OF_YEAR}{_ENDS}", 0.92,
    ),
    row("month_and_day", "date", rf"(?<!\w)(?:{_WEEKDAY})?{_MONTH},? (?:the )?{_NTH}{_OF_YEAR}{_ENDS}", 0.92),
    row(
        "month_and_number", "date",
        rf"(?<!\w)(?:(?:{_WEEKDAY}){_MONTH}|{_SURE_MONTH}) \d{{1,2}}(?:,? ?{_YEAR}|(?!\d)){_ENDS}(?! ?%| percent)", 0.8,
    ),
    row(
        "may_and_number", "date", rf"(?<!\w)(?:may|march) \d{{1,2}}(?:,? ?{_YEAR}|(?=[.,?!;\n]|$)){_ENDS}", 0.75, "ma",
    ),
    row(
        "number_and_month", "date",
        rf"(?<![\w.,-])(?:{_WEEKDAY})?\d{{1,2}}(?:(?: of)? {_SURE_MONTH}(?:,? ?{_YEAR})?|"
        rf"(?: of)? (?:may|march),? ?{_YEAR}|-{_SURE_MONTH}-(?:{_YEAR}|\d\d)){_ENDS}", 0.85,
    ),
    row("weekday_number_may", "date", rf"(?<!\w){_WEEKDAY}\d{{1,2}} (?:may|march){_ENDS}", 0.85, "ma"),
    row(
        "on_month_number", "date",
        rf"(?<!\w)(?:on|since|until|till|by|from) ((?:may|march) \d{{1,2}}|\d{{1,2}} (?:may|march)){_ENDS}", 0.75, "ma",
    ),
    row("month_and_year", "date", rf"(?<!\w){_MONTH},? (?:of )?{_YEAR}(?!\d|st|th)", 0.88),
    row("weekday_and_day", "date", rf"(?<!\w){_WEEKDAY}(?:the )?{_NTH}{_ENDS}", 0.88),
    row("nth_of_nth", "date", rf"(?<!\w)(?:the )?{_NTH} of (?:the )?{_NTH},? ?(?:{_YEAR}|\d\d)(?!\d)", 0.85),
    row(
        "day_alone", "date",
        rf"(?<!\w)(?:on|by|until|till|since|before|after|from) (the {_NTH}){_CLAUSE_END}", 0.65, "the ",
    ),
    row("later_day_alone", "date", rf"(?<!\w)(?<!on )(?<!by )(the {_LATER_NTH}){_CLAUSE_END}", 0.55, "the "),
    row(
        "numeric_date", "date",
        r"(?<![\w/.-])(?:\d{1,2}([/.-])\d{1,2}\1(?:(?:19|20)\d\d|\d\d)|\d{4}([/-])\d{1,2}\2\d{1,2})(?![\w/-]|\.\d)",
        0.0, check=_day, sure=0.88, trim=_not_version,
    ),
    row(
        "numeric_day", "date",
        r"(?<!\w)(?:on|dated|by|since|until|till|from|date|due|renews|mon|tues?|wed|thur?s?|fri|sat|sun) "
        r"(\d{1,2}/\d{1,2})(?![\w/]|\.\d)", 0.0, "/", check=_day, sure=0.7,
    ),
    row("born", "date_of_birth", rf"(?<!\w){_BORN}[^\n\d]{{0,24}}?\b({_ANY_DATE}){_ENDS}", 0.93, "b"),
    row(
        "birthday_asked", "date_of_birth",
        rf"(?<!\w){_BORN}[^\n]{{0,60}}\n[^\n\d]{{0,30}}?\b({_ANY_DATE}){_ENDS}", 0.93, "b",
    ),
    row(
        "expiry", "credit_card_expiration",
        rf"(?:expir|valid (?:until|thru|through)|good (?:thru|through|till|until)|runs? out)[^\d\n]{{0,30}}"
        rf"(?:\n[^\d\n]{{0,24}})?\b((?:{_MONTH}|\d{{1,2}})(?: of |/|,? )(?:20)?\d\d)(?!\w)",
        0.9, "expir", "valid", "good", "out",
    ),
    row(
        "month_of_year", "credit_card_expiration",
        rf"(?<!\w){_MONTH} of \d\d{_ENDS}(?! (?:th|us|you|people|of))", 0.6, " of ",
    ),
    row(
        "person_years_old", "person_age",
        rf"(?<!\w)(?:{_IS}|who is|was|they're|you're|turns|{_KIN})[^\n.?!]{{0,20}}? "
        r"(\d{1,3}[ -](?:and a half[ -])?(?:years?|yrs?|months?|weeks?)[ -](?:old|of age))(?!\w)", 0.8, "old", "of age",
    ),
    row(
        "year_old_person", "person_age",
        rf"(?<![\w.,])(\d{{1,3}}[ -]years?[ -]old) (?:{_KIN}|male|female|lady|gentleman)", 0.85, "old",
    ),
    row(
        "aged", "person_age",
        rf"(?<!\w)(?:aged|age of|age is|age:?|turn(?:ed|ing|s)) (\d{{1,3}}){_CLAUSE_END}", 0.72, "age", "turn",
    ),
    row(
        "is_age", "person_age",
        rf"(?<!\w){_IS} (?:only |just |almost |nearly |about )?(\d{{1,2}}(?: months| weeks)?)"
        r"(?=[.,?!;\n](?! \d)|$| and (?:he|she|i|my|a|the)\b| now\b)",
        0.62, "i'm ", "i am ", "he's ", "he is ", "she's ", "she is ", "who's ",
    ),
    row(
        "kin_age", "person_age",
        rf"(?<!\w)(?:my|his|her|our|your|the) (?:\w+ )?(?:{_KIN})(?:'s| is) (\d{{1,2}}){_CLAUSE_END}", 0.65,
    ),
    row(
        "when_age", "person_age",
        rf"(?<!\w)(?:when|since|till|until|time) (?:i|he|she) was (?:only )?(\d{{1,2}}){_CLAUSE_END}", 0.7, " was ",
    ),
    row(
        "age_asked", "person_age",
        r"(?<!\w)(?:how old|(?:your|his|her|their) age)[^\n]{0,60}\n[^\n\d]{0,20}?\b(\d{1,3}(?: months?)?)"
        r"(?![\w$%-]|[.,]\d)", 0.85, "old", "age",
    ),
)  # fmt: skip
"""Rows for days and ages."""
