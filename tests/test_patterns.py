"""What the rules claim and what they leave alone, in speech and in writing, with case and without."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offrecord.detect import patterns
from offrecord.types import Span

CLAIMED = {
    "phone_number": (
        "you can reach me on [six one seven, five five five, oh one nine four]",
        "call me back at [(617) 555-0194] please",
        "[617-555-0194]",
        "it's [617 555 0194 ] okay",
        "my mobile is [oh seven seven double oh, nine hundred, three six one]",
        "ring me on [07700 900361]",
        "my number is [oh four nine one, five seven oh, double one oh]",
        "[plus four four, twenty, seven nine four six, oh nine five eight]",
        "[+44 20 7946 0958]",
        "what's the best number for you\n[six one seven five five five oh one nine four]",
        "my number is [6 17 5 5 5 0 1 9 4]",
        "it's [617555]-[0194] on file",
        "the line is [1-800-555-0199] extension [12]",
        "your phone?\n[Six one seven.]\nMm-hm.\n[Five five five.]\nOkay.\n[Oh one nine four.]",
        "my cell is [six one seven], uh, [five five five], sorry, [oh one nine four]",
        "the number is [six one seven, five five five], hold on, [oh one nine four]",
    ),
    "credit_card_number": (
        "the card is [five five five five, five five five five, five five five five, four four four four]",
        "[4111 1111 1111 1111]",
        "card number [4111-1111-1111-1111]",
        "the long number please\n[411-111, 111-111, 111-111]",
        "it's the visa ending [4421]",
        "card ending [forty-four twenty-one]",
    ),
    "number_sequence": ("the one ending in [double four two one]",),
    "credit_card_cvv": (
        "and the security code on the back?\n[Oh one nine.]",
        "CVV [019]",
        "three digits on the back?\n[double oh seven]",
    ),
    "credit_card_expiration": (
        "expiry date [oh eight, twenty-nine]",
        "expires [08/29]",
        "and the expiration?\n[August of twenty-nine]",
    ),
    "us_social_security_number": (
        "my social is [five one nine, four two, seven oh three six]",
        "[519-42-7036]",
        "last four of your social?\n[seven oh three six]",
        "her national insurance number is [Q Q, one two, three four, five six, C]",
    ),
    "account_number": (
        "my account number is [seven seven three, nine oh two, four]",
        "policy [HX 402 118]",
        "booking reference?\n[K, seven, N, Q, two, B]",
        "order number [B T dash nine four four oh]",
        "the claim is [CLM-204418]",
        "ticket [double nine four, one two]",
    ),
    "banking_information": (
        "routing number [oh two one, oh oh oh, oh two one]",
        "sort code [twenty, forty-one, nineteen]",
        "the sort code is [20-41-19]",
        "IBAN [GB29 NWBK 6016 1331 9268 19]",
        "the iban is [G B two nine N W B K six oh one six one three three one nine two six eight one nine]",
    ),
    "passport_number": (
        "passport number [five three one, double eight, two oh four seven]",
        "your passport?\n[X nine four four oh two one]",
    ),
    "drivers_license": ("my license is [D four oh two, seven seven one, nine]",),
    "vehicle_id": (
        "my plate is [seven T R K, four oh nine]",
        "the registration is [AB51 DVL]",
        "VIN [1HGCM82633A004352]",
        "the vin is [one H G C M eight two six three three A zero zero four three five two]",
    ),
    "healthcare_number": (
        "NHS number [nine four three, four seven six, five nine one nine]",
        "Medicare number?\n[one E G four, T E five, M K seven three]",
    ),
    "location_zip": (
        "my zip is [six two seven oh four]",
        "zip code\n[62,704]",
        "postcode [S W one A, one A A]",
        "[SW1A 1AA]",
        "it's [K one A, zero B one]",
    ),
    "password": (
        "my pin is [four oh one nine]",
        "the code is [eight eight two, one four six]",
        "gate code [hash four four one]",
        "your one-time code is [771204]",
        "the password is [tangerine forty-one]",
    ),
    "username": ("my username is [birdwatcher underscore nine]",),
    "email_address": (
        "it's [dorothea dot quill at maplecourt dot org]",
        "email [dorothea.quill@maplecourt.org]",
        "send it to [dorothea.quill at maplecourt.org]",
        "[d quill underscore seven at gmail dot com] works",
        "my email is [d o r o t h e a at maple court dot co dot uk]",
        "it is [D as in delta, Q, U, I, L, L, at maple court dot com]",
        "my email is [quill seventy-one, all one word, at maple court dot com]",
    ),
    "url": (
        "go to [maplecourt dot org slash help]",
        "see [https://maplecourt.org/help?id=3]",
        "the site is [www.maplecourt.org]",
        "it's [maple court dot co dot uk slash my bookings]",
    ),
    "ip_address": (
        "the address is [ten dot zero dot four dot seventeen]",
        "ping [192.168.4.17]",
        "it's [one ninety two dot one sixty eight dot four dot seventeen]",
        "[2001:db8::4:17]",
    ),
    "date": (
        "on [March fourth, twenty twenty-four]",
        "[the fourth of March]",
        "since [March 4, 2024]",
        "[2024-03-04]",
        "[03/04/2024]",
        "in [March twenty twenty-four]",
        "on [Tuesday the fourth]",
    ),
    "date_of_birth": (
        "date of birth?\n[March fourth, nineteen seventy-one]",
        "I was born on [March fourth seventy one]",
        "date of birth\n[three four seventy one]",
        "DOB [03/04/1971]",
    ),
    "person_age": (
        "she is [eighty-three years old]",
        "how old are you\n[Forty-one]",
        "my son is [12]",
    ),
    "location_address": (
        "I'm at [four nineteen Larch Hollow Drive, apartment six C]",
        "[419 Larch Hollow Dr, Apt 6C, Salem, OR 97301]",
        "[P O box four nineteen]",
        "we moved to [twenty-two Quince Street]",
        "it's on [Quince Street]",
    ),
    "person_name": (
        "my name is [Dorothea Quill]",
        "my name is [dorothea quill]",
        "this is [Dorothea] speaking",
        "Mrs. [Quill] called",
        "that's spelled [Q U I L L]",
        "[D-O-R-O-T-H-E-A]",
        "your last name?\n[Quill].",
        "it's [Q as in queen, U, I, double L]",
    ),
}
"""By label: what is to be hidden stands in brackets. Line breaks are turns."""

LEFT = (
    "that comes to $18.40",
    "eighteen dollars and forty cents",
    "it was eighteen forty with the tip dollars",
    "twelve hundred and fifty pounds a month",
    "we sold 1,250,000 units",
    "about two million three hundred thousand people",
    "three point four percent",
    "a hundred and twenty-three",
    "four to six weeks",
    "one or two",
    "between 10 and 15 of them",
    "five or six hundred",
    "it starts at nine thirty",
    "at 9:30 tomorrow",
    "from 9 to 5",
    "quarter past four",
    "five thirty p.m.",
    "the score was twenty-one fourteen",
    "we won 3-2",
    "flight four forty-one to Denver",
    "flight BA 2490 at gate B 22",
    "part number zero nine dash four four seven",
    "model X T eleven hundred",
    "version five point two point one",
    "version 10.4.2.1",
    "it's from nineteen ninety-six",
    "since 2019",
    "in 2019, 2020 and 2021",
    "in March",
    "on Tuesday",
    "in the spring",
    "next May",
    "may I ask",
    "mark my words",
    "two way street",
    "a twenty minute drive",
    "a ten minute walk",
    "page two hundred and fourteen",
    "chapter twelve",
    "room two fourteen",
    "seat thirty-four A",
    "error five oh three",
    "one two three four",
    "three two one go",
    "five four three two one",
    "the first time",
    "the third floor",
    "a second opinion",
    "hold on a second",
    "one of them",
    "one more thing",
    "oh, one more thing",
    "I have two. Five of them left.",
    "six cases, four boxes, two bags",
    "six, four, two",
    "I'm five minutes away",
    "he's 6 foot 2",
    "she's two hours late",
    "plan A is better",
    "vitamin D and B twelve",
    "the U S A",
    "F B I",
    "an A T M",
    "ask I T",
    "a B and a C",
    "look at the dot on the page",
    "dash to the shop",
    "a mad dash for it",
    "e.g. this one",
    "one thousand grams",
    "2 x 4",
    "24/7",
    "50/50",
    "12 by 15",
    "twelve by fifteen by twenty",
    "half past",
    "ten out of ten",
    "on a scale of one to seven",
    "seventy-five percent",
    "minus twenty degrees",
    "under two hundred",
    "thirty days",
    "two hundred hours of run time",
    "a 5k run",
    "10am",
    "COVID-19",
    "the 1990s",
    "H2O",
    "MP3",
    "Windows 11",
    "iPhone 15",
    "sixty forty",
    "double room",
    "double the price",
    "triple that",
    "hash browns",
    "star rating",
    "the pound fell",
    "point taken",
    "slash prices",
    "see you at ten",
    "look at us",
    "meet me at the cafe",
    "my name is on the list",
    "this is going well",
    "this is the calling card",
    "I'm from Texas",
    "sixteen thousand two hundred before tax",
    "take exit 12",
    "bus 51",
    "two hundred and ten on the clock",
    "the 5 o'clock news",
    "1 2 3",
)
"""Nothing here is personal."""


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its brackets, and the ranges that stood in them."""
    plain, ranges, opened = "", [], 0
    for part in re.split(r"([\[\]])", text):
        if part == "[":
            opened = len(plain)
        elif part == "]":
            ranges.append((opened, len(plain)))
        else:
            plain += part
    return plain, ranges


