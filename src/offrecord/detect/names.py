"""Rows for names and words that answer a question: persons, organisations, logins, secrets.

A cue says that a name comes; where it ends is decided by capitals in cased text, and by which words are common in text
without case.
"""

from __future__ import annotations

import re

from offrecord.detect.english import is_common
from offrecord.detect.rows import Reading, row

__all__ = ["NAME_ROWS"]

_WORD = re.compile(r"[^\W\d_][\w'-]*\.?")
_PARTICLES = frozenset(
    "van von de der den del della di da dos la le el al bin ibn ben ter o' st mac mc san abu ap".split()
)
_NO_NAME = frozenset(
    "on in not the a an at with from for and or but so is it's its it that's that this just calling speaking "
    "here i'm i you he she we they my your his her our their to of as by if actually uh um er oh yes no yeah "
    "going gonna what who how when where why there spelled spelt wrong right correct same under listed only "
    "first last all probably still also really very too sorry well okay ok sure thanks please good about "
    "calling".split()
)
_MOST_NAME_WORDS = 4
_TITLE = re.compile(r"(?:mr|mrs|ms|mx|dr|prof|miss|doctor|professor|officer|captain|sergeant)\.? ")


def _name(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    """The name at the start of a stretch, if there is one."""
    first = last = None
    title = _TITLE.match(reading.low, start, end)
    for n, match in enumerate(_WORD.finditer(reading.low, title.end() if title else start, end)):
        low = match[0].rstrip(".").removesuffix("'s")
        gap = reading.low[last : match.start()] if last is not None else ""
        if n >= _MOST_NAME_WORDS or (last is not None and gap != " "):
            break
        if low in _PARTICLES and n + 1 < _MOST_NAME_WORDS and (last is not None or reading.cased):
            first, last = (match.start() if first is None else first), match.end()
            continue
        if not _fits(low, n, reading.text[match.start()].isupper() if reading.cased else None):
            break
        first = match.start() if first is None else first
        last = match.start() + (len(low) if len(low) > 1 else len(match[0]))
        if match[0].endswith("'s") or (match[0].endswith(".") and len(low) > 2):
            break
    if first is None or last is None:
        return None
    words = reading.low[first:last].split()
    while words and words[-1] in _PARTICLES:
        last -= len(words.pop()) + 1
    return (first, last) if words else None


def _fits(low: str, n: int, capital: bool | None) -> bool:
    """Whether a word can be the n-th of a name; ``capital`` is None in text without case."""
    if capital is None:
        return low not in _NO_NAME and (n == 0 or not is_common(low))
    return capital and (n > 0 or low not in _NO_NAME)


def _named(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    return _name(reading, match.start(1), match.end(1))


def _titled(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    span = _name(reading, match.start(1), match.end(1))
    if span is None or reading.cased:
        return span
    return span if not is_common(reading.low[span[0] : span[1]].split()[0]) else None


def _bare_name(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    """A bare answer to "your name?": few words, that look like a name."""
    span = _titled(reading, match)
    if span is None:
        return None
    first = reading.low[span[0] : span[1]].split()[0].rstrip(".")
    return None if is_common(first) and len(reading.low[span[0] : span[1]].split()) == 1 else span


def _called(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    """An organisation: capitals, joined by "and", "of" and "the", in cased text only."""
    if not reading.cased:
        return None
    last = None
    for word in re.finditer(r"[\w'&-]+", reading.text[match.start(1) : match.end(1)]):
        if word[0][0].isupper() or word[0][0].isdigit() or word[0] == "&":
            last = match.start(1) + word.end()
        elif word[0] not in ("and", "of", "the", "for"):
            break
    if last is None or not reading.text[match.start(1)].isupper():
        return None
    return match.start(1), last


_REFUSALS = frozenset(
    "i i'm you he she we they what why how when where who which yes no yeah yep sure okay ok um uh hang hold "
    "wait one let oh well hmm sorry do does did can could would should there it's it that's that this not "
    "don't is are was and but so give right mm same just nothing none please".split()
)


def _secret(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    """A bare answer that is not a sentence: up to five words."""
    words = reading.low[match.start(1) : match.end(1)].split()
    if not words or len(words) > 5 or words[0].strip(",.!?") in _REFUSALS:
        return None
    if any(word.strip(",.!?") in _REFUSALS for word in words[1:]):
        return None
    return match.span(1)


def _bare_secret(reading: Reading, match: re.Match[str]) -> tuple[int, int] | None:
    """An answer that is hardly anything else: with a digit or a sign, or without a common word."""
    span = _secret(reading, match)
    if span is None:
        return None
    said = reading.low[span[0] : span[1]]
    unusual = not any(is_common(word) for word in said.split())
    return span if unusual or any(not c.isalpha() and c not in " '.,-" for c in said) else None


_NAME = r"([^\W\d_][^\n,?!;:()]{0,80})"
_ANSWER = r"((?:[^\W_]|[\"'*#])[^\n,?!;]{0,60}?)(?=[.,?!;]?(?:\n|$)|[.,?!;] )"
_LEAD = (
    r"(?:(?:it's|its|it is|that's|thats|should be|yes|yeah|sure|just|the answer is|um|uh|er|okay|ok|so|well|oh),? )"
    r"{0,3}"
)
_TITLES = (
    r"(?:mr|mrs|ms|mx|dr|prof|sgt|capt)\.?|miss|doctor|professor|officer|detective|sergeant|nurse|reverend|captain|judge|"
    r"senator|councillor|aunt|auntie|uncle"
)
_LOGIN = r"(?:user ?name|user id|login name|log ?in|screen name|handle)"
_ASKED_WORD = (
    r"(?:password|passcode|pass phrase|passphrase|pass word|code word|safe word|secret word|security word|"
    r"memorable word|security question|maiden name|first pet)"
)

NAME_ROWS = (
    row(
        "my_name_is", "person_name",
        rf"(?<!\w)(?:my|full|first|last|sur|middle|maiden|her|his) ?name(?:'s| is|s)(?: actually)? {_NAME}",
        0.88, "name", trim=_named,
    ),
    row(
        "name_is", "person_name", rf"(?<!\w)(?:the name's|the name is|name of|named|under the name) {_NAME}",
        0.7, "name", trim=_titled,
    ),
    row(
        "this_is", "person_name",
        r"(?<!\w)this is ([^\W\d_][^\n,?!;:()]{0,40}?) "
        r"(?:speaking|calling|from|with|at|here|again|over|on behalf|in)\b",
        0.85, "this is", trim=_titled,
    ),
    row(
        "speaking", "person_name",
        r"(?<![\w'])([^\W\d_][\w'-]{1,30}(?<!ly)(?: [^\W\d_][\w'-]{1,30})?) speaking\b", 0.75, "speaking", trim=_titled,
    ),
    row(
        "speaking_with", "person_name",
        rf"(?<!\w)(?:speaking|talking) (?:with|to) {_NAME}", 0.75, "ing ", trim=_titled,
    ),
    row(
        "i_am_from", "person_name", r"(?<!\w)i'?m ([^\W\d_][^\n,?!;:()]{0,40}?)(?:,)? (?:from|with|at|calling)\b",
        0.7, "m ", trim=_titled,
    ),
    row("titled", "person_name", rf"(?<![\w-])(?:{_TITLES}) {_NAME}", 0.85, trim=_titled),
    row(
        "name_asked", "person_name",
        rf"(?<!\w)(?:your|the|full|first|last|sur|maiden|middle|whose|patient's|caller's) ?names?(?: again)?"
        rf"(?: on [^\n?]{{0,30}})?[?.]?(?: please[?.]?)?\n{_LEAD}{_NAME}",
        0.78, "name", trim=_bare_name,
    ),
    row(
        "who_asked", "person_name",
        rf"(?<!\w)(?:who am i|who's|who is|whom am i) (?:speaking|talking|this|calling|on the line)[^\n]{{0,40}}\n"
        rf"{_LEAD}{_NAME}",
        0.75, "who", trim=_bare_name,
    ),
    row(
        "thanks_for_calling", "organization",
        r"(?<!\w)(?:thanks|thank you) for calling (?:the )?([^\n,.?!;:]{2,60})", 0.78, "for calling", trim=_called,
    ),
    row("login_is", "username", rf"(?<!\w){_LOGIN}(?:'s| is|:)(?: just)? {_ANSWER}", 0.68, trim=_secret),
    row("login_asked", "username", rf"(?<!\w){_LOGIN}[^\n]{{0,30}}\n{_LEAD}{_ANSWER}", 0.65, trim=_secret),
    row(
        "password_is", "password",
        rf"(?<!\w){_ASKED_WORD}(?:'s| is|:| was)(?: just| now)? {_ANSWER}", 0.68, trim=_secret,
    ),
    row("password_asked", "password", rf"(?<!\w){_ASKED_WORD}[^\n]{{0,40}}\n{_LEAD}{_ANSWER}", 0.62, trim=_bare_secret),
)  # fmt: skip
"""Rows whose end is a judgement."""
