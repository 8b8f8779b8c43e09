"""Which recogniser: the one on this machine, or a service elsewhere, as the settings say."""

from __future__ import annotations

from collections.abc import Callable

from offrecord import cloud
from offrecord.errors import UsageError
from offrecord.settings import Settings
from offrecord.transcribe import Recogniser, whisper
from offrecord.transcribe.whisper import Whisper

__all__ = ["Whisper", "recogniser_for", "whisper_for"]


def recogniser_for(chosen: Settings, tell: Callable[[str], None]) -> Recogniser:
    """The recogniser that the settings name, loaded or ready to be asked; nothing is sent yet.

    Raises `ModelError` for a model that cannot be loaded and `UsageError` for settings that cannot be.
    """
    if chosen.recogniser == "local":
        return whisper_for(chosen, chosen.model)
    # Here, because the HTTP client takes a while to import, and most users have no need of it.
    from offrecord.transcribe import assemblyai, openai  # noqa: PLC0415

    url = cloud.checked(
        chosen.recogniser_base_url or cloud.address(chosen.recogniser), "the base URL of the recogniser"
    )
    if chosen.recogniser == "assemblyai":
        return assemblyai.AssemblyAI(
            url.removesuffix("/v2"),
            cloud.key(assemblyai.KEY),
            tell,
            model=chosen.model,
            language=chosen.language,
            speakers=chosen.speakers,
            delete=chosen.delete_remote,
            seconds=chosen.recogniser_timeout,
        )
    if chosen.delete_remote:
        raise UsageError("this API has no call to delete what it was sent, so --delete-remote cannot be kept with it")
    return openai.OpenAI(
        url,
        cloud.key(openai.KEY),
        tell,
        model=openai.DEFAULT if chosen.model is None else chosen.model,
        language=chosen.language,
        seconds=chosen.recogniser_timeout,
    )


def whisper_for(chosen: Settings, model: str | None) -> Whisper:
    """The model of this name (None: the bundled one) on this machine, with threads and language of the settings.

    Raises as `whisper.load` does.
    """
    return whisper.load(
        whisper.BUNDLED if model is None else model,
        threads=chosen.threads,
        device=chosen.device,
        compute_type=chosen.compute_type,
        language=chosen.language,
    )
