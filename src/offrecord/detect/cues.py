"""Words around a number that tell what it is: the question, the unit, the thing that it counts.

`scan` finds the cues of a text. A cue with a label says that what follows (or answers it) is such a detail from
``least`` characters on; a cue without one says that it is not (a part number, a flight, a page).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offrecord.detect.tokens import Token

__all__ = ["ACKNOWLEDGEMENTS", "Cue", "Hit", "scan"]


@dataclass(frozen=True, slots=True)
class Cue:
    """What is announced. ``label`` is None for what is no detail; ``least`` counts letters and digits."""

    label: str | None
    least: int
    weak: bool = False
    """Says only that a number is meant, not which."""


class Hit(NamedTuple):
    """A cue found at the tokens ``first`` to ``last`` (half-open)."""

    first: int
    last: int
    cue: Cue


_TABLE: tuple[tuple[Cue, str], ...] = (
    (
        Cue("phone_number", 3),
        """
        phone | phones | telephone | cell | cellphone | mobile | landline | fax | callback | whatsapp | voicemail |
        area code | call me | call you | call back | call us | call him | call her | call them | reach me | reach
        you | reach him | reach her | reach us | text me | text you | text him | text her | ring me | ring you |
        ring back | ring us | ring him | ring her | number you're on | number you're calling | number you are
        calling | number for you | number for him | number for her | best number | contact number | daytime number |
        home number | work number | emergency contact | my number | your number | his number | her number | their
        number | call you on | call you at | number to call | number to reach | good number | what number | text it
        to | tel | dial in | bleep | pager | beeper | direct line | switchboard
        """,
    ),
    (Cue("phone_number", 1), "extension | ext"),
    (
        Cue("person_name", 3),
        """
        name | names | surname | spell | spells | spelled | spelt | spelling | letter by letter | spelled out |
        first name | last name | maiden name
        """,
    ),
    (
        Cue("credit_card_number", 3),
        """
        card | cards | credit card | debit card | card number | visa | mastercard | master card | amex | american
        express | discover card | long number | long card number | sixteen digits | 16 digits | card ending | card
        ends | card on file | number on the front | across the front | pay with | number on the card
        """,
    ),
    (
        Cue("credit_card_cvv", 3),
        """
        cvv | cvc | cv2 | cvv2 | cvc2 | cid | security code | security number | c v v | c v c | three digits on the
        back | 3 digits on the back | digits on the back | number on the back | code on the back | back of the card
        | back of it | on the back | three on the back | three digit | four digits on the front | code on the front
        | signature strip | three numbers on the back
        """,
    ),
    (
        Cue("credit_card_expiration", 3),
        """
        expiry | expiration | expires | expire | expiring | exp | expiry date | expiration date | valid until |
        valid thru | valid through | good thru | good through | good until | runs out | date on the card | month and
        year | exp date | end date on the card
        """,
    ),
    (
        Cue("us_social_security_number", 3),
        """
        social | social security | social security number | ssn | s s n | itin | national insurance | national
        insurance number | tax file number | tfn | social insurance number | last four of your social | last four of
        the social | sin number | ni number | n i number
        """,
    ),
    (
        Cue("banking_information", 4),
        """
        routing | routing number | sort code | iban | i ban | bic | swift | swift code | aba | a b a | bsb | bank
        account | checking | savings | checking account | savings account | bank account number | account and
        routing | routing and account | transit number | direct deposit | wire | bank details | current account |
        payee account | ifsc
        """,
    ),
    (
        Cue("account_number", 4),
        """
        account | account number | acct | customer number | client number | customer id | client id | member number
        | membership | membership number | member id | loyalty number | frequent flyer | rewards number | policy |
        policy number | claim | claim number | booking | booking reference | booking number | booking code |
        reservation | reservation number | reference | reference number | ref | reference code | confirmation |
        confirmation number | confirmation code | record locator | locator | order | order number | order id |
        purchase order | tracking | tracking number | shipment | consignment | parcel number | package number | case
        | case number | case id | ticket | ticket number | incident number | incident | docket | student number |
        student id | employee number | employee id | staff number | badge | badge number | invoice | invoice number
        | loan number | loan | agreement number | contract number | contract | work order | job number | file number
        | docket number | matter number | service number | registration id | payroll number | user id | rma | pnr |
        voucher | gift card | application number | application | permit number | crew id | library card | enrolment
        | enrollment | roll number | id number | identification number | meter number | complaint number | report
        number | request number | your id | my id | supplier number | vendor number | repair number | transaction |
        transaction id | donor number
        """,
    ),
    (
        Cue("healthcare_number", 4),
        """
        medicare | medicaid | nhs | nhs number | n h s | health card | health plan | health insurance | insurance
        number | insurance id | insurance card | subscriber | subscriber id | group number | mrn | medical record |
        medical record number | chart number | patient number | patient id | hospital number | prescription number |
        rx number | insurance | dental plan | npi | ohip | plan number | member i d | beneficiary | policy holder
        number | health number | plan id
        """,
    ),
    (
        Cue("passport_number", 4),
        """
        passport | passports | passport number | identity card | travel document | id card
        """,
    ),
    (
        Cue("drivers_license", 4),
        """
        license | licence | driver's license | driver's licence | drivers license | drivers licence | driving
        licence | driving license | license number | licence number | driver license | driver number | dl number |
        permit
        """,
    ),
    (
        Cue("vehicle_id", 3),
        """
        plate | plates | license plate | licence plate | number plate | plate number | tag number | registration |
        registration number | reg | reg number | vin | v i n | vin number | vehicle identification number | chassis
        number | rego | registration plate | tags
        """,
    ),
    (
        Cue("location_zip", 3),
        """
        zip | zip code | zipcode | postcode | post code | postal code | postal | zip plus four
        """,
    ),
    (
        Cue("password", 3),
        """
        pin | p i n | pin number | pin code | passcode | password | passwords | pass code | pass phrase | passphrase
        | code | codes | one time code | one-time code | otp | verification code | gate code | door code | access
        code | alarm code | buzzer | buzzer code | combination | authentication code | security answer | security
        word | login code | six digit code | 6 digit code | key code | entry code | keypad | lockbox | safe code |
        text code | unlock | lock code | code word | temporary password | reset code | voicemail pin | secret
        """,
    ),
    (
        Cue("date_of_birth", 4),
        """
        birth | date of birth | born | birthday | birthdate | birth date | dob | d o b | birthdays
        """,
    ),
    (
        Cue("organization_id", 4),
        """
        ein | e i n | tax id | employer identification | company number | vat number | duns
        """,
    ),
    (Cue("ip_address", 4), "ip | i p | ip address | i p address | subnet | gateway | mac address"),
    (
        Cue("number_sequence", 4, weak=True),
        """
        number | numbers | digits | digit | id | i d | identifier | serial number | serial | barcode | bar code |
        read it back | read that back | read it | imei
        """,
    ),
    (
        Cue("number_sequence", 3, weak=True),
        """
        last four | last three | last five | last six | first four | first six | first three | last 4 | ends in |
        ends with | ending in | ending with | ending | ends | ended | starts with | begins with | starting with |
        last bit | last part | the end
        """,
    ),
    (
        Cue(None, 0),
        """
        part | parts | part number | parts number | product number | item number | model | model number | models |
        version | versions | build | build number | flight | flights | flight number | room | rooms | room number |
        page | pages | page number | figure | chapter | verse | error | error code | seat | seats | gate number |
        bus | platform | terminal | aisle | bay | table | slide | size | channel | section | step | episode | season
        | level | floor | sprint | firmware | release | paragraph | line number | catalog number | catalogue number
        | sku | stock number | form | form number | exit | junction | mile | score | track | volume | issue |
        article | clause | appendix | diagnosis code | procedure code | color code | colour code | paint code |
        dress code | source code | product code | discount code | promo code | promotion code | coupon code | coupon
        | course | lot number | batch number | postal vote | number of | a number of | zone | grade | lane number |
        lap | round | serial part | train | train number | coach | carriage
        """,
    ),
)

ACKNOWLEDGEMENTS = frozenset(
    "mm mhm hm hmm mmm uh huh um okay ok yes yeah yep yup right go on ahead sorry can could you repeat that "
    "say again please more time slowly slower got it and the rest then next i'm listening with alright all "
    "sure thanks thank great perfect what was last first part bit didn't catch hear hold hang sec second "
    "moment me a is that's thats it's its correct good lovely continue carry keep going one uh-huh cool fine "
    "wait let see give just no of did come come-again brilliant wonderful super excellent noted so far "
    "yes-please okey dokey keep them coming ready when are".split()
)
"""Words of a turn that only keeps the other speaker going."""


def _compiled() -> dict[str, list[tuple[tuple[str, ...], Cue]]]:
    table: dict[str, list[tuple[tuple[str, ...], Cue]]] = {}
    for cue, phrases in _TABLE:
        for phrase in phrases.split("|"):
            words = tuple(phrase.replace("-", " ").split())
            table.setdefault(words[0], []).append((words, cue))
    for row in table.values():
        row.sort(key=lambda entry: -len(entry[0]))
    return table


_PHRASES = _compiled()


def scan(toks: Sequence[Token]) -> list[Hit]:
    """The cues of a text in order, the longest phrase first; no two overlap. Hyphens and possessives do not matter."""
    words = [(i, low) for i, low in ((i, _plain(t.low)) for i, t in enumerate(toks)) if low]
    hits = []
    k = 0
    while k < len(words):
        step = 1
        for phrase, cue in _PHRASES.get(words[k][1], ()):
            if all(k + n < len(words) and words[k + n][1] == word for n, word in enumerate(phrase)):
                step = len(phrase)
                hits.append(Hit(words[k][0], words[k + step - 1][0] + 1, cue))
                break
        k += step
    return hits


def _plain(low: str) -> str:
    if low in ("-", "\u2010", "\u2011"):
        return ""
    return low[:-2] if low.endswith("'s") and low != "driver's" else low
