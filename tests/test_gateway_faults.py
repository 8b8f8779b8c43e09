"""The fault matrix: whatever a gateway does wrong, with the first, a middle or the last window, nothing planted gets out.

Each job either fails with its documented code or hides everything. There is no third way.
"""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from gateways import Asked, Play, Turn, answer, at, completion, entities, error, gateway, perfect, shown
from pydantic import SecretStr

from offrecord.detect import detect
from offrecord.detect.gateway import Gateway
from offrecord.detect.llm import Llm
from offrecord.detect.spending import Budget
from offrecord.errors import FailedClosed, ModelError, OffrecordError
from offrecord.redact.text import substitute
from offrecord.resolve import resolve
from offrecord.transcribe.imported import from_text
from offrecord.types import Policy

PLANTED = (
    ("person_name", "Quillorbert Vandersnoot"),
    ("phone_number", "seven oh nine, double three, eight one six two"),
    ("email_address", "quillorbert at vexmoor dot example"),
    ("occupation", "the only dentist in Zamborough"),
)
_FILLER = "And how was the weather over there, was it as grey as it has been over here all week long?\n"
TEXT = "".join(
    f"{_FILLER * 18}Well, I would rather not say. It was {PLANTED[i % 4][1]}, and that is all.\n{_FILLER * 10}"
    for i in range(4)
)
"""Four windows, and a detail in the core of each."""
WINDOWS = 3
_KEY = "sk-canary-31415926535"


def redacted(play: Play, text: str = TEXT, **settings: object) -> str:
    """The text as a model behind ``play`` alone would have it redacted."""
    policy = Policy(frozenset(label for label, _ in PLANTED))
    with gateway(play) as server:
        talk = Gateway(
            server.url,
            "m",
            SecretStr(_KEY),
            budget=Budget(),
            timeout=float(str(settings.get("timeout", 5))),
            pause=0.001,
        )
        llm = Llm(talk, policy, concurrency=2, deadline=float(str(settings.get("deadline", 20))))
        transcript = from_text(text)
        spans = detect(transcript.view, [], reader=llm.ask().read)
    return substitute(transcript, resolve(transcript, spans, policy), "label")[0].text


PERFECT = perfect(PLANTED)


def _quoting(change: object) -> Play:
    """A model that finds everything, and changes how it says so."""

    def play(asked: Asked) -> Turn:
        found = json.loads(json.loads(PERFECT(asked).body)["choices"][0]["message"]["content"])["entities"]
        assert callable(change)
        content = change(found)
        return completion(content if isinstance(content, str) else json.dumps(content))

    return play


def _each(field: str, change: object) -> Play:
    assert callable(change)
    return _quoting(lambda found: {"entities": [{**entity, field: change(entity[field])} for entity in found]})


def _echo(status: int) -> Play:
    """An error that quotes the question back, as gateways like to."""
    return lambda asked: error(status, f"cannot process: {asked.transcript}", **{"X-Prompt": "Quillorbert Vandersnoot"})


def _longer(found: list[dict[str, str]]) -> str:
    return json.dumps({"entities": found, "padding": "x" * 1_000_000})


