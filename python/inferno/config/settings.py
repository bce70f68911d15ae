"""Every setting of the product: its type, range and meaning, in one place. Knows nothing of files, flags or the engine.

A default that belongs to the engine is ``None`` here ("the engine decides") and written once, in C++
(``csrc/backends/backend.h``, ``csrc/engine/engine_config.h``); so are the ranges of those values.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, TypeAdapter

from inferno.config.named_values import Adapters, BackendOptions, Classes, PositiveFloat, Weights

PositiveInt = Annotated[int, Field(gt=0)]


def _byte_count(value: Any) -> Any:
    """``256MiB`` and ``1.5 GB`` are sizes, too."""
    is_number = not isinstance(value, str) or value.strip().lstrip("-").isdecimal()
    return value if is_number else int(TypeAdapter(ByteSize).validate_python(value))


ByteCount = Annotated[int, BeforeValidator(_byte_count), Field(ge=-1, lt=2**63)]
LogLevel = Literal["debug", "info", "warning", "error"]
Quantize = Literal["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"]
"""What ``models/huggingface/quantization.py`` knows."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class ServerSettings(_Section):
    """The HTTP server: where it listens, who may call, and its limits."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one and prints it.")
    api_keys: tuple[str, ...] = Field(
        (), description="Keys that callers must send as 'Authorization: Bearer KEY'; each 'KEY' or 'NAME KEY'."
    )
    api_key_file: str | None = Field(None, description="File with one 'KEY' or 'NAME KEY' per line.")
    allow_anonymous: bool = Field(False, description="Listen beyond this machine without any API key.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names besides its address that a server without keys answers to; others are refused with 403."
    )
    image_hosts: tuple[str, ...] = Field(
        (),
        description="HOST or HOST:PORT from which pictures in messages may be fetched by URL; by default none, and "
        "pictures come as data URLs.",
    )
    body_limit_bytes: int = Field(16 * 1024 * 1024, gt=0, description="Largest request body, in bytes.")
    receive_seconds: float = Field(
        60.0, gt=0, description="Seconds within which a whole request must arrive; a slower one is refused with 408."
    )
    send_seconds: float = Field(
        60.0, gt=0, description="A client that reads nothing of its answer for so many seconds is disconnected."
    )
    keep_alive_seconds: float = Field(10.0, gt=0, description="Seconds between comments on an idle stream.")
    grace_seconds: float = Field(30.0, ge=0, description="Seconds that running requests get to finish on SIGTERM.")
    max_background: PositiveInt = Field(
        100, description="Most responses made in the background at once; more are refused with 429."
    )
    unknown_fields: Literal["refuse", "report"] = Field(
        "refuse",
        description="What to do with unknown fields of a request: 'refuse' answers 400, naming the first; "
        "'report' leaves them out and names them in the answer's header x-inferno-unknown-fields.",
    )
    log_level: LogLevel = Field("info", description="Lowest level that is logged: debug, info, warning or error.")


class ModelSettings(_Section):
    """Which model is served, and how it is loaded."""

    path: str | None = Field(
        None, description="GGUF file, Hugging Face folder with SafeTensors, ONNX model, or 'ember', the built-in model."
    )
    name: str | None = Field(
        None, description="Name in the API; by default the folder's, or the file's without '.gguf'."
    )
    draft: str | None = Field(
        None, description="Smaller model of the same vocabulary that guesses ahead; see --speculate."
    )
    mmproj: str | None = Field(
        None,
        description="Media encoder (an mmproj GGUF file) that makes the model see pictures or hear sounds; by default "
        "the one beside the model's file, if any; 'none' serves text alone.",
    )
    backend: str | None = Field(
        None,
        description="Which form of the model to take from a folder that has several: llama (GGUF), huggingface "
        "(SafeTensors) or onnx. By default the best one that works here: 'inferno backends choose' says which.",
    )
    quantize: Quantize | None = Field(
        None,
        description="Number format for the weights of a Hugging Face folder: f32, f16, bf16, q8_0, q6_k, q5_k_m, "
        "q4_k_m or q4_0. Fewer bits need less memory and are faster, at some loss; q8_0 loses next to nothing. "
        "By default the folder's own format. Converted once, and kept in the cache.",
    )
    context_tokens: PositiveInt | None = Field(
        None,
        description="Tokens that one sequence may have, prompt and answer together; by default as many as the model "
        "was trained with, as far as a quarter of the memory goes.",
    )
    kv_tokens: PositiveInt | None = Field(None, description="Tokens of KV cache over all sequences.")
    slots: PositiveInt | None = Field(None, description="Sequences the KV cache can hold at once.")
    batch_rows: PositiveInt | None = Field(None, description="Most tokens computed in one step.")
    threads: PositiveInt | None = Field(None, description="CPU threads; by default one for each core it may use.")
    gpu_layers: int | None = Field(None, ge=-1, description="Layers kept on the GPU; -1 is all that fit.")
    kv_type: Literal["f32", "f16", "q8_0", "q4_0"] | None = Field(
        None, description="Number format of the KV cache: f32, f16, q8_0 or q4_0."
    )
    flash_attention: Literal["auto", "on", "off"] | None = Field(None, description="Flash attention: auto, on or off.")
    kv_layout: Literal["auto", "unified", "per_sequence"] | None = Field(
        None,
        description="unified: one cache, shared prefixes cost nothing; per_sequence: one cache each, decodes faster; "
        "auto: per_sequence when several sequences of the whole context fit.",
    )
    backend_options: BackendOptions = Field(
        {},
        description="BACKEND.NAME=VALUE: an option that only one backend has, such as onnx.provider=cuda,cpu; "
        "'--NAME VALUE' for short. 'inferno backends list' lists them.",
    )
    deterministic: bool | None = Field(
        None,
        description="The same seed and prompt give the same tokens, to the last bit, whatever else is served. "
        "Slower: see docs/performance.md. CPU only.",
    )
    use_mmap: bool | None = Field(None, description="Map the model file instead of reading it.")
    pooling: Literal["mean", "cls", "last"] | None = Field(
        None, description="How an embedding model makes one vector of a text; by default as the model says."
    )
    adapters: Adapters = Field(
        {},
        description="NAME=PATH: a LoRA adapter, a GGUF file or a folder of PEFT's, that requests ask for as the model "
        "'MODEL:NAME'.",
    )
    adapter_folder: str | None = Field(
        None,
        description="Folder whose adapters may be loaded and unloaded while the server runs, over "
        "/v1/load_lora_adapter. Off by default.",
    )
    tool_format: str | None = Field(
        None,
        description="How the model writes tool calls, such as hermes or pythonic; by default as its chat template "
        "shows. An unknown name is refused, and the message lists the known ones.",
    )
    generation_config: Literal["folder", "none"] = Field(
        "folder",
        description="Where default sampling comes from: the folder's generation_config.json, or search in its "
        "genai_config.json (folder), or neither (none).",
    )
    tuned: bool = Field(True, description="Use what 'inferno tune' measured, for settings that are not given.")

    def loading(self) -> dict[str, Any]:
        """Those that the engine takes when it loads a model; None where it decides. The backend's own options are what
        the model's source leaves of them (``models/source.py``)."""
        elsewhere = {"path", "draft", "mmproj", "adapters", "adapter_folder", "backend", "backend_options"}
        return self.model_dump(exclude={*elsewhere, "name", "quantize", "tool_format", "generation_config", "tuned"})


