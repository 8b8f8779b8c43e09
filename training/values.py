"""Fresh values for marked details: names, numbers and codes in the ways in which people say them and recognisers write them.

Every function takes a `random.Random` and returns a surface. A value is thrown away after use: none belongs to anybody,
and none is taken from an evaluation file (CI checks this).
"""

from __future__ import annotations

import string
from functools import cache
from random import Random

_ONES = "zero one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NATO = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra "
    "tango uniform victor whiskey x-ray yankee zulu"
).split()
_FOR = (
    "apple boy cat dog egg fox goat house ink jack king lion mother nancy orange peter queen robert sugar tom uncle violin "
    "water x-ray yellow zebra"
).split()
_LOCALES = (
    "en_US en_GB en_IE en_AU en_IN en_NZ en_CA es_ES es_MX es_CO fr_FR fr_CA de_DE de_AT it_IT pt_BR pt_PT nl_NL nl_BE "
    "sv_SE no_NO da_DK fi_FI pl_PL cs_CZ sk_SK hu_HU ro_RO tr_TR hr_HR sl_SI lt_LT lv_LV et_EE id_ID zu_ZA yo_NG ha_NG "
    "ig_NG tw_GH az_AZ uz_UZ fil_PH en_PK en_KE ga_IE is_IS vi_VN"
).split()
_WORD_NAMES = (
    "Will Mark Grace April May June Hope Faith Joy Chase Grant Rich Bill Frank Penny Rose Lily Olive Jordan Paris Austin "
    "Dale Sandy Rusty Summer Autumn Guy Major Art Sue Pat Jack Rob Nick Drew Gene Dean Duke Earl Miles Brooke Robin Jay "
    "Ray Sky Star River Forrest Cliff Glen Heath Ash Ivy Holly Hazel Violet Iris Poppy Daisy Ruby Pearl Amber Jade Crystal "
    "Destiny Harmony Melody Carol Charity Patience Prudence Mercy Honor Justice Reed Page Story Lane Wade Curt Ernest "
    "Christian Angel Blessing Precious Innocent Happy Sunday Friday Rain Wren Robyn Merry Bob Don Herb Basil Sage Tiffany"
).split()
_WORD_SURNAMES = (
    "Banks Stone Young Long Price Short Brown Green White Black Gray King Knight Bishop Pope Hill Field Rivers Brooks Lake "
    "Wood Woods Forest Bush Rose Flowers Fox Wolf Lamb Bird Swan Crane Finch Fish Pike Salmon Day Night Winter Summers Frost "
    "Snow Rain Storm Church Temple Bell Cross Love Joy Hope Power Rich Poor Small Little Best Good Wise Sharp Swift Strong "
    "Hardy Noble Savage Wild Moody Gore Blunt Case Chance Page Reader Penn Booker Carter Cook Baker Butler Farmer Gardener"
).split()


@cache
def _faker(locale: str):
    from faker import Faker

    return Faker(locale)


def _fake(rng: Random):
    while True:
        locale = rng.choice(_LOCALES)
        try:
            fake = _faker(locale)
        except AttributeError:  # a locale that this Faker does not have
            continue
        fake.seed_instance(rng.getrandbits(32))
        return fake


def first_name(rng: Random) -> str:
    """A given name of any culture; in one case of eight one that is a common word."""
    return rng.choice(_WORD_NAMES) if rng.random() < 0.12 else _latin(rng, lambda: _fake(rng).first_name())


def last_name(rng: Random) -> str:
    """A family name; in one case of eight one that is a common word."""
    return rng.choice(_WORD_SURNAMES) if rng.random() < 0.12 else _latin(rng, lambda: _fake(rng).last_name())


def _latin(rng: Random, make) -> str:
    for _ in range(20):
        name = make()
        if name and all(ord(c) < 0x250 for c in name) and len(name) < 24:
            return name
    return rng.choice(_WORD_NAMES)


def _two_digits(value: int) -> str:
    if value < 10:
        return _ONES[value]
    if value < 20:
        return _TEENS[value - 10]
    tens, ones = divmod(value, 10)
    return _TENS[tens - 2] + ("-" + _ONES[ones] if ones else "")


