"""The native engine. Described by csrc/bindings/*.cpp; only ``inferno.engine.local`` and ``inferno.models`` import it."""

from collections.abc import Callable, Sequence
from typing import Any

__version__: str
__commit__: str
"""'unknown' when not recorded."""

class CoreError(Exception):
    """args: (code, message, param). Raised by every call below that returns a Status in C++."""

def backends() -> list[dict[str, Any]]: ...
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
    def __init__(self) -> None: ...

class Model:
    @staticmethod
    def load(path: str, options: ModelOptions, progress: Callable[[float], bool] | None = None) -> Model: ...
    @property
    def info(self) -> dict[str, Any]: ...
    @property
    def capabilities(self) -> dict[str, Any]: ...
    def encode(self, segments: Sequence[str | int], add_bos: bool) -> list[int]:
        """Text segments as plain text, ints as the ids they are; BOS first if asked, the model wants it and it is not there."""
    def decode(self, token_ids: Sequence[int]) -> str: ...
    def token_bytes(self, token_id: int) -> bytes: ...
    def special_tokens(self) -> list[tuple[int, str]]: ...
    @property
    def bos(self) -> int: ...
    @property
    def eos(self) -> int: ...

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
    def __init__(self) -> None: ...

class Request:  # csrc/request/request.h
    tenant: str
    prompt: list[int]
    sampling: SamplingParams
    n: int
    max_tokens: int
    priority: int
    timeout: float
    stop: list[str]
    stop_tokens: list[int]
    ignore_eos: bool
    keep_stop_text: bool
    def __init__(self) -> None: ...

class EngineConfig:  # csrc/engine/engine_config.h
    max_running: int
    max_waiting: int
    max_waiting_tokens: int
    prefill_chunk: int
    step_target_ms: float
    kept_tokens: int
    tenant_weights: dict[str, float]
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
    finish: str | None
    """None, "stop", "length", "cancelled" or "error"."""
    matched_stop: str | None
    usage: tuple[int, int, int]
    """prompt, cached, completion tokens"""
    timings: tuple[float, float, float]
    """scheduled, first token, finished: seconds since arrival"""
    error: tuple[str, str, str] | None
    """code, message, param"""

Crossing = tuple[int, int, str, tuple[int, ...], OutputDelta | None]
"""One delta as it crosses (csrc/bindings/py_sink.cpp): request, index, text, tokens, and the rest if there is more."""

class SavedPrefix:  # csrc/kvcache/saved_prefix.h: a read-only buffer of the backend's bytes for these tokens
    tenant: str
    tokens: list[int]
    stored: bool
    """It came from restore(), and the model did not understand it."""
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Engine:  # csrc/bindings/bind_engine.cpp
    def __init__(
        self,
        model: Model,
        config: EngineConfig,
        on_step: Callable[[list[Crossing]], None],
        export_prefixes: bool = False,
        draft: Model | None = None,
    ) -> None:
        """Takes the model over: it can be used for tokenizing still, but not for a second engine. So with ``draft``, a
        model of the same vocabulary that guesses ahead."""
    def saved_tokens(self, tenant: str, prompt: Sequence[int]) -> int:
        """How many leading tokens of the prompt host memory has saved for this tenant."""
    def restore(self, tenant: str, tokens: Sequence[int], data: bytes | memoryview) -> None:
        """Gives host memory a prefix that was once exported. The caller vouches for the bytes, which are copied."""
    def take_exported(self) -> list[SavedPrefix]:
        """Waits for prefixes that host memory gives up. Empty once the engine has stopped and all were taken.
        Their bytes count in the host cache's budget: let them go before asking again."""
    def submit(self, request: Request) -> int: ...
    def cancel(self, request_id: int) -> None: ...
    def stats(self) -> EngineStats: ...
    @property
    def healthy(self) -> bool: ...
    def stop(self) -> None:
        """Ends all sequences (finish "error", code "unavailable"), joins the threads. on_step is not called afterwards."""
