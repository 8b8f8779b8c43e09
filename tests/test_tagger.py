"""The trained detector: whole words, windows, and models that are not there."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from offrecord.detect import tagger
from offrecord.detect.tagger import _windows
from offrecord.errors import ModelError

SHIPPED = Path(str(files("offrecord.detect") / "model"))


@pytest.fixture(scope="module")
def shipped() -> tagger.Tagger:
    """The model of the package."""
    return tagger.load(threads=1)


@pytest.mark.parametrize("count", [1, 60, 62, 63, 100, 157, 1000])
def test_every_token_is_judged_once(count: int) -> None:
    """The judged parts of the windows follow each other without gap or overlap, each inside its window."""
    at = 0
    for start, end, keep_from, keep_to in _windows(count, 62, 40):
        assert start <= keep_from == at
        assert keep_to <= end <= count
        at = keep_to
    assert at == count


def test_claims_are_whole_words(shipped: tagger.Tagger) -> None:
    """A span begins and ends at white space, whatever pieces the model sees."""
    text = "hello, my name is Oluwaseun Abernathy-Kowalczyk.\nnice to meet you, oluwaseun"
    spans = shipped.find(text)
    assert any("Abernathy-Kowalczyk" in text[s.start : s.end] for s in spans)
    for span in spans:
        assert span.start == 0 or text[span.start - 1].isspace()
        assert span.end == len(text) or text[span.end].isspace()


def test_a_name_is_found_anywhere_in_a_long_text(shipped: tagger.Tagger) -> None:
    """No window loses what stands at its edge."""
    filler = "and then we talked about the weather for a while " * 6
    for shift in range(0, 60, 7):
        text = filler + "so " * shift + "my name is Margaret Thompson and " + filler
        at = text.index("Margaret Thompson")
        hidden = {k for s in shipped.find(text) for k in range(s.start, s.end)}
        assert set(range(at, at + 8)) <= hidden


@pytest.mark.parametrize(
    "text", ["", " \n ", "🙂", "\u200b", "שלום עולם", "x" * 5000, "e\u0301 " * 50, "\ufffd\x01\x02 a"]
)
def test_odd_texts_do_no_harm(shipped: tagger.Tagger, text: str) -> None:
    """Empty, strange and endless words give claims inside the text, or none."""
    assert all(0 <= s.start < s.end <= len(text) for s in shipped.find(text))


def test_a_lower_threshold_hides_no_less(shipped: tagger.Tagger) -> None:
    """Recall grows as the threshold falls."""
    text = "this is Will Grace from Bright Harbor calling about order four four one seven"
    strict, loose = (tagger.load(threads=1, threshold=value).find(text) for value in (0.9, 0.05))
    covered = [{k for s in spans for k in range(s.start, s.end)} for spans in (strict, loose)]
    assert covered[0] <= covered[1]


def test_strictness_orders_the_thresholds() -> None:
    """Recall hides more than balanced, balanced more than precision."""
    thresholds = [tagger.load(threads=1, strictness=each).sure for each in ("recall", "balanced", "precision")]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 3


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "tagger.json"])
def test_a_missing_file_is_a_model_error(tmp_path: Path, missing: str) -> None:
    """Without its model, the detector does not answer with nothing found."""
    where = shutil.copytree(SHIPPED, tmp_path / "model")
    (where / missing).unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        tagger.load(where)


def test_a_damaged_model_is_a_model_error(tmp_path: Path) -> None:
    """The digest is checked before the model is used."""
    where = shutil.copytree(SHIPPED, tmp_path / "model")
    with (where / "model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        tagger.load(where)


def test_a_label_outside_the_table_is_refused(tmp_path: Path) -> None:
    """Another model's card must speak our labels."""
    where = shutil.copytree(SHIPPED, tmp_path / "model")
    card = json.loads((where / "tagger.json").read_text())
    card["classes"][1] = "GIVEN_NAME"
    (where / "tagger.json").write_text(json.dumps(card))
    with pytest.raises(Exception, match="GIVEN_NAME"):
        tagger.load(where)


def test_claims_do_not_depend_on_the_number_of_threads() -> None:
    """One machine finds what another finds: each window is read on its own."""
    text = "\n".join(f"this is {name}, I live at {n} Larkfield Lane" for n, name in enumerate(NAMES, 10)) * 4
    assert tagger.load(threads=1).find(text) == tagger.load(threads=3).find(text)


NAMES = ("Ann Lee", "rosa bianchi", "Oluwaseun Ade", "will", "Nguyen Thi Hoa", "grace", "Siobhan O'Dowd", "dr Patel")
