"""Write the corpus, learn the tokenizer, train ember, and write the GGUF file."""

from __future__ import annotations

import os

# Before torch is loaded: each worker thread uses one core (see learning.py).
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import ctypes
import time
from pathlib import Path

import torch
from batches import Batch, batches, documents
from corpus import conversations
from export import write_gguf
from learning import Learner
from model import Llama, Shape, parameter_count
from tokenizer import BOS, token_id, train
from tokenizers import Tokenizer

OUTPUT = Path(__file__).parents[2] / "python" / "inferno" / "models" / "ember.gguf"
SEED = 20
CONVERSATIONS = 60000
TOKENIZER_CONVERSATIONS = 6000
STEPS = 1400
BATCHES_PER_STEP = 4
PEAK = 2.5e-3
KEEP_EVERY = 100


def keep_memory() -> None:
    """Let glibc keep freed memory: giving every tensor back to the kernel costs more than computing it."""
    libc = ctypes.CDLL(None)
    for option, value in ((-3, 32 << 20), (-1, 2**31 - 1), (-2, 64 << 20)):  # mmap threshold, trim threshold, top pad
        libc.mallopt(option, value)


def prepare(seed: int, count: int) -> tuple[Tokenizer, Shape, list[Batch]]:
    """The tokenizer, the sizes of the model, and all batches."""
    talks = list(conversations(seed, count))
    tokenizer = train(talk.text() for talk in talks[:TOKENIZER_CONVERSATIONS])
    shape = Shape(tokenizer.get_vocab_size())
    found = documents(tokenizer, talks, shape.context)
    tokens, learned = sum(len(d.tokens) for d in found), sum(sum(d.learned) for d in found)
    print(f"{len(found)} conversations, {tokens} tokens, {learned} of the assistant", flush=True)
    return tokenizer, shape, batches(found, seed, token_id(tokenizer, BOS))


def run(learner: Learner, tokenizer: Tokenizer, made: list[Batch], options: argparse.Namespace) -> None:
    """Learn from the batches in their order; keep a state and a GGUF file now and then."""
    first = 0
    if options.resume:
        state = torch.load(options.keep / "state.pt")
        learner.load_state(state)
        first = state["step"]
    started, recent = time.monotonic(), 0.0
    for step in range(first, options.steps):
        loss = learner.step(made[step * BATCHES_PER_STEP : (step + 1) * BATCHES_PER_STEP], step, options.steps)
        recent = loss if step == first else 0.9 * recent + 0.1 * loss
        done = step + 1
        if done % 20 == 0:
            print(f"step {done}/{options.steps} loss {recent:.4f} {time.monotonic() - started:.0f} s", flush=True)
        if done % KEEP_EVERY == 0 or done == options.steps:
            write_gguf(options.output, learner.model, tokenizer)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                tokenizer.save(str(options.keep / "tokenizer.json"))
                torch.save({**learner.state(), "step": done}, options.keep / "state.pt")


def main() -> None:
    """The whole way from nothing to the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--peak", type=float, default=PEAK)
    parser.add_argument("--keep", type=Path, help="keep the tokenizer and the state of training in this folder")
    parser.add_argument("--resume", action="store_true", help="go on from the state in that folder")
    options = parser.parse_args()

    keep_memory()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    tokenizer, shape, made = prepare(options.seed, options.conversations)
    options.steps = min(options.steps, len(made) // BATCHES_PER_STEP)
    learner = Learner(Llama(shape), options.peak)
    print(f"{parameter_count(learner.model)} parameters, {options.steps} steps", flush=True)
    run(learner, tokenizer, made, options)
    print(f"wrote {options.output} ({options.output.stat().st_size} bytes)", flush=True)


if __name__ == "__main__":
    main()
