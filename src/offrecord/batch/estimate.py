"""What a run would take, said before it: counted where it can be, and from what earlier runs measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offrecord.batch import places
from offrecord.batch.manifest import Manifest
from offrecord.errors import InputError
from offrecord.samples import opened

__all__ = ["Estimate", "of"]

_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Estimate:
    """``todo`` recordings of ``bytes`` together; ``sound`` and ``work`` are milliseconds, or None: not known.

    ``work`` is that of one worker, at the pace of all recordings that the manifest has done. ``sampled``: from as many
    headers the length is estimated; 0: from the lengths of those that are done.
    """

    todo: int
    bytes: int
    sound: int | None
    work: int | None
    sampled: int

    def as_json(self) -> dict[str, Any]:
        """The fields of the event, in hours."""
        return {
            "hours": None if self.sound is None else round(self.sound / 3_600_000, 3),
            "worker_hours": None if self.work is None else round(self.work / 3_600_000, 3),
            "sampled": self.sampled,
        }

    def told(self, start: dict[str, Any]) -> list[str]:
        """The same in lines, after what was found."""
        states = ", ".join(f"{n:,} {state}" for state, n in start["recordings"].items()) or "none"
        lines = [f"recordings: {states}; passed over: {start['passed_over']:,}; problems: {start['problems']:,}"]
        lines.append(f"to do: {self.todo:,} recordings, {self.bytes / 1e9:,.2f} GB")
        if self.sound is None:
            lines.append("hours: not known; the addresses do not say")
        else:
            lines.append(f"hours: about {self.sound / 3_600_000:,.2f} of sound")
        if self.work is None:
            lines.append("time: not known before something is done here; try --limit 10 --shuffle, then ask again")
        else:
            lines.append(f"time: about {self.work / 3_600_000:,.2f} hours of one worker, by what was done until now")
        return lines


def of(manifest: Manifest) -> Estimate:
    """The estimate for what is planned. Reads the headers of some recordings on this machine."""
    todo, size = manifest.query("SELECT count(*), total(size) FROM plan")[0]
    heard, heard_bytes, sampled = _sample(manifest)
    done, done_bytes, seconds = manifest.query(
        "SELECT total(duration), total(size), total(seconds) FROM recordings WHERE state = 'done' AND duration > 0"
    )[0]
    of_bytes = heard / heard_bytes if heard_bytes else done / done_bytes if done_bytes else None
    sound = round(size * of_bytes) if of_bytes and size else (0 if not todo else None)
    work = round(sound * seconds * 1000 / done) if sound is not None and done else None
    return Estimate(todo, round(size), sound, work, sampled)


def _sample(manifest: Manifest) -> tuple[float, int, int]:
    """Milliseconds and bytes of some of what is planned, by their headers, and of how many."""
    heard, size, count = 0.0, 0, 0
    for source, bytes_ in manifest.query("SELECT source, size FROM plan ORDER BY random() LIMIT ?", _SAMPLE):
        address = source.decode("utf-8", "surrogateescape")
        if places.scheme(address) is not None:
            continue
        try:
            with opened(Path(address)) as (container, _):
                length = container.duration
        except InputError:  # it will be said when it is worked on
            continue
        if length:
            heard, size, count = heard + length / 1000, size + bytes_, count + 1
    return heard, size, count
