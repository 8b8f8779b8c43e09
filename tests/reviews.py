"""Reviews without a server: originals and steps drawn from coarse grids, and stores with a job that is done."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from serving import Server, until
from strategies import GAPS, TEXTS, spoken_words

from offrecord.records import redaction_record
from offrecord.review.decisions import Decision
from offrecord.review.draft import Draft
from offrecord.review.ledger import Ledger
from offrecord.review.marks import Mark, Marks, Original
from offrecord.store import Store
from offrecord.types import Entity, Redaction, Span, Transcript, Word

NAMES = ("person_name", "date")


@st.composite
def originals(draw: st.DrawFn) -> Original:
    """Something said, or a text, in which words come again."""
    if draw(st.booleans()):
        words = draw(spoken_words())
        return Original(Transcript.spoken(words, max([1_000, *(word.end for word in words)])))
    texts = draw(st.lists(st.sampled_from(TEXTS[:4]), max_size=7))
    return Original(Transcript(tuple(Word(text, gap=draw(st.sampled_from(GAPS))) for text in texts)))


@st.composite
def beginnings(draw: st.DrawFn, original: Original) -> Marks:
    """Details that were found: disjoint, in order."""
    marks: list[Mark] = []
    at = 0
    while at < len(original.transcript.words):
        start = at + draw(st.integers(0, 2))
        stop = start + draw(st.integers(1, 3))
        if stop > len(original.transcript.words):
            break
        marks.append(Mark(f"e{len(marks)}", range(start, stop), draw(st.sampled_from(NAMES)), at=start))
        at = stop
    return tuple(marks)


@st.composite
def decisions(draw: st.DrawFn, original: Original, marks: Marks) -> Decision:
    """One that may or may not be possible."""
    do = draw(st.sampled_from(["accept", "reject", "label", "words", "pad", "add", "add_time", "everywhere"]))
    label = draw(st.sampled_from(NAMES))
    start = draw(st.integers(0, max(0, len(original.transcript.words) - 1)))
    begin = 100 * draw(st.integers(0, 20))
    how = draw(st.sampled_from(["accept", "reject", "label"])) if do == "everywhere" else None
    return Decision(
        do,
        None if do.startswith("add") else draw(st.sampled_from([mark.id for mark in marks] or ["e0"])),
        label=label if do in ("label", "add", "add_time") or how == "label" else None,
        words=(start, start + draw(st.integers(1, 3))) if do in ("words", "add") else None,
        pad=(draw(st.sampled_from([-50, 0, 100])), 50) if do == "pad" else None,
        time=(begin, begin + 100 * draw(st.integers(1, 5))) if do == "add_time" else None,
        decision=how,
    )


def texted(*words: str) -> Original:
    """A text of these words."""
    return Original(Transcript(tuple(Word(word) for word in words)))


def spoken(text: str, each: int = 500) -> Transcript:
    """A recording in which the words of a text are said evenly."""
    words = [Word(word, i * each, (i + 1) * each, 0.9) for i, word in enumerate(text.split())]
    return Transcript.spoken(words, len(words) * each)


def drafted(transcript: Transcript, *found: tuple[int, int, str]) -> Draft:
    """What a worker found: words from and to, and a label."""
    entities = tuple(
        Entity(
            range(a, b),
            label,
            (Span(*transcript.characters_of(range(a, b)), label, 0.85, "tagger"),),
        )
        for a, b, label in found
    )
    return Draft(entities, made_with={"recogniser": "none"}, kind="wav" if transcript.timed else None)


def done(store: Store, transcript: Transcript, draft: Draft, *, owner: str = "local", upload: str | None = None) -> str:
    """The id of a job that a worker has completed, with its review."""
    kind = "recording" if transcript.timed else "text"
    order = {"redact": True, "substitution": "label", "multichannel": False, "speakers": False, "entities": False}
    asked = {"order": order | {"sound": False}, "echo": {}, "review": {"kind": kind, "policy": None}}
    job = store.submit(owner, "", asked=asked, secret={}, upload=upload, review=kind)  # type: ignore[arg-type]
    claim = store.claim(1)
    assert claim
    assert claim.id == job.id
    ledger = Ledger(store)
    hidden = {i for entity in draft.entities for i in entity.words}
    words = tuple(Word("#", w.start, w.end) if i in hidden else w for i, w in enumerate(transcript.words))
    redaction = Redaction(Transcript(words, transcript.duration), draft.entities, (), {})
    assert store.finish(
        claim, result=redaction_record(redaction), original=None, duration=transcript.duration, sound=None, keep=True,
        also=lambda db: ledger.begun(db, job.id, draft=draft, original=transcript, peaks=b"\x10\x80\xff" * 10),
    )  # fmt: skip
    return job.id


@dataclass
class Reviewer:
    """Somebody who signed in to a server, and asks as the page does."""

    server: Server
    cookie: str = ""

    @classmethod
    def of(cls, server: Server, key: str = "") -> Reviewer:
        """Signed in with ``key``."""
        request = urllib.request.Request(
            f"{server.url}/review/session", json.dumps({"key": key}).encode(), {"X-Offrecord": "1"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 204
            return cls(server, response.headers["set-cookie"].partition(";")[0])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body. ``path`` follows ``/review``."""
        given = {"cookie": self.cookie, "x_offrecord": "1"} | headers
        return self.server.ask(method, f"/review{path}", body, **given)

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and parsed body."""
        status, answer = self.ask(method, path, None if body is None else json.dumps(body).encode(), **headers)
        return status, json.loads(answer or b"null")

    def get(self, path: str) -> Any:
        """The body of what is there."""
        status, body = self.json("GET", f"/api/jobs/{path}")
        assert status == 200, body
        return body

    def post(self, path: str, **body: Any) -> Any:
        """The body of what was taken."""
        status, answer = self.json("POST", f"/api/jobs/{path}", body)
        assert status in (200, 202), answer
        return answer

    def decide(self, job: str, revision: int, *decisions: dict[str, Any], **more: Any) -> Any:
        """What follows a step."""
        return self.post(f"{job}/decisions", revision=revision, decisions=list(decisions), **more)

    def submit(self, content: bytes, kind: str = "audio/wav", query: str = "") -> str:
        """The id of a new job."""
        status, body = self.ask("POST", f"/api/jobs{query}", content, content_type=kind)
        assert status == 201, body
        return str(json.loads(body)["id"])

    def ended(self, job: str) -> Any:
        """The job when it is done, or has failed."""
        return until(lambda: (row := self.get(job))["status"] in ("completed", "error") and row)

    def finished(self, job: str, revision: int) -> Any:
        """The job when its files are made, or are not."""
        self.post(f"{job}/finish", revision=revision)
        return until(lambda: (row := self.get(job))["review"] in ("finished", "failed") and row)