def left_to_read(text: str, ranges: list[tuple[int, int]], spans: list[Span]) -> list[str]:
    """The ranges of which a letter or digit is in no span."""
    hidden = {at for span in spans for at in range(span.start, span.end)}
    return [text[a:b] for a, b in ranges if any(text[at].isalnum() and at not in hidden for at in range(a, b))]


CASES = [
    pytest.param(label, text, id=f"{label}-{k}") for label, texts in CLAIMED.items() for k, text in enumerate(texts)
]


@pytest.mark.parametrize(("label", "text"), CASES)
@pytest.mark.parametrize("lower", [False, True])
def test_claimed(label: str, text: str, lower: bool) -> None:
    """All of the detail is claimed, one claim has its label, and nothing beside it is touched."""
    plain, ranges = marked(text)
    plain = plain.lower() if lower else plain
    spans = patterns.find(plain)
    assert left_to_read(plain, ranges, spans) == []
    assert label in {span.label for span in spans}
    assert [plain[s.start : s.end] for s in spans if not any(s.start < b and a < s.end for a, b in ranges)] == []


@pytest.mark.parametrize("text", LEFT)
@pytest.mark.parametrize("lower", [False, True])
def test_left_alone(text: str, lower: bool) -> None:
    """Prices, amounts, times, scores, parts, versions and common words are no details."""
    assert patterns.find(text.lower() if lower else text) == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the account is double nine four, one two", "account_number"),
        ("what is the routing number\nfour four oh, one two", "banking_information"),
        ("which passport\nokay\nfour four oh, one two", "passport_number"),
        ("your pin\num, hang on\nfour four oh one", "password"),
        ("zip code\nfour four oh one two", "location_zip"),
        ("four four oh one two is the pin", "password"),
        ("say four four oh one two", "number_sequence"),
    ],
)
def test_the_cue_names_the_number(text: str, label: str) -> None:
    """The same digits are what was asked for, in the same turn, the turn before, or beyond a short one."""
    assert {span.label for span in patterns.find(text)} == {label}


