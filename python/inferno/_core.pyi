"""The native engine. Described by csrc/bindings/*.cpp; imported by ``inferno.engine.core`` alone."""

from collections.abc import Callable, Sequence
from typing import Any

__version__: str
__commit__: str  # 'unknown' when not recorded

class CoreError(Exception):
    """args: (code, message, param). Raised by every call below that returns a Status in C++."""

def keep_large_blocks_apart() -> None: ...
def release_free_memory() -> None: ...
def usable_cores() -> int: ...
def backends() -> list[dict[str, Any]]:
    """Of each, as csrc/backends/backend_registry.h says: name, version, missing, formats, devices, abilities, options."""
def backend_of(path: str) -> str:
    """Which of them opens the model, by what its file begins with. CoreError for what none knows."""
def bring_library(backend: str, library: str) -> None:
    """Open the shared library of a backend that does not have it linked, once for the process."""
def checked_options(backend: str, declared: Sequence[dict[str, Any]], given: dict[str, str]) -> dict[str, str]:
    """``given``, by full names, and the defaults of the others; ``declared`` as ``backends`` has it."""
def set_log_sink(sink: Callable[[int, str, str], None] | None) -> None: ...

class ModelOptions:  # csrc/bindings/bind_model.cpp; defaults in csrc/backends/backend.h
    context_tokens: int
    kv_tokens: int
    slots: int
    batch_rows: int
    threads: int
    gpu_layers: int
    kv_type: str
    flash_attention: str
    kv_layout: str
    deterministic: bool
    use_mmap: bool
    time_operators: bool
    media_encoder: str
    pooling: str
    backend_options: dict[str, str]
    """By full names, as "onnx.provider"; those of the backend that opens the model."""
    def __init__(self) -> None: ...

class ModelCard:  # csrc/backends/model_card.h
    def __init__(
        self,
        *,
        architecture: str,
        name: str,
        trained_context: int,
        head_size: int,
        pieces: Sequence[bytes],
        special: Sequence[tuple[int, str]],
        ends: Sequence[int],
        bos: int,
        eos: int,
        closing: int,
        adds_bos: bool,
        strips_leading_space: bool,
    ) -> None: ...

class Model:
    @staticmethod
    def load(
        path: str,
        options: ModelOptions,
        progress: Callable[[float], bool] | None = None,
        card: ModelCard | None = None,
    ) -> Model: ...
    @property
    def info(self) -> dict[str, Any]: ...
    @property
    def capabilities(self) -> dict[str, Any]: ...
    @property
    def report(self) -> dict[str, Any]:
        """How it was loaded and what operators took, as csrc/backends/model_report.h says; operators as (name, calls, seconds)."""
    @property
    def media_kind(self) -> str:
        """Of the media encoder, as its file calls it; empty without one."""
    def encode_picture(self, width: int, height: int, rgb: bytes) -> list[MediaPiece]:
        """What stands for a picture in a prompt. Releases the GIL; other threads' pictures and sounds wait."""
    def encode_sound(self, rate: int, channels: int, bits: int, floating: bool, samples: bytes) -> list[MediaPiece]:
        """Likewise of a sound; ``bits`` are of a sample."""
    def encode(self, segments: Sequence[str | int], add_bos: bool, close: bool = False) -> list[int]:
        """Text segments as plain text, ints as the ids they are; BOS first if asked, the model wants it and it is not there.

        ``close`` puts behind them what the model was trained to see there (SEP, EOS), if anything."""
    def decode(self, token_ids: Sequence[int]) -> str: ...
    def token_bytes(self, token_id: int) -> bytes: ...
    def special_tokens(self) -> list[tuple[int, str]]: ...
    @property
    def bos(self) -> int: ...
    @property
    def eos(self) -> int: ...
    @property
    def closing(self) -> int:
        """What the model was trained to see behind every whole text; -1 when nothing."""

    @property
    def infill(self) -> tuple[int, int, int, int, int] | None:
        """What the model was trained to see before a prefix, a suffix and what comes between them; before the name of a
        collection of files and each file's (-1 where it was not). None: it fills no gaps."""

    @property
    def separator(self) -> list[int]:
        """What the model was trained to see between two texts that it reads together."""

class MediaRows:  # csrc/base/media_rows.h
    @property
    def id(self) -> int:
        """What stands for each row in a list of tokens; below 0, and never given twice."""
    @property
    def count(self) -> int: ...
    @property
    def nbytes(self) -> int: ...

