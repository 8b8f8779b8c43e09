"""From dialogues to training text: fresh values in the marked places, and the ways in which recognisers write.

One call of `vary` gives one new version of a dialogue: some details exchanged for fresh ones of the same kind and length, or
for those of other dialogues; now and then numbers as digits, turns joined, case and punctuation gone. Seeds make it repeatable.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import values
from dialogues import Dialogue, Segment, lower, plain, without

Example = tuple[str, list[tuple[int, int, str]]]
Pool = dict[str, list[str]]

_NUMBER_WORDS = frozenset(
    "oh zero nought o one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand double triple treble".split()
)
_NUMERIC = frozenset(values._SHAPES)
_CODES = frozenset({"account_number", "vehicle_id", "drivers_license", "passport_number", "healthcare_number"})
_KEPT = re.compile(r"\b(first|second|third|fifth|last|same|digit|letter|character|then|not)\b", re.IGNORECASE)
_FOLLOWED = ("as in", " for ", "like")


def pool_of(dialogues: Iterable[Dialogue]) -> Pool:
    """All surfaces of each label, to be exchanged between dialogues."""
    pool: defaultdict[str, list[str]] = defaultdict(list)
    for dialogue in dialogues:
        for turn in dialogue.turns:
            for text, label in turn:
                if label:
                    pool[label].append(text)
    return dict(pool)


def vary(dialogue: Dialogue, pool: Pool, rng: Random) -> Example:
    """A new version of ``dialogue``: text and spans, dressed as a recogniser might."""
    text, spans = plain(renewed(dialogue, pool, rng, written=rng.random() < 0.18))
    return dress(text, spans, rng)


def renewed(dialogue: Dialogue, pool: Pool, rng: Random, *, written: bool) -> Dialogue:
    """``dialogue`` with some of its details exchanged, and with its numbers as digits if ``written``."""
    voice = values.Voice(rng)
    keep = rng.choice([1.0, 0.55, 0.3])
    names: dict[str, str] = {}
    turns: list[tuple[Segment, ...]] = []
    for turn in dialogue.turns:
        new: list[Segment] = []
        for text, label in turn:
            surface = text if label is None else _fresh(text, label, pool, voice, rng, keep, names, written=written)
            if written and not re.search(r"\d", surface):
                surface = digits_written(surface, rng)
            new.append((surface, label))
        turns.append(tuple(new))
    return Dialogue(dialogue.name, dialogue.domain, tuple(turns))


def dress(text: str, spans: list[tuple[int, int, str]], rng: Random) -> Example:
    """Case, punctuation and line breaks as one recogniser or another gives them."""
    if rng.random() < 0.12:
        text = text.replace("\n", " ")
    how = rng.random()
    if how < 0.44:
        return lower(text, spans)
    if how < 0.5:
        return text.lower(), spans
    if how < 0.53:
        text, spans = without(text, spans, ".,?!")
    return text, spans


def _fresh(
    text: str,
    label: str,
    pool: Pool,
    voice: values.Voice,
    rng: Random,
    keep: float,
    names: dict[str, str],
    *,
    written: bool,
) -> str:
    if rng.random() < keep or (_KEPT.search(text) and label != "date"):
        return text
    made = _made(text, label, pool, voice, rng, names, written=written)
    if made is None:
        near = [
            other for other in pool[label] if abs(len(other.split()) - len(text.split())) <= 1 + len(text.split()) // 3
        ]
        made = rng.choice(near or pool[label])
        if bool(re.search(r"[\d@]", made)) != bool(re.search(r"[\d@]", text)):
            made = text
    return made[:1].upper() + made[1:] if text[:1].isupper() and label not in ("username", "url") else made


def _made(
    text: str, label: str, pool: Pool, voice: values.Voice, rng: Random, names: dict[str, str], *, written: bool
) -> str | None:
    """A fresh value for ``text``, or None where those of other dialogues serve better."""
    words = text.split()
    if label == "person_name":
        return _name(text, words, voice, rng, names)
    if label == "email_address" and (" at " in text or "@" in text) and rng.random() < 0.6:
        host = rng.choice(pool["organization"]).lower()
        host = " ".join(re.findall(r"[a-z]+", host)[:2]) or "postbox"
        return values.email(rng, spoken="@" not in text, domain=host)
    if label == "person_age" and len(words) <= 2 and rng.random() < 0.5:
        said = values._two_digits(rng.randrange(1, 99))
        return str(rng.randrange(1, 99)) if text[0].isdigit() else said
    if label in ("date", "date_of_birth") and rng.random() < 0.5:
        return _date(text, label, rng)
    if label not in _NUMERIC and label not in _CODES:
        return None
    count = _digit_count(text)
    if re.search(r"\d", text) or written:
        if label in _CODES and re.search(r"\b[A-Za-z]\b|[A-Z]{2,}", text):
            return values.written_code(rng)
        return values.written_number(rng, label, count) if count and label in _NUMERIC else None
    plain_number = all(part.strip(",.-").lower() in _NUMBER_WORDS or "-" in part for part in words)
    if plain_number and label in _NUMERIC and count:
        return values.spoken_number(rng, voice, label, count)
    if label in _CODES and count and count >= 3 and rng.random() < 0.6:
        return values.spoken_code(rng, voice)
    return None


def _name(text: str, words: list[str], voice: values.Voice, rng: Random, names: dict[str, str]) -> str | None:
    letters = [word.strip(".,-") for word in words]
    if len(words) > 1 and sum(len(letter) == 1 for letter in letters) >= len(letters) / 4 and len(letters) > 2:
        name = rng.choice(list(names.values())) if names and rng.random() < 0.7 else values.last_name(rng)
        said = values.spelled(rng, voice, name)
        return said if len(said) > 2 else None
    if "-" in text and max(len(part) for part in text.split("-")) <= 2:
        return values.spelled(rng, voice, values.last_name(rng)) or None
    if len(words) > 3:
        return None
    new = []
    for i, word in enumerate(words):
        if word not in names:
            names[word] = (
                values.first_name(rng) if i == 0 and (len(words) > 1 or rng.random() < 0.65) else values.last_name(rng)
            )
        new.append(names[word])
    return " ".join(new).lower() if text.islower() else " ".join(new)


_MONTHS = "January February March April May June July August September October November December".split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth "
    "twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def _date(text: str, label: str, rng: Random) -> str:
    day, month = rng.randrange(31), rng.choice(_MONTHS)
    year = rng.randrange(1930, 2015) if label == "date_of_birth" else rng.randrange(1995, 2032)
    if re.search(r"\d", text):
        number = day + 1
        ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number not in (11, 12, 13) else 0, "th")
        forms = [
            f"{month} {number}{ending}", f"{month} {number}, {year}", f"{number} {month} {year}", f"{number:02}/{rng.randrange(1, 13):02}/{year}",
            f"{rng.randrange(1, 13)}/{number}/{year % 100:02}", f"the {number}{ending}", f"{month[:3]} {number}{ending} {year}",
            f"{year}-{rng.randrange(1, 13):02}-{number:02}",
        ]  # fmt: skip
        return rng.choice(forms)
    said = _ORDINALS[day]
    with_year = _year(year, rng)
    forms = [
        f"{month} {said}", f"the {said} of {month}", f"{said} {month}", f"{month} the {said}", f"{month} {said}, {with_year}",
        f"the {said} of {month}, {with_year}", f"{said} of {month} {with_year}", f"{month} {with_year}",
    ]  # fmt: skip
    if label == "date":
        forms += [
            f"the {said}",
            f"the {said}",
            f"{rng.choice(_DAYS)} the {said}",
            f"{rng.choice(_DAYS)}, {month} {said}",
        ]
    else:
        number = values._two_digits(rng.randrange(1, 32)), values._two_digits(rng.randrange(1, 13))
        short = values._two_digits(year % 100) if year % 100 > 9 else "oh " + values._two_digits(year % 100)
        forms += [
            f"{number[1]}, {number[0]}, {short}",
            f"{number[0]} {number[1]} {with_year}",
            f"{with_year}",
            f"oh {values._two_digits(rng.randrange(1, 10))}, {number[0]}, {short}",
        ]
    return rng.choice(forms)


def _year(year: int, rng: Random) -> str:
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return "two thousand" + (rng.choice([" and ", " "]) + values._ONES[rest] if rest else "")
    head = values._two_digits(century)
    if rest < 10:
        return f"{head} oh {values._ONES[rest]}" if rest else f"{head} hundred"
    if century == 20 and rng.random() < 0.3:
        return f"two thousand and {values._two_digits(rest)}"
    return f"{head} {values._two_digits(rest)}"


def _digit_count(text: str) -> int:
    if re.search(r"\d", text):
        return sum(c.isdigit() for c in text)
    count, factor = 0, 1
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in ("double", "triple", "treble"):
            factor = 2 if word == "double" else 3
        elif word in _NUMBER_WORDS:
            count += factor if word != "hundred" else 2
            factor = 1
    return count


_VALUE = {word: n for n, word in enumerate(values._ONES + values._TEENS)} | {
    word: 10 * n for n, word in enumerate(values._TENS, 2)
}


def digits_written(text: str, rng: Random) -> str:
    """``text`` with its number words as digits, more or less as recognisers write them."""
    token = (
        r"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-(?:one|two|three|four|five|six|seven|eight|nine)|"
        + "|".join(sorted(_VALUE, key=len, reverse=True))
        + r"|oh)"
    )
    run = re.compile(rf"\b{token}(?:,? {token})*\b(?!-)", re.IGNORECASE)

    def written(match: re.Match[str]) -> str:
        parts = re.findall(token, match[0], re.IGNORECASE)
        numbers = [_as_digits(part.lower()) for part in parts]
        if len(numbers) == 1:
            return numbers[0] if len(numbers[0]) > 1 or rng.random() < 0.3 else match[0]
        if match[0].lower().startswith("oh") and len(parts) == 1:
            return match[0]
        return rng.choice(["", "-", " ", ""]).join(numbers) if len(numbers) < 9 else "-".join(numbers)

    return run.sub(written, text)


def _as_digits(word: str) -> str:
    if word == "oh":
        return "0"
    return str(sum(_VALUE[part] for part in word.split("-")))


_CORPORA = {
    "restaurant8k/dev.jsonl": {"first_name": "person_name", "last_name": "person_name", "date": None},
    "slurp/dev.jsonl": {"person": "person_name", "email_address": "email_address", "business_name": "organization", "date": None,
                        "place_name": None, "personal_info": None},
    "nlupp/gold.jsonl": {"person_name": "person_name", "company_name": "organization", "date": None, "date_from": None, "date_to": None,
                         "date_period": None},
    "multiwoz21/gold.jsonl": {"Phone": "phone_number", "Addr": "location_address", "Post": "location_zip", "Ref": "account_number", "Car": None,
                              "Id": None},
}  # fmt: skip
"""The corpora that may train the model, and what their labels are here. None: the marks are not ours, so such a text is
left out unless it has none."""


def corpora(shared: Path) -> Iterator[Example]:
    """Real user turns with their marks as far as they are ours."""
    for name, names in _CORPORA.items():
        for line in (shared / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            labels = {span["label"] for span in row["spans"]}
            if any(label in names and names[label] is None for label in labels):
                continue
            spans = [(s["start"], s["end"], names[s["label"]]) for s in row["spans"] if names.get(s["label"])]
            yield row["text"], sorted(spans)


def read_examples(path: Path) -> list[Example]:
    """Lines of ``{"text", "spans": [[start, end, label], …]}``."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [(row["text"], [(a, b, label) for a, b, label in row["spans"]]) for row in rows]