@pytest.mark.parametrize(
    ("said", "row", "garbled"),
    [
        ("4111 1111 1111 1111", "card", "4111 1111 1111 1112"),
        ("iban GB29 NWBK 6016 1331 9268 19", "iban", "iban GB29 NWBK 6016 1331 9268 18"),
        ("routing number 021000021", "aba", "routing number 021000022"),
        ("NHS number 943 476 5919", "nhs", "NHS number 943 476 5918"),
        ("the vin is 1HGCM82633A004352", "vin", "the vin is 1HGCM82633A004353"),
    ],
)
def test_a_checksum_only_adds(said: str, row: str, garbled: str) -> None:
    """What passes its check is surer; what fails it is claimed all the same, with the same label."""
    (sure,), (other,) = patterns.find(said), patterns.find(garbled)
    assert sure.source == f"patterns:{row}"
    assert sure.score > other.score >= 0.8
    assert other.label == sure.label
    assert (other.start, other.end) == (sure.start, sure.end)


def test_an_interruption_stays_to_read() -> None:
    """The digits on both sides of an aside are claimed, the aside is not."""
    text = "it's five five five, oh one, sorry, hold on, nine four"
    found = [text[span.start : span.end] for span in patterns.find(text)]
    assert found == ["five five five, oh one", "nine four"]


