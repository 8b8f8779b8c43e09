"""A language model as a detector: windows of the transcript go out, claims come back.

It can only add: what it answers is placed in the text (`grounding`) and united with what the other detectors found.
It is never believed to have found nothing: a window without a whole, valid answer ends the job (`gateway`). The
transcript is data in the question, encoded as JSON, and the answer has room for labels and quotes alone.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import partial
from importlib.resources import files
from typing import Any

from offrecord.cloud import is_here
from offrecord.detect import OVERLAP, crew, repeated, windows
from offrecord.detect.cache import Cache, Claims
from offrecord.detect.client import Client, address
from offrecord.detect.gateway import Gateway, TooLong
from offrecord.detect.grounding import Ground, Quote, mentions
from offrecord.detect.masking import Mask, mask
from offrecord.detect.spending import Budget, Meter
from offrecord.errors import FailedClosed, UsageError
from offrecord.labels import DENIED, LABELS, OwnLabel
from offrecord.settings import Settings, base_url_for, key_for
from offrecord.types import Policy, Span
from offrecord.usage import Usage

__all__ = ["Asked", "Llm", "load"]

SIZE = 4_000
"""Characters of a window's core. They end at a line break in their second half, so there is at most one call for each
2,000 characters."""
_LEAST = 400
"""Characters of a window below which a truncated answer is not asked for again in halves."""
_VERSION = "1"
"""Of how answers are placed: a new one makes what the cache holds useless."""


class Llm:
    """A model behind a gateway that is asked for the labels of one policy."""

    def __init__(
        self,
        gateway: Gateway,
        policy: Policy,
        *,
        concurrency: int = 4,
        deadline: float = 900,
        premask: bool = False,
        cache: Cache | None = None,
    ) -> None:
        """``deadline``: seconds that one redaction's answers may take. ``premask``: see `offrecord.detect.masking`."""
        self.gateway, self.policy, self.cache = gateway, policy, cache
        self.concurrency, self.deadline, self.premask = concurrency, deadline, premask
        self.labels = {str(label): label for label in sorted(policy.labels)}
        self.system = _prompt(self.labels)
        self.schema = _schema(self.labels)
        self.digest = hashlib.sha256(self.system.encode()).hexdigest()[:12]

    @property
    def local(self) -> bool:
        """Whether the text stays on this machine, as far as can be seen from here.

        Ollama sends on what is asked of its ``-cloud`` models.
        """
        return self.gateway.local and not self.gateway.model.endswith(("-cloud", ":cloud"))

    @property
    def destination(self) -> str:
        """Where the text goes, in words for the user."""
        plain = "" if self.gateway.base_url.startswith("https:") else ", unencrypted"
        plain = ", which sends it on" if self.gateway.local else plain
        masked = ", without what is found here" if self.premask else ""
        return f"{self.gateway.host} (language model {self.gateway.model}){plain}{masked}"

    @property
    def name(self) -> str:
        """The model, the gateway and the digest of the prompt."""
        return f"{self.gateway.model} at {self.gateway.host}, prompt {self.digest}"

    def ask(self) -> Asked:
        """The model for one redaction, with counts of its own."""
        return Asked(self)

    def label(self, name: str) -> str:
        """The label that an answer means: the one that was asked for, else the nearest of them.

        Models call a person "PERSON" or "name". What they mean by it matters less than that it is hidden. Only what
        the table has in a group that nothing was asked of (a date, where names were) is left to the policy.
        """
        low = name.strip().strip("[]").lower().replace(" ", "_").replace("-", "_")[:60]
        if low in self.labels:
            return self.labels[low]
        near = [label for label in self.labels.values() if low in LABELS and _group(label) == LABELS[low].group]
        if low in LABELS and not near:
            return low
        likeness = SequenceMatcher(None, b=low)

        def alike(label: str) -> float:
            likeness.set_seq1(label)
            return likeness.ratio()

        return max(near or self.labels.values(), key=alike)


