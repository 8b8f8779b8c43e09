"""Every error that Offrecord raises on purpose, in one tree.

    OffrecordError
      + UsageError            a setting that cannot be: nothing was started
        - UnknownLabel        a label or preset outside the table
        - UnknownFormat       an output format that is not written
        - OutputExists        a file in the way, and no leave to replace it
      + InputError            the recording, text or transcript cannot be read
      + NoSpeech              asked for sound from a recording in which nobody speaks
      + ModelError            a model is missing, damaged, cannot be loaded, or is refused where it is
      + FailedClosed          a stage could not do its work, so nothing is released
        - RemoteError         a service elsewhere refused, broke off, or gave no usable answer
        - Unverified          a second listening still hears details in the redacted sound
      + OutputError           the result cannot be written: no room, no right
      + NotDeleted            the result is there, but so is a copy elsewhere that was to be deleted
      + StateError            the server's database is damaged, locked, or another server's

Each leaf carries the exit code of the command line and the status of the HTTP server. Messages say what happened,
what was expected and what to do. They name files, labels, positions and counts; they never hold what was said. Where a
foreign exception might hold it, raise ``from None``.
"""

__all__ = [
    "FailedClosed",
    "InputError",
    "ModelError",
    "NoSpeech",
    "NotDeleted",
    "OffrecordError",
    "OutputError",
    "OutputExists",
    "RemoteError",
    "StateError",
    "UnknownFormat",
    "UnknownLabel",
    "Unverified",
    "UsageError",
]


class OffrecordError(Exception):
    """The root: catch this to catch everything that Offrecord raises on purpose."""

    exit_code = 1
    http_status = 500


class UsageError(OffrecordError):
    """A setting, or settings together, that cannot be. Nothing was started."""

    exit_code = 2
    http_status = 400


class UnknownLabel(UsageError):
    """A label or preset that is not in the table. It is refused, not ignored: a typo must not pass for success."""


class UnknownFormat(UsageError):
    """An output format or media container that is not written."""


class OutputExists(UsageError):
    """An output is there already. It is kept, and the work was not begun."""

    http_status = 409


class InputError(OffrecordError):
    """The recording, text or transcript is missing, empty, damaged, or not what it says it is."""

    exit_code = 3
    http_status = 422


class NoSpeech(OffrecordError):
    """Nobody speaks in the recording, so there is nothing to redact in the sound that was asked for."""

    exit_code = 4
    http_status = 422


class ModelError(OffrecordError):
    """A model is missing, its digest is wrong, it cannot be loaded, or the service that has it does not let us."""

    exit_code = 5
    http_status = 503


class FailedClosed(OffrecordError):
    """A stage could not do its work. Nothing is released, because what is left might hold personal details."""

    exit_code = 6
    http_status = 500


class RemoteError(FailedClosed):
    """A service elsewhere refused, broke off, took too long, or gave an answer that cannot be relied on."""

    http_status = 502


class Unverified(FailedClosed):
    """A second listening still hears in the redacted sound what was to be hidden, so the sound is not released.

    Where the user lets it go all the same (``allow_unverified``), the command line ends with ``released_exit_code``.
    """

    released_exit_code = 10


class OutputError(OffrecordError):
    """The result cannot be written. What stood there before stands there still."""

    exit_code = 7
    http_status = 507


class NotDeleted(OffrecordError):
    """The work is done and its result written, but a copy elsewhere that was to be deleted may still be there."""

    exit_code = 8
    http_status = 502


class StateError(OffrecordError):
    """The server's database or directory cannot be used: damaged, locked, full, or another server works in it."""

    exit_code = 7
    http_status = 503
