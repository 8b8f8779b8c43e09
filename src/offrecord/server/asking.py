"""The body of ``POST /v2/transcript``, made into an `Order`.

Parsed by hand, once, here. Unknown keys are ignored, as AssemblyAI does it; an unknown policy is refused, for a typo
must not pass for success. What would silently give less than was asked for is refused too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from starlette.exceptions import HTTPException

from offrecord.fetch import can_be_asked
from offrecord.labels import LABELS
from offrecord.orders import Order
from offrecord.server.fields import FIELDS

__all__ = ["Asked", "parse"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed body. ``echo``: fields that the transcript shows again; nothing that might name people is among them."""

    url: str = field(repr=False)
    order: Order
    echo: Mapping[str, Any] = field(repr=False)
    webhook_url: str | None = field(repr=False)
    header: tuple[str, str] | None = field(repr=False)


def parse(body: Any, *, english_only: bool, unasked: Sequence[str] = ()) -> Asked:
    """The body of ``POST /v2/transcript``. Raises the 400 of AssemblyAI's API, with its text where it is known.

    ``unasked``: the labels that are hidden for clients that do not say whether anything is; none for AssemblyAI's way.
    """
    if not isinstance(body, dict):
        raise _bad("The body must be a JSON object")
    given = _Given(body)
    url = given.text("audio_url", longest=8_192)
    if not url:
        raise _bad("`audio_url` is required: a http or https URL, or what /v2/upload gave")
    _refuse(given)
    redact = given.flag("redact_pii", default=bool(unasked))
    for name in ("redact_pii_return_unredacted", "redact_pii_audio"):
        if given.flag(name) and not redact:
            raise _bad(f"`{name}` can only be set to True if `redact_pii` is True")
    if redact and not given.flag("format_text", default=True):
        raise _bad("`redact_pii` can only be set to True if `format_text` is True")
    options = given.object("redact_pii_audio_options")
    method = options.choice(_METHOD, ("silence", "beep"))
    start, end = given.whole("audio_start_from"), given.whole("audio_end_at")
    if end is not None and end <= (start or 0):
        raise _bad("`audio_end_at` must be greater than `audio_start_from`")
    quality = given.choice("redact_pii_audio_quality", ("mp3", "wav"))
    order = Order(
        redact=redact,
        labels=_policies(given, () if given.flag("redact_pii") else unasked) if redact else (),
        substitution="label" if given.choice("redact_pii_sub", ("hash", "entity_name")) == "entity_name" else "hash",
        sound=given.flag("redact_pii_audio"),
        covered="silence" if method == "silence" else "beep",
        container="wav" if quality == "wav" else "mp3",
        silent_sound=options.flag("return_redacted_no_speech_audio"),
        keep_original=given.flag("redact_pii_return_unredacted"),
        entities=given.flag("entity_detection"),
        speakers=_speakers(given),
        multichannel=given.flag("multichannel") or given.flag("dual_channel"),
        language=_language(given, english_only=english_only),
        start=start or None,
        end=end,
        terms=_terms(given, redact=redact),
        spelling=_spelling(given),
        expected=(*_expected(given, "keyterms_prompt"), *_expected(given, "word_boost")),
    )
    webhook_url, header = _webhook(given)
    return Asked(url, order, _echo(body, order), webhook_url, header)