class EngineSettings(_Section):
    """How requests are scheduled."""

    max_running: PositiveInt | None = Field(
        None, description="Sequences that run at once; by default 32, or as many as there are slots."
    )
    max_waiting: PositiveInt | None = Field(None, description="Requests that may wait; more are refused with 429.")
    max_waiting_tokens: PositiveInt | None = Field(None, description="Prompt tokens that may wait in total.")
    prefill_chunk: PositiveInt | None = Field(None, description="Prompt tokens computed in a step beside running text.")
    step_target_ms: PositiveFloat | None = Field(
        None, description="Milliseconds that such a step may take; decides its prompt tokens unless prefill_chunk does."
    )
    common_start_ms: float | None = Field(
        None,
        ge=0,
        description="Milliseconds for which prompts that come together may wait for each other, so that nobody's "
        "stream halts for another's prompt; 0: each answers at once.",
    )
    kept_tokens: PositiveInt | None = Field(
        None, description="Most tokens of finished prompts kept for reuse (unified cache)."
    )
    tenant_weights: Weights | None = Field(
        None, description="NAME=WEIGHT: the share of the machine of the API key NAME under load; others have weight 1."
    )
    tenant_classes: Classes | None = Field(
        None,
        description="NAME=CLASS: under load the API key NAME goes before all of a higher number and behind all of a "
        "lower one, whatever their shares; others have 0.",
    )
    prefix_cache: bool | None = Field(None, description="Reuse the computed prefixes of earlier and running prompts.")
    speculate: Literal["auto", "ngram", "draft", "off"] | None = Field(
        None,
        description="Guess tokens and check several in one step; the text stays the same. auto (from the text so far, "
        "or with the draft model if there is one; where that is measured to be faster), ngram (wherever the text "
        "repeats itself), draft (always) or off.",
    )
    host_cache_bytes: ByteCount | None = Field(
        None,
        description="Host memory for prefixes that the KV cache gives up, in bytes or as 256MiB; 0 is none, "
        "-1 an eighth of what the model takes, from 16 MiB to 1 GiB.",
    )


class StoreSettings(_Section):
    """What outlives the process."""

    prefixes: str | None = Field(
        None,
        description="Folder that keeps computed prefixes over restarts; it contains what prompts say. Off by default.",
    )
    prefixes_bytes: ByteCount = Field(1 << 30, gt=0, description="Largest size of that folder, in bytes or as 4GiB.")
    prepared_bytes: ByteCount = Field(
        64 << 30,
        gt=0,
        description="Largest size of the cache of files prepared from Hugging Face folders, in bytes or as 100GiB: the "
        "least recently used are removed before another is made, but none that a running server has open.",
    )
    responses: str | None = Field(
        None,
        description="SQLite file that keeps responses and conversations, which hold what people said; 'off': none. "
        "By default inferno/responses.db in $XDG_STATE_HOME, or else in ~/.local/state.",
    )
    responses_bytes: ByteCount = Field(
        1 << 30,
        gt=0,
        description="Most bytes of stored responses, or as 4GiB; beyond that, the oldest of the API key that has most "
        "are removed.",
    )
    responses_days: PositiveFloat = Field(30.0, description="Days after which a response is forgotten.")


SECTIONS: dict[str, type[_Section]] = {
    "server": ServerSettings,
    "model": ModelSettings,
    "engine": EngineSettings,
    "store": StoreSettings,
}


def describe(key: str) -> str:
    """The meaning of ``section.name``, as the command line's help shows it."""
    section, _, name = key.partition(".")
    return SECTIONS[section].model_fields[name].description or ""