FAILS: dict[str, Play] = {
    "prose": lambda _: completion("I found no personal details in this transcript."),
    "an apology": lambda _: completion("I'm sorry, but I can't help with that."),
    "an empty answer": lambda _: completion(""),
    "white space": lambda _: completion(" \n "),
    "no content": lambda _: completion(None),
    "content in parts": lambda _: completion([{"type": "text", "text": entities([])}]),
    "null": lambda _: completion("null"),
    "a list": lambda _: completion("[]"),
    "an empty object": lambda _: completion("{}"),
    "null entities": lambda _: completion('{"entities": null}'),
    "entities as an object": lambda _: completion('{"entities": {"person_name": ["Quillorbert"]}}'),
    "entities as texts": lambda _: completion('{"entities": ["Quillorbert"]}'),
    "a quote that is a number": lambda _: completion('{"entities": [{"label": "phone_number", "quote": 709}]}'),
    "a quote that is null": lambda _: completion('{"entities": [{"label": "phone_number", "quote": null}]}'),
    "no label": lambda _: completion('{"entities": [{"quote": "Quillorbert Vandersnoot"}]}'),
    "broken JSON": lambda _: completion('{"entities": [{"label": "person_name", "quote": "Quill'),
    "single quotes": lambda _: completion("{'entities': []}"),
    "prose around JSON": lambda _: completion('Here you are: {"entities": []} Anything else?'),
    "two answers": lambda _: completion('{"entities": []}\n{"entities": []}'),
    "always too long": lambda _: completion('{"entities": [', "length"),
    "a filter": lambda _: completion('{"entities": []}', "content_filter"),
    "a refusal": lambda _: completion(None, message={"refusal": "I cannot read Quillorbert Vandersnoot's call."}),
    "a refusal beside an answer": lambda _: completion(entities([]), message={"refusal": "no"}),
    "no end": lambda _: completion('{"entities": []}', None),
    "a tool call": lambda _: completion('{"entities": []}', "tool_calls"),
    "no choices": lambda _: Turn(b'{"choices": []}'),
    "null choices": lambda _: Turn(b'{"choices": null}'),
    "choices of text": lambda _: Turn(b'{"choices": ["no"]}'),
    "an envelope of a list": lambda _: Turn(b"[]"),
    "an envelope of nothing": lambda _: Turn(b""),
    "an envelope broken off": lambda asked: Turn(PERFECT(asked).body[:-20]),
    "no UTF-8": lambda _: Turn(b'{"choices": [{"message": {"content": "\xff"}}]}'),
    "an error with status 200": lambda _: Turn(b'{"error": {"message": "Quillorbert Vandersnoot", "code": 502}}'),
    "a web page": lambda _: Turn(b"<!doctype html><h1>Welcome</h1>", headers={"Content-Type": "text/html"}),
    "status 400": _echo(400),
    "status 401": _echo(401),
    "status 402": _echo(402),
    "status 403": _echo(403),
    "status 404": _echo(404),
    "status 418": _echo(418),
    "status 429": _echo(429),
    "no more quota": lambda _: error(429, "insufficient_quota"),
    "status 500": _echo(500),
    "status 503": _echo(503),
    "a redirection": lambda _: error(307, Location="http://example.invalid/v1/chat/completions"),
    "status 413, whatever the size": _echo(413),
    "a connection that is dropped": lambda _: Turn(rude="drop"),
    "a connection that breaks": lambda asked: Turn(PERFECT(asked).body, rude="half"),
    "another protocol": lambda _: Turn(rude="noise"),
    "an answer of a megabyte": _quoting(_longer),
    "a reply of five megabytes": lambda _: Turn(b" " * 5_000_000),
    "a deep reply": lambda _: Turn(b"[" * 100_000),
}
"""What cannot be made up for by asking again."""

HIDES: dict[str, Play] = {
    "a fence": _quoting(lambda found: f"```json\n{json.dumps({'entities': found})}\n```"),
    "a bare fence": _quoting(lambda found: f"```\n{json.dumps({'entities': found})}```"),
    "thoughts": _quoting(lambda found: f"<think>Names? {{}}</think>\n\n{json.dumps({'entities': found})}"),
    "offsets that are wrong": _quoting(lambda found: {"entities": [{**e, "start": 3, "end": 1} for e in found]}),
    "other fields": _quoting(lambda found: {"entities": found, "note": "I am a helpful assistant"}),
    "capitals": _each("quote", str.upper),
    "other spaces": _each("quote", lambda quote: "  ".join(quote.split()) + " \n"),
    "other punctuation": _each("quote", lambda quote: f'"{quote.replace(",", "").replace(" ", "-")}".'),
    "written out": _each(
        "quote",
        lambda quote: {PLANTED[1][1]: "709-338-162", PLANTED[2][1]: "quillorbert@vexmoor.example"}.get(quote, quote),
    ),
    "a typing error": _each("quote", lambda quote: quote.replace("o", "", 1)),
    "words left out": _each("quote", lambda quote: quote.replace(" only", "").replace(" at", "")),
    "half of it wrong": _each("quote", lambda quote: f"{quote} Esquire"),
    "labels in capitals": _each("label", str.upper),
    "labels of another table": _each(
        "label", lambda label: {"person_name": "PERSON", "phone_number": "PHONE"}.get(label, label)
    ),
    "labels that mean nothing": _each("label", lambda _: "B-MISC"),
    "an answer in 200 pieces": lambda asked: Turn(PERFECT(asked).body, pieces=200, pause=0.0005),
    "the native word for an end": lambda asked: Turn(PERFECT(asked).body.replace(b'"stop"', b'"end_turn"')),
    "an answer again and again": _quoting(lambda found: {"entities": found * 300}),
}
"""What is odd, and still an answer."""

