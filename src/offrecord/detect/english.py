"""Which English words are common: such a word is a name only where its capital says so.

The list is the lower-case entries of the levels 10 and 20 of SCOWL (see NOTICE), read once, when first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["is_common"]

_MORE = frozenset(
    # Talk, which the list has little of.
    "a i uh um er erm ah eh hm hmm mm mmm mhm huh oh ooh aw wow hey hi hello bye goodbye ok okay yeah yep yup nope nah "
    "ya ma'am sir madam mr mrs ms dr gonna wanna gotta kinda dunno cuz cos til ain't mum mom dad granny grandma "
    "grandpa auntie kiddo dear honey sweetie darling hiya cheers righto please thanks thank voicemail email e-mail "
    "online website app wifi internet phone smartphone laptop login password username i'm i'd i'll i've o'clock let's "
    "that's color colour center centre favorite favourite behavior behaviour organize organise realize realise "
    "apologize apologise "
    # Weekdays and months that are hardly ever names.
    "monday tuesday wednesday thursday friday saturday sunday january february march july september october "
    "november december christmas easter english american british god".split()
)


@cache
def _words() -> frozenset[str]:
    text = files("offrecord.detect").joinpath("common_words.txt").read_text(encoding="utf-8")
    return frozenset(text.split()) | _MORE


def is_common(low: str) -> bool:
    """Whether a folded word, or what its apostrophe hangs on ("can't", "hope's"), is a common English word."""
    words = _words()
    if low in words:
        return True
    base, apostrophe, ending = low.partition("'")
    if not apostrophe:
        return False
    if ending == "t" and base.endswith("n"):  # "doesn't"
        return base[:-1] in words or base in ("can", "won", "shan", "ain")
    return base in words and ending in ("s", "ll", "re", "ve", "d", "m", "")
