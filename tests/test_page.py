"""The page: made from the redaction and the redacted sound alone, closed to any network, safe for whatever was said."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import AUDIO
from sounds import voice, write, write_video

from offrecord import audio, export, page
from offrecord.errors import OutputError
from offrecord.labels import LABELS
from offrecord.transcribe.imported import from_text
from offrecord.types import Entity, Policy, Redaction, Transcript, Verification, Word

POLICY = Policy(frozenset({"person_name"}))
WORDS = (
    Word("I'm", 0, 200, speaker="<b>A</b>"),
    Word("[PERSON_NAME].", 250, 600, speaker="<b>A</b>"),
    Word("</script><script>alert(1)</script>", 700, 900, speaker='"B" & co'),
    Word("{{policy}}.", 950, 990, speaker='"B" & co', gap=""),
)


def redacted(source: Path | None = None, muted: tuple[tuple[int, int], ...] = ((200, 650),)) -> Redaction:
    return Redaction(
        Transcript(WORDS, 1_000, "en"),
        (Entity(range(1, 2), "person_name", ()),),
        muted,
        {"offrecord": "<1>", "sound": "beep"},
        source=None if source is None else audio.identity(source),
    )


def recording(directory: Path, seconds: float = 1) -> Path:
    return write(directory / "call.wav", voice(seconds, 16_000), 16_000, "pcm_s16le", "wav")


def written(directory: Path, *formats: str, source: Path | None = None, policy: Policy = POLICY) -> str:
    """The page of the recording, written beside the other ``formats``."""
    source = source or recording(directory)
    paths = export.outputs(source, directory / "out", ["html", *formats], recording=True, sound=True)
    export.write(redacted(source), source, paths, policy)
    assert sorted((directory / "out").iterdir()) == sorted(paths.values())
    return paths["html"].read_text(encoding="utf-8")


class _Elements(HTMLParser):
    """All elements of a page with their attributes, as a parser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


def test_it_names_nothing_outside_itself(tmp_path: Path) -> None:
    """No address but data, no style or handler outside the one style sheet and the one script."""
    elements = _Elements(written(tmp_path))
    for _, attributes in elements.found:
        addresses = [
            attributes[name] or "" for name in ("src", "href", "action", "data", "poster") if name in attributes
        ]
        assert all(address.startswith("data:") for address in addresses)
        assert not any(name == "style" or name.startswith("on") for name in attributes)
    assert len(elements.all("script", "style")) == 2
    assert elements.all("iframe", "object", "embed", "base", "form") == []


