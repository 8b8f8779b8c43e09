"""The trained detector: token classification by an ONNX model, decoded to whole words.

Any BERT-like model serves: a directory with ``model.onnx`` (inputs ``input_ids``, ``token_type_ids`` and, if it wants
one, ``attention_mask``; output logits by token and class), ``tokenizer.json``, and ``tagger.json``, which names the
label of each class (null: nothing personal), window and stride in tokens, thresholds for each strictness, and the
files' digests. A word is claimed whole or not at all, and each token is judged in the window where it stands most
central.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offrecord.errors import ModelError
from offrecord.labels import check_labels
from offrecord.types import Span

__all__ = ["Strictness", "Tagger", "load"]

Strictness = Literal["recall", "balanced", "precision"]

_Window = tuple[int, int, int, int]

_FILL = 0.4
"""A word between two words of the same label is claimed at this share of ``joined``."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Tagger:
    """A loaded model. ``find`` is the detector; the value is shared freely, also between threads."""

    name: str
    labels: tuple[str, ...]
    membership: NDArray[np.float32]
    """Classes by labels: adds the probabilities of a label's classes up."""
    outside: NDArray[np.bool_]
    window: int
    stride: int
    sure: float
    """How surely a word has to be personal to be claimed."""
    joined: float
    """How surely, if it touches claimed words: the ends and joints of a detail are less sure than the rest of it."""
    capitals: bool
    """Whether the second token type tells the model that a word begins with a capital."""
    threads: int
    """How many windows are read at once."""
    tokenizer: Any
    session: Any

    def find(self, text: str) -> list[Span]:
        """Claims on the whole words of ``text``; offsets are characters."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        words = [match.span() for match in _WORD.finditer(text)]
        if not words or not encoding.ids:
            return []
        at = np.asarray([start for start, _ in encoding.offsets])
        word_of = np.searchsorted(np.asarray([start for start, _ in words]), at, side="right") - 1
        capital = np.asarray([self.capitals and text[start].isupper() for start, _ in words], np.int64)
        tokens = self._probabilities(np.asarray(encoding.ids), capital[word_of])
        # A line break is a token too, but of no word.
        inside = at < np.asarray([end for _, end in words])[word_of]
        hidden, mass = self._by_word(len(words), word_of[inside], tokens[inside])
        return self._spans(words, hidden, mass)

    def _probabilities(self, ids: NDArray[np.int64], types: NDArray[np.int64]) -> NDArray[np.float32]:
        """The class probabilities of each token, shape (tokens, classes)."""
        result = np.empty((len(ids), len(self.outside)), np.float32)
        cls, sep = self.tokenizer.token_to_id("[CLS]"), self.tokenizer.token_to_id("[SEP]")
        names = [each.name for each in self.session.get_inputs()]

        def read(window: _Window) -> None:
            start, end, keep_from, keep_to = window
            inputs = np.pad(ids[start:end], 1, constant_values=(cls, sep))[None]
            feed = {
                "input_ids": inputs,
                "attention_mask": np.ones_like(inputs),
                "token_type_ids": np.pad(types[start:end], 1)[None],
            }
            logits = self.session.run(None, {name: feed[name] for name in names})[0][0]
            kept = logits[keep_from - start + 1 : keep_to - start + 1]
            exp = np.exp(kept - kept.max(axis=-1, keepdims=True))
            result[keep_from:keep_to] = exp / exp.sum(axis=-1, keepdims=True)

        # One window at a time: an int8 model scales its numbers over all that it is given at once, so in batches claims
        # would depend on what else is read, and on the number of threads. It costs a twelfth of the time.
        windows = list(_windows(len(ids), self.window - 2, self.stride))
        if self.threads == 1 or len(windows) == 1:
            for window in windows:
                read(window)
            return result
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(read, windows))  # what a thread raises is raised here
        return result

    def _by_word(
        self, count: int, word_of: NDArray[np.int64], tokens: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each word, how surely its surest token is personal, and the mass of each label over its tokens."""
        hidden = np.zeros(count, np.float32)
        np.maximum.at(hidden, word_of, 1 - tokens[:, self.outside].sum(axis=1))
        mass = np.zeros((count, len(self.labels)), np.float32)
        np.add.at(mass, word_of, tokens @ self.membership)
        return hidden, mass

    def _claimed(self, hidden: NDArray[np.float32]) -> NDArray[np.bool_]:
        """The runs of words of at least ``joined`` in which one is ``sure``."""
        claimed = hidden >= self.joined
        likely = np.flatnonzero(claimed)
        if len(likely):
            begins = np.flatnonzero(np.diff(likely, prepend=-2) > 1)
            surest = np.maximum.reduceat(hidden[likely], begins)
            lengths = np.diff(begins, append=len(likely))
            claimed[likely] = np.repeat(surest >= self.sure, lengths)
        return claimed

    def _spans(
        self, words: Sequence[tuple[int, int]], hidden: NDArray[np.float32], mass: NDArray[np.float32]
    ) -> list[Span]:
        names = mass.argmax(axis=1)
        claimed = self._claimed(hidden)
        between = np.flatnonzero(
            claimed[:-2]
            & claimed[2:]
            & (names[:-2] == names[2:])
            & ~claimed[1:-1]
            & (hidden[1:-1] >= self.joined * _FILL)
        )
        claimed[between + 1] = True
        names[between + 1] = names[between]
        spans, first = [], 0
        for i in range(len(words)):
            last = i + 1 == len(words) or not claimed[i + 1] or names[i + 1] != names[i]
            if not claimed[i]:
                first = i + 1
            elif last:
                score = float(min(1.0, hidden[first : i + 1].max()))
                spans.append(Span(words[first][0], words[i][1], self.labels[names[i]], score, "tagger"))
                first = i + 1
        return spans


