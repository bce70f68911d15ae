"""A LoRA adapter as PEFT saves it (adapter_config.json, adapter_model.safetensors) -> a GGUF adapter in the cache.

Which matrix of GGUF a matrix of the adapter belongs to, and in which order its rows stand, follows from the plan of the
folder that it was trained on (``planning.plan_folder``): what is done to a weight W is done to the rows of B, since the
model computes with W + scale * B A. The bytes are carried by the native module.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.engine.core import _core, native_call
from inferno.errors import DataCorrupted, NotFound, Unsupported
from inferno.models.huggingface import cache
from inferno.models.huggingface.adapter_config import ADAPTER_CONFIG, AdapterConfig, read_adapter_config
from inferno.models.huggingface.cache import CACHE_BYTES
from inferno.models.huggingface.folder import Folder
from inferno.models.huggingface.planning import FolderPlan, data_bytes, plan_folder
from inferno.models.huggingface.prepare import as_native, make_room
from inferno.models.huggingface.weight_plan import Planned, Source
from inferno.models.inspection import Tensor, read_tensors

if TYPE_CHECKING:
    import gguf

_LOG = logging.getLogger(__name__)
WEIGHTS = "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Pair:
    """The two matrices that change one module: B A, of shapes (rows, rank) and (rank, columns)."""

    a: Tensor
    b: Tensor

    @property
    def rank(self) -> int:
        return self.a["shape"][0]


def prepare_adapter(path: Path, base: Folder, *, cache_bytes: int = CACHE_BYTES) -> Path:
    """The GGUF file of the adapter in the folder ``path``, made now unless it is there.

    Raises NotFound without its two files, Unsupported, naming it, for what is more than LoRA or changes what ``base``
    has not, DataCorrupted for shapes that do not fit, Unavailable when there is no room for the file.
    """
    config = read_adapter_config(path)
    weights = path / WEIGHTS
    if not weights.is_file():
        raise NotFound(f"the adapter has no {WEIGHTS}: weights in other formats are not read")
    made = cache.adapter_path(path / ADAPTER_CONFIG, weights, base)
    return cache.made_once(made, lambda: _make(weights, config, base, made, cache_bytes))


def _make(weights: Path, config: AdapterConfig, base: Folder, path: Path, cache_bytes: int) -> None:
    from inferno.models.huggingface.metadata import encoded

    pairs = _pairs(read_tensors([weights], {}), config)
    plan = plan_folder(base)
    targets = _targets(plan)
    planned = [matrix for module, pair in pairs.items() for matrix in _placed(module, pair, targets, plan.listed)]
    tensors = [as_native(matrix, "f32") for matrix in planned]
    make_room(path.parent, data_bytes((matrix, "f32") for matrix in planned), cache_bytes)
    metadata = encoded(_writer(plan, _alpha(pairs, config)))
    native_call(_core.prepare_gguf, str(path), metadata, [str(weights)], tensors)
    _LOG.info("prepared the adapter %s: %d matrices", path.name, len(pairs))


def _pairs(tensors: Sequence[Tensor], config: AdapterConfig) -> dict[str, Pair]:
    """By module, as the base model calls it."""
    sides: dict[str, dict[str, Tensor]] = {}
    for tensor in tensors:
        name = _NAME.fullmatch(tensor["name"])
        if name is None or len(tensor["shape"]) != 2:
            raise Unsupported(f"the adapter has a tensor {tensor['name']}; known are LoRA matrices, lora_A and lora_B")
        sides.setdefault(name["module"], {})[name["side"]] = tensor
    if not sides:
        raise DataCorrupted(f"{WEIGHTS} has no tensors: the adapter changes nothing")
    pairs = {}
    for module, both in sides.items():
        if len(both) != 2:
            raise DataCorrupted(f"the adapter has only one of the two matrices of {module}")
        pairs[module] = pair = Pair(both["A"], both["B"])
        if pair.rank != pair.b["shape"][1] or (config.rank is not None and pair.rank != config.rank):
            raise DataCorrupted(
                f"the adapter's matrices of {module} have ranks {pair.rank} and {pair.b['shape'][1]}; "
                f"{ADAPTER_CONFIG} says {config.rank if config.rank is not None else 'another for each module'}"
            )
    return pairs


def _alpha(pairs: Mapping[str, Pair], config: AdapterConfig) -> float:
    """What GGUF calls alpha: divided by a matrix's own rank, it is the scale of B A. One for all."""
    alphas = [config.alpha * (math.sqrt(pair.rank) if config.rank_stabilized else 1) for pair in pairs.values()]
    least, most = min(alphas), max(alphas)
    if not math.isclose(least, most, rel_tol=_SAME):
        raise Unsupported(f"{ADAPTER_CONFIG}: use_rslora with several ranks, whose scales one GGUF adapter cannot hold")
    return most


def _targets(plan: FolderPlan) -> dict[str, list[Planned]]:
    """What each tensor of the base folder becomes; empty for one of those that become a stack (experts)."""
    targets: dict[str, list[Planned]] = {}
    for planned in plan.planned:
        for source in planned.sources:
            of_source = targets.setdefault(source.name, [])
            if len(planned.sources) == 1:
                of_source.append(planned)
    return targets


def _placed(
    module: str, pair: Pair, targets: Mapping[str, list[Planned]], listed: Mapping[str, Tensor]
) -> list[Planned]:
    name = _in_folder(f"{module}.weight", targets)
    if name is None:
        raise Unsupported(f"the adapter changes {module}, which the model's folder has not, or shares with another")
    if not targets[name]:
        raise Unsupported(f"the adapter changes {module}, one of several experts, which is not computed")
    matrices: list[Planned] = []
    for planned in targets[name]:
        source = planned.sources[0]
        shape = listed[name]["shape"][::-1] if source.transpose else listed[name]["shape"]
        _check_shapes(module, pair, shape)
        rows = len(source.rows) or shape[0]
        matrices += [
            Planned(f"{planned.name}.lora_a", (shape[1], pair.rank), (Source(pair.a["name"]),)),
            Planned(f"{planned.name}.lora_b", (pair.rank, rows), (Source(pair.b["name"], rows=source.rows),)),
        ]
    return matrices


def _check_shapes(module: str, pair: Pair, shape: Sequence[int]) -> None:
    changed = [pair.b["shape"][0], pair.a["shape"][1]]
    if changed != list(shape):
        raise DataCorrupted(
            f"the adapter changes {module} as a matrix of {changed[0]} x {changed[1]}; the model's has "
            f"{' x '.join(map(str, shape))}: it was trained on another model"
        )


def _in_folder(name: str, targets: Mapping[str, list[Planned]]) -> str | None:
    """The folder's name of a tensor: some folders leave out the first part of what transformers calls it."""
    if name in targets:
        return name
    rest = name.partition(".")[2]
    return rest if rest in targets else None


def _writer(plan: FolderPlan, alpha: float) -> gguf.GGUFWriter:
    import gguf

    writer = gguf.GGUFWriter(None, plan.writer.arch)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    return writer
