"""AssemblyAI's own Python client in a process of its own: `client.py URL RECORDING SAVED [--without MODULE]`.

Its base URL comes from ASSEMBLYAI_BASE_URL, and from nowhere else. Prints one JSON object of what it was given.
"""

from __future__ import annotations

import importlib.abc
import json
import sys
from typing import Any


class Missing(importlib.abc.MetaPathFinder):
    """Makes a package that is installed one that is not."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, fullname: str, *_: Any) -> None:
        if fullname.partition(".")[0] == self._name:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


url, recording, saved, *without = sys.argv[1:]
if without:
    sys.meta_path.insert(0, Missing(without[1]))

import assemblyai as aai  # noqa: E402

aai.settings.api_key = "right"
aai.settings.polling_interval = 0.2
told: dict[str, Any] = {"pydantic_v2": aai.types.pydantic_v2, "base_url": aai.settings.base_url}

config = aai.TranscriptionConfig(entity_detection=True, speech_models=["universal-3-5-pro"]).set_redact_pii(
    policies=[aai.PIIRedactionPolicy.person_name],
    substitution=aai.PIISubstitutionPolicy.entity_name,
    redact_audio=True,
    redact_audio_quality=aai.PIIRedactedAudioQuality.wav,
    redact_audio_options=aai.RedactPiiAudioOptions(override_audio_redaction_method=aai.PIIRedactedAudioMethod.silence),
)
config.raw.redact_pii_return_unredacted = True
# Not waited for: asking for its sound is what waits, as long as the server says 202.
submitted = aai.Transcriber().submit(recording, config)
submitted.save_redacted_audio(saved)
hidden = aai.Transcript.get_by_id(str(submitted.id))
assert hidden.json_response
told |= {"text": hidden.text, "entities": [entity.text for entity in hidden.entities or ()]}
told |= {"unredacted": hidden.json_response["unredacted_text"], "srt": hidden.export_subtitles_srt()}
told |= {"sentences": [s.text for s in hidden.get_sentences()], "paragraphs": [p.text for p in hidden.get_paragraphs()]}
told["found"] = [[match.text, match.count] for match in hidden.word_search(["good morning", "Steve"])]
page = aai.Transcriber().list_transcripts(aai.ListTranscriptParameters(limit=1))
told["listed"] = [item.id == hidden.id for item in page.transcripts]
answer = aai.LLMGateway().chat.completions.create(model="small", messages=[{"role": "user", "content": "Hello"}])
told["answer"] = answer.choices[0].message.content
stream = aai.LLMGateway().chat.completions.create(
    model="small", messages=[{"role": "user", "content": "Hello"}], stream=True
)
told["streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
told["models"] = [model.id for model in aai.LLMGateway().models.list().data]
told["deleted"] = aai.Transcript.delete_by_id(str(hidden.id)).text
aai.settings.api_key = "wrong"
try:
    aai.Transcript.get_by_id(str(hidden.id))
except aai.types.TranscriptError as error:
    told["refused"] = str(error)
sys.stdout.write(json.dumps(told))