MediaPiece = list[int] | MediaRows
"""Of what stands for a picture or sound in a prompt."""

class TensorSource:  # csrc/backends/weight_plan.h
    """One tensor of the shards, seen as rows. Its last dimension, after ``transpose``, must be the target's ``shape[0]``,
    or the element count must be a multiple of it: other dimensions only say how many rows there are."""

    name: str
    transpose: bool
    """Swap the last two dimensions first."""
    rows: list[int]
    """Which rows, in which order (a range will do); empty takes all. Rows are counted after ``transpose``."""
    def __init__(self, name: str, *, transpose: bool = False, rows: Sequence[int] = ()) -> None: ...

class TensorPlan:  # csrc/backends/weight_plan.h
    name: str
    """In the GGUF."""
    type: str
    """A ggml type in small letters: f32, f16, bf16, q8_0, q4_0, q4_k, q5_k, q6_k, ..."""
    shape: list[int]
    """As GGUF writes it: the innermost dimension first. shape[0] must be a multiple of the type's block."""
    sources: list[TensorSource]
    """Their rows, one source after the other (stacked experts, a fused qkv), are the target's rows."""
    add: float
    """Added to every element, in f32."""
    values: list[float]
    """In place of sources: the elements themselves (rope factors)."""
    def __init__(
        self,
        name: str,
        type: str,
        shape: Sequence[int],
        sources: Sequence[TensorSource] = (),
        *,
        add: float = 0.0,
        values: Sequence[float] = (),
    ) -> None: ...

def list_tensors(paths: Sequence[str]) -> list[dict[str, Any]]:
    """What SafeTensors shards, or GGUF files, hold, in the order of the files: name (str), dtype ("BF16" or "q8_0", as the
    format says it), shape (list[int], the format's own order), offset and bytes (int, in the file), file (int, which path).

    Reads headers only. Raises CoreError data_corrupted with what is wrong, not_found, unsupported."""

def describe_onnx(path: str) -> dict[str, Any]:
    """What an ONNX file is, whatever its name: kind ("decoder", "encoder", "classifier", "graph"), ir_version, producer,
    opsets (domain to version), inputs and outputs (name, type in the Open Inference Protocol's words, shape with -1 or a
    name where it is open), operators (to how many nodes), weight_bytes, files (beside it).

    Reads headers only. Raises CoreError data_corrupted with what is wrong, not_found, unsupported (no ONNX file)."""

def type_block(type: str) -> int:
    """Elements per block of a ggml type: shape[0] must be a multiple of it. Raises CoreError for a type that is not known."""

def prepare_gguf(
    out_path: str,
    metadata: bytes,
    shards: Sequence[str],
    tensors: Sequence[TensorPlan],
    threads: int = 0,
    progress: Callable[[float], bool] | None = None,
) -> dict[str, int]:
    """Write a GGUF file: the keys of ``metadata`` (a whole GGUF file without tensors), then ``tensors`` made of ``shards``.

    All is checked before the first byte is written. The file appears under ``out_path`` only when it is whole (a temporary
    one stands beside it until then). ``threads`` 0 takes what is of use. ``progress`` gets 0..1 on the calling thread;
    returning False gives up (cancelled). Returns tensors, bytes (of the file), copied_bytes (carried over unchanged).
    Raises CoreError invalid_argument (a plan that does not fit), data_corrupted (a shard), unavailable (disk full)."""

class SamplingParams:  # csrc/bindings/bind_request.cpp; fields, ranges and defaults in csrc/request/sampling_params.h
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    typical_p: float
    top_n_sigma: float
    repetition_penalty: float
    frequency_penalty: float
    presence_penalty: float
    penalty_last_n: int
    dry_multiplier: float
    dry_base: float
    dry_allowed_length: int
    dry_last_n: int
    dry_breakers: list[list[int]]
    xtc_probability: float
    xtc_threshold: float
    mirostat: bool
    mirostat_tau: float
    mirostat_eta: float
    logit_bias: list[tuple[int, float]]
    seed: int
    logprobs: int
    prompt_logprobs: int
    def __init__(self) -> None: ...

class Grammar:  # csrc/constraints/constraint.h
    """Compiled for one vocabulary; any number of requests may have it."""

