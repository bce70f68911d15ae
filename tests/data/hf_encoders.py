"""Writes tiny Hugging Face folders of encoders, as hf_folders.py does of decoders, with sentence-transformers' modules.

Usage: python tests/data/hf_encoders.py CASE FOLDER   (needs only numpy)
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from hf_cases import HEADS, INNER, LAYERS, VOCAB, WIDTH, Shapes
from hf_folders import uniform, values, write_tokenizer, write_weights

PAD = 1
LENGTHS = (300, 1, 2, 17, 64)
"""Tokens of the texts that are compared."""


@dataclass(frozen=True)
class Case:
    config: dict[str, Any]
    shapes: Shapes
    pooling: str
    """As 1_Pooling/config.json names it."""


def config(name: str, kind: str, **more: Any) -> dict[str, Any]:
    usual = {
        "architectures": [name],
        "model_type": kind,
        "vocab_size": VOCAB,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": 320,
        "hidden_act": "gelu_new",  # what llama.cpp computes; the erf of "gelu" differs from it in the fourth digit
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
        "pad_token_id": PAD,
    }
    return {key: value for key, value in (usual | more).items() if value is not ...}


def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (rows, columns)} | ({f"{name}.bias": (rows,)} if bias else {})


def norm(name: str, weight: str = "weight", bias: str = "bias") -> Shapes:
    return {f"{name}.{weight}": (WIDTH,), f"{name}.{bias}": (WIDTH,)}


def bert(prefix: str, positions: int, *, types: int) -> Shapes:
    shapes: Shapes = {
        "embeddings.word_embeddings.weight": (VOCAB, WIDTH),
        "embeddings.position_embeddings.weight": (positions, WIDTH),
        "embeddings.token_type_embeddings.weight": (types, WIDTH),
        **norm("embeddings.LayerNorm"),
    }
    for layer in range(LAYERS):
        block = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes |= linear(f"{block}.attention.self.{part}", WIDTH, WIDTH)
        shapes |= linear(f"{block}.attention.output.dense", WIDTH, WIDTH)
        shapes |= norm(f"{block}.attention.output.LayerNorm")
        shapes |= linear(f"{block}.intermediate.dense", INNER, WIDTH)
        shapes |= linear(f"{block}.output.dense", WIDTH, INNER)
        shapes |= norm(f"{block}.output.LayerNorm")
    shapes |= linear("pooler.dense", WIDTH, WIDTH)
    return {prefix + name: shape for name, shape in shapes.items()}


def nomic_bert() -> Shapes:
    shapes: Shapes = {
        "embeddings.word_embeddings.weight": (VOCAB, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        **norm("emb_ln"),
    }
    for layer in range(LAYERS):
        block = f"encoder.layers.{layer}"
        shapes |= linear(f"{block}.attn.Wqkv", 3 * WIDTH, WIDTH, bias=False)
        shapes |= linear(f"{block}.attn.out_proj", WIDTH, WIDTH, bias=False)
        for part in ("fc11", "fc12"):
            shapes |= linear(f"{block}.mlp.{part}", INNER, WIDTH, bias=False)
        shapes |= linear(f"{block}.mlp.fc2", WIDTH, INNER, bias=False)
        shapes |= norm(f"{block}.norm1") | norm(f"{block}.norm2")
    return shapes


CASES = {
    "bert": Case(config("BertModel", "bert"), bert("", 320, types=2), "pooling_mode_mean_tokens"),
    "xlm_roberta": Case(
        config("XLMRobertaModel", "xlm-roberta", max_position_embeddings=320 + PAD + 1, type_vocab_size=1),
        bert("", 320 + PAD + 1, types=1),
        "pooling_mode_cls_token",
    ),
    "nomic_bert": Case(
        config("NomicBertModel", "nomic_bert", hidden_act="silu", rope_theta=1000.0),
        nomic_bert(),
        "pooling_mode_lasttoken",
    ),
}


def write_case(name: str, folder: Path, dtype: str = "F32", shards: int = 1) -> None:
    case = CASES[name]
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(case.config, indent=1))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({case.pooling: True}))
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in MODULES]
    (folder / "modules.json").write_text(json.dumps(modules))
    write_tokenizer(folder)
    how = {"norms_from_zero": False, "gain": 1.0}
    tensors = {tensor: values(name, tensor, shape, **how) for tensor, shape in case.shapes.items()}
    write_weights(folder, tensors, dtype, shards)


MODULES = (("Transformer", ""), ("Pooling", "1_Pooling"))


def texts(name: str) -> list[list[int]]:
    """Token ids of each length, without the padding token, from which XLM-RoBERTa counts its positions."""
    drawn = {length: uniform(f"{name}/text{length}", length) for length in LENGTHS}
    return [[max(PAD + 1, int(256 * (value + 1) / 2)) for value in numbers] for numbers in drawn.values()]


if __name__ == "__main__":
    write_case(sys.argv[1], Path(sys.argv[2]))