def test_its_policy_allows_its_own_script_and_style_only(tmp_path: Path) -> None:
    """The digests in the policy are those of what stands in the page; everything else is forbidden."""
    text = written(tmp_path)
    (policy,) = [
        found["content"] or ""
        for found in _Elements(text).all("meta")
        if found.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert base64.b64encode(sha256(inside.encode()).digest()).decode() in policy


def test_whatever_was_said_is_text(tmp_path: Path) -> None:
    """Markup in words, speakers and settings is shown as it is; a slot's name in a word is no slot."""
    text = written(tmp_path)
    assert text.count("<script>") == 1
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt;A&lt;/b&gt;" in text
    assert "&quot;B&quot; &amp; co" in text
    assert "&lt;1&gt;" in text
    assert "{{policy}}." in text


def test_the_sound_in_it_is_the_redacted_sound(tmp_path: Path) -> None:
    """Byte by byte the file beside it; and without one, the same sound all the same."""
    text = written(tmp_path, "sound")
    (player,) = _Elements(text).all("audio")
    head, _, data = (player["src"] or "").partition(",")
    assert head == "data:audio/wav;base64"
    assert base64.b64decode(data) == (tmp_path / "out" / "call.redacted.wav").read_bytes()
    (tmp_path / "alone").mkdir()
    (alone,) = _Elements(written(tmp_path / "alone")).all("audio")
    assert alone["src"] == player["src"]


@pytest.mark.parametrize("sound", ["beep", "silence", "room"])
def test_nothing_of_what_was_muted_shows(sound: str, tmp_path: Path) -> None:
    """Two recordings that differ only inside the interval give the same page: the waveform, too, tells nothing."""
    pages = []
    for seed in (1, 2):
        directory = tmp_path / str(seed)
        directory.mkdir()
        samples = voice(1, 16_000)
        samples[:, 3_200:10_400] = 0.9 * voice(1, 16_000, seed=seed)[:, 3_200:10_400]
        source = write(directory / "call.wav", samples, 16_000, "pcm_s16le", "wav")
        pages.append(written(directory, source=source, policy=Policy(POLICY.labels, sound=sound)))  # type: ignore[arg-type]
    assert pages[0] == pages[1]


def test_the_name_of_the_recording_is_not_in_it(tmp_path: Path) -> None:
    """A file may be named after who speaks in it."""
    source = recording(tmp_path).rename(tmp_path / "thompson.wav")
    assert "thompson" not in written(tmp_path, "sound", source=source).lower()


def test_large_sound_is_linked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the page by its name, which is quoted; and not played where there is no file beside it."""
    monkeypatch.setattr(page, "LARGEST", 1_000)
    source = recording(tmp_path).rename(tmp_path / "a call #1.wav")
    text = written(tmp_path, "sound", source=source)
    assert _Elements(text).all("audio")[0]["src"] == "a%20call%20%231.redacted.wav"
    (tmp_path / "alone").mkdir()
    alone = written(tmp_path / "alone")
    assert _Elements(alone).all("audio", "video") == []
    assert "too large" in alone


def test_a_recording_that_browsers_do_not_play_is_played_as_m4a(tmp_path: Path) -> None:
    """The page has sound of its own then, which does not stay beside it."""
    source = write(tmp_path / "call.aiff", voice(1, 16_000), 16_000, "pcm_s16be", "aiff")
    (player,) = _Elements(written(tmp_path, "sound", source=source)).all("audio")
    assert (player["src"] or "").startswith("data:audio/mp4;base64,")


def test_a_video_is_shown(tmp_path: Path) -> None:
    """With its picture, for that is not what is hidden."""
    source = write_video(tmp_path / "call.mp4", "mp4", "mpeg4", "aac", seconds=1)
    (player,) = _Elements(written(tmp_path, "sound", source=source)).all("video")
    assert (player["src"] or "").startswith("data:video/mp4;base64,")


def test_a_text_has_no_player() -> None:
    """Its transcript keeps its lines; what was hidden is listed."""
    transcript = from_text("  Dear\n\n[PERSON_NAME],\tbye <")
    text = page.as_html(Redaction(transcript, (Entity(range(1, 2), "person_name", ()),)))
    assert _Elements(text).all("audio", "video", "svg", "li") == [{"data-label": "person_name"}]
    assert '>  Dear\n\n<mark data-label="person_name" title="person name">[PERSON_NAME],</mark>\tbye &lt;<' in text


def test_a_recording_in_which_no_word_was_found_is_not_played(tmp_path: Path) -> None:
    """Nobody has looked for details in it, so it is not in the page."""
    source = recording(tmp_path)
    paths = {"html": tmp_path / "out.html"}
    export.write(Redaction(Transcript((), 1_000), (), source=audio.identity(source)), source, paths, POLICY)
    assert _Elements(paths["html"].read_text()).all("audio", "video") == []


def test_a_transcript_without_its_recording_has_no_player(tmp_path: Path) -> None:
    """The page of a subtitle file is its words."""
    (tmp_path / "call.json").write_text("{}")
    paths = {"html": tmp_path / "out.html"}
    export.write(redacted(), tmp_path / "call.json", paths, POLICY)
    elements = _Elements(paths["html"].read_text())
    assert elements.all("audio", "video") == []
    assert len([mark for mark in elements.all("mark") if mark["data-s"] == "250"]) == 1


def test_every_label_is_counted_and_can_be_left_out() -> None:
    """A button for each with its count and meaning, the most frequent first."""
    transcript = Transcript(tuple(Word(f"w{i}", i, i + 1) for i in range(4)), 10)
    labels = ["date", "person_name", "date"]
    text = page.as_html(
        Redaction(transcript, tuple(Entity(range(i, i + 1), label, ()) for i, label in enumerate(labels)))
    )
    buttons = [button for button in _Elements(text).all("button") if "data-filter" in button]
    assert [(button["data-filter"], button["aria-pressed"]) for button in buttons] == [
        ("date", "true"),
        ("person_name", "true"),
    ]
    assert buttons[0]["title"] == LABELS["date"].meaning
    assert "date <small>2</small>" in text


def test_what_was_muted_without_words_is_listed() -> None:
    """Speech that was not recognised and key tones have their places among the details, in the order of time."""
    redaction = Redaction(
        Transcript(WORDS, 2_000), (Entity(range(1, 2), "person_name", ()),), ((0, 2_000),),
        unrecognised=((1_500, 1_600),), key_tones=((100, 200),),
    )  # fmt: skip
    listed = [item["data-label"] for item in _Elements(page.as_html(redaction)).all("li")]
    assert listed == ["key tones", "person_name", "speech that was not recognised"]


def test_muted_intervals_are_drawn_where_they_are(tmp_path: Path) -> None:
    """In the proportions of the recording."""
    (rectangle,) = _Elements(written(tmp_path)).all("rect")
    assert (rectangle["x"], rectangle["width"]) == ("240.00", "540.00")


def test_the_waveform_is_that_of_the_sound(tmp_path: Path) -> None:
    """Loud where it is loud, flat where it is silent, however long the recording."""
    samples = np.concatenate([voice(60, 8_000), np.zeros((1, 8_000 * 60))], axis=1)
    path = write(tmp_path / "long.wav", samples, 8_000, "pcm_s16le", "wav")
    peaks = page.heard(path, beside=True).peaks
    assert len(peaks) == 1_200
    assert min(peaks[:590]) > 0.1
    assert max(peaks[610:]) == 0
    assert max(peaks) == 1


def test_a_verification_is_summed_up() -> None:
    """Where the redaction was listened to again, the page says so; collections by how much is in them."""
    done = Verification("around", "base", widened=2, left=((1, 2), (3, 4), (5, 6)))
    text = page.as_html(Redaction(Transcript(WORDS, 1_000), (), verification=done))
    assert "<h2>Listened to again</h2>" in text
    assert "<dt>widened</dt><dd>2</dd>" in text
    assert "<dt>left</dt><dd>3</dd>" in text


def test_it_is_written_on_request_only(tmp_path: Path) -> None:
    """It would hold the sound a second time."""
    call = AUDIO / "calls" / "d016.mp3"
    assert "html" not in export.outputs(call, tmp_path, recording=True, sound=True)


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """What stands there stands, and no sound made for the page is left."""
    source = recording(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "call.redacted.html").mkdir()
    paths = export.outputs(source, tmp_path / "out", ["html", "sound"], recording=True, sound=True)
    with pytest.raises(OutputError):
        export.write(redacted(source), source, paths, POLICY)
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["call.redacted.html"]
