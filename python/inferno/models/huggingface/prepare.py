"""A Hugging Face folder -> a GGUF file in the cache, made once and mapped from then on.

Python says which tensor becomes which (``architectures/``) and what the metadata says (``planning.py``); the native
module carries the bytes. A second start finds the file by the digest in its name and imports nothing of what made it.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from inferno.engine.core import _core, native_call
from inferno.errors import Unavailable
from inferno.models.huggingface import cache
from inferno.models.huggingface.cache import CACHE_BYTES
from inferno.models.huggingface.folder import Folder
from inferno.models.huggingface.planning import Recipe, make_recipe
from inferno.models.huggingface.planning_process import PlanningProcess
from inferno.models.huggingface.quantization import check_scheme
from inferno.models.huggingface.weight_plan import Planned

_LOG = logging.getLogger(__name__)
_SPARE_BYTES = 64 * 1024 * 1024
WORTH_A_PROCESS = 256 * 1024 * 1024
"""Bytes of weights from which on the recipe is made apart: for a smaller model, starting Python would take longer than
all the rest."""


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


def _make(folder: Folder, scheme: str | None, path: Path, progress: Callable[[float], bool], cache_bytes: int) -> None:
    if not is_planned_apart(folder):
        _carry(make_recipe(folder, scheme), folder, path, progress, cache_bytes)
        return
    with PlanningProcess(folder, scheme, cache.tokenizer_path(path)) as planning:
        _carry(planning.recipe(), folder, path, progress, cache_bytes)


def _carry(recipe: Recipe, folder: Folder, path: Path, progress: Callable[[float], bool], cache_bytes: int) -> None:
    make_room(path.parent, recipe.data_bytes, cache_bytes)
    tensors = [as_native(tensor, kind) for tensor, kind in recipe.tensors]
    threads = 0  # as many as are of use
    shards = [str(shard) for shard in folder.shards]
    made = native_call(_core.prepare_gguf, str(path), recipe.metadata, shards, tensors, threads, progress)
    _LOG.info("prepared %s: %d tensors, %d MB", path.name, made["tensors"], made["bytes"] // 1_000_000)


def is_planned_apart(folder: Folder) -> bool:
    """Whether its recipe, and the form of its tokenizer that is kept, are made in a process of their own."""
    # No executable is known where Python is part of another program.
    return folder.weight_bytes >= WORTH_A_PROCESS and bool(sys.executable)


def as_native(tensor: Planned, kind: str) -> _core.TensorPlan:
    """``kind`` is a ggml type."""
    sources = [_core.TensorSource(one.name, transpose=one.transpose, rows=one.rows) for one in tensor.sources]
    return _core.TensorPlan(tensor.name, kind, tensor.shape, sources, add=tensor.add, values=tensor.values)


def make_room(folder: Path, data_bytes: int, cache_bytes: int) -> None:
    """Raises Unavailable when the disk has not enough for the data, even without what the cache can give up."""
    needed = _SPARE_BYTES + data_bytes
    for removed in cache.make_room(needed, cache_bytes):
        _LOG.info("removed %s from the cache, which is to have at most %d MB", removed.name, cache_bytes // 1_000_000)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            f"preparing this folder takes {needed / 1e9:.1f} GB in the cache and {free / 1e9:.1f} GB are free; make "
            "room, or set XDG_CACHE_HOME to a folder on a larger disk"
        )
