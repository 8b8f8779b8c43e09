"""AssemblyAI's REST API, version 2: the routes. Parsing is in `fields`, shapes in `wire`, state in the store."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from offrecord import export
from offrecord.records import redaction_from
from offrecord.rows import Job, Status
from offrecord.server import wire
from offrecord.server.asking import parse
from offrecord.server.bodies import json_of
from offrecord.server.keys import Keys, Links
from offrecord.server.uploads import receive
from offrecord.store import Store
from offrecord.types import Redaction

__all__ = ["V2"]

_NOT_FOUND = "Transcript lookup error, transcript id not found"
_LINK_S = 30 * 60
"""How long a link to redacted sound holds; each question for it makes a new one."""
_UPLOAD = re.compile(r"https?://[^?#]+/v2/upload/([0-9a-f]{32})")
_KINDS = {"mp3": "audio/mpeg", "wav": "audio/wav"}


class V2:
    """The routes, as methods. ``english_only``: what the recogniser of the workers is known to be."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        links: Links,
        *,
        public_url: str | None,
        max_upload: int,
        english_only: bool,
        unasked: Sequence[str] = (),
    ) -> None:
        self._store, self._keys, self._links = store, keys, links
        self._public_url = public_url.rstrip("/") if public_url else None
        self._max_upload, self._english_only, self._unasked = max_upload, english_only, unasked

    async def upload(self, request: Request) -> Response:
        """Take a recording as the raw body; the answer's `upload_url` goes into `audio_url`."""
        owner = self._keys.owner(request.headers.get("authorization"))
        upload = await receive(request, self._store, owner, self._max_upload)
        return JSONResponse({"upload_url": f"{self._origin(request)}/v2/upload/{upload}"})

    async def submit(self, request: Request) -> Response:
        """Queue a recording to be transcribed and redacted."""
        owner = self._keys.owner(request.headers.get("authorization"))
        asked = parse(await json_of(request), english_only=self._english_only, unasked=self._unasked)
        job = await run_in_threadpool(self._submit, owner, asked, self._origin(request))
        return JSONResponse(wire.transcript(job))

    def _submit(self, owner: str, asked: Any, origin: str) -> Job:
        found = _UPLOAD.fullmatch(asked.url)
        upload = found[1] if found else None
        if upload:
            of = self._store.upload_owner(upload)
            if of is None:
                raise HTTPException(400, "Cannot access uploaded file: it is gone. Please upload it again")
            if of != owner:
                raise HTTPException(403, "Cannot access uploaded file")
        settings = {
            "order": asked.order.asked(),
            "echo": dict(asked.echo),
            "webhook_url": asked.webhook_url,
            "webhook_header": asked.header[0] if asked.header else None,
        }
        return self._store.submit(
            owner,
            asked.url,
            asked=settings,
            secret=asked.order.secret(),
            header=asked.header,
            upload=upload,
            origin=origin,
        )

    def transcript(self, request: Request, transcript_id: str) -> Response:
        """The transcript, or how far it is."""
        return JSONResponse(wire.transcript(self._job(request, transcript_id)))

    def delete(self, request: Request, transcript_id: str) -> Response:
        """Erase the transcript, its recording and its redacted sound, now."""
        owner = self._keys.owner(request.headers.get("authorization"))
        job = self._store.delete(_id(transcript_id), owner)
        if job is None:
            raise HTTPException(400, _NOT_FOUND)
        return JSONResponse(wire.transcript(job))

    def transcripts(self, request: Request) -> Response:
        """The transcripts, newest first, in pages."""
        owner = self._keys.owner(request.headers.get("authorization"))
        query = request.query_params
        limit = _limit(query.get("limit"))
        status = query.get("status") or None
        if status is not None and status not in set(Status):
            raise HTTPException(400, f"`status` must be one of {', '.join(Status)}")
        day = _day(query.get("created_on"))
        before, after = (_id(query[name]) if query.get(name) else None for name in ("before_id", "after_id"))
        since, until = (int(d.timestamp() * 1_000) for d in (day, day + timedelta(days=1))) if day else (None, None)
        jobs = self._store.jobs(owner, limit=limit, status=status, since=since, until=until, before=before, after=after)
        base = f"{self._origin(request)}/v2/transcript"
        kept = {name: query[name] for name in ("status", "created_on") if query.get(name)}

        def page(**where: str) -> str:
            return f"{base}?{urlencode({'limit': limit, **kept, **where})}"

        older = bool(jobs) and bool(
            self._store.jobs(owner, limit=1, status=status, since=since, until=until, before=jobs[-1].id)
        )
        newer = bool(jobs) and bool(
            self._store.jobs(owner, limit=1, status=status, since=since, until=until, after=jobs[0].id)
        )
        details = {
            "limit": limit,
            "result_count": len(jobs),
            "current_url": page(**({"before_id": before} if before else {"after_id": after} if after else {})),
            "prev_url": page(before_id=jobs[-1].id) if older else None,
            "next_url": page(after_id=jobs[0].id) if newer else None,
        }
        return JSONResponse(
            {"page_details": details, "transcripts": [wire.listed(job, f"{base}/{job.id}") for job in jobs]}
        )

    def sentences(self, request: Request, transcript_id: str) -> Response:
        """The redacted transcript by sentences."""
        return JSONResponse(wire.sentences_of(*self._done(request, transcript_id)))

    def paragraphs(self, request: Request, transcript_id: str) -> Response:
        """The redacted transcript by paragraphs."""
        return JSONResponse(wire.paragraphs_of(*self._done(request, transcript_id)))

    def srt(self, request: Request, transcript_id: str) -> Response:
        """The redacted transcript as SubRip subtitles."""
        _, redaction = self._done(request, transcript_id)
        return PlainTextResponse(export.as_srt(redaction, _width(request.query_params.get("chars_per_caption"))))

    def vtt(self, request: Request, transcript_id: str) -> Response:
        """The redacted transcript as WebVTT subtitles."""
        _, redaction = self._done(request, transcript_id)
        return PlainTextResponse(export.as_vtt(redaction, _width(request.query_params.get("chars_per_caption"))))

    def word_search(self, request: Request, transcript_id: str) -> Response:
        """Where words or phrases (`words`, separated by commas) are said, in what is not hidden."""
        job, redaction = self._done(request, transcript_id)
        phrases = [phrase.strip() for phrase in request.query_params.get("words", "").split(",")]
        phrases = [phrase for phrase in phrases if phrase]
        if not phrases:
            raise HTTPException(400, "`words` is required: words or phrases, separated by commas")
        if len(phrases) > 100 or any(len(phrase.split()) > 5 for phrase in phrases):
            raise HTTPException(400, "`words` must be at most 100 phrases of at most five words")
        return JSONResponse(wire.search(job, redaction, phrases))

    def redacted_audio(self, request: Request, transcript_id: str) -> Response:
        """A link to the redacted sound. It needs no key, and holds for half an hour."""
        job = self._job(request, transcript_id)
        if job.status in (Status.QUEUED, Status.PROCESSING) and job.asked["order"]["sound"]:
            return JSONResponse({"status": "redacted_audio_processing"}, 202)
        if job.deleted or not job.asked["order"]["sound"]:
            raise HTTPException(400, "There is no redacted audio: it was not asked for, or it was deleted")
        if job.sound is None:
            raise HTTPException(400, "There is no redacted audio: it has expired, nobody speaks, or the job has failed")
        return JSONResponse(
            {"status": "redacted_audio_ready", "redacted_audio_url": self.sound_url(job, self._origin(request))}
        )

    def sound_url(self, job: Job, origin: str) -> str:
        """A link to the job's redacted sound that authorises itself."""
        name = f"{job.id}.{job.sound}"
        return f"{self._public_url or origin}/v2/redacted-audio/{name}?{self._links.query(name, _LINK_S)}"

    def sound(self, request: Request, name: str) -> Response:
        """The redacted sound itself, in whole or in ranges."""
        query = request.query_params
        job_id, _, container = name.partition(".")
        if not self._links.allows(name, query.get("expires", ""), query.get("signature", "")):
            raise HTTPException(403, "The link has expired, or is none of ours; ask /redacted-audio for a new one")
        job = self._store.anyones(_id(job_id))
        if job is None or job.sound != container:
            raise HTTPException(404, "The redacted audio is not there any more")
        path = self._store.sound_path(job.id, container)
        if not path.is_file():
            raise HTTPException(404, "The redacted audio is not there any more")
        return FileResponse(path, media_type=_KINDS[container], filename=name)

    def _job(self, request: Request, transcript_id: str) -> Job:
        owner = self._keys.owner(request.headers.get("authorization"))
        job = self._store.job(_id(transcript_id), owner)
        if job is None:
            raise HTTPException(400, _NOT_FOUND)
        return job

    def _done(self, request: Request, transcript_id: str) -> tuple[Job, Redaction]:
        """The owner's job and its redaction: before anything else of a request is looked at."""
        job = self._job(request, transcript_id)
        if job.result is None:
            gone = "deleted" if job.deleted else "not completed; its status is " + job.status.value
            raise HTTPException(400, f"The transcript is {gone}")
        return job, redaction_from(job.result)

    def _origin(self, request: Request) -> str:
        """How the client reached us, which is how it will again."""
        return self._public_url or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def _id(text: str) -> str:
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        raise HTTPException(400, _NOT_FOUND) from None
    if found != text.lower():
        raise HTTPException(400, _NOT_FOUND)
    return found


def _limit(text: str | None) -> int:
    if not text:
        return 10
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 3 and 1 <= int(text) <= 200):
        raise HTTPException(400, "`limit` must be an integer from 1 to 200")
    return int(text)


def _width(text: str | None) -> int:
    if not text:
        return export.CUE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 1_000):
        raise HTTPException(400, "`chars_per_caption` must be an integer from 1 to 1000")
    return int(text)


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    # Within the years in which there can be jobs: the day after the last of all has no date.
    if not re.fullmatch("2[0-9]{3}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise HTTPException(400, "`created_on` must be a day as 2024-03-11")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise HTTPException(400, "`created_on` must be a day as 2024-03-11") from None