class GrammarCompiler:  # csrc/bindings/bind_grammar.cpp, csrc/constraints/llguidance.h
    def __init__(self, model: Model, library: str) -> None:
        """``library`` is the file of llguidance's extension module, imported before. Reads every token of the model.

        Raises CoreError unsupported for another version of the library than the one that is known."""
    def compile(self, type: str, text: str) -> Grammar:
        """``type`` is json_schema, regex or lark. Raises CoreError invalid_argument with what is wrong. Thread-safe."""

class Request:  # csrc/request/request.h
    tenant: str
    adapter: int
    """As load_adapter() gave it; 0 for none."""
    prompt: list[int]
    media: list[tuple[int, MediaRows]]
    sampling: SamplingParams
    n: int
    max_tokens: int
    priority: int
    timeout: float
    stop: list[str]
    stop_tokens: list[int]
    shown_tokens: list[int]
    ignore_eos: bool
    keep_stop_text: bool
    grammar: Grammar | None
    prompt_only: bool
    prediction: list[int]
    thought: tuple[int, int, bool, int]
    """The tokens that open and close a thought (-1: none), whether it is begun, and how many tokens it may have."""
    def __init__(self) -> None: ...

class EngineConfig:  # csrc/engine/engine_config.h
    max_running: int
    max_waiting: int
    max_waiting_tokens: int
    prefill_chunk: int
    step_target_ms: float
    common_start_ms: float
    kept_tokens: int
    tenant_weights: dict[str, float]
    tenant_classes: dict[str, int]
    prefix_cache: bool
    speculate: str
    host_cache_bytes: int
    def __init__(self) -> None: ...

class EngineStats:  # csrc/engine/engine_stats.h: plain counters, copied out
    requests_running: int
    requests_waiting: int
    def as_dict(self) -> dict[str, Any]: ...

class OutputDelta:  # csrc/output/output_sink.h: what a delta has beside text and tokens
    logprobs: list[tuple[int, float, list[tuple[int, float]]]]
    prompt_logprobs: list[tuple[int, float, list[tuple[int, float]]]]
    finish: str | None
    """None, "stop", "length", "cancelled" or "error"."""
    matched_stop: str | None
    usage: tuple[int, int, int, int, int]
    """prompt, cached, completion tokens; of these guessed in advance, and of them come true"""
    timings: tuple[float, float, float]
    """scheduled, first token, finished: seconds since arrival"""
    error: tuple[str, str, str] | None
    """code, message, param"""

Crossing = tuple[int, int, str, tuple[int, ...], OutputDelta | None]
"""One delta as it crosses (csrc/bindings/bind_output.cpp): request, index, text, tokens, and the rest if there is more."""

class TextFrame:  # csrc/output/text_frame.h: what stands around a text's JSON string in its event
    def __init__(self, before: bytes, after: bytes) -> None: ...
    def chunked(self) -> TextFrame: ...
    def event(self, text: str) -> bytes: ...