class Asked:
    """One redaction's questions. `read` is the `Reader`; ``usage`` is what they came to."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm
        self._meter = Meter(Usage(llm.gateway.host, llm.gateway.model))

    @property
    def usage(self) -> Usage:
        """What has been asked until now."""
        return self._meter.usage

    def read(self, text: str, found: Sequence[Span]) -> list[Span]:
        """The model's claims on ``text``, and every other mention of what it claims.

        Raises `FailedClosed` or `ModelError` unless all of the text was read and answered for.
        """
        shown = self._masked(text, found) if self._llm.premask else Mask.none(text)
        pieces = list(_windows(shown.text))
        claims = {
            Span(*shown.source(start + span.start, start + span.end), span.label, span.score, span.source)
            for (start, _), part in zip(pieces, self._all([piece for _, piece in pieces]), strict=True)
            for span in part.spans
            if not shown.hides(start + span.start, start + span.end)
        }
        claims |= set(mentions(text, claims))
        return sorted(claims, key=lambda span: (span.start, span.end, span.label, span.source))

    def _masked(self, text: str, found: Sequence[Span]) -> Mask:
        ground = Ground(text)
        # What the user never wants to be read by anybody is not for the model either.
        denied = [
            span
            for term in self._llm.policy.deny
            for span in ground.place(Quote(DENIED, term))
            if span.source != "llm:sentence"
        ]
        return mask(text, [*found, *repeated(text, found, self._llm.policy.own), *denied])

    def _all(self, pieces: Sequence[str]) -> list[Claims]:
        """The claims on each piece; equal pieces are asked about once."""
        llm = self._llm
        deadline = time.monotonic() + llm.deadline
        known: dict[str, Claims] = {}
        for piece in dict.fromkeys(pieces):
            cached = self._cached(piece)
            if cached is not None:
                known[piece] = cached
        left = [piece for piece in dict.fromkeys(pieces) if piece not in known]
        # The first answer tells what the gateway can do; until then the others would all find it out.
        first = 0 if llm.gateway.settled else 1
        with llm.gateway.open() as client:
            work = partial(self._window, client=client, deadline=deadline)
            for part in (left[:first], left[first:]):
                known |= zip(part, crew.each(work, part, threads=llm.concurrency, deadline=deadline), strict=True)
        for piece in pieces:
            self._meter.add(ungrounded=known[piece].ungrounded, unplaced=known[piece].unplaced)
            self._meter.add(flooded=known[piece].flooded)
        return [known[piece] for piece in pieces]

    def _cached(self, piece: str) -> Claims | None:
        if not any(c.isalnum() for c in piece):
            return Claims(())
        claims = self._llm.cache.get(self._key(piece), len(piece)) if self._llm.cache else None
        if claims is not None:
            self._meter.add(cached=1)
        return claims

    def _key(self, piece: str) -> str:
        llm = self._llm
        return Cache.key(_VERSION, llm.gateway.model, llm.system, *llm.labels, piece)

    def _window(self, piece: str, client: Client, deadline: float) -> Claims:
        """The claims on one window; in halves, if the model cannot answer for it whole."""
        llm = self._llm
        user = json.dumps({"transcript": piece}, ensure_ascii=False)
        answer = llm.gateway.ask(client, llm.system, user, llm.schema, self._meter, deadline)
        claims = self._halves(piece, client, deadline) if isinstance(answer, TooLong) else self._place(piece, answer)
        if llm.cache:
            llm.cache.put(self._key(piece), claims)
        return claims

    def _halves(self, piece: str, client: Client, deadline: float) -> Claims:
        if len(piece) < _LEAST:
            raise FailedClosed(
                f"the model {self._llm.gateway.model} cannot answer for {len(piece)} characters of text: question or "
                "answer are too long for it; choose another model"
            )
        spans: list[Span] = []
        counts = [0, 0, 0]
        for start, half in _halved(piece):
            claims = self._cached(half) or self._window(half, client, deadline)
            spans += (
                Span(span.start + start, span.end + start, span.label, span.score, span.source) for span in claims.spans
            )
            counts = [a + b for a, b in zip(counts, (claims.ungrounded, claims.unplaced, claims.flooded), strict=True)]
        return Claims(tuple(spans), *counts)

    def _place(self, piece: str, answer: Sequence[Quote]) -> Claims:
        ground = Ground(piece)
        spans: list[Span] = []
        ungrounded = unplaced = 0
        for quote in dict.fromkeys(answer):
            placed = ground.place(Quote(self._llm.label(quote.label), quote.text))
            ungrounded += not placed
            unplaced += any(span.source == "llm:sentence" for span in placed)
            spans += placed
        claimed = {i for span in spans for i in range(span.start, span.end) if piece[i].isalnum()}
        letters = sum(c.isalnum() for c in piece)
        return Claims(tuple(spans), ungrounded, unplaced, int(letters > 200 and 2 * len(claimed) > letters))


def load(settings: Settings, policy: Policy) -> Llm:
    """The model that the settings name. Nothing is sent. Raises `UsageError` for settings that cannot be."""
    base_url = address(base_url_for(settings))
    if not settings.llm_model:
        raise UsageError("which model? name it as its gateway does, with --llm-model or OFFRECORD_LLM_MODEL")
    key = key_for(base_url, settings.llm_api_key)
    if key is None and not is_here(base_url):
        raise UsageError(
            "no key for the gateway; set OFFRECORD_LLM_API_KEY, OPENAI_API_KEY (ASSEMBLYAI_API_KEY for its hosts), or "
            "a file in OFFRECORD_LLM_API_KEY_FILE; for a gateway that needs none, set OFFRECORD_LLM_API_KEY=none"
        )
    budget = Budget(settings.llm_max_tokens, settings.llm_max_usd)
    gateway = Gateway(base_url, settings.llm_model, key, budget=budget, timeout=settings.llm_timeout)
    llm = Llm(
        gateway,
        policy,
        concurrency=settings.llm_concurrency,
        deadline=settings.llm_deadline,
        premask=settings.llm_premask,
    )
    if settings.llm_cache is not None:
        llm.cache = Cache(settings.llm_cache, lambda name: llm.labels.get(name, name if name in LABELS else None))
    return llm


def _prompt(labels: dict[str, str]) -> str:
    text = files("offrecord.detect").joinpath("prompt.md").read_text(encoding="utf-8")
    return text.replace("{labels}", "\n".join(f"- {name}: {_meaning(label)}" for name, label in labels.items()))


def _group(label: str) -> str | None:
    return LABELS[label].group if label in LABELS else None


def _meaning(label: str) -> str:
    return label.meaning if isinstance(label, OwnLabel) else LABELS[label].meaning


def _schema(labels: dict[str, str]) -> dict[str, Any]:
    """JSON schema as the strict mode wants it: everything required, and nothing else allowed."""
    entity = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": list(labels)}, "quote": {"type": "string"}},
        "required": ["label", "quote"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"entities": {"type": "array", "items": entity}},
        "required": ["entities"],
        "additionalProperties": False,
    }


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Where each window begins, and its text: a core, and whole utterances around it where they are not too long."""
    for window in windows(text, SIZE):
        line = text.rfind("\n", max(0, window.start - OVERLAP), window.start)
        start = line + 1 if line >= 0 else window.start
        line = text.find("\n", window.end, window.end + OVERLAP)
        end = line if line >= 0 else window.end
        yield start, text[start:end]


def _halved(piece: str) -> Iterator[tuple[int, str]]:
    """Both halves of a window, cut at white space, each going on a little into the other."""
    middle = len(piece) // 2
    beyond = min(OVERLAP, max(100, len(piece) // 8))
    further = beyond + beyond // 2
    space = piece.find(" ", middle + beyond, middle + further)
    end = space if space >= 0 else middle + beyond
    space = piece.rfind(" ", max(0, middle - further), middle - beyond)
    start = space + 1 if space >= 0 else middle - beyond
    yield 0, piece[:end]
    yield start, piece[start:]
