"""Finds where e-mail and web addresses are spoken: "quill and sons at maple court dot com slash help".

`joins` says which tokens belong together without white space, which become signs and which say nothing. It starts from
every "dot com" (any dot before a top-level domain, spoken or written) and walks outward, never over a line break, a
sentence's end or a word that introduces an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from offrecord.detect.tokens import Atom, Token
from offrecord.detect.vocabulary import TLDS

__all__ = ["Joins", "joins"]


@dataclass(slots=True)
class Joins:
    """Token indices: ``glued`` to what stands before, ``signs`` that replace a token, ``dropped`` from the view."""

    glued: set[int] = field(default_factory=set)
    signs: dict[int, str] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Unit:
    """An atom, or a token that is none."""

    first: int
    last: int
    low: str
    kind: str


_STOP = frozenset(
    "is it it's its that's thats this was are be to on in my your his her our their me us you i we he she they "
    "him them email mail emails e address site website page web link url by or for from via use using try type "
    "enter open send sent reach get got go goes visit see check called named under yes yeah yep yup sure okay "
    "ok so well um uh er oh no not right just then into if when because have has had will would can could "
    "should do did does confirm write spelled now and's here's there's which what where put down need want "
    "text call contact write please at through login log portal server online called with about check hello hi "
    "thanks thank but still im i'm i'll you're we're".split()
)
_NEVER_BEFORE_AT = frozenset(
    "look looking us online website site web page portal available up go found find out it me here more start "
    "shop start works work live based read visit everything details information info form him her them hosted "
    "in on stream is are was be stay home one".split()
)
_MAILERS = frozenset("gmail googlemail yahoo hotmail outlook icloud protonmail aol gmx btinternet".split())
_EDGES = frozenset("the and a an of all one word lower case lowercase".split())
_NEVER_IN = frozenset("is it it's its at to on was be and or are".split())
_GLOSS = frozenset(
    "all one word lower upper case lowercase uppercase together run spelled spelt out no dot dots space spaces "
    "hyphen dash the plural then um uh er . - like as it sounds".split()
)
"""Words that explain how an address is written."""
_MOST_WORDS = 4
_MOST_UNITS = 48


def joins(toks: Sequence[Token], atoms: Sequence[Atom]) -> Joins:
    """What is to be joined in the tokens of a text, given its atoms."""
    result = Joins()
    if not any(t.low in ("dot", ".", "at", "@") for t in toks):
        return result
    units = _units(toks, atoms)
    reached = 0
    for k, unit in enumerate(units):
        if k < reached:
            continue
        host = _host(toks, units, k, reached) if unit.low in (".", "dot") else _mailer(units, k)
        if host is not None:
            start, stop = _with_local_part(toks, units, host, result, reached)
            _glue(units, start, stop, result)
            reached = stop
    return result


def _units(toks: Sequence[Token], atoms: Sequence[Atom]) -> list[_Unit]:
    units: list[_Unit] = []
    i = 0
    for atom in atoms:
        units += (_Unit(t, t + 1, toks[t].low, "") for t in range(i, atom.first))
        units.append(_Unit(atom.first, atom.last, atom.text, atom.kind))
        i = atom.last
    units += (_Unit(t, t + 1, toks[t].low, "") for t in range(i, len(toks)))
    return units


def _word(units: Sequence[_Unit], k: int) -> str:
    return units[k].low if 0 <= k < len(units) else ""


def _domain(units: Sequence[_Unit], k: int) -> int | None:
    """The unit after the top-level domain that starts at unit k, whole or spelled; None if there is none."""
    if _word(units, k) in TLDS:
        return k + 1
    for length in (5, 4, 3, 2):
        part = units[k : k + length]
        if len(part) == length and all(u.kind == "letters" for u in part) and "".join(u.low for u in part) in TLDS:
            return k + length
    return None


def _tight(toks: Sequence[Token], units: Sequence[_Unit], k: int) -> bool:
    """Whether there is a unit k, and no white space between it and the one before."""
    return 0 < k < len(units) and toks[units[k].first].start == toks[units[k - 1].last - 1].end


def _host(toks: Sequence[Token], units: Sequence[_Unit], dot: int, least: int) -> tuple[int, int] | None:
    """The units of the host (and path) whose last dot may be unit ``dot``."""
    spoken = units[dot].kind == "mark"
    stop = _domain(units, dot + 1)
    if stop is None:
        return None
    longer = _tight(toks, units, stop) and _word(units, stop)[:1].isalnum()
    if not spoken and (longer or not _tight(toks, units, dot + 1)):
        return None
    start = _left(toks, units, dot, least, loose=spoken)
    if start == dot:
        return None
    while _word(units, stop) == "." and (more := _domain(units, stop + 1)) is not None:
        if units[stop].kind != "mark" and not _tight(toks, units, stop + 1):
            break
        stop = more
    return start, _path(toks, units, stop)


def _left(toks: Sequence[Token], units: Sequence[_Unit], right: int, least: int, *, loose: bool) -> int:
    """The first unit that belongs to what ends before unit ``right``.

    White space is crossed only where the sign on its right was spoken (``loose``): a written host has none.
    """
    words, k = 0, right
    while k > max(least, right - _MOST_UNITS):
        unit = units[k - 1]
        if unit.kind == "mark" and unit.low in "._-":
            words, loose = 0, True
        elif unit.low in (".", "-", "_", "+") and not unit.kind:
            if not _tight(toks, units, k) or not (_tight(toks, units, k - 1) or unit.low == "."):
                break
            words, loose = 0, False
        elif unit.low == ",":
            if not loose or not _dictated(units, k):
                break
            words = 0
        elif not (loose or k == right or _tight(toks, units, k)):
            break
        elif unit.kind not in ("letters", "digits", "code"):
            words += 1
            if words > _MOST_WORDS or not _belongs(units, k, right):
                break
        k -= 1
    while k < right and (units[k].low in _EDGES or units[k].low == ",") and units[k].kind != "letters":
        k += 1
    return k


def _belongs(units: Sequence[_Unit], k: int, right: int) -> bool:
    """Whether the word before unit k can be part of an address."""
    low = units[k - 1].low
    if not low[0].isalnum() or low == "at":
        return False
    return low not in _STOP or _needed(units, k, right)


def _dictated(units: Sequence[_Unit], k: int) -> bool:
    """Whether the comma before unit k stands inside something spelled, or before a gloss ("all one word")."""
    sides = (units[k - 2] if k > 1 else units[k - 1], units[k])
    if any(u.kind in ("letters", "mark") for u in sides) or units[k].low in ("that's", "thats", "at", "@"):
        return True
    for unit in units[k : k + _MOST_WORDS + 2]:
        if unit.low not in _GLOSS:
            return unit.low in (",", "at", "@")
    return False


def _needed(units: Sequence[_Unit], k: int, right: int) -> bool:
    """Whether the word before unit k belongs to an address although it could introduce one."""
    return units[k - 1].low not in _NEVER_IN and (
        k == right
        or units[k].kind == "mark"
        or (units[k].kind == "letters" and units[k - 1].low in ("that's", "thats"))
    )


def _path(toks: Sequence[Token], units: Sequence[_Unit], stop: int) -> int:
    """Past "slash my account" and "/my-account"."""
    while stop + 1 < len(units) and _slash(units, stop):
        stop += _word(units, stop) == ","
        if units[stop].kind != "mark":
            k = stop + 1
            while k < len(units) and _tight(toks, units, k) and units[k].low not in (",", "."):
                k += 1
            return k
        k = stop + 1
        while k < len(units) and (units[k].low[0].isalnum() or units[k].kind) and units[k].low != "/":
            k += 1
        if k == stop + 1:
            return stop
        ended = k == len(units) or units[k].low == "/" or not units[k].low[0].isalnum()
        stop = k if ended and k - stop <= 5 else stop + (3 if _word(units, stop + 1) in ("my", "the", "your") else 2)
    return min(stop, len(units))


def _slash(units: Sequence[_Unit], k: int) -> bool:
    return _word(units, k) == "/" or (_word(units, k) == "," and _word(units, k + 1) == "/")


def _mailer(units: Sequence[_Unit], k: int) -> tuple[int, int] | None:
    """ "at gmail", with the domain left out."""
    if units[k].low in _MAILERS and _word(units, k - 1) in ("at", "@") and _word(units, k + 1) not in (".", "dot"):
        return k, k + 1
    return None


def _with_local_part(
    toks: Sequence[Token], units: Sequence[_Unit], host: tuple[int, int], result: Joins, least: int
) -> tuple[int, int]:
    start, stop = host
    at = start - 1
    while at > least and _word(units, at) in (",", "um", "uh", "er", "erm"):
        at -= 1
    if at <= least or _word(units, at) not in ("at", "@"):
        return host
    spoken = _word(units, at) == "at"
    if spoken and any(unit.low == "/" for unit in units[start:stop]):
        return host
    if spoken and (units[at - 1].low in _NEVER_BEFORE_AT and units[at - 1].kind == ""):
        return host
    first = _left(toks, units, at, least, loose=spoken or not _tight(toks, units, at))
    if first == at:
        return host
    result.signs[units[at].first] = "@"
    return first, stop


def _glue(units: Sequence[_Unit], start: int, stop: int, result: Joins) -> None:
    for unit in units[start:stop]:
        result.glued.update(range(max(unit.first, units[start].first + 1), unit.last))
        if unit.low in (",", "that's", "thats"):
            result.dropped.add(unit.first)
