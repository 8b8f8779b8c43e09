"""A stub of AssemblyAI's API after ../shared/docs/assemblyai-contract.md: upload, transcripts, and its LLM gateway.

It keeps what it was sent, gives the words that it was told for any upload, and measures the sound for their length.
"""

from __future__ import annotations

import io
import json
import math
import ssl
import uuid
import wave
from collections.abc import Mapping, Sequence
from typing import Any

from servers import Answer, Request, Server

KEY = "stub-key-5e1f"
NOT_FOUND = Answer(400, {"error": "Transcript lookup error, transcript id not found"})
DELETED = "http://deleted_by_user"


def word(text: str, start: int, end: int, speaker: str | None = None, channel: str | None = None) -> dict[str, Any]:
    """A word as the API gives it."""
    return {"text": text, "start": start, "end": end, "confidence": 0.9, "speaker": speaker, "channel": channel}


class AssemblyAIStub(Server):
    """``words``: of every transcript. ``changed``: fields that its transcripts have otherwise.

    ``looks``: how often a transcript is looked at before it ends. ``replies``: what the LLM gateway's model says, one
    after the other, and then the last again.
    """

    def __init__(
        self,
        words: Sequence[Mapping[str, Any]] = (),
        *,
        changed: Mapping[str, Any] | None = None,
        looks: int = 2,
        replies: Sequence[str] = ('{"entities": []}',),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls)
        self.words, self.looks, self.changed = list(words), looks, dict(changed or {})
        self.replies = list(replies)
        self.uploads: dict[str, bytes] = {}
        self.transcripts: dict[str, dict[str, Any]] = {}
        self._looked: dict[str, int] = {}

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization", "").removeprefix("Bearer ") != KEY:
            error = "Authentication error, API token missing/invalid"
            return Answer(401, {"error": error, "status": "error", "request_id": str(uuid.uuid4())})
        name = request.path.removeprefix("/v2/transcript/")
        answer = Answer(404, {"error": "Not found"})
        match request.method, request.path:
            case "POST", "/v2/upload":
                answer = self._upload(request.body)
            case "POST", "/v2/transcript":
                answer = self._create(request.json)
            case "POST", "/v1/chat/completions":
                answer = Answer(200, self._completion(request.json))
            case "GET", _ if name in self.transcripts:
                answer = self._look(name)
            case "DELETE", _ if name in self.transcripts:
                answer = self._delete(name)
            case _, path if path.startswith("/v2/transcript/"):
                answer = NOT_FOUND
        return answer

    def _upload(self, sound: bytes) -> Answer:
        url = f"https://cdn.assemblyai.com/upload/{uuid.uuid4().hex}/{uuid.uuid4()}"
        self.uploads[url] = sound
        return Answer(200, {"upload_url": url})

    def _create(self, wanted: dict[str, Any]) -> Answer:
        if wanted["audio_url"] not in self.uploads:
            return Answer(403, {"error": "Cannot access uploaded file"})
        name = str(uuid.uuid4())
        self.transcripts[name] = {
            **wanted, "id": name, "status": "queued", "text": None, "words": None, "utterances": None, "error": None,
            "redact_pii": False, "speech_model": None, "webhook_auth": False, "auto_highlights": False,
        }  # fmt: skip
        self._looked[name] = 0
        return Answer(200, self.transcripts[name])

    def _look(self, name: str) -> Answer:
        transcript = self.transcripts[name]
        if transcript["audio_url"] == DELETED:
            return Answer(200, transcript)
        self._looked[name] += 1
        if self._looked[name] < self.looks:
            transcript["status"] = "processing"
        else:
            transcript |= self._ended(transcript)
        return Answer(200, transcript)

    def _ended(self, transcript: Mapping[str, Any]) -> dict[str, Any]:
        with wave.open(io.BytesIO(self.uploads[transcript["audio_url"]])) as sound:
            seconds = math.ceil(sound.getnframes() / sound.getframerate())
        ended = {
            "status": "completed",
            "audio_duration": seconds,
            "words": self.words,
            "text": " ".join(item["text"] for item in self.words),
            "confidence": 0.9,
            "speech_model_used": "universal-3-5-pro",
        }
        if transcript.get("multichannel") or transcript.get("speaker_labels"):
            ended["utterances"] = [{**item, "words": [item]} for item in self.words]
        return ended | self.changed

    def _delete(self, name: str) -> Answer:
        self.uploads.pop(self.transcripts[name]["audio_url"], None)
        kept = dict.fromkeys(self.transcripts[name]) | {"id": name, "status": "completed"}
        self.transcripts[name] = kept | {"audio_url": DELETED, "text": "Deleted by user.", "webhook_url": DELETED}
        return Answer(200, self.transcripts[name])

    def _completion(self, wanted: dict[str, Any]) -> dict[str, Any]:
        content = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        used, given = len(json.dumps(wanted)) // 4, len(content) // 4
        usage = {
            "input_tokens": used, "output_tokens": given, "prompt_tokens": used, "completion_tokens": given,
            "total_tokens": used + given,
        }  # fmt: skip
        message = {"role": "assistant", "content": content}
        return {
            "request_id": str(uuid.uuid4()), "id": str(uuid.uuid4()), "object": "chat.completion", "created": 1,
            "model": wanted["model"], "usage": usage, "http_status_code": 200, "response_time": 53_194_779,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }  # fmt: skip