def load(
    directory: Path | None = None,
    *,
    threads: int = 0,
    strictness: Strictness = "balanced",
    threshold: float | None = None,
) -> Tagger:
    """The tagger in ``directory``, or the one that ships with the package, on the CPU with ``threads`` (0: all cores).

    The threads read windows, each on its own: a text of a minute has several, and threads inside the model gain less.

    ``strictness`` chooses the thresholds, which came out of the development data; ``threshold`` overrides the one for
    sure words.
    Raises `ModelError` if a file is missing, damaged, or not what ``tagger.json`` says.
    """
    from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 - takes longer than all other imports
    from tokenizers import Tokenizer  # noqa: PLC0415

    where = directory or Path(str(files("offrecord.detect") / "model"))
    try:
        card = json.loads((where / "tagger.json").read_text(encoding="utf-8"))
        content = {name: (where / name).read_bytes() for name in ("model.onnx", "tokenizer.json")}
        for name, data in content.items():
            if hashlib.sha256(data).hexdigest() != card["files"][name]:
                raise ModelError(
                    f"{where / name} is damaged: its digest is not the one in tagger.json; install it again"
                )
        tokenizer = Tokenizer.from_buffer(content["tokenizer.json"])
        tokenizer.no_truncation()
        tokenizer.no_padding()
        options = SessionOptions()
        options.intra_op_num_threads = 1
        session = InferenceSession(content["model.onnx"], options, providers=["CPUExecutionProvider"])
        thresholds = card["thresholds"][strictness]
        sure = thresholds["sure"] if threshold is None else threshold
        classes: list[str | None] = card["classes"]
        labels = tuple(sorted({label for label in classes if label}))
        check_labels(labels)
        return Tagger(
            name=card["name"],
            labels=labels,
            membership=np.asarray([[label == name for name in labels] for label in classes], np.float32),
            outside=np.asarray([label is None for label in classes]),
            window=card["window"],
            stride=card["stride"],
            sure=sure,
            joined=min(sure, thresholds["joined"]),
            capitals=card.get("capitals", False),
            threads=threads or os.cpu_count() or 1,
            tokenizer=tokenizer,
            session=session,
        )
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the tagger in {where} cannot be loaded ({type(error).__name__}); it needs model.onnx, tokenizer.json "
            "and tagger.json: install offrecord again, or unset OFFRECORD_TAGGER"
        ) from None


def _windows(count: int, size: int, stride: int) -> Iterator[_Window]:
    """Start and end of each window, and of the part that is judged there: where its tokens stand most central.

    As few windows as ``size`` and ``stride`` allow, all of one length, the last one moved back to the end.
    """
    overlap = size - stride
    number = max(1, -(-(count - overlap) // stride))
    length = count if number == 1 else -(-(count - overlap) // number) + overlap
    keep_from = 0
    for i in range(number):
        end = min(i * (length - overlap) + length, count)
        keep_to = count if i == number - 1 else end - overlap // 2
        yield end - length, end, keep_from, keep_to
        keep_from = keep_to
