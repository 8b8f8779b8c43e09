"""The words with which numbers, letters and signs are spoken, as tables.

Keys are folded (lower case, straight apostrophes). A word stands in one table for each thing that it may be; which one
it is where it stands is decided in `offrecord.detect.atoms`.
"""

from __future__ import annotations

__all__ = [
    "ANNOUNCING",
    "CONNECTIVES",
    "CURRENCY",
    "DIGITS",
    "HESITATIONS",
    "HOMOPHONES",
    "INITIALISMS",
    "LETTER_NAMES",
    "LOOSE_MARKS",
    "MARKS",
    "MONTHS",
    "NATO",
    "NUMBER_WORDS",
    "ORDINALS",
    "PLURAL_DIGITS",
    "REPEATS",
    "SCALES",
    "STATES",
    "TEENS",
    "TENS",
    "TLDS",
    "UNITS",
    "WEEKDAYS",
    "ZEROS",
]

DIGITS = {word: str(i) for i, word in enumerate("zero one two three four five six seven eight nine".split())}
DIGITS |= {"niner": "9", "fower": "4", "nought": "0", "naught": "0", "nil": "0", "aught": "0", "ought": "0"}
ZEROS = frozenset({"oh", "o"})
"""Zeros only beside another digit."""

TEENS = {
    word: i
    for i, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), start=10
    )
}
TENS = {
    word: 10 * i for i, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
} | {"fourty": 40}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
PLURAL_DIGITS = {
    word: str(i) for i, word in enumerate("zeros ones twos threes fours fives sixes sevens eights nines".split())
} | {"zeroes": "0", "ohs": "0", "os": "0", "noughts": "0", "naughts": "0"}

_UNIT_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth".split()
_TEEN_ORDINALS = (
    "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split()
)
_TEN_ORDINALS = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth".split()
ORDINALS = {word: i for i, word in enumerate(_UNIT_ORDINALS, start=1)}
ORDINALS |= {word: i for i, word in enumerate(_TEEN_ORDINALS, start=10)}
ORDINALS |= {word: 10 * i for i, word in enumerate(_TEN_ORDINALS, start=2)}

NUMBER_WORDS = frozenset(DIGITS) | ZEROS | frozenset(TEENS) | frozenset(TENS) | frozenset(SCALES)
NUMBER_WORDS |= frozenset(REPEATS) | frozenset(PLURAL_DIGITS)
"""Every word that a spoken number may be made of."""

NATO = {
    word: word[0]
    for word in (
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar "
        "papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"
    ).split()
}
LETTER_NAMES = {"zed": "z", "zee": "z", "aitch": "h", "haitch": "h"}
"""Names of letters that are no other word."""
HOMOPHONES = {
    "be": "b", "bee": "b", "see": "c", "sea": "c", "dee": "d", "gee": "g", "jay": "j", "kay": "k", "el": "l",
    "em": "m", "en": "n", "pea": "p", "pee": "p", "cue": "q", "queue": "q", "are": "r", "our": "r", "es": "s",
    "tea": "t", "tee": "t", "you": "u", "vee": "v", "ex": "x", "why": "y", "eye": "i",
}  # fmt: skip
"""What recognisers write for a letter; letters only before "as in"."""

MARKS = {"dot": ".", "underscore": "_", "hyphen": "-", "dash": "-", "slash": "/", "backslash": "\\"}
"""Signs wherever they are said between two words."""
LOOSE_MARKS = {
    "point": ".", "stroke": "/", "minus": "-", "plus": "+", "star": "*", "asterisk": "*", "hash": "#", "hashtag": "#",
    "pound": "#", "colon": ":", "period": ".", "fullstop": ".",
}  # fmt: skip
"""Signs only beside a digit or a spelled letter."""

HESITATIONS = frozenset(
    "uh uhm um umm er erm ah eh hm hmm mm sorry hold hang wait no okay ok so let me see sec second moment i "
    "i'm im mean think again yeah yes right actually make scratch correction rather".split()
)
"""Words that may stand between any two digits of one number."""
CONNECTIVES = frozenset(
    "and then that's thats it's its the number letter digit capital cap uppercase lowercase upper lower case "
    "small big little space a an".split()
)
"""Words that may stand between two digits or letters that are said one by one."""

CURRENCY = frozenset("$ £ € ¥ ₹ ₦ usd eur gbp".split())

