"""All that is muted in a recording, and why: details, unrecognised speech, key tones; in which channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from offrecord.ranges import merged
from offrecord.redact.crosstalk import spread
from offrecord.redact.edges import by_channel, intervals
from offrecord.redact.envelope import Envelope
from offrecord.redact.unrecognised import unrecognised
from offrecord.types import Entity, Interval, Policy, Transcript

__all__ = ["Cover", "cover"]


@dataclass(frozen=True, slots=True)
class Cover:
    """The fields of a `Redaction` that say what is muted; documented there."""

    muted: tuple[Interval, ...] = ()
    channels: tuple[tuple[Interval, ...], ...] = ()
    unrecognised: tuple[Interval, ...] = ()
    key_tones: tuple[Interval, ...] = ()


def cover(
    transcript: Transcript,
    entities: Sequence[Entity],
    policy: Policy,
    envelope: Envelope | None = None,
    *,
    more: Mapping[int, tuple[int, int]] | None = None,
    marked: Sequence[Interval] = (),
) -> Cover:
    """What is muted of a recording with these ``entities``. Without an ``envelope``: the details and a guard band.

    Where the transcript tells channels apart, only the channel of the speaker is muted, and others in which the same
    voice is heard. Nothing is muted of a text, or with a policy that leaves the sound alone. What a person decided
    beyond the entities: ``more`` as `intervals` takes it, and what was ``marked`` in the sound, for all channels.
    """
    if not transcript.timed or policy.sound == "none":
        return Cover()
    if envelope is None:
        return Cover(merged([*intervals(transcript, entities, pad=policy.pad, more=more), *marked]))
    unread = unrecognised(transcript, policy.labels, envelope) if policy.strict else ()
    tones = _within(envelope.tones or (), transcript.duration)
    if len(envelope.levels) == 1:
        details = intervals(transcript, entities, pad=policy.pad, envelope=envelope, more=more)
        return Cover(merged(chain(details, marked, *unread, *tones)), (), _all(unread), _all(tones))
    each = [
        merged([*mine, *marked])
        for mine in by_channel(transcript, entities, pad=policy.pad, envelope=envelope, more=more)
    ]
    for found in (unread, tones):
        each = [merged([*mine, *also]) for mine, also in zip(each, found or [()] * len(each), strict=True)]
    channels = spread(each, transcript, envelope)
    muted = _all(channels)
    alike = all(channel == muted for channel in channels)
    return Cover(muted, () if alike else channels, _all(unread), _all(tones))


def _all(channels: Sequence[Sequence[Interval]]) -> tuple[Interval, ...]:
    return merged(chain(*channels), apart=1)


def _within(channels: Sequence[Sequence[Interval]], duration: int) -> tuple[tuple[Interval, ...], ...]:
    return tuple(tuple((start, min(end, duration)) for start, end in mine if start < duration) for mine in channels)
