"""Writes tests/data/huggingface/CASE.npz: the vectors that transformers makes in F32 of the folders of hf_encoders.py.

Usage: python tests/data/make_encoder_vectors.py [CASE...]   (needs torch and transformers)
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
import hf_encoders


def reference(folder: Path, name: str) -> Any:
    """The vector of each text: [texts, width]."""
    import torch
    from transformers import AutoModel

    how = {"dtype": torch.float32, "attn_implementation": "eager", "output_loading_info": True}
    model, info = AutoModel.from_pretrained(folder, **how)
    # Else it would compute with weights of its own invention. The pooler is not asked for.
    wrong = {kind: names for kind, names in info.items() if names and kind != "error_msgs"}
    assert not wrong or all("pooler" in entry for names in wrong.values() for entry in map(str, names)), wrong
    model.eval()
    vectors = []
    for ids in hf_encoders.texts(name):
        with torch.no_grad():
            hidden = model(torch.tensor([ids])).last_hidden_state[0]
        pooled = {
            "pooling_mode_mean_tokens": hidden.mean(dim=0),
            "pooling_mode_cls_token": hidden[0],
            "pooling_mode_lasttoken": hidden[-1],
        }
        vectors.append(pooled[hf_encoders.CASES[name].pooling].numpy())
    return np.array(vectors, dtype=np.float32)


def make(name: str, out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        hf_encoders.write_case(name, folder)
        vectors = reference(folder, name)
    np.savez_compressed(out / f"{name}.npz", vectors=vectors)
    print(f"{name}: {vectors.std():.3f}")


if __name__ == "__main__":
    for case in sys.argv[1:] or hf_encoders.CASES:
        make(case, Path(__file__).parent / "huggingface")