class Voice:
    """How one person says numbers and letters: drawn once, then kept through a dialogue."""

    def __init__(self, rng: Random) -> None:
        self.zero = rng.choices(["oh", "zero", "nought", "o"], [6, 5, 1, 0.5])[0]
        self.doubles = rng.random() < 0.35
        self.pairs = rng.choices([0.0, 0.15, 0.6], [6, 3, 1])[0]
        self.joint = rng.choices([", ", " ", ". ", " dash ", ", dash, "], [6, 4, 0.4, 0.5, 0.2])[0]
        self.glossed = rng.choices([0.0, 0.3, 1.0], [6, 3, 1])[0]
        self.nato = rng.random() < 0.12
        self.filler = rng.random() < 0.2
        self.thousands = rng.random() < 0.2

    def group(self, rng: Random, digits: str) -> str:
        """One group of digits in a breath."""
        out: list[str] = []
        at = 0
        if self.thousands and len(digits) == 4 and digits[2:] == "00" and digits[1] != "0":
            return _two_digits(int(digits[:2])) + " hundred"
        while at < len(digits):
            run = next((k for k in (3, 2) if digits[at : at + k] == digits[at] * k and len(digits) - at >= k), 1)
            if run > 1 and self.doubles:
                zero = self.zero if self.zero != "nought" else "nought"
                one = zero if digits[at] == "0" else _ONES[int(digits[at])]
                out.append(("double " if run == 2 else rng.choice(["triple ", "treble "])) + one)
                at += run
            elif len(digits) - at >= 2 and digits[at] != "0" and rng.random() < self.pairs:
                out.append(_two_digits(int(digits[at : at + 2])))
                at += 2
            else:
                out.append(self.zero if digits[at] == "0" else _ONES[int(digits[at])])
                at += 1
        return " ".join(out)

    def number(self, rng: Random, digits: str, sizes: list[int]) -> str:
        """Digits in groups of the given sizes, with a filler now and then."""
        groups, at = [], 0
        for size in sizes:
            if digits[at : at + size]:
                groups.append(self.group(rng, digits[at : at + size]))
            at += size
        if digits[at:]:
            groups.append(self.group(rng, digits[at:]))
        if self.filler and len(groups) > 1:
            k = rng.randrange(1, len(groups))
            groups[k] = rng.choice(["uh, ", "um, ", "er, ", "and then ", "then "]) + groups[k]
        return self.joint.join(groups)

    def letters(self, rng: Random, letters: str) -> str:
        """Letters one by one, some with a gloss."""
        out = []
        for letter in letters.upper():
            at = ord(letter) - 65
            if not 0 <= at < 26:
                continue
            if self.nato:
                out.append(_NATO[at])
            elif rng.random() < self.glossed:
                out.append(f"{letter} {rng.choice(['as in', 'for', 'like'])} {rng.choice([_NATO, _FOR])[at]}")
            else:
                out.append(letter)
        joint = ", " if self.glossed and any(" " in part for part in out) else rng.choice([" ", " ", ", ", "-"])
        return joint.join(out)


def digits(rng: Random, count: int) -> str:
    """Random digits; repeats a little likelier than chance, as in real numbers."""
    out = rng.choice(string.digits[1:])
    while len(out) < count:
        out += out[-1] if rng.random() < 0.12 else rng.choice(string.digits)
    return out[:count]


def _sizes(rng: Random, count: int) -> list[int]:
    left, sizes = count, []
    while left > 0:
        size = min(left, rng.choice([2, 3, 3, 4, 4]))
        sizes.append(size)
        left -= size
    return sizes


_SHAPES: dict[str, list[tuple[int, list[int]]]] = {
    "phone_number": [
        (10, [3, 3, 4]),
        (10, [3, 3, 4]),
        (11, [5, 3, 3]),
        (11, [4, 3, 4]),
        (7, [3, 4]),
        (12, [2, 4, 3, 3]),
        (8, [4, 4]),
    ],
    "credit_card_number": [(16, [4, 4, 4, 4]), (16, [4, 4, 4, 4]), (15, [4, 6, 5]), (16, [2, 2, 2, 2, 2, 2, 2, 2])],
    "us_social_security_number": [(9, [3, 2, 4]), (9, [3, 2, 4]), (9, [3, 3, 3])],
    "banking_information": [(9, [3, 3, 3]), (8, [4, 4]), (6, [2, 2, 2]), (10, [4, 3, 3]), (12, [4, 4, 4]), (7, [3, 4])],
    "credit_card_cvv": [(3, [3]), (3, [1, 1, 1]), (4, [4])],
    "location_zip": [(5, [5]), (5, [3, 2]), (6, [3, 3]), (4, [4])],
    "password": [(4, [4]), (4, [2, 2]), (6, [3, 3]), (6, [2, 2, 2]), (5, [5])],
    "healthcare_number": [(10, [3, 3, 4]), (9, [3, 3, 3]), (8, [4, 4]), (11, [4, 3, 4])],
    "passport_number": [(9, [3, 3, 3]), (8, [4, 4]), (9, [2, 3, 4])],
    "drivers_license": [(8, [4, 4]), (9, [3, 3, 3]), (7, [3, 4])],
    "account_number": [
        (5, [5]),
        (6, [3, 3]),
        (7, [3, 4]),
        (8, [4, 4]),
        (8, [2, 3, 3]),
        (10, [3, 3, 4]),
        (6, [2, 2, 2]),
    ],
}


