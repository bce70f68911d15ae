"""What a folder's GGUF file is to be: its keys, its tensors, and where each of them comes from. Reads names and shapes,
not weights.

The ``gguf`` package, which has the names and the keys, brings NumPy along: some 25 MB that a server would keep for its
life. So a large model's recipe is made in a process of its own (``planning_process.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.folder import Folder
from inferno.models.huggingface.quantization import tensor_type
from inferno.models.huggingface.weight_plan import Found, Planned, WeightPlan
from inferno.models.inspection import Tensor, read_tensors

if TYPE_CHECKING:
    import gguf

_FILE_TYPES = {
    "f32": "ALL_F32",
    "f16": "MOSTLY_F16",
    "bf16": "MOSTLY_BF16",
    "q8_0": "MOSTLY_Q8_0",
    "q6_k": "MOSTLY_Q6_K",
    "q5_k_m": "MOSTLY_Q5_K_M",
    "q4_k_m": "MOSTLY_Q4_K_M",
    "q4_0": "MOSTLY_Q4_0",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    metadata: bytes
    """A GGUF file with all keys and no tensors."""
    tensors: list[tuple[Planned, str]]
    """Each with its ggml type, in the order in which they are written."""
    data_bytes: int
    """That the tensors take."""


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What becomes of a folder's tensors. ``writer`` has been told the architecture's keys."""

    writer: gguf.GGUFWriter
    listed: dict[str, Tensor]
    planned: list[Planned]


def plan_folder(folder: Folder) -> FolderPlan:
    """Raises Unsupported for what cannot be served, DataCorrupted for a folder that contradicts itself."""
    try:
        import gguf
    except ImportError:
        raise Unsupported("serving a Hugging Face folder needs the package 'gguf': pip install 'inferno[hf]'") from None
    from inferno.models.huggingface.architectures import find_architecture

    logging.getLogger("gguf").setLevel(logging.WARNING)  # it tells of every file it opens
    architecture = find_architecture(folder.config)
    kind = gguf.MODEL_ARCH[architecture.arch]
    writer = gguf.GGUFWriter(None, gguf.MODEL_ARCH_NAMES[kind])
    architecture.keys(folder.config, writer)
    listed = {tensor["name"]: tensor for tensor in read_tensors(folder.shards, folder.indexed)}
    plan = WeightPlan(
        {name: Found(tuple(entry["shape"]), entry["dtype"]) for name, entry in listed.items()},
        gguf.get_tensor_name_map(kind, _layers(writer)),
        lambda name: _elements(folder, listed[name]),
    )
    architecture.tensors(folder.config, plan)
    return FolderPlan(writer, listed, plan.finish(architecture.needed(_layers(writer))))


def make_recipe(folder: Folder, scheme: str | None) -> Recipe:
    """``scheme`` is what was asked for with ``--quantize``. Raises as :func:`plan_folder`."""
    plan = plan_folder(folder)
    layers = _layers(plan.writer)
    tied = all(tensor.name != "output.weight" for tensor in plan.planned)
    tensors = [(tensor, tensor_type(tensor, scheme, layers=layers, tied=tied)) for tensor in plan.planned]
    return Recipe(_metadata(folder, plan.writer, plan.planned, scheme), tensors, data_bytes(tensors))


def data_bytes(tensors: Iterable[tuple[Planned, str]]) -> int:
    """What tensors of these ggml types take."""
    import gguf

    total = 0
    for tensor, kind in tensors:
        block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind.upper()]]
        total += prod(tensor.shape) // block * block_bytes
    return total


def _layers(writer: gguf.GGUFWriter) -> int:
    return int(writer.kv_data[0][f"{writer.arch}.block_count"].value)


def _metadata(folder: Folder, writer: gguf.GGUFWriter, planned: list[Planned], scheme: str | None) -> bytes:
    """A GGUF file with all keys and no tensors."""
    import gguf

    from inferno.models.huggingface.metadata import encoded
    from inferno.models.huggingface.vocab import read_vocabulary

    embedding = next((tensor for tensor in planned if tensor.name == "token_embd.weight"), None)
    if embedding is None:
        raise DataCorrupted("the weights have no token embedding")
    # No general.name: llama.cpp takes some names for models whose vocabulary it then changes.
    writer.add_vocab_size(embedding.shape[1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    own = scheme or {"F32": "f32", "F16": "f16", "BF16": "bf16"}.get(embedding.dtype, "")
    writer.add_file_type(gguf.LlamaFileType[_FILE_TYPES[own]])
    read_vocabulary(folder.path, size=embedding.shape[1]).add_to(writer)
    return encoded(writer)


def _elements(folder: Folder, entry: Tensor) -> list[float]:
    """The elements of a small tensor."""
    import numpy as np

    with (folder.path / entry["file"]).open("rb") as shard:
        shard.seek(entry["offset"])
        raw = shard.read(entry["bytes"])
    if entry["dtype"] == "BF16":  # the upper half of an F32
        found = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif entry["dtype"] in ("F16", "F32"):
        found = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]).astype(np.float32)
    else:
        raise Unsupported(f"{entry['name']} holds {entry['dtype']}; known: F32, F16, BF16")
    return [float(value) for value in found]
