"""What memory a loaded model takes, and by which arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KvCache:
    """A cell holds the keys and values of one token, for all layers and heads. ``block_values`` values take
    ``block_bytes`` bytes: (1, 2) is f16, (32, 34) is q8_0."""

    cells: int
    layers: int
    heads: int
    key_length: int
    value_length: int
    block_values: int
    block_bytes: int

    @property
    def cell_bytes(self) -> int:
        values = self.layers * self.heads * (self.key_length + self.value_length)
        return values // self.block_values * self.block_bytes

    @property
    def bytes(self) -> int:
        return self.cells * self.cell_bytes

    def __str__(self) -> str:
        if not self.cells:
            return "the model keeps nothing between two texts"
        return (
            f"{self.cells} cells x {self.layers} layers x {self.heads} kv-heads x "
            f"({self.key_length} + {self.value_length}) values x {self.block_bytes}/{self.block_values} bytes"
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """In bytes. ``weights`` is the sum over the file's tensors; ``kv_held`` what the backend says its cache takes.

    ``compute`` is 0 where the backend does not tell; ``peak`` is the process's, mapped files included; None: not known.
    """

    weights: int
    kv: KvCache
    kv_held: int
    compute: int
    peak: int | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "weights_bytes": self.weights,
            "kv_bytes": self.kv.bytes,
            "kv_formula": asdict(self.kv),
            "kv_held_bytes": self.kv_held,
            "compute_bytes": self.compute,
            "peak_bytes": self.peak,
        }


def memory_of(weights: int, report: Mapping[str, Any], capabilities: Mapping[str, Any]) -> Memory:
    """``report`` and ``capabilities`` as the engine gives them (``_core.Model``)."""
    kv = KvCache(
        report["kv_cells"],
        report["kv_layers"],
        report["kv_heads"],
        report["key_length"],
        report["value_length"],
        report["kv_block_values"],
        report["kv_block_bytes"],
    )
    return Memory(weights, kv, capabilities["kv_bytes"], report["compute_bytes"], _peak())


def _peak() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
