"""Writes LoRA adapters as PEFT saves them, with weights from fixed seeds, and adds them to a folder's own weights.

Usage: python tests/data/hf_adapters.py CASE FOLDER   (an adapter for a case of hf_folders.py; needs only numpy)
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from hf_cases import CASES
from hf_folders import eight_bits, uniform, write_safetensors

Arrays = dict[str, np.ndarray[Any, Any]]
_NOT_LINEAR = re.compile(r"embed|wte|wpe|norm|ln_|\.experts\.|mlp\.gate\.|shared_expert|block_sparse_moe|h\.\d+\.ln")


@dataclass(frozen=True)
class Adapter:
    """What it does to each of ``modules`` (tensors' names without ``.weight``), a matrix of shape (rows, columns)."""

    seed: str
    modules: Mapping[str, tuple[int, int]]
    rank: int = 4
    alpha: float = 8.0
    rank_stabilized: bool = False
    size: float = 0.5
    """Of the matrices' elements, before they are scaled to keep what passes through as it was."""

    @property
    def scale(self) -> float:
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilized else self.rank)

    def matrices(self, module: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """A (rank, columns) and B (rows, rank), of numbers that F32, F16 and BF16 all have."""
        rows, columns = self.modules[module]
        a = uniform(f"{self.seed}/{module}/A", self.rank * columns).reshape(self.rank, columns) / math.sqrt(columns)
        b = uniform(f"{self.seed}/{module}/B", rows * self.rank).reshape(rows, self.rank)
        return eight_bits(a), eight_bits(b * self.size)

    def change(self, module: str) -> np.ndarray[Any, Any]:
        a, b = self.matrices(module)
        return (self.scale * (b.astype(np.float64) @ a)).astype(np.float32)


def write(folder: Path, adapter: Adapter, dtype: str = "F32", **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tensors: Arrays = {}
    for module in adapter.modules:
        a, b = adapter.matrices(module)
        tensors[f"base_model.model.{module}.lora_A.weight"] = a
        tensors[f"base_model.model.{module}.lora_B.weight"] = b
    write_safetensors(folder / "adapter_model.safetensors", tensors, dtype)
    said = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "use_rslora": adapter.rank_stabilized,
        "target_modules": sorted({module.rpartition(".")[2] for module in adapter.modules}),
        "bias": "none",
        "lora_dropout": 0.05,
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_dora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "megatron_core": "megatron.core",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(said | config))
    return folder


def merged(weights: Arrays, adapter: Adapter, *, transposed: bool = False) -> Arrays:
    """The weights with the adapter's change added. ``transposed``: they are stored (columns, rows), as GPT-2's are."""
    added = {f"{module}.weight": adapter.change(module) for module in adapter.modules}
    changed = {name: weights[name] + (change.T if transposed else change) for name, change in added.items()}
    return weights | changed


def add_to(folder: Path, adapter: Adapter) -> None:
    """The same to a folder of one shard in F32."""
    shard = folder / "model.safetensors"
    content = shard.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    weights = {
        name: np.frombuffer(content[start:], "<f4")[begin // 4 : end // 4].reshape(entry["shape"])
        for name, entry in json.loads(content[8:start]).items()
        if name != "__metadata__"
        for begin, end in [entry["data_offsets"]]
    }
    write_safetensors(shard, merged(weights, adapter), "F32")


def shapes_of(folder: Path) -> dict[str, tuple[int, ...]]:
    """Of the tensors of a folder of one shard."""
    with (folder / "model.safetensors").open("rb") as shard:
        header = json.loads(shard.read(int.from_bytes(shard.read(8), "little")))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def linear_modules(shapes: Mapping[str, tuple[int, ...]], *, transposed: bool = False) -> dict[str, tuple[int, int]]:
    """Those of a model that PEFT's ``all-linear`` would take, but for experts and their routers."""
    return {
        name.removesuffix(".weight"): (shape[1], shape[0]) if transposed else (shape[0], shape[1])
        for name, shape in shapes.items()
        if len(shape) == 2 and name.endswith(".weight") and not _NOT_LINEAR.search(name)
    }


def of_case(case: str, *, seed: str = "adapter", only: Iterable[str] = (), **how: Any) -> Adapter:
    """``only``: the last parts of modules' names."""
    modules = linear_modules(CASES[case].shapes, transposed=case.startswith("gpt2"))
    chosen = set(only)
    if chosen:
        modules = {name: shape for name, shape in modules.items() if name.rpartition(".")[2] in chosen}
    return Adapter(f"{seed}/{case}", modules, **how)


if __name__ == "__main__":
    write(Path(sys.argv[2]), of_case(sys.argv[1]))
