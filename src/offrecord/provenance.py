"""What a redaction was made with: names, versions and settings, none of which say what was said."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from offrecord.detect.tagger import Tagger
from offrecord.settings import Settings
from offrecord.transcribe import Recogniser
from offrecord.types import Policy

if TYPE_CHECKING:
    from offrecord.detect.llm import Llm

__all__ = ["made_with"]


def made_with(
    chosen: Settings,
    policy: Policy,
    recogniser: str,
    second: Recogniser | None,
    tagger: Tagger | None,
    llm: Llm | None,
) -> dict[str, str]:
    """The fields of `Redaction.made_with`; ``second``, ``tagger`` and ``llm`` are None where none was asked."""
    return {
        "offrecord": version("offrecord"),
        "recogniser": recogniser,
        "second_recogniser": second.name if second else "none",
        "detector": chosen.detector,
        "llm": llm.name if llm else "none",
        "tagger": tagger.name if tagger else "none",
        "strictness": chosen.strictness,
        "threshold": f"{tagger.sure:g}" if tagger else "none",
        "labels": ",".join(sorted(policy.labels)),
        "substitution": policy.substitution,
        "sound": policy.sound,
        "pad": f"{policy.pad}",
        "strict": "yes" if policy.strict else "no",
        "key_tones": "yes" if policy.key_tones else "no",
    }
