"""``python -m offrecord.executors.process``: one process of `local`, which says how it is told what to do."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from types import TracebackType
from typing import IO, Any

from offrecord import logs
from offrecord.executors.work import Confines, build, confine, do

__all__: list[str] = []


def main() -> None:
    """Build the work, then do task after task until the life line breaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the life line
    logs.ours()
    sys.excepthook = _unexpected
    threading.excepthook = lambda args: _unexpected(args.exc_type, args.exc_value, args.exc_traceback)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), name="life line", daemon=True).start()
    told = json.loads(lines.get())
    confine(Confines(**told["confines"]))
    work, said = build(told["work"], told["given"])
    _say(answers, said)
    while work:
        _say(answers, do(work, json.loads(lines.get())))


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    """Take lines as they come; when the parent is gone, end at once. No hook of Python's runs from here on."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _say(answers: IO[bytes], said: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()
    except BrokenPipeError:  # nobody listens any more
        os._exit(0)


def _unexpected(kind: type[BaseException], value: BaseException | None, trace: TracebackType | None) -> None:
    from offrecord.terminal import unexpected  # noqa: PLC0415 - brings rich, which only a fault needs

    unexpected(kind, value or kind(), trace)
    os._exit(1)


if __name__ == "__main__":
    main()