def spoken_number(rng: Random, voice: Voice, label: str, count: int | None = None) -> str:
    """A number of ``label`` as said: whole, or of ``count`` digits when a part was said before."""
    length, sizes = rng.choice(_SHAPES[label])
    if count is not None and count <= 6:
        length, sizes = count, [count] if rng.random() < 0.7 else _sizes(rng, count)
    elif rng.random() < 0.2:
        sizes = _sizes(rng, length)
    said = voice.number(rng, digits(rng, length), sizes)
    if label == "phone_number" and length >= 10 and rng.random() < 0.1:
        said = f"plus {voice.group(rng, digits(rng, rng.choice([1, 2, 3])))}, {said}"
    return said


def spoken_code(rng: Random, voice: Voice) -> str:
    """A code of letters and digits as said."""
    prefix = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.choice([1, 1, 2, 2, 3])))
    count = rng.choice([3, 4, 5, 6, 6, 7])
    body = voice.number(rng, digits(rng, count), _sizes(rng, count))
    joint = rng.choice([" ", ", ", " dash ", ", "])
    said = voice.letters(rng, prefix) + joint + body
    if rng.random() < 0.25:
        said += rng.choice([", ", " "]) + voice.letters(rng, rng.choice(string.ascii_uppercase))
    return said


def written_number(rng: Random, label: str, count: int | None = None) -> str:
    """A number of ``label`` as recognisers and people write it, well and badly."""
    length, sizes = rng.choice(_SHAPES[label])
    if count is not None and count <= 6:
        length, sizes = count, [count]
    if rng.random() < 0.3:
        sizes = _sizes(rng, length)
    raw, groups, at = digits(rng, length), [], 0
    for size in sizes:
        groups.append(raw[at : at + size])
        at += size
    joint = rng.choice(["-", "-", " ", " ", ", ", ".", ""])
    said = joint.join(group for group in groups if group)
    if label == "phone_number" and rng.random() < 0.25 and len(groups) > 2:
        said = f"({groups[0]}) {groups[1]}-{''.join(groups[2:])}"
    if joint == "" and length in (4, 5, 6) and rng.random() < 0.2:
        said = f"{int(raw):,}"
    if label == "phone_number" and rng.random() < 0.15:
        said = f"+{rng.choice([1, 44, 61, 49, 91, 353, 27])} {said}"
    return said


def written_code(rng: Random) -> str:
    """A code of letters and digits as written."""
    prefix = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.choice([1, 2, 2, 3])))
    joint = rng.choice(["", "-", " ", "", "/"])
    code = prefix + joint + digits(rng, rng.choice([4, 5, 6, 7]))
    return code + (rng.choice(string.ascii_uppercase) if rng.random() < 0.2 else "")


def spelled(rng: Random, voice: Voice, name: str) -> str:
    """A name letter by letter."""
    letters = [c for c in name if c.isascii() and c.isalpha()]
    said = voice.letters(rng, "".join(letters))
    if voice.doubles:
        for letter in set(letters):
            upper = letter.upper()
            said = said.replace(f"{upper} {upper}", f"double {upper}")
    return said


def email(rng: Random, *, spoken: bool, domain: str) -> str:
    """An address of a person's name at ``domain`` (a name of one or two words), as said or as written."""
    first, last = first_name(rng).lower().split()[0], last_name(rng).lower().split()[0]
    first, last = ("".join(c for c in part if c.isascii() and c.isalpha()) or "kim" for part in (first, last))
    number = rng.choice(["", "", "", digits(rng, 2), digits(rng, 1), "19" + digits(rng, 2)])
    local = rng.choice(
        [
            [first, ".", last],
            [first, "_", last],
            [first[0], last],
            [last, ".", first],
            [first, last],
            [first, "-", last],
        ]
    )
    ending = rng.choice([".com", ".com", ".org", ".net", ".co.uk", ".io", ".edu", ".com.au", ".ie", ".in"])
    if not spoken:
        return "".join(local) + number + "@" + domain.replace(" ", "").lower() + ending
    names = {".": " dot ", "_": " underscore ", "-": rng.choice([" dash ", " hyphen "])}
    said = "".join(names.get(part, f" {part} ") for part in local)
    voice = Voice(rng)
    if number:
        said += " " + voice.group(rng, number)
    if rng.random() < 0.12:
        said += rng.choice([", all lower case,", ", all one word,", ", no spaces,", " with a " + first[0] + ","])
    return " ".join((said + " at " + domain.lower() + ending.replace(".", " dot ")).split())
