"""The values that pass between the stages, and what always holds of them.

All are frozen. All numbers are integers and all ranges half-open: characters, milliseconds from the start of the
recording, word indices. Seconds exist in adapters alone. Fields that hold what was said do not show in ``repr``, and no
message raised here quotes them. Values carry no identity: paths and job ids belong elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from typing import Literal

from offrecord.errors import UsageError
from offrecord.labels import OwnLabel, check_labels
from offrecord.ranges import Interval, merged
from offrecord.transcripts import PAUSE_MS, Transcript, Utterance, Word
from offrecord.usage import Usage
from offrecord.verification import Verification

__all__ = [
    "PAUSE_MS", "Entity", "Interval", "Policy", "Redaction", "Span", "Transcript", "Utterance", "Verification", "Word",
]  # fmt: skip

Substitution = Literal["hash", "label", "numbered"]
Sound = Literal["beep", "silence", "room", "none"]


@dataclass(frozen=True, slots=True)
class Span:
    """One detector's claim on the characters ``start`` to ``end`` of a text.

    ``source`` names the detector, and after a colon the row of its table (``patterns:iban``).
    """

    start: int
    end: int
    label: str
    score: float
    source: str

    def __post_init__(self) -> None:
        check_labels([self.label])
        if not 0 <= self.start < self.end:
            raise UsageError(f"a span runs from {self.start} to {self.end}; expected 0 <= start < end")
        if not 0 <= self.score <= 1:
            raise UsageError(f"a span's score is {self.score}; expected 0 to 1")


@dataclass(frozen=True, slots=True)
class Entity:
    """One personal detail: whole words, the label that won, and the claims behind it."""

    words: range
    label: str
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        check_labels([self.label])
        if not self.words or self.words.step != 1 or self.words.start < 0:
            raise UsageError("an entity needs a run of at least one word")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is hidden and how.

    ``labels``: names from the table of `offrecord.labels`, and the user's own (`OwnLabel`); another one raises
    `UnknownLabel` with the nearest name.
    ``substitution``: ``hash`` (``####``), ``label`` (``[PERSON_NAME]`` per word), ``numbered``
    (``[PERSON_NAME_1]`` per entity, the same person the same number). ``sound``: ``beep``, ``silence``, ``room`` (noise
    like the recording's own pauses), or ``none`` to leave the sound alone. ``pad``: milliseconds muted on each side of
    an entity. ``allow`` and ``deny``: words and phrases that are never and always hidden, in any case; they come last
    and win, deny over allow. ``strict``: speech that the recogniser gave no words for is muted, too. ``key_tones``: so
    are the tones of a telephone's keys.
    """

    labels: frozenset[str]
    substitution: Substitution = "label"
    sound: Sound = "beep"
    pad: int = 250
    allow: tuple[str, ...] = field(default=(), repr=False)
    deny: tuple[str, ...] = field(default=(), repr=False)
    strict: bool = False
    key_tones: bool = False

    def __post_init__(self) -> None:
        check_labels(self.labels)
        if self.substitution not in ("hash", "label", "numbered"):
            raise UsageError(f"substitution {self.substitution!r}: expected hash, label or numbered")
        if self.sound not in ("beep", "silence", "room", "none"):
            raise UsageError(f"sound {self.sound!r}: expected beep, silence, room or none")
        if self.pad < 0:
            raise UsageError(f"pad {self.pad}: expected milliseconds, 0 or more")

    @property
    def own(self) -> tuple[OwnLabel, ...]:
        """The labels of the user's own among ``labels``, in the order of their names."""
        return tuple(sorted(label for label in self.labels if isinstance(label, OwnLabel)))


@dataclass(frozen=True, slots=True)
class Redaction:
    """The result: the transcript without the details, what was hidden, and where the sound is muted.

    Holds no original word, so everything that leaves the program is made from it. ``entities`` are ranges of the words
    of ``transcript``; the spans in them keep the offsets of the original. ``muted`` is in milliseconds, in order,
    disjoint. ``made_with`` names version, models and settings. ``usage``: what a language model was asked, if one was.
    ``source`` is what `audio.identity` said of the recording before it was read, so that another file is never muted by
    it; it is exported nowhere.

    ``channels`` says what is muted in each channel where that is not the same in all; their union is ``muted``. Empty,
    all channels are muted alike. ``unrecognised`` and ``key_tones`` are the parts of ``muted`` that no entity
    stands for: speech that the recogniser gave no words for, and tones of a telephone's keys. ``verification`` is None
    where there is no sound to listen to.
    """

    transcript: Transcript
    entities: tuple[Entity, ...]
    muted: tuple[Interval, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)
    usage: Usage | None = None
    channels: tuple[tuple[Interval, ...], ...] = ()
    unrecognised: tuple[Interval, ...] = ()
    key_tones: tuple[Interval, ...] = ()
    source: tuple[int, ...] | None = field(default=None, repr=False, compare=False)
    verification: Verification | None = None

    def __post_init__(self) -> None:
        if any(b.words.start < a.words.stop for a, b in pairwise(self.entities)):
            raise UsageError("the entities of a redaction overlap or are out of order")
        if any(b[0] <= a[1] for a, b in pairwise(self.muted)):
            raise UsageError("the muted intervals of a redaction overlap, touch or are out of order")
        # Sound is muted by channel where there are channels: an interval that is in one list alone would be left.
        if self.channels and merged(chain(*self.channels), apart=1) != self.muted:
            raise UsageError("what a redaction mutes in its channels is not, together, what it mutes")
        if merged([*self.muted, *self.unrecognised, *self.key_tones], apart=1) != self.muted:
            raise UsageError("a redaction names speech or tones that it does not mute")

    @property
    def text(self) -> str:
        """The redacted text."""
        return self.transcript.text

    def counts(self) -> dict[str, int]:
        """How many entities of each label, in the order of the label's name."""
        labels = sorted(entity.label for entity in self.entities)
        return {label: len(list(group)) for label, group in groupby(labels)}