UNITS = frozenset(
    "dollars dollar bucks buck pounds pound quid euros euro cents cent pence percent per pct % ° grand miles "
    "mile km kilometers kilometres kilometer metres meters metre meter feet foot ft inches inch yards yard "
    "acres minutes minute mins min hours hour hrs hr seconds secs days day weeks week months month years year "
    "yrs o'clock oclock am pm noon degrees degree grams gram kilos kilo kg milligrams mg micrograms mcg "
    "millilitres milliliters ml litres liters litre liter gallons gallon ounces ounce oz lbs lb pieces piece "
    "people persons kids students items pages points times gigs gig gigabytes megs megabytes mb gb kb kilobits "
    "megabits watts watt volts amps calories reps sets bedrooms bedroom copies units rows users customers "
    "employees rupees naira rand yen pesos shillings francs million billion trillion basis something others "
    "different square cubic cycles pairs boxes cases bottles bags cups tablespoons teaspoons slices pills "
    "tablets milligram millimeters millimetres centimeters centimetres mph kph hertz megahertz psi rpm nights "
    "guests tickets seats rooms floors stores countries states companies members households respondents "
    "participants thirty-day percentage cm mm milliseconds horsepower men women children families votes voters "
    "shares barrels tons tonnes ton cars trucks homes houses beds patients words characters lines steps goals "
    "runs games wins losses yards' season seasons decades centuries century decade".split()
)
"""What is counted or measured by the number before it."""

WEEKDAYS = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = tuple("january february march april may june july august september october november december".split())

TLDS = frozenset(
    "com org net edu gov mil int info biz name pro io co ai app dev me tv us uk ca au nz ie in za ng ke sg hk "
    "my ph pk de fr es it nl be ch at se no dk fi pl pt gr cz hu ro ru ua tr il ae jp cn kr br mx ar cl eu "
    "asia health care bank law tech online store shop site website blog news media agency cloud club live life "
    "world email mail xyz space church school academy legal finance money dental clinic vet pub cafe design "
    "studio works group ltd inc example test invalid local charity wales cymru scot travel gg fm gl im nyc "
    "london band coop museum jobs mobi ac onion uno fit team page zone today solutions services digital "
    "systems energy earth ngo house garden kitchen careers mx ly "
    "tz ug zm zw gh rw bw mu eg ma sa qa tw th vn lk np bd lt lv ee sk si hr rs bg pe ve uy".split()
)

STATES = tuple(
    """
    alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|georgia|hawaii|idaho|illinois|indiana|
    iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri|montana|nebraska|
    nevada|ohio|oklahoma|oregon|pennsylvania|tennessee|texas|utah|vermont|virginia|washington|wisconsin|wyoming|ontario|
    quebec|alberta|manitoba|saskatchewan|queensland|tasmania|new hampshire|new jersey|new mexico|new york|
    north carolina|north dakota|rhode island|south carolina|south dakota|west virginia|british columbia|nova scotia|
    new brunswick|new south wales|south australia|western australia
    """.replace("\n    ", "")
    .strip()
    .split("|")
)

ANNOUNCING = frozenset(
    "cvv cvc pin ssn vin zip iban bic otp dob id ids ref nhs mrn npi ein aba bsb acct tel fax ext rx re po nr "
    "reg am pm usd eur gbp ok us uk ad bc ce mr mrs ms dr st no".split()
)
"""Short words that stand before or after a number and are no part of it."""

INITIALISMS = frozenset(
    "abc aka apr asap atm bbc bbq bmi byo cbd ccd ceo cfo cia cnn cob cod coo cop cpa cpr cpu cto cvv cvc css "
    "csv diy dmv dna dob dui dvd ecg eeg ekg emt ent eod epa esl eta etf faq fax fbi fda fedex gdp gdpr gmt "
    "gps gpu hbo hdmi hiv hmo hoa hmrc hvac ibm icu ids iep imf ipo ira irs isp itv ivf jpg kfc led llc llp "
    "ltd lte mba mms mot mph mpg mri nasa nba nbc nda nfl nhl nhs npr nsa nyc nypd oem ofc pcr pdf pga pin plc "
    "pmi png pos ppi ppo ppm pto pvc qvc rbi roi rpm rsvp rsv sat sdk seo sim sla sms sos spf sql ssd ssn std "
    "suv tbd tfn tgi tsa tsb tva udp uhf ufo uk umd unhcr upc ups url usa usb usd usps utc vat vhf vin vip vpn "
    "wifi wwe www xml ymca aaa aarp acl adhd api apa arpu ebit ebitda eps capex gaap saas kpi crm erp etc iou "
    "fyi omg lol btw idk hsbc rbs bmw gmc cnc lcd oled ram rom usda osha hipaa pci cbt ptsd ocd copd ibs uti "
    "stis sti iud hrt pms cdc".split()
)
"""Spelled runs of letters that are not names."""
