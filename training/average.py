"""Average the weights of several runs that began with the same file: what each of them learnt by chance cancels out.

    python training/average.py training/runs/final OLD.onnx training/runs/three training/runs/four

Writes a checkpoint that `export_onnx.py` takes. Runs count by their averaged weights, a shipped .onnx by what it holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bases
import torch
import weights
from train import LABELS


def state(source: Path) -> dict[str, torch.Tensor]:
    """The weights of a run or of an exported file."""
    if source.suffix != ".onnx":
        return torch.load(source / "checkpoint.pt", weights_only=True)["average"]
    model = bases.build("minilm", len(LABELS) + 1)
    weights.read(source, model)
    return model.state_dict()


def main() -> None:
    """Write the mean of all sources, each counted alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    args = parser.parse_args()
    states = [state(source) for source in args.sources]
    mean = {name: sum(each[name] for each in states) / len(states) for name in states[0]}
    args.target.mkdir(parents=True, exist_ok=True)
    torch.save({"average": mean}, args.target / "checkpoint.pt")


if __name__ == "__main__":
    main()
