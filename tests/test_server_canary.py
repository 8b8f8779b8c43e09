"""What was hidden appears in no answer, log, metric, file or page of the database, whatever the server is asked for.

The details are those of a real call: the words that the library hides of it and that are nowhere else in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import AUDIO
from serving import Server, clip, running, until, web

import offrecord
from offrecord import audio
from offrecord.labels import LABELS
from offrecord.types import Transcript

CALLS = ("d006", "d016", "d036", "d046", "d051")


@dataclass
class Called:
    """A call, and what of it must not be found."""

    path: Path
    hidden: list[str]


def _heard(redactor: offrecord.Redactor, path: Path) -> tuple[set[str], str]:
    """The words that are hidden of a call, and the text of those that are not."""
    originals: list[Transcript] = []

    def keep(transcript: Transcript) -> Transcript:
        originals.append(transcript)
        return transcript

    redaction = redactor.redact(path, unredacted=keep, verifying=False)
    said = [re.sub(r"\W", "", word.text.lower()) for word in originals[0].words]
    covered = {i for entity in redaction.entities for i in entity.words}
    open_ = " ".join(text for i, text in enumerate(said) if i not in covered)
    # A short number may be a time in milliseconds as well.
    return {said[i] for i in covered if len(said[i]) > (5 if said[i].isdigit() else 3)}, open_


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """Calls with 50 hidden words and more between them."""
    redactor = offrecord.Redactor(policy="all", substitute="hash", channels="separate", threads=2)
    paths = [AUDIO / "calls" / f"{call}.mp3" for call in CALLS]
    heard = [_heard(redactor, path) for path in paths]
    # What stands open in another call, or is the name of a label, tells nothing.
    known = " ".join([*LABELS, *(open_ for _, open_ in heard)])
    found = [
        Called(path, sorted(word for word in hidden if word not in known))
        for path, (hidden, _) in zip(paths, heard, strict=True)
    ]
    assert sum(len(call.hidden) for call in found) >= 50
    return found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody else asks."""
    with running(tmp_path_factory.mktemp("canary") / "home") as started:
        yield started


def test_nothing_that_was_hidden_is_found_anywhere(own: Server, calls: list[Called]) -> None:
    """Every endpoint, every notification, the log, the metrics, and every byte under the home directory.

    Without key terms: with them other words are heard than those that the library heard. They have a test of their own
    (`test_key_terms_are_listened_for`).
    """
    answers: list[bytes] = []
    with web({"/hook": 200}) as (url, seen):
        for call in calls:
            secret = call.hidden[0]
            job = own.submit(
                own.upload(call.path), redact_pii=True, redact_pii_audio=True, multichannel=True, entity_detection=True,
                webhook_url=f"{url}/hook", redact_static_entities={"mine": [secret]}, prompt=secret,
                custom_spelling=[{"from": [f"un{secret}"], "to": secret}],
            )  # fmt: skip
            assert own.finished(job)["status"] == "completed"
            base = f"/v2/transcript/{job}"
            searched = ",".join(call.hidden[:100])
            paths = [
                "",
                "/sentences",
                "/paragraphs",
                "/srt",
                "/vtt",
                "/redacted-audio",
                f"/word-search?words={searched}",
            ]
            asked = [own.get(base + path) for path in paths]
            assert {status for status, _ in asked} == {200}
            answers += [body for _, body in asked]
            answers += [own.get("/v2/transcript")[1], own.get("/metrics")[1], own.get("/openapi.json")[1]]
            answers += [own.get(f"/v2/transcript/{'-'.join(call.hidden)}")[1]]
        until(lambda: len(seen) == 2 * len(calls))
        answers += [message.body for message in seen]
    answers += [own.log.read_bytes()]
    text = b"\n".join(answers).decode().lower()
    own.stop()  # which folds the journal in
    stored = [path for path in own.home.rglob("*") if path.is_file()]
    names = " ".join(str(path.relative_to(own.home)) for path in stored).lower()
    pages = b"\n".join(path.read_bytes() for path in stored if path.suffix != ".mp3").lower()
    for call in calls:
        for word in call.hidden:
            # As a word: "star" is in "started", which is the name of nothing personal.
            whole = rf"(?<![a-z0-9#]){re.escape(word)}(?![a-z0-9])"
            assert not re.search(whole, text), "a hidden word is in an answer"
            assert not re.search(whole, names), "a hidden word is in the name of a file"
            assert not re.search(whole.encode(), pages), "a hidden word is on the disk"
    sounds = [path for path in stored if path.suffix == ".mp3"]
    assert len(sounds) == len(calls)
    assert {path.parent.name for path in sounds} == {"sound"}


def test_the_original_is_kept_only_where_it_was_asked_for(tmp_path: Path, calls: list[Called]) -> None:
    """With `redact_pii_return_unredacted` it is in the answer; after deletion it is in no byte of the disk."""
    call = clip("d006", 0, 30, tmp_path / "call.wav")
    words = calls[0].hidden
    with running(tmp_path / "home") as server:
        job = server.submit(server.upload(call), redact_pii=True, redact_pii_return_unredacted=True, multichannel=True)
        body = server.finished(job)
        spoken = [word for word in words if word in re.sub(r"[^\w ]", "", body["unredacted_text"].lower())]
        assert spoken
        pages = b"".join(path.read_bytes() for path in server.home.glob("offrecord.db*")).lower()
        assert [word for word in spoken if word.encode() in pages]
        for part in ("", "/srt", "/vtt", "/sentences", "/paragraphs"):
            answer = server.get(f"/v2/transcript/{job}{part}")[1].decode().lower()
            redacted = (
                re.sub(r'"unredacted_\w+":.*?(?=,"\w+":(?:"|null|\d|\[\{)|$)', "", answer) if not part else answer
            )
            assert part == "" or not [word for word in spoken if word in redacted]
        server.json("DELETE", f"/v2/transcript/{job}")
        pages = b"".join(path.read_bytes() for path in server.home.glob("offrecord.db*")).lower()
        assert not [word for word in spoken if word.encode() in pages]


def test_the_redacted_sound_is_another(own: Server, calls: list[Called]) -> None:
    """It is as long as the recording, and differs from it by more than another encoding makes."""
    source = calls[0].path
    (redacted,) = [
        path for path in (own.home / "sound").iterdir() if audio.probe(path).duration == audio.probe(source).duration
    ][:1]
    (before,) = audio.decode(source, block=10**9)
    (after,) = audio.decode(redacted, block=10**9)
    assert before.shape == after.shape
    assert abs(before - after).max() > 0.05
