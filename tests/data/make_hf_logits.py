"""Writes tests/data/huggingface/CASE.npz: what ``transformers`` computes in F32 from the folders of ``hf_folders.py``.

Usage: python tests/data/make_hf_logits.py [CASE...]   (needs torch and transformers: pip install 'inferno[truth]')

Of the token that follows the prompt, and of those that follow each of the next 16 most probable ones: the
log-probability of the whole vocabulary (first step) and of the 24 most probable tokens (every step).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import hf_folders
from hf_cases import EOS

STEPS = 16
KEPT = 24
LEAST_LEAD = 2e-2
"""By how much, in log-probability, the greedy token must lead: less, and rounding might choose another."""


def reference(folder: Path, prompt: list[int]) -> tuple[list[int], Any]:
    """The greedy continuation and its log-probabilities: [STEPS + 1, vocabulary]."""
    import torch
    from transformers import AutoModelForCausalLM

    how = {"dtype": torch.float32, "attn_implementation": "eager", "output_loading_info": True}
    model, info = AutoModelForCausalLM.from_pretrained(folder, **how)
    # Else it would compute with weights of its own invention.
    wrong = {kind: names for kind, names in info.items() if names and kind != "error_msgs"}
    assert not wrong, wrong
    model.eval()
    tokens = list(prompt)
    with torch.no_grad():
        for _ in range(STEPS):
            logits = model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
            tokens.append(int(logits.argmax()))
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, len(prompt) - 1 :]
        rows = torch.log_softmax(logits.double(), -1).numpy()
    return tokens[len(prompt) :], rows


def make(name: str, out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        hf_folders.write_case(name, folder)
        # Of several prompts the first whose continuation nobody can doubt.
        for attempt in range(50):
            spelled = f"{name}#{attempt}"
            chosen, rows = reference(folder, hf_folders.prompt(spelled))
            best = np.sort(rows[:STEPS], axis=1)
            lead = float((best[:, -1] - best[:, -2]).min())
            if lead >= LEAST_LEAD and len(set(chosen)) > 1 and EOS not in chosen:
                break
        else:
            raise SystemExit(f"{name}: no prompt with a clear continuation among 50")
    top = np.argsort(-rows, axis=1)[:, :KEPT]
    np.savez_compressed(
        out / f"{name}.npz",
        prompt=np.array(spelled),
        chosen=np.array(chosen, dtype=np.uint16),
        first=rows[0].astype(np.float32),
        top_ids=top.astype(np.uint16),
        top=np.take_along_axis(rows, top, 1).astype(np.float32),
    )
    print(f"{name}: lead {lead:.3f}, spread {rows.std():.2f}, {len(set(chosen))} different tokens")


if __name__ == "__main__":
    for case in sys.argv[1:] or hf_folders.CASES:
        make(case, Path(__file__).parent / "huggingface")