class _Given:
    """A JSON object that is asked for fields of a kind. null is as if it was not there."""

    def __init__(self, body: Mapping[str, Any], path: str = "") -> None:
        self._body, self._path = body, path

    def _get(self, name: str, kind: type | tuple[type, ...], what: str) -> Any:
        value = self._body.get(name)
        # In Python True is an int, in JSON it is none.
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            raise _bad(f"`{self._path}{name}` must be {what}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._get(name, bool, "true or false")
        return default if value is None else value

    def text(self, name: str, longest: int = 1_000) -> str | None:
        value: str | None = self._get(name, str, "a text")
        if value is not None and (len(value) > longest or not _storable(value)):
            raise _bad(f"`{self._path}{name}` must be a text of at most {longest} characters")
        return value

    def whole(self, name: str) -> int | None:
        value: int | None = self._get(name, int, "an integer")
        if value is not None and not 0 <= value < 10**10:
            raise _bad(f"`{self._path}{name}` must be an integer of 0 or more")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        value: str | None = self._get(name, str, " or ".join(choices))
        if value is not None and value not in choices:
            raise _bad(f"`{self._path}{name}` must be one of {', '.join(choices)}")
        return value

    def object(self, name: str) -> _Given:
        value = self._get(name, dict, "an object")
        return _Given(value or {}, f"{self._path}{name}.")

    def texts(self, name: str, most: int) -> list[str]:
        value = self._get(name, list, "a list of texts")
        if value is not None and (len(value) > most or not all(isinstance(v, str) and _storable(v) for v in value)):
            raise _bad(f"`{self._path}{name}` must be a list of at most {most} texts")
        return value or []

    def items(self, name: str, kind: type[dict[str, Any]] | type[list[Any]], what: str) -> Any:
        return self._get(name, kind, what) or kind()

    def has(self, name: str) -> bool:
        """Whether it was asked for: there, and not null, false or empty."""
        return bool(self._body.get(name))


def _refuse(given: _Given) -> None:
    request = given.object("speech_understanding").object("request") if given.has("speech_understanding") else None
    if (
        request
        and request.has("speaker_identification")
        and not (given.flag("speaker_labels") or given.flag("multichannel"))
    ):
        raise _bad("speaker_labels or multichannel required")
    if request and given.has("redact_pii"):
        asked = set(request.items("custom_formatting", dict, "an object"))
        for name in sorted(asked & set(given.texts("redact_pii_policies", 1_000)) & set(LABELS)):
            raise _bad(f"redact pii {name} not compatible with formatting {name}; leave one of the two out")
    for name, row in FIELDS.items():
        if row.state == "refused" and given.has(name):
            raise _bad(f"`{name}` is not offered by this server: {row.note}")


def _policies(given: _Given, unasked: Sequence[str]) -> tuple[str, ...]:
    names = given.texts("redact_pii_policies", 1_000)
    for name in names:
        if name not in LABELS:
            near = get_close_matches(name, list(LABELS), n=1, cutoff=0.5)
            raise _bad("`redact_pii_policies` holds an unknown policy" + (f"; did you mean {near[0]}?" if near else ""))
    return tuple(dict.fromkeys(names)) or tuple(unasked) or tuple(LABELS)


def _speakers(given: _Given) -> bool:
    if given.has("speaker_options") and given.has("speakers_expected"):
        raise _bad("Both speaker_options and speakers_expected can not be used in the same request.")
    return given.flag("speaker_labels")


def _language(given: _Given, *, english_only: bool) -> str | None:
    code = given.text("language_code", longest=16)
    if code and given.flag("language_detection"):
        raise _bad("`language_code` and `language_detection` can not be used in the same request.")
    if not code:
        return None
    language = re.split("[_-]", code.lower())[0]
    if language not in _LANGUAGES:
        raise _bad("`language_code` is not a known language; expected one as en, en_us or es")
    if english_only and language != "en":
        raise _bad(f"`language_code` {language} is not available: the recogniser of this server knows English only")
    return language


def _terms(given: _Given, *, redact: bool) -> tuple[tuple[str, tuple[str, ...]], ...]:
    entities = given.items("redact_static_entities", dict, "an object of lists of texts")
    if entities and not redact:
        raise _bad("`redact_static_entities` can only be set if `redact_pii` is True")
    if len(entities) > 100:
        raise _bad("`redact_static_entities` must have at most 100 labels")
    inner = _Given(entities, "redact_static_entities.")
    terms = []
    for number, label in enumerate(entities, 1):
        if not _STATIC_LABEL.fullmatch(label):
            raise _bad(
                f"label {number} of `redact_static_entities` must be of letters, digits, spaces, _ and -, up to 80"
            )
        try:
            texts = inner.texts(label, 200)
        except HTTPException:
            raise _bad(f"label {number} of `redact_static_entities` must have a list of at most 200 texts") from None
        if any(not 0 < len(text) <= 200 for text in texts):
            raise _bad(f"the texts of label {number} of `redact_static_entities` must have 1 to 200 characters")
        if any(not any(c.isalnum() for c in text) for text in texts):
            raise _bad(f"a text of label {number} of `redact_static_entities` has no letter or digit to be found by")
        terms.append((label, tuple(texts)))
    return tuple(terms)


def _spelling(given: _Given) -> tuple[tuple[tuple[str, ...], str], ...]:
    rows = given.items("custom_spelling", list, "a list of objects with from and to")
    spelling = []
    for row in rows[:1_001]:
        inner = _Given(row if isinstance(row, dict) else {}, "custom_spelling.")
        said, to = inner.texts("from", 100), inner.text("to", 200)
        if not said or not to or len(to.split()) != 1 or any(not 0 < len(s.split()) <= 5 for s in said):
            raise _bad("`custom_spelling` needs `from`, texts of one to five words, and `to`, one word")
        spelling.append((tuple(said), to.strip()))
    if len(spelling) > 1_000:
        raise _bad("`custom_spelling` must have at most 1000 rows")
    return tuple(spelling)


def _expected(given: _Given, name: str) -> list[str]:
    terms = [term.strip() for term in given.texts(name, 1_000)]
    if any(not 0 < len(term.split()) <= 6 or len(term) > 200 for term in terms):
        raise _bad(f"the texts of `{name}` must have one to six words, and at most 200 characters")
    return terms


def _webhook(given: _Given) -> tuple[str | None, tuple[str, str] | None]:
    url = given.text("webhook_url", longest=8_192) or None
    name, value = given.text("webhook_auth_header_name"), given.text("webhook_auth_header_value", 8_192)
    if url and not can_be_asked(url):
        raise _bad("`webhook_url` must be a http or https URL, without a name and password in it")
    if (name is None) != (value is None):
        raise _bad("`webhook_auth_header_name` and `webhook_auth_header_value` go together")
    if name is None or value is None:
        return url, None
    if not re.fullmatch("[A-Za-z0-9_-]{1,1000}", name) or name.lower() in _OURS:
        raise _bad("`webhook_auth_header_name` must be of letters, digits, - and _, and none that HTTP needs itself")
    if any(c < " " or c > "~" for c in value):
        raise _bad("`webhook_auth_header_value` must be of printable ASCII characters")
    return url, (name, value)


def _storable(text: str) -> bool:
    """JSON can name half of a character, which no text can hold."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _echo(body: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """The fields that the transcript shows again: of kinds that can name nobody, and that every SDK can read."""
    flags = {name: body[name] for name, row in FIELDS.items() if row.type == "boolean" and type(body.get(name)) is bool}
    models = body.get("speech_models")
    named = [m for m in models[:10] if isinstance(m, str) and _MODEL.fullmatch(m)] if isinstance(models, list) else []
    code = body.get("language_code")
    return flags | {
        "redact_pii": order.redact,
        "language_code": "en_us" if code == "en" else code,
        "redact_pii_policies": list(dict.fromkeys(body.get("redact_pii_policies") or ())) or list(order.labels) or None,
        "redact_pii_sub": {"label": "entity_name"}.get(order.substitution, "hash") if order.redact else None,
        "redact_pii_audio_quality": order.container if order.sound else None,
        # "beep" is none of the values that AssemblyAI's SDK can read.
        "redact_pii_audio_options": {"override_audio_redaction_method": "silence"}
        if order.covered == "silence"
        else None,
        "speech_models": named or None,
        "speakers_expected": body.get("speakers_expected") if type(body.get("speakers_expected")) is int else None,
        "audio_start_from": body.get("audio_start_from"),
        "audio_end_at": body.get("audio_end_at"),
    }


def _bad(text: str) -> HTTPException:
    return HTTPException(400, text)


_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "upgrade"})
_METHOD = "override_audio_redaction_method"
_MODEL = re.compile("[a-z0-9.-]{1,40}")
_STATIC_LABEL = re.compile("[A-Za-z0-9 _-]{1,80}")
_LANGUAGES = frozenset(
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si "
    "sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh".split()
)
"""What Whisper's multilingual models know."""
