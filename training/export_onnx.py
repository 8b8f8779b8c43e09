"""Export a trained checkpoint to the files that the package ships: ONNX (int8), tokenizer, card.

    python training/export_onnx.py training/runs/one src/offrecord/detect/model --name speech-1

Weights are quantised per channel, activations at run time (dynamic quantisation of onnxruntime).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import bases
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from train import LABELS

THRESHOLDS = {
    "recall": {"sure": 0.4, "joined": 0.05},
    "balanced": {"sure": 0.8, "joined": 0.2},
    "precision": {"sure": 0.9, "joined": 0.3},
}
"""Chosen on `calls`; see docs/model.md."""


class Unmasked(torch.nn.Module):
    """The model for rows of one length: without a mask, and without the work that one makes."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """Logits of shape (rows, tokens, classes)."""
        hidden = self.model.bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        for layer in self.model.bert.encoder.layer:
            output = layer(hidden)
            hidden = output[0] if isinstance(output, tuple) else output
        return self.model.classifier(hidden)


def main() -> None:
    """Write model.onnx, tokenizer.json and tagger.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--window", type=int, default=128)
    parser.add_argument("--stride", type=int, default=104)
    parser.add_argument("--base", choices=bases.BASES, default="minilm")
    parser.add_argument("--float", action="store_true", help="keep float32, to measure what quantisation costs")
    args = parser.parse_args()
    model = bases.build(args.base, len(LABELS) + 1)
    model.load_state_dict(torch.load(args.run / "checkpoint.pt", weights_only=True)["average"])
    # The other kinds of attention export guards against rows that are masked whole: a third of the time, for nothing.
    model.set_attn_implementation("eager")
    model = Unmasked(model.eval())
    args.target.mkdir(parents=True, exist_ok=True)
    ids = torch.ones((2, 16), dtype=torch.int64)
    axes = {0: "rows", 1: "tokens"}
    with tempfile.TemporaryDirectory() as scratch:
        plain, ready = Path(scratch) / "plain.onnx", Path(scratch) / "ready.onnx"
        torch.onnx.export(
            model,
            (ids, torch.zeros_like(ids)),
            str(plain),
            input_names=["input_ids", "token_type_ids"],
            output_names=["logits"],
            dynamic_axes=dict.fromkeys(("input_ids", "token_type_ids", "logits"), axes),
            opset_version=17,
            dynamo=False,
        )
        if args.float:
            (args.target / "model.onnx").write_bytes(plain.read_bytes())
        else:
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            quantize_dynamic(str(ready), str(args.target / "model.onnx"), per_channel=True, weight_type=QuantType.QInt8)
    (args.target / "tokenizer.json").write_text(bases.tokenizer_json(args.base), encoding="utf-8")
    card = {
        "name": args.name,
        "classes": [None, *LABELS],
        "capitals": True,
        "window": args.window,
        "stride": args.stride,
        "thresholds": THRESHOLDS,
        "files": {
            name: hashlib.sha256((args.target / name).read_bytes()).hexdigest()
            for name in ("model.onnx", "tokenizer.json")
        },
    }
    (args.target / "tagger.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    size = (args.target / "model.onnx").stat().st_size / 1e6
    print(f"{args.target}: model.onnx {size:.1f} MB")


if __name__ == "__main__":
    main()
