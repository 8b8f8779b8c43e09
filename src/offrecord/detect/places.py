"""Rows for addresses: a number and a street with all that is said with it, boxes, highways, streets by name.

What lies between the number and the word for a street must look like a name, so "a twenty minute drive" stays.
"""

from __future__ import annotations

import re

from offrecord.detect.english import is_common
from offrecord.detect.rows import Reading, row
from offrecord.detect.vocabulary import STATES, UNITS

__all__ = ["PLACE_ROWS"]

_STREETS = (
    "street|avenue|road|lane|boulevard|parkway|crescent|terrace|highway|turnpike|expressway|mews|cul-de-sac|esplanade|"
    r"(?:ave|rd|blvd|ln|pkwy|cres|hwy|ct|pl)\.?|(?P<abbreviated>st|dr)\.?"
)
_FURTHER = "street|avenue|road|lane|boulevard|parkway"
_LOOSE_STREETS = (
    "drive|court|close|way|place|trail|circle|square|row|walk|rise|hill|gardens|grove|park|wharf|quay|view|heights|point|"
    "path|loop|run|bend|alley|plaza|green|gate|ridge|meadow|landing|crossing|strasse|field|fields|pass|pike|bluff|vale|"
    "croft|yard"
)
_NOT_STREETS = frozenset(
    "a an the in on of to at for and or is are was were be it i you we he she they my your his her their our "
    "this that these those with from by as if so but not no than then up down out off per each every any some "
    "all more less most other about over under into minute minutes hour hours day days week weeks month months "
    "year years mile miles dollars percent have has had do did does can could will would should may might get "
    "got go going went come say said know think want need just only also very too here there where when what "
    "who how why because one's way long short whole next last same".split()
)
_DIRECTION = r"(?:north|south|east|west|northeast|northwest|southeast|southwest|n|s|e|w|ne|nw|se|sw)\.?"
_STATE = "|".join(STATES)
_UNIT = (
    r"(?:,? (?:(?:apartment|apt|unit|suite|ste|flat|room|lot|building|block|floor|number|#)\.? ?#?\w{1,5}(?:-[a-z])?"
    r"(?: [a-z](?![\w']))?|(?:\d{1,2}(?:st|nd|rd|th)|ground|top) floor)(?!\w))"
)
_POSTCODE = r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d[a-z] ?\d[a-z]\d"
_TAIL = (
    rf"{_UNIT}{{0,2}}(?:(?:,? [^\W\d_][\w'-]{{1,20}}){{1,3}}?,? (?:{_STATE}|[a-z]{{2}}(?= \d{{5}}))(?!\w))?"
    rf"(?:,? (?:\d{{5}}(?:-?\d{{4}})?|{_POSTCODE})(?!\w))?"
)
_CITY = re.compile(r", (?:in )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)?(?=[.,?!;\n]|$)")


def _street(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    words = re.findall(r"[\w'-]+", reading.low[match.start("name") : match.end("name")])
    raw = re.findall(r"[\w'-]+", reading.text[match.start("name") : match.end("name")])
    if any(w in _NOT_STREETS or w in UNITS for w in words):
        return None
    if match.groupdict().get("abbreviated") and re.match(r"\.? [A-Z]", reading.text[match.end("abbreviated") :]):
        return None  # "Dr. Strange" is a person
    if match["loose"]:
        named = all(w[0].isupper() or w[0].isdigit() for w in raw) if reading.cased else not all(map(is_common, words))
        if not named:
            return None
    return match.start(), _with_city(reading, match.end())


def _with_city(reading: Reading, end: int) -> int:
    """In cased text a capitalised town after a comma goes with the street."""
    if reading.cased:
        city = _CITY.match(reading.text, end)
        return city.end() if city else end
    return end


def _bare_street(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    words = reading.low[match.start(1) : match.end(1)].split()[:-1]
    if any(w in _NOT_STREETS or w in UNITS for w in words):
        return None
    fits = reading.text[match.start(1)].isupper() if reading.cased else not all(map(is_common, words))
    return match.span(1) if fits else None


def _whole(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    return match.start(), _with_city(reading, match.end())


_INSIDE = r"(?:(?<!\w)(?:flat|apartment|apt|unit|plot|shop|suite|berth|house|number|room|lot) \w{1,4},? )?"
_BY_NAME = "street|road|avenue|lane|boulevard|parkway|crescent|terrace|drive"

PLACE_ROWS = (
    row(
        "street", "location_address",
        rf"{_INSIDE}(?<![\w$£€.-])\d{{1,6}}[a-z]?(?:-\d{{1,4}})?,? "
        rf"(?:{_DIRECTION} )?(?P<name>(?:[\w'-]{{1,20}}\.? ){{1,3}}?)"
        rf"(?:(?:{_STREETS})|(?P<loose>{_LOOSE_STREETS}))(?![\w'])(?: (?:{_FURTHER}|{_LOOSE_STREETS})(?![\w']))?"
        rf"(?: {_DIRECTION}(?!\w))?{_TAIL}",
        0.88, trim=_street,
    ),
    row(
        "box", "location_address",
        rf"(?<!\w)(?:p\.? ?o\.? ?|post office )box,? (?:number )?\w{{1,8}}(?!\w){_TAIL}", 0.95, "box", trim=_whole,
    ),
    row(
        "unit", "location_address",
        rf"(?<![\w$£€.-])\d{{2,6}} (?:{_DIRECTION} )?(?P<name>(?:[\w'-]{{2,20}} ){{0,1}}[\w'-]{{2,20}}),? "
        rf"(?P<loose>(?:apartment|apt|suite|unit)\.? \w{{1,5}})(?!\w){_TAIL}",
        0.75, "ap", "suite", "unit", trim=_street,
    ),
    row(
        "highway", "location_address",
        r"(?<!\w)(?:(?:interstate|highway|state route|state road|county road|hwy|i-) ?\d{1,4}(?![\w-])"
        r"(?: (?:north|south|east|west)(?:bound)?)?|route \d{1,4} (?:north|south|east|west)(?:bound)?)"
        r"(?:,? (?:just )?(?:past|near|at|by|before|after)? ?(?:the )?(?:mile marker|exit) \d{1,4})?",
        0.7, "interstate", "highway", "route", "road", "hwy", "i-",
    ),
    row(
        "street_by_name", "location_address",
        rf"(?<!\w)(?:on|off|along|lives? on|corner of|and|at|is|in) "
        rf"((?:{_DIRECTION} )?(?:[^\W\d_][\w'-]{{2,20}} ){{1,2}}"
        rf"(?:{_BY_NAME}))(?![\w'])",
        0.7, *_BY_NAME.split("|"), trim=_bare_street,
    ),
)  # fmt: skip
"""Rows for places at street level."""
