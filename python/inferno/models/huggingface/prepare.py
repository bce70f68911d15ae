"""A Hugging Face folder -> a GGUF file in the cache, made once and mapped from then on.

Python says which tensor becomes which (``architectures/``) and what the metadata says; the native module carries the
bytes. A second start finds the file by the digest in its name and imports nothing of what made it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.engine.core import _core, native_call
from inferno.errors import DataCorrupted, Unavailable, Unsupported
from inferno.models.huggingface import cache
from inferno.models.huggingface.cache import CACHE_BYTES
from inferno.models.huggingface.folder import Folder
from inferno.models.huggingface.quantization import check_scheme, tensor_type
from inferno.models.huggingface.weight_plan import Found, Planned, WeightPlan
from inferno.models.inspection import Tensor, read_tensors

if TYPE_CHECKING:
    import gguf

_LOG = logging.getLogger(__name__)
_SPARE_BYTES = 64 * 1024 * 1024
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


def prepare(
    folder: Folder, *, quantize: str | None, progress: Callable[[float], bool], cache_bytes: int = CACHE_BYTES
) -> Path:
    """The file the engine opens for ``folder``, made now unless it is there. Blocks for as long as copying takes.

    To make it, other files of the cache are given up when that would be larger than ``cache_bytes``. The file is kept
    from being given up while this process lives.

    ``progress`` gets 0..1 on the calling thread; returning False gives up (Cancelled). Raises InvalidArgument for an
    unknown scheme, Unsupported for what cannot be served, DataCorrupted for a folder that contradicts itself,
    Unavailable when there is no room for the file.
    """
    check_scheme(quantize)
    path = cache.prepared_path(folder, quantize)
    return cache.made_once(path, lambda: _make(folder, quantize, path, progress, cache_bytes))


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What becomes of a folder's tensors. ``writer`` has been told the architecture's keys."""

    writer: gguf.GGUFWriter
    listed: dict[str, Tensor]
    planned: list[Planned]


def plan_folder(folder: Folder) -> FolderPlan:
    """Reads names and shapes, not weights. Raises as :func:`prepare`."""
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


def _make(
    folder: Folder, scheme: str | None, path: Path, progress: Callable[[float], bool], cache_bytes: int
) -> None:
    plan = plan_folder(folder)
    tensors = _typed(plan.planned, scheme, layers=_layers(plan.writer))
    make_room(path.parent, tensors, cache_bytes)
    metadata = _metadata(folder, plan.writer, plan.planned, scheme)
    threads = 0  # the usable cores
    shards = [str(shard) for shard in folder.shards]
    made = native_call(_core.prepare_gguf, str(path), metadata, shards, tensors, threads, progress)
    _LOG.info("prepared %s: %d tensors, %d MB", path.name, made["tensors"], made["bytes"] // 1_000_000)


def _layers(writer: gguf.GGUFWriter) -> int:
    return int(writer.kv_data[0][f"{writer.arch}.block_count"].value)


def _typed(planned: list[Planned], scheme: str | None, *, layers: int) -> list[_core.TensorPlan]:
    tied = all(tensor.name != "output.weight" for tensor in planned)
    return [as_native(tensor, tensor_type(tensor, scheme, layers=layers, tied=tied)) for tensor in planned]


def as_native(tensor: Planned, kind: str) -> _core.TensorPlan:
    """``kind`` is a ggml type."""
    sources = [_core.TensorSource(one.name, transpose=one.transpose, rows=one.rows) for one in tensor.sources]
    return _core.TensorPlan(tensor.name, kind, tensor.shape, sources, add=tensor.add, values=tensor.values)


def make_room(folder: Path, tensors: list[_core.TensorPlan], cache_bytes: int) -> None:
    """Raises Unavailable when the disk has not enough, even without what the cache can give up."""
    import gguf

    needed = _SPARE_BYTES
    for tensor in tensors:
        block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[tensor.type.upper()]]
        elements = 1
        for size in tensor.shape:
            elements *= size
        needed += elements // block * block_bytes
    for removed in cache.make_room(needed, cache_bytes):
        _LOG.info("removed %s from the cache, which is to have at most %d MB", removed.name, cache_bytes // 1_000_000)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            f"preparing this folder takes {needed / 1e9:.1f} GB in the cache and {free / 1e9:.1f} GB are free; make "
            "room, or set XDG_CACHE_HOME to a folder on a larger disk"
        )


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