def test_a_number_in_pieces() -> None:
    """A number given a piece a turn, with the other speaker's acknowledgements between, is claimed piece by piece."""
    text = "five five\nokay\noh nine\nmm-hm\nseven four\nthanks"
    found = [text[span.start : span.end] for span in patterns.find(text)]
    assert found == ["five five", "oh nine", "seven four"]


def test_a_number_goes_on_after_an_aside() -> None:
    """What follows a claimed number digit by digit belongs to it, although no cue stands before it."""
    text = "the policy number is seven seven oh four\nright\nand then nine two one"
    assert [text[s.start : s.end] for s in patterns.find(text)] == ["seven seven oh four", "nine two one"]
    assert {s.label for s in patterns.find(text)} == {"account_number"}


@pytest.mark.parametrize(
    "text",
    [
        "1234567" * 5_000,
        "a" * 50_000,
        "a.b@" * 10_000,
        "one two three four five six seven " * 1_000,
        "\u0301" * 1_000 + " \x00 \U0001f642 \u05e9\u05dc\u05d5\u05dd \u0130",
        "my name is " * 3_000,
    ],
)
def test_odd_text_is_read_to_the_end(text: str) -> None:
    """Long words, endless repetition, marks and control characters are no reason to stop."""
    assert all(0 <= span.start < span.end <= len(text) for span in patterns.find(text))


def test_a_long_number_is_claimed_whole() -> None:
    """A word of nothing but digits is claimed whatever its length."""
    digits = "1234567" * 5_000
    assert [(s.start, s.end) for s in patterns.find(f"{digits} then")] == [(0, len(digits))]


WORDS = (
    "four", "oh", "double", "nineteen", "hundred", "and", "dot", "at", "com", "dash", "a", "I", "Q", "B", "as", "in", "boy",
    "pin", "is", "card", "my", "name", "number", "email", "street", "May", "third", "2019", "415,", "555-0132", "62,704", "$",
    "pounds", "x@y.org", "www.x.org", "1.2.3.4", "Zo\u00eb", "e\u0301t", "\U0001f642", "\u05e9\u05dc\u05d5\u05dd", "\u0130s",
    "it\u2019s", "Mr.", "K7", "old", "born",
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from((" ", " ", "\n", "  "))), max_size=16))
def test_claims_lie_on_word_edges(words: list[tuple[str, str]]) -> None:
    """Every claim lies within the text and cuts no word; the same text gives the same claims, in order."""
    text = "".join(word + gap for word, gap in words)
    spans = patterns.find(text)
    assert spans == patterns.find(text)
    assert spans == sorted(spans, key=lambda span: (span.start, span.end, span.label, span.source))
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()
        assert span.source.startswith("patterns:")
        for edge in (span.start, span.end):
            assert not (0 < edge < len(text) and text[edge - 1].isalnum() and text[edge].isalnum())
        assert span.end == len(text) or text[span.end] != "\u0301"
