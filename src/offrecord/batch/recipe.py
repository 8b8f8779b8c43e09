"""What a recording is made into: settings, lists, formats and models, as JSON for the workers and as one digest.

The digest stands on the row of each recording, so that a change of anything that decides what comes out is seen, and
nothing else: not the number of threads, not a time limit, not where answers are remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import offrecord
from offrecord.errors import UnknownFormat, UsageError
from offrecord.export import FORMATS, SOUNDS
from offrecord.pipeline import Redactor

__all__ = ["Recipe"]

_IRRELEVANT = {
    "threads", "device", "recogniser_timeout", "delete_remote", "llm_api_key", "llm_concurrency", "llm_timeout",
    "llm_deadline", "llm_max_tokens", "llm_max_usd", "llm_cache",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what comes out. ``given`` builds the same `Redactor` in another process; it holds no key.

    ``allow``, ``deny`` and ``entities`` are in ``given`` because the workers need them; they are kept nowhere.
    """

    given: Mapping[str, Any] = field(repr=False)
    digest: str

    @classmethod
    def of(cls, redactor: Redactor, formats: Sequence[str] = (), policy: str | None = None) -> Recipe:
        """The recipe of a redactor, whose models are not loaded for it, and of the ``policy`` that it was made with.

        The policy by its name, because a preset says more than its labels; None: that of the environment. Raises
        `UnknownFormat` for a format that is not written, and `UsageError` for sound where it is to be left alone.
        """
        unknown = [name for name in formats if name not in FORMATS]
        if unknown:
            raise UnknownFormat(f"unknown format {unknown[0]!r}; expected one of {', '.join(FORMATS)}")
        if redactor.policy.sound == "none" and not SOUNDS.isdisjoint(formats):
            raise UsageError("no sound can be written where it is to be left alone (--sound none)")
        set_ = redactor.settings.model_dump(mode="json", exclude={"llm_api_key"}, exclude_none=True)
        if not redactor.settings.threads:
            del set_["threads"]  # the worker's own share of the cores
        for name in ("tagger", "llm_cache", "model", "second_model", "verify_model"):
            if name in set_ and (name in ("tagger", "llm_cache") or Path(set_[name]).is_dir()):
                set_[name] = str(Path(set_[name]).absolute())  # another process may work elsewhere
        if policy is not None:
            set_["policy"] = policy
        given = {
            "settings": set_,
            "allow": list(redactor.policy.allow),
            "deny": list(redactor.policy.deny),
            "entities": [(str(label), label.meaning) for label in redactor.policy.own],
            "formats": list(formats),
        }
        return cls(given, _digest(redactor, given))

    def for_options(self, options: Mapping[str, Any]) -> str:
        """The digest for a recording that has options of its own."""
        if not options:
            return self.digest
        return _short(self.digest, json.dumps(options, sort_keys=True))


def redactor_of(given: Mapping[str, Any]) -> Redactor:
    """The redactor of a recipe's ``given``, in whatever process.

    It says nothing of what leaves the machine: who started the process has said it.
    """
    return Redactor(
        **given["settings"],
        allow=given["allow"],
        deny=given["deny"],
        entities=[(name, meaning) for name, meaning in given["entities"]],
        tell=lambda _: None,
    )


def _digest(redactor: Redactor, given: Mapping[str, Any]) -> str:
    decides = {name: value for name, value in given["settings"].items() if name not in _IRRELEVANT}
    # Whoever has the manifest could try names: that should take a while for each.
    terms = json.dumps([sorted(given["allow"]), sorted(given["deny"]), given["entities"]])
    slowly = (
        hashlib.scrypt(terms.encode(), salt=b"offrecord batch", n=1 << 14, r=8, p=1).hex()
        if terms != "[[], [], []]"
        else ""
    )
    parts = [json.dumps(decides, sort_keys=True), slowly, json.dumps(sorted(given["formats"]))]
    return _short(offrecord.__version__, *parts, *_models(redactor))


def _models(redactor: Redactor) -> list[str]:
    """What tells one model from another: digests of files on this disk, names of all else."""
    set_ = redactor.settings
    told = [f"recogniser {_weights(set_.model)}", f"verifier {_weights(set_.verify_model)}"]
    if set_.second_model is not None:
        told.append(f"second {_weights(set_.second_model)}")
    if set_.detector != "llm":
        where = set_.tagger or Path(offrecord.__file__).parent / "detect" / "model"
        told.append(f"tagger {_file(where / 'tagger.json')}")  # which holds the digests of the tagger's other files
    return told


def _weights(model: str | None) -> str:
    return _file(Path(model) / "model.bin") if model and Path(model).is_dir() else str(model)


@lru_cache
def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "missing"  # which loading it will say


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]
