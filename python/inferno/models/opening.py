"""From a resolved model to what the engine opens: a Hugging Face folder is prepared first, and brings extras."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from inferno.engine.core import _core
from inferno.engine.extras import Extras
from inferno.errors import InfernoError, Unsupported
from inferno.models.huggingface.cache import CACHE_BYTES, prepared_path, tokenizer_path
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.library_form import read_library_form
from inferno.models.huggingface.prepare import is_planned_apart, prepare
from inferno.models.huggingface.settling import is_settled
from inferno.models.model_source import ModelSource
from inferno.models.onnx.encoders import read_encoder_extras, reads_texts
from inferno.models.onnx.facts import read_facts
from inferno.models.onnx.graph_file import GraphFile
from inferno.models.onnx.search import with_search
from inferno.models.source import resolve


async def ready(
    source: ModelSource, progress: Callable[[float], None] | None = None, *, cache_bytes: int = CACHE_BYTES
) -> str:
    """The path of that file, for which the cache may grow to ``cache_bytes``. Preparing runs in a thread, reports 0..1
    there, and is given up when this is cancelled.

    Raises what ``prepare`` raises, with the folder named.
    """
    folder = source.folder
    if folder is None:
        return source.path
    given_up = threading.Event()

    def report(done: float) -> bool:
        if progress is not None:
            progress(done)
        return not given_up.is_set()

    def work() -> str:
        try:
            return str(prepare(folder, quantize=source.quantize, progress=report, cache_bytes=cache_bytes))
        except InfernoError as error:
            raise type(error)(f"{source.name}: {error.message}", param=error.param) from None

    preparing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(preparing)
    except asyncio.CancelledError:
        given_up.set()
        await asyncio.wait([preparing])
        if not preparing.cancelled():
            preparing.exception()  # looked at: it was cancelled, whatever came of it
        raise


async def ready_draft(model: str, *, cache_bytes: int = CACHE_BYTES) -> str:
    """As :func:`ready`, of the model that guesses ahead for another. Raises Unsupported for one that cannot."""
    source = resolve(model)
    if source.graph is not None:
        raise Unsupported(
            f"{source.name} is an ONNX model; one that guesses ahead must be a GGUF file or a Hugging Face folder",
            param="draft_model",
        )
    return await ready(source, cache_bytes=cache_bytes)


def ready_path(source: ModelSource) -> str | None:
    """What :func:`ready` gives, if it need not be made first. Raises as ``prepared_path`` does."""
    if source.folder is None:
        return source.path
    path = prepared_path(source.folder, source.quantize)
    return str(path) if is_settled(path) else None


def extras_of(source: ModelSource, *, generation_config: bool = True) -> Callable[[], Extras] | None:
    """What reads the folder's tokenizer, templates and defaults (``read_extras``), to be called when it is prepared;
    of an ONNX graph's, also what the graph does not say itself. None for a GGUF file, and a graph that reads no text.

    Where it is yet to be prepared, the most of that begins now, on a thread beside it, unless preparing does it in
    another process. What the tokenizers' library keeps is left for the thread that calls, which should be the one that
    loads the model: glibc's allocator then fills the holes that making it leaves, some 10 MB of 150,000 tokens, with
    llama.cpp's vocabulary.
    """
    if source.graph is not None:
        return _extras_of_graph(source.graph, source.name, generation_config)
    folder = source.folder
    if folder is None:
        return None

    _core.keep_large_blocks_apart()  # the tables of a large vocabulary would leave holes in the heap

    def begin() -> Path:
        prepared = prepared_path(folder, source.quantize)
        kept = tokenizer_path(prepared)
        if not is_settled(prepared) and not is_planned_apart(folder):
            read_library_form(folder.path, kept)
        return kept

    thread = ThreadPoolExecutor(1, "read-tokenizer")
    begun = thread.submit(begin)
    thread.shutdown(wait=False)
    return lambda: read_extras(folder.path, generation_config=generation_config, kept=begun.result())


def _extras_of_graph(graph: GraphFile, name: str, generation_config: bool) -> Callable[[], Extras] | None:
    if graph.kind != "decoder":
        return (lambda: read_encoder_extras(graph, name)) if reads_texts(graph) else None

    def read() -> Extras:
        extras = read_extras(graph.folder, generation_config=generation_config)
        generation = with_search(extras.generation, graph) if generation_config else extras.generation
        return replace(extras, generation=generation, facts=read_facts(graph, name))

    return read
