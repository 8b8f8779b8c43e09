"""A server of the review page that holds everything in memory: the interface that the page is written against.

It is strict where the real one is: a session, the header on every change, revisions, 423 for what is not held. Jobs are
made by the tests, hostile and long ones among them; sound is a tone that is computed where it is asked for, so that ten
hours cost nothing. It stops with the ``with`` block.
"""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from offrecord.labels import LABELS

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_RATE = 8_000
_CHUNK = 65_536
Answer = dict[str, Any]


@dataclass
class Job:
    """One job: what the page is told of it, and the words that only the unredacted view gives."""

    id: str
    original: list[str] = field(default_factory=list)
    info: Answer = field(default_factory=dict)
    words: list[list[Any]] = field(default_factory=list)
    utterances: list[Answer] = field(default_factory=list)
    entities: list[Answer] = field(default_factory=list)
    suspects: list[Answer] = field(default_factory=list)
    revision: int = 1
    done: list[list[Answer]] = field(default_factory=list)
    undone: list[list[Answer]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    steps: list[Answer] = field(default_factory=list)
    held: bool = False
    owner: str = ""

    def entity(self, name: str) -> Answer:
        """An entity by its id."""
        return next(entity for entity in self.entities if entity["id"] == name)

    def states(self) -> list[str]:
        """The state of each entity, in order."""
        return [entity["state"] for entity in self.entities]


def job(name: str = "j1", *, said: Sequence[str] = (), hidden: Sequence[tuple[int, int]] = (), **fields: Any) -> Job:
    """A completed job: ``said`` in turns of twelve words, one word in 400 ms; ``hidden`` are the words of its details."""
    duration = 400 * len(said) or 5_000
    info = {
        "id": name, "status": "completed", "stage": "done", "share": 1, "left_s": None, "error": None,
        "created": 1_764_000_000_000, "duration": duration, "timed": True, "entities": len(hidden),
        "verification": {"found": 2, "widened": 1, "left": 0, "mode": "around"}, "review": "open", "original": True,
    }  # fmt: skip
    inside = {word for start, end in hidden for word in range(start, end)}
    words = [
        ["" if i in inside else text, 400 * i, 400 * i + 350, " ", i // 12, 0.3 if i % 17 == 16 else 0.9]
        for i, text in enumerate(said)
    ]
    utterances = [
        {"start": i, "end": min(len(said), i + 12), "speaker": "AB"[i // 12 % 2], "channel": None}
        for i in range(0, len(said), 12)
    ]
    labels = ("PERSON_NAME", "PHONE_NUMBER", "LOCATION_CITY", "DATE")
    sources = (["tagger"], ["patterns:phone"], ["tagger", "repeats"])
    entities = [
        {"id": f"e{i}", "words": [*span], "at": span[0], "time": None, "label": labels[i % 4], "source": sources[i % 3],
         "score": round(0.35 + i * 7 % 61 / 100, 2), "state": "found", "pad": [0, 0]}
        for i, span in enumerate(hidden)
    ]  # fmt: skip
    return Job(name, list(said), info | fields, words, utterances, entities)


def long_job(name: str, *, words: int, details: int, duration: int) -> Job:
    """A job of so many words and details over so many milliseconds."""
    made = job(name, said=[f"word{i % 997}" for i in range(words)], hidden=[
        (i * words // details, i * words // details + 1 + i % 3) for i in range(details)
    ])  # fmt: skip
    step = duration / words
    for i, word in enumerate(made.words):
        word[1:3] = int(i * step), int(i * step + 0.9 * step)
    made.info |= {"duration": duration}
    made.suspects = [
        {"id": f"s{i}", "kind": "single_claim", "start": made.words[e["words"][0]][1], "end": made.words[e["words"][0]][2],
         "words": e["words"], "entity": e["id"]}
        for i, e in enumerate(made.entities[::10])
    ]  # fmt: skip
    return made


class Stub:
    """The server. ``jobs`` may be changed while it runs; ``asked`` are the requests, as ``POST /path``."""

    def __init__(self, *jobs: Job, keys: Sequence[str] = (), unredacted: bool = True) -> None:
        self.jobs = {given.id: given for given in jobs}
        self.keys = list(keys)
        self.unredacted = unredacted
        self.asked: list[str] = []
        self.bodies: list[tuple[str, bytes]] = []
        self.url = ""
        self._made = 0

    def app(self) -> Starlette:
        """Its routes."""
        one = "/review/api/jobs/{id}"
        static = [Route(f"/static/review.{kind}", self._static(kind)) for kind in ("css", "js", "svg")]
        return Starlette(routes=[
            Route("/", self._static("html")), Route("/review/session", self._session, methods=["GET", "POST", "DELETE"]),
            Route("/review/{id}", self._static("html")), *static,
            Route("/review/api/jobs", self._jobs, methods=["GET", "POST"]),
            Route(one, self._of(self._job), methods=["GET", "DELETE"]),
            *(Route(f"{one}/{name}", self._of(call), methods=[method]) for method, name, call in self._routes()),
        ])  # fmt: skip

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        return [
            ("GET", "document", self._document), ("GET", "peaks", self._peaks), ("GET", "sound", self._sound),
            ("GET", "original/sound", self._original), ("GET", "original/words", self._original),
            ("POST", "unredacted", self._unredacted), ("POST", "decisions", self._decide), ("POST", "undo", self._undo),
            ("POST", "redo", self._redo), ("POST", "finish", self._finish), ("GET", "files.zip", self._file),
            ("GET", "audit.json", self._file), ("GET", "audit.csv", self._file), ("DELETE", "original", self._erase),
        ]  # fmt: skip

    def _static(self, kind: str) -> Callable[[Request], Response]:
        media = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[kind]

        def handler(_: Request) -> Response:
            text = files("offrecord").joinpath("server", "static", f"review.{kind}").read_text(encoding="utf-8")
            return Response(
                text, media_type=media, headers={"content-security-policy": CSP, "cache-control": "no-cache"}
            )

        return handler

    def _who(self, request: Request) -> str | None:
        who = request.cookies.get("offrecord_session")
        return who if who is not None and (not self.keys or who in self.keys) else None

    async def _session(self, request: Request) -> Response:
        if request.method == "GET":
            who = self._who(request)
            labels = [[row.name.upper(), row.meaning] for row in LABELS.values()]
            return JSONResponse({
                "signed_in": who is not None, "needs_key": bool(self.keys), "reviewer": who,
                "unredacted_allowed": self.unredacted, "labels": labels,
            })  # fmt: skip
        if request.headers.get("x-offrecord") != "1":
            return _error(403, "The header is missing")
        response = Response(status_code=204)
        if request.method == "DELETE":
            response.delete_cookie("offrecord_session")
            return response
        key = json.loads(await request.body())["key"]
        if self.keys and key not in self.keys:
            return _error(401, "Unknown key")
        response.set_cookie("offrecord_session", key or "anyone", httponly=True, samesite="strict")
        return response

    def _of(self, call: Callable[..., Any]) -> Callable[[Request], Any]:
        """A handler of one job: who may not see it does not learn that it is there."""

        async def handler(request: Request) -> Response:
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            self.asked.append(f"{request.method} {path}")
            body = await request.body()
            self.bodies.append((path, body))
            who, found = self._who(request), self.jobs.get(request.path_params["id"])
            if who is None:
                return _error(401, "Not signed in")
            if request.method != "GET" and request.headers.get("x-offrecord") != "1":
                return _error(403, "The header is missing")
            if found is None or (found.owner and found.owner != who):
                return _error(404, "There is no such job")
            if found.info["status"] == "deleted":
                return _error(410, "Deleted")
            result = call(found, request, json.loads(body) if body else None)
            assert isinstance(result, Response)
            return result

        return handler

    async def _jobs(self, request: Request) -> Response:
        if self._who(request) is None:
            return _error(401, "Not signed in")
        if request.method == "GET":
            return JSONResponse({"jobs": [given.info for given in self.jobs.values()][::-1], "more": False})
        if request.headers.get("x-offrecord") != "1":
            return _error(403, "The header is missing")
        body = await request.body()
        self._made += 1
        made = job(f"new{self._made}", status="processing", stage="transcribing", share=0.25, left_s=90)
        made.info |= {
            "timed": request.headers["content-type"] != "text/plain",
            "review": "open",
            "policy": request.query_params["policy"],
        }
        self.bodies.append(("/review/api/jobs", body))
        self.jobs[made.id] = made
        return JSONResponse(made.info, 201)

    def _job(self, found: Job, request: Request, _: Any) -> Response:
        if request.method == "DELETE":
            found.info["status"] = "deleted"
            return Response(status_code=204)
        return JSONResponse(found.info | {"revision": found.revision})

    def _document(self, found: Job, *_: Any) -> Response:
        muted = [
            [found.words[e["words"][0]][1], found.words[e["words"][1] - 1][2]] for e in found.entities if e["words"]
        ]
        hidden = {word for e in found.entities if e["words"] for word in range(*e["words"])}
        words = [["" if i in hidden else found.original[i], *word[1:]] for i, word in enumerate(found.words)]
        return JSONResponse(self._state(found) | {
            "job": found.info, "words": words, "utterances": found.utterances, "lead": "", "muted": muted,
            "suspects": found.suspects,
        })  # fmt: skip

    def _state(self, found: Job) -> Answer:
        return {
            "revision": found.revision, "entities": found.entities, "can_undo": bool(found.done),
            "can_redo": bool(found.undone),
        }  # fmt: skip

    def _peaks(self, _: Job, request: Request, __: Any) -> Response:
        start, end, bars = (int(request.query_params[name]) for name in ("start", "end", "bars"))
        step = (end - start) / bars
        return JSONResponse({"peaks": [abs(hash(int((start + i * step) // 40)) * 7919 % 97) / 97 for i in range(bars)]})

    def _sound(self, found: Job, request: Request, _: Any) -> Response:
        size = 44 + 2 * _RATE * found.info["duration"] // 1_000
        first, _, last = request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, end = int(first), min(size, int(last) + 1 if last else size)
        headers = {
            "accept-ranges": "bytes",
            "content-length": str(end - start),
            "content-range": f"bytes {start}-{end - 1}/{size}",
        }
        return StreamingResponse(_wav(start, end, size), 206, headers | {"cache-control": "no-store"}, "audio/wav")

    def _original(self, found: Job, request: Request, _: Any) -> Response:
        if not found.held:
            return _error(423, "The unredacted view is not held")
        if request.url.path.endswith("sound"):
            return self._sound(found, request, None)
        return JSONResponse({"words": found.original}, headers={"cache-control": "no-store"})

    def _unredacted(self, found: Job, _: Request, body: Any) -> Response:
        if body["held"] and not self.unredacted:
            return _error(403, "This server does not show originals")
        found.held = body["held"]
        found.events.append("held" if found.held else "let go")
        return Response(status_code=204)

    def _step(self, found: Job, body: Any, change: Callable[[], str | None]) -> Response:
        if body.get("token") in found.tokens:
            return JSONResponse(self._state(found))
        if body["revision"] != found.revision:
            return JSONResponse({"error": "Somebody else decided meanwhile", "revision": found.revision}, 409)
        wrong = change()
        if wrong:
            return _error(400, wrong)
        found.revision += 1
        found.info["review"] = "open"
        found.tokens.add(body.get("token", ""))
        return JSONResponse(self._state(found))

    def _decide(self, found: Job, _: Request, body: Any) -> Response:
        def change() -> str | None:
            before = copy.deepcopy(found.entities)
            for decision in body["decisions"]:
                if not _apply(found, decision):
                    found.entities = before
                    return "This decision cannot be"
            found.done.append(before)
            found.undone.clear()
            found.steps += body["decisions"]
            return None

        return self._step(found, body, change)

    def _undo(self, found: Job, _: Request, body: Any) -> Response:
        return self._step(found, body, lambda: _swap(found, found.done, found.undone))

    def _redo(self, found: Job, _: Request, body: Any) -> Response:
        return self._step(found, body, lambda: _swap(found, found.undone, found.done))

    def _finish(self, found: Job, _: Request, body: Any) -> Response:
        if body["revision"] != found.revision:
            return JSONResponse({"error": "Somebody else decided meanwhile", "revision": found.revision}, 409)
        found.info |= {"review": "finishing", "stage": "writing", "share": 0.5}
        return JSONResponse(found.info, 202)

    def _file(self, found: Job, request: Request, _: Any) -> Response:
        name = request.url.path.rpartition("/")[2]
        return Response(json.dumps(found.states()), headers={"content-disposition": f'attachment; filename="{name}"'})

    def _erase(self, found: Job, *_: Any) -> Response:
        found.info["original"] = False
        return Response(status_code=204)


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)


def _swap(found: Job, source: list[list[Answer]], target: list[list[Answer]]) -> str | None:
    if not source:
        return "There is nothing to take back"
    target.append(found.entities)
    found.entities = source.pop()
    return None


def _apply(found: Job, decision: Answer) -> bool:
    kind = decision["do"]
    if kind in ("add", "add_time"):
        time_ = [decision["start"], decision["end"]] if kind == "add_time" else None
        words = decision.get("words")
        at = words[0] if words else sum(word[1] < decision["start"] for word in found.words)
        name = f"a{sum(e['id'].startswith('a') for e in found.entities) + 1}"
        found.entities.append({"id": name, "words": words, "at": at, "time": time_, "label": decision["label"],
                               "source": ["reviewer"], "score": 1, "state": "added", "pad": [0, 0]})  # fmt: skip
        found.entities.sort(key=lambda e: e["at"])
        return True
    entity = next((e for e in found.entities if e["id"] == decision["entity"]), None)
    if entity is None:
        return False
    if kind == "everywhere":
        said = found.original[slice(*entity["words"])]
        alike = [e for e in found.entities if e["words"] and found.original[slice(*e["words"])] == said]
        return all(_apply(found, decision | {"do": decision["decision"], "entity": e["id"]}) for e in alike)
    if kind in ("words", "pad", "label"):
        entity[kind] = decision[kind]
    entity["state"] = "rejected" if kind == "reject" else "added" if entity["state"] == "added" else "accepted"
    return True


async def _wav(start: int, end: int, size: int) -> AsyncIterator[bytes]:
    """Bytes of a mono file of 16 bits that holds a soft tone."""
    header = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + b"".join(
        n.to_bytes(width, "little") for n, width in ((16, 4), (1, 2), (1, 2), (_RATE, 4), (2 * _RATE, 4), (2, 2), (16, 2))
    ) + b"data" + (size - 44).to_bytes(4, "little")  # fmt: skip
    yield header[start:end]
    at = max(44, start)
    period = b"".join((600 * (i % 40 - 20)).to_bytes(2, "little", signed=True) for i in range(40))
    tone = period * (_CHUNK // len(period) + 2)
    while at < end:
        offset = (at - 44) % len(period)
        piece = tone[offset : offset + min(_CHUNK, end - at)]
        yield piece
        at += len(piece)
        await asyncio.sleep(0)  # where it is noticed that nobody listens any more


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """The stub on a free port of this machine."""
    config = uvicorn.Config(stub.app(), port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        stub.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield stub
    finally:
        server.should_exit = True
        thread.join()
