"""The values that pass between the stages, and what always holds of them.

All are frozen. All numbers are integers and all ranges half-open: characters, milliseconds from the start of the
recording, word indices. Seconds exist in adapters alone. Fields that hold what was said do not show in ``repr``, and no
message raised here quotes them. Values carry no identity: paths and job ids belong elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from typing import Literal

from offrecord.errors import InputError, UsageError
from offrecord.labels import check_labels
from offrecord.ranges import Interval, merged
from offrecord.verification import Verification

__all__ = [
    "PAUSE_MS", "Entity", "Interval", "Policy", "Redaction", "Span", "Transcript", "Utterance", "Verification", "Word",
]  # fmt: skip

PAUSE_MS = 1_000
"""A pause this long, in milliseconds, ends an utterance although the same person goes on."""

Substitution = Literal["hash", "label", "numbered"]
Sound = Literal["beep", "silence", "none"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was recognised or written, with the punctuation glued to it.

    ``start`` and ``end`` are milliseconds; a text without times has zeros. ``gap`` is the white space that follows in
    the source: one space in speech, whatever stood there in a text, and nothing after the last word.
    """

    text: str = field(repr=False)
    start: int = 0
    end: int = 0
    confidence: float | None = None
    speaker: str | None = None
    channel: int | None = None
    gap: str = field(default=" ", repr=False)

    def __post_init__(self) -> None:
        if not self.text or self.text != self.text.strip():
            raise InputError("a word is empty or has white space around it; strip it before")
        if not 0 <= self.start <= self.end:
            raise InputError(f"a word's times are {self.start} to {self.end} ms; expected 0 <= start <= end")
        if self.gap.strip():
            raise InputError("the gap after a word holds more than white space")

    def ends_utterance_before(self, following: Word) -> bool:
        """Whether somebody else, another line, or the same person after a long pause comes next."""
        return (
            (self.speaker, self.channel) != (following.speaker, following.channel)
            or following.start - self.end >= PAUSE_MS
            or "\n" in self.gap
        )


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words of one speaker on one channel without a long pause: a range of word indices."""

    words: range
    start: int
    end: int
    speaker: str | None
    channel: int | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, as words in reading order, and how long the recording is (milliseconds; 0 for a text).

    Utterances stand by their start, and the words of one utterance by theirs: two channels that talk at once are two
    utterances one after the other, never interleaved words. No word ends after ``duration``, where there is one.
    Text and offsets are derived from the words, so they cannot disagree with them. Raises `InputError` when the
    order or the times do not hold; `Transcript.spoken` puts loose words in order first.
    """

    words: tuple[Word, ...] = field(repr=False)
    duration: int = 0
    language: str | None = None
    lead: str = field(default="", repr=False)
    """White space before the first word of a text."""
    text: str = field(init=False, repr=False)
    """The words with their gaps: for a text, the source character by character."""
    offsets: tuple[int, ...] = field(init=False, repr=False)
    """Where each word begins in ``text``."""
    utterances: tuple[Utterance, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.lead.strip():
            raise InputError("the lead of a transcript holds more than white space")
        position, offsets, pieces = len(self.lead), [], [self.lead]
        for word in self.words:
            offsets.append(position)
            position += len(word.text) + len(word.gap)
            pieces += word.text, word.gap
        object.__setattr__(self, "text", "".join(pieces))
        object.__setattr__(self, "offsets", tuple(offsets))
        object.__setattr__(self, "utterances", tuple(_utterances(self.words)))
        self._check_times()

    def _check_times(self) -> None:
        for utterance in self.utterances:
            starts = [self.words[i].start for i in utterance.words]
            if starts != sorted(starts):
                raise InputError("the words of an utterance are not in the order of their times")
        if any(b.start < a.start for a, b in pairwise(self.utterances)):
            raise InputError("the utterances of a transcript are not in the order of their times")
        if self.duration and any(word.end > self.duration for word in self.words):
            raise InputError(f"a word ends after the recording, which lasts {self.duration} ms")

    @classmethod
    def spoken(cls, words: Iterable[Word], duration: int, language: str | None = None) -> Transcript:
        """A transcript of a recording from words in any order, of any number of speakers and channels.

        Each voice's words are put in the order of their times and cut into utterances at its pauses; the utterances
        are put in the order of their starts. Ends after ``duration`` (recognisers overshoot) are cut back to it.
        """
        voices: dict[tuple[int | None, str | None], list[Word]] = {}
        for word in words:
            voices.setdefault((word.channel, word.speaker), []).append(word)
        runs: list[list[Word]] = []
        for voice in voices.values():
            voice.sort(key=lambda word: word.start)
            runs += ([voice[i] for i in part.words] for part in _utterances(tuple(voice)))
        runs.sort(key=lambda run: run[0].start)
        ordered = [word for run in runs for word in run]
        return cls(tuple(_closed(ordered, duration)), duration, language)

    @property
    def timed(self) -> bool:
        """Whether the words have times, so that sound can be redacted by them."""
        return self.duration > 0

    @property
    def view(self) -> str:
        """``text`` as detectors read it: of the same length, a line break between any two utterances."""
        text = list(self.text)
        for utterance in self.utterances[1:]:
            at = self.offsets[utterance.words.start] - 1
            if text[at].isspace():
                text[at] = "\n"
        return "".join(text)

    def words_of(self, start: int, end: int) -> range:
        """The words that the characters ``start`` to ``end`` touch, even in part; white space touches none."""
        first = max(0, bisect_right(self.offsets, start) - 1)
        if first < len(self.words) and self.offsets[first] + len(self.words[first].text) <= start:
            first += 1
        last = first
        while last < len(self.words) and self.offsets[last] < end:
            last += 1
        return range(first, max(first, last)) if start < end else range(first, first)

    def characters_of(self, words: range) -> Interval:
        """From the first character of the first word to the end of the last, without its gap."""
        if not words:
            raise UsageError("a range of words is empty, so it has no characters")
        last = words[-1]
        return self.offsets[words[0]], self.offsets[last] + len(self.words[last].text)


def _utterances(words: tuple[Word, ...]) -> Iterator[Utterance]:
    first = 0
    for i, word in enumerate(words):
        if i + 1 == len(words) or word.ends_utterance_before(words[i + 1]):
            end = max(w.end for w in words[first : i + 1])
            yield Utterance(range(first, i + 1), words[first].start, end, word.speaker, word.channel)
            first = i + 1


def _closed(words: list[Word], duration: int) -> Iterator[Word]:
    """The same words, one space apart, none beyond the end of the recording."""
    for i, word in enumerate(words):
        gap = " " if i + 1 < len(words) else ""
        if word.gap == gap and word.end <= duration:
            yield word
        else:
            end = min(word.end, duration)
            start = min(word.start, end)
            yield Word(word.text, start, end, word.confidence, word.speaker, word.channel, gap)


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

    ``labels``: names from the table of `offrecord.labels`; an unknown one raises `UnknownLabel` with the nearest name.
    ``substitution``: ``hash`` (``####``), ``label`` (``[PERSON_NAME]`` per word), ``numbered``
    (``[PERSON_NAME_1]`` per entity, the same person the same number). ``sound``: ``beep``, ``silence``, or ``none`` to
    leave the sound alone. ``pad``: milliseconds muted on each side of an entity. ``allow`` and ``deny``: words and
    phrases that are never and always hidden, in any case; they come last and win, deny over allow. ``strict``: speech
    that the recogniser gave no words for is muted, too. ``key_tones``: so are the tones of a telephone's keys.
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
        if self.sound not in ("beep", "silence", "none"):
            raise UsageError(f"sound {self.sound!r}: expected beep, silence or none")
        if self.pad < 0:
            raise UsageError(f"pad {self.pad}: expected milliseconds, 0 or more")


@dataclass(frozen=True, slots=True)
class Redaction:
    """The result: the transcript without the details, what was hidden, and where the sound is muted.

    Holds no original word, so everything that leaves the program is made from it. ``entities`` are ranges of the words
    of ``transcript``; the spans in them keep the offsets of the original. ``muted`` is in milliseconds, in order,
    disjoint. ``made_with`` names version, models and settings.

    ``channels`` says what is muted in each channel where that is not the same in all; their union is ``muted``. Empty,
    all channels are muted alike. ``unrecognised`` and ``key_tones`` are the parts of ``muted`` that no entity
    stands for: speech that the recogniser gave no words for, and tones of a telephone's keys. ``verification`` is None
    where there is no sound to listen to.
    """

    transcript: Transcript
    entities: tuple[Entity, ...]
    muted: tuple[Interval, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[tuple[Interval, ...], ...] = ()
    unrecognised: tuple[Interval, ...] = ()
    key_tones: tuple[Interval, ...] = ()
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