class DeltaMailbox:  # csrc/bindings/py_mailbox.h
    def take(self) -> tuple[list[tuple[int, BaseException | None]], list[Crossing]]:
        """Writes the events that came since the last time. The requests whose reader wants no more, or why, and deltas."""
    def frame(self, request: int, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None: ...
    def unframe(self, request: int) -> None: ...

class SavedPrefix:  # csrc/kvcache/saved_prefix.h: a read-only buffer of the backend's bytes for these tokens
    tenant: str
    adapter: int
    tokens: list[int]
    stored: bool
    """It came from restore(), and the model did not understand it."""
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Engine:  # csrc/bindings/bind_engine.cpp
    def __init__(
        self, model: Model, config: EngineConfig, bell: int, export_prefixes: bool = False, draft: Model | None = None
    ) -> None:
        """Takes the model over: it can be used for tokenizing still, but not for a second engine. So with ``draft``, a
        model of the same vocabulary that guesses ahead. ``bell`` is one end of a pair of stream sockets, which the
        engine closes at its end: a byte goes there when the mailbox, which was empty, has something."""
    @property
    def mailbox(self) -> DeltaMailbox: ...
    def load_adapter(self, path: str) -> int:
        """The id by which requests name it, never 0. Blocks until it is loaded, between two steps."""
    def unload_adapter(self, adapter: int) -> None:
        """Refuses requests with it from now on; it goes when those that were accepted have ended."""
    def saved_tokens(self, tenant: str, prompt: Sequence[int], adapter: int = 0) -> int:
        """How many leading tokens of the prompt host memory has saved for this tenant and adapter."""
    def restore(self, tenant: str, tokens: Sequence[int], data: bytes | memoryview, adapter: int = 0) -> None:
        """Gives host memory a prefix that was once exported. The caller vouches for the bytes, which are copied."""
    def take_exported(self) -> list[SavedPrefix]:
        """Waits for prefixes that host memory gives up. Empty once the engine has stopped and all were taken.
        Their bytes count in the host cache's budget: let them go before asking again."""
    def submit(self, request: Request) -> int: ...
    def cancel(self, request_id: int) -> None: ...
    def end_thought(self, request_id: int) -> None:
        """From the next step on: as if the tokens of its thought were spent."""
    def seconds_until_room(self, sequences: int, tokens: int) -> float | None:
        """Until so many sequences and prompt tokens will find room in the queue, by how fast that has emptied lately;
        None as long as it is not known."""
    def seconds_until_left(self, sequences: int) -> float | None:
        """Likewise until so many of those that wait will have begun to run, or have gone."""
    def stats(self) -> EngineStats: ...
    @property
    def healthy(self) -> bool: ...
    def stop(self) -> None:
        """Ends all sequences (finish "error", code "unavailable"), joins the threads. Nothing comes into the mailbox afterwards."""

class EmbedRequest:  # csrc/request/embed_request.h
    tenant: str
    texts: list[list[int]]
    seconds: list[int]
    """Of each text, where a second one begins in it; empty: none is a pair."""
    dimensions: int
    normalize: bool
    priority: int
    def __init__(self) -> None: ...

Embedded = tuple[int, int, bytes, tuple[float, float], tuple[str, str, str] | None]
"""One text's vector as it crosses (csrc/bindings/bind_embedder.cpp): request, index, float32 numbers as bytes, (scheduled,
finished) in seconds since arrival, and (code, message, param) where there is no vector."""

class Embedder:  # csrc/bindings/bind_embedder.cpp
    def __init__(self, model: Model, config: EngineConfig, on_embeddings: Callable[[list[Embedded]], None]) -> None:
        """Takes the model over, as Engine does. Raises CoreError unsupported for a model that does not embed."""
    def submit(self, request: EmbedRequest) -> int: ...
    def cancel(self, request_id: int) -> None: ...
    def seconds_until_room(self, tokens: int) -> float | None:
        """Until a request of so many tokens will find room in the queue; None as long as that is not known."""
    def stats(self) -> EngineStats: ...
    @property
    def healthy(self) -> bool: ...
    def stop(self) -> None:
        """Ends all texts (code "unavailable"), joins the thread. on_embeddings is not called afterwards."""

class Graph:  # csrc/backends/graph_model.h
    @staticmethod
    def load(path: str, options: ModelOptions) -> Graph: ...
    @property
    def info(self) -> dict[str, Any]:
        """name, producer, device, inputs and outputs (each a list of (name, type, shape with -1 where it is open)),
        weight_bytes, threads, batches (whether requests run together)."""

class GraphTensor:  # csrc/backends/graph.h: a read-only buffer of its numbers, row by row
    name: str
    type: str
    """In the Open Inference Protocol's words."""
    shape: list[int]
    texts: list[bytes]
    """Of BYTES, whose buffer is empty."""
    def __buffer__(self, flags: int, /) -> memoryview: ...

GraphInput = tuple[str, str, Sequence[int], Any]
"""Name, type, shape, and the numbers as a contiguous buffer, or of BYTES a list of bytes. Read where they are."""

GraphOutputs = tuple[int, list[GraphTensor], tuple[float, float], tuple[str, str, str] | None]
"""One request's outputs as they cross (csrc/bindings/bind_graph.cpp): request, tensors, (scheduled, finished) in seconds since
arrival, and (code, message, param) where there are none."""

class GraphEngine:  # csrc/engine/graph_engine.h
    def __init__(
        self, graph: Graph, config: EngineConfig, rows: int, on_outputs: Callable[[list[GraphOutputs]], None]
    ) -> None:
        """``rows``: most of one run, of several requests."""
    def submit(self, inputs: Sequence[GraphInput], outputs: Sequence[str]) -> int:
        """No ``outputs``: all. Raises CoreError invalid_argument for what the graph does not take, queue_full."""
    def cancel(self, request_id: int) -> None: ...
    def seconds_until_room(self) -> float | None:
        """Until a request will find room in the queue; None as long as that is not known."""
    def stats(self) -> EngineStats: ...
    def stop(self) -> None:
        """Ends all requests (code "unavailable"), joins the thread. on_outputs is not called afterwards."""