ONCE: dict[str, Play] = {
    name: FAILS[name]
    for name in (
        "prose", "an empty answer", "broken JSON", "a filter", "no end", "always too long", "an envelope of nothing", "status 429",
        "status 500", "a connection that is dropped", "a connection that breaks", "an answer of a megabyte",
        "status 413, whatever the size", "an error with status 200",
    )
}  # fmt: skip
"""What goes by when the gateway is asked again, or asked about less."""


def _is_clean(text: str) -> bool:
    """Whether no planted detail, nor a telling word of one, is in the text."""
    words = {word for _, quote in PLANTED for word in shown_words(quote)}
    return not any(word in shown(text) for word in words)


def shown_words(quote: str) -> set[str]:
    return {shown(quote)} | {
        word for word in ("quillorbert", "vandersnoot", "vexmoor", "zamborough") if word in shown(quote)
    }


@pytest.mark.parametrize("window", [0, 1, WINDOWS - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("fault", FAILS)
def test_a_fault_that_stays_fails_the_job(
    fault: str, window: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 5 or 6, a message in one line that says what to do, and neither the text nor the key in it or a log."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises((FailedClosed, ModelError)) as caught:
        redacted(at(window, FAILS[fault], PERFECT))
    said = (
        "".join(traceback.format_exception(caught.value))
        + repr(caught.value)
        + caplog.text
        + "".join(capfd.readouterr())
    )
    # The traceback shows source lines: those of this file name the details.
    message = str(caught.value)
    assert "\n" not in message
    assert "time is up" not in message
    assert _is_clean(message + caplog.text + "".join(capfd.readouterr()))
    assert _KEY not in said
    assert caught.value.__context__ is None
    assert caught.value.exit_code in (5, 6)


@pytest.mark.parametrize("window", [0, 1, WINDOWS - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("oddity", HIDES)
def test_an_odd_answer_hides_everything(oddity: str, window: int) -> None:
    """What a model means is found in the text, however it says it."""
    assert _is_clean(redacted(at(window, HIDES[oddity], PERFECT)))


@pytest.mark.parametrize("window", [0, 1, WINDOWS - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("fault", ONCE)
def test_a_fault_that_passes_is_made_up_for(fault: str, window: int) -> None:
    """The gateway is asked again, or about half as much, and everything is hidden."""
    assert _is_clean(redacted(at(window, ONCE[fault], PERFECT, times=1)))


@pytest.mark.parametrize("window", [0, 1, WINDOWS - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize(
    "slow", [Turn(answer().body, pause=3), Turn(answer().body, pieces=200, pause=0.05)], ids=["late", "dribbling"]
)
def test_an_answer_that_does_not_come_fails_the_job(slow: Turn, window: int) -> None:
    """Late, or a byte at a time: a time-out is one for the whole answer."""
    with pytest.raises(FailedClosed, match=r"does not answer|time is up|asked again"):
        redacted(at(window, lambda _: slow, PERFECT), timeout=0.2, deadline=1.5)


def test_a_time_out_is_for_the_whole_answer() -> None:
    """Each byte of it in time is not enough: the rest never comes."""
    dribble = Turn(answer().body, pieces=200, pause=0.02)
    with pytest.raises(FailedClosed, match=r"does not answer within 0\.2 s, 5 times"):
        redacted(lambda _: dribble, timeout=0.2)


def test_a_reply_is_read_only_so_far() -> None:
    """Four megabytes are no answer, whatever comes after them."""
    with pytest.raises(FailedClosed, match="four megabytes"):
        redacted(lambda _: Turn(b" " * 5_000_000))


def test_the_text_of_the_matrix_has_its_windows() -> None:
    """The matrix is about as many windows as it says, and a perfect model hides all of it."""
    seen: list[str] = []

    def play(asked: Asked) -> Turn:
        seen.append(asked.transcript)
        return PERFECT(asked)

    assert _is_clean(redacted(play))
    assert len(seen) == WINDOWS
    assert not _is_clean(TEXT)


def test_every_fault_is_an_error_of_ours() -> None:
    """So that whoever catches our errors catches these."""
    assert issubclass(FailedClosed, OffrecordError)
    assert issubclass(ModelError, OffrecordError)
