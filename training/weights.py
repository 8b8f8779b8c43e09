"""The weights of an exported ONNX file, read back into the model, so that training can go on from what was shipped.

The file holds whole numbers of eight bits with a scale for each output; reading them back loses what quantising lost, and
no more. The frozen word embeddings are the base's own and are not read.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

_LAYER = re.compile(r"^/layer\.(\d+)/(.+)/MatMul(?:_quant)?$")


def read(path: Path, model: torch.nn.Module) -> None:
    """Fill ``model`` (of `bases.build`) from ``path``, a file of `export_onnx`. Raises SystemExit if they do not fit."""
    graph = onnx.load(str(path)).graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    state = dict(model.state_dict())
    done = {"bert.embeddings.word_embeddings.weight"}

    def put(name: str, value: np.ndarray) -> None:
        if tuple(state[name].shape) != value.shape:
            raise SystemExit(f"{path}: {name} is {value.shape}, expected {tuple(state[name].shape)}")
        state[name] = torch.from_numpy(np.array(value, np.float32))
        done.add(name)

    for name, value in arrays.items():
        plain = name.removeprefix("model.")
        if plain in state:
            put(plain, value)
        table = plain.removesuffix("_quantized")
        if plain.endswith("_quantized") and table in state and table not in done:
            put(table, _scaled(arrays, name.removesuffix("_quantized")))
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            where = _LAYER.match(node.name)
            target = (
                f"bert.encoder.layer.{where[1]}.{where[2].replace('/', '.')}.weight" if where else "classifier.weight"
            )
            put(target, _scaled(arrays, node.input[1].removesuffix("_quantized")).T)
    missing = state.keys() - done
    if missing:
        raise SystemExit(f"{path}: holds no {min(missing)}")
    model.load_state_dict(state)


def _scaled(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    quantized = arrays[f"{name}_quantized"].astype(np.float32)
    return (quantized - arrays[f"{name}_zero_point"].astype(np.float32)) * arrays[f"{name}_scale"]
