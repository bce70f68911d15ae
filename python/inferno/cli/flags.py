"""The flags of the command line: each names a setting and takes help and default from it (``config/settings.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from inferno.config.settings import SECTIONS, describe


def _flag(key: str, *names: str) -> Any:
    section, _, name = key.partition(".")
    default = SECTIONS[section].model_fields[name].default
    is_shown = isinstance(default, str | int | float) and not isinstance(default, bool)
    text = f"{describe(key)} Default: {default}." if is_shown else describe(key)
    panel = {"server": "Server", "model": "Model", "engine": "Scheduling", "store": "Storage"}[section]
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=panel)


Model = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="GGUF file, folder with one GGUF file, Hugging Face folder (config.json, SafeTensors, tokenizer files), "
        "ONNX file or folder with one beside its tokenizer files, "
        "or 'ember', the small model that comes with Inferno (the default). "
        "'fake:' is a test aid: a model without weights that answers nonsense, fast.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="Settings file; by default ./inferno.toml if it is there.")
]

Host = Annotated[str | None, _flag("server.host", "--host")]
Port = Annotated[int | None, _flag("server.port", "--port")]
ApiKeys = Annotated[list[str] | None, _flag("server.api_keys", "--api-key")]
ApiKeyFile = Annotated[str | None, _flag("server.api_key_file", "--api-key-file")]
AllowAnonymous = Annotated[bool | None, _flag("server.allow_anonymous", "--allow-anonymous")]
AllowedHosts = Annotated[list[str] | None, _flag("server.allowed_hosts", "--allowed-host")]
ImageHosts = Annotated[list[str] | None, _flag("server.image_hosts", "--allow-image-host")]
BodyLimit = Annotated[int | None, _flag("server.body_limit_bytes", "--body-limit")]
ReceiveTimeout = Annotated[float | None, _flag("server.receive_seconds", "--receive-timeout")]
SendTimeout = Annotated[float | None, _flag("server.send_seconds", "--send-timeout")]
KeepAlive = Annotated[float | None, _flag("server.keep_alive_seconds", "--keep-alive")]
Grace = Annotated[float | None, _flag("server.grace_seconds", "--grace")]
MaxBackground = Annotated[int | None, _flag("server.max_background", "--max-background")]
UnknownFields = Annotated[str | None, _flag("server.unknown_fields", "--unknown-fields")]
LogLevel = Annotated[str | None, _flag("server.log_level", "--log-level")]

ModelName = Annotated[str | None, _flag("model.name", "--model-name")]
Backend = Annotated[str | None, _flag("model.backend", "--backend")]
Quantize = Annotated[str | None, _flag("model.quantize", "--quantize")]
Mmproj = Annotated[str | None, _flag("model.mmproj", "--mmproj")]
DraftModel = Annotated[str | None, _flag("model.draft", "--draft-model")]
Context = Annotated[int | None, _flag("model.context_tokens", "--context")]
KvTokens = Annotated[int | None, _flag("model.kv_tokens", "--kv-tokens")]
Slots = Annotated[int | None, _flag("model.slots", "--slots")]
BatchRows = Annotated[int | None, _flag("model.batch_rows", "--batch-rows")]
Threads = Annotated[int | None, _flag("model.threads", "--threads")]
GpuLayers = Annotated[int | None, _flag("model.gpu_layers", "--gpu-layers")]
KvType = Annotated[str | None, _flag("model.kv_type", "--kv-type")]
FlashAttention = Annotated[str | None, _flag("model.flash_attention", "--flash-attention")]
KvLayout = Annotated[str | None, _flag("model.kv_layout", "--kv-layout")]
BackendOption = Annotated[list[str] | None, _flag("model.backend_options", "--backend-option")]
Deterministic = Annotated[bool | None, _flag("model.deterministic", "--deterministic/--no-deterministic")]
Mmap = Annotated[bool | None, _flag("model.use_mmap", "--mmap/--no-mmap")]
Pooling = Annotated[str | None, _flag("model.pooling", "--pooling")]
Adapter = Annotated[list[str] | None, _flag("model.adapters", "--adapter")]
AdapterFolder = Annotated[str | None, _flag("model.adapter_folder", "--adapter-folder")]
ToolFormat = Annotated[str | None, _flag("model.tool_format", "--tool-format")]
GenerationConfig = Annotated[str | None, _flag("model.generation_config", "--generation-config")]
Tuned = Annotated[bool | None, _flag("model.tuned", "--tuned/--no-tuned")]

MaxRunning = Annotated[int | None, _flag("engine.max_running", "--max-running")]
MaxWaiting = Annotated[int | None, _flag("engine.max_waiting", "--max-waiting")]
MaxWaitingTokens = Annotated[int | None, _flag("engine.max_waiting_tokens", "--max-waiting-tokens")]
PrefillChunk = Annotated[int | None, _flag("engine.prefill_chunk", "--prefill-chunk")]
StepTarget = Annotated[float | None, _flag("engine.step_target_ms", "--step-target-ms")]
CommonStart = Annotated[float | None, _flag("engine.common_start_ms", "--common-start-ms")]
KeptTokens = Annotated[int | None, _flag("engine.kept_tokens", "--kept-tokens")]
TenantClasses = Annotated[list[str] | None, _flag("engine.tenant_classes", "--tenant-class")]
TenantWeights = Annotated[list[str] | None, _flag("engine.tenant_weights", "--tenant-weight")]
PrefixCache = Annotated[bool | None, _flag("engine.prefix_cache", "--prefix-cache/--no-prefix-cache")]
Speculate = Annotated[str | None, _flag("engine.speculate", "--speculate")]
PrefixStore = Annotated[str | None, _flag("store.prefixes", "--prefix-store")]
PrefixStoreSize = Annotated[str | None, _flag("store.prefixes_bytes", "--prefix-store-size")]
PreparedCacheSize = Annotated[str | None, _flag("store.prepared_bytes", "--prepared-cache-size")]
ResponseStore = Annotated[str | None, _flag("store.responses", "--response-store")]
ResponseStoreSize = Annotated[str | None, _flag("store.responses_bytes", "--response-store-size")]
ResponseStoreDays = Annotated[float | None, _flag("store.responses_days", "--response-store-days")]
HostCache = Annotated[str | None, _flag("engine.host_cache_bytes", "--host-cache")]

_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "model": ("model.path", "MODEL"),
    "host": ("server.host", "--host"),
    "port": ("server.port", "--port"),
    "api_key": ("server.api_keys", "--api-key"),
    "api_key_file": ("server.api_key_file", "--api-key-file"),
    "allow_anonymous": ("server.allow_anonymous", "--allow-anonymous"),
    "allowed_host": ("server.allowed_hosts", "--allowed-host"),
    "allow_image_host": ("server.image_hosts", "--allow-image-host"),
    "body_limit": ("server.body_limit_bytes", "--body-limit"),
    "receive_timeout": ("server.receive_seconds", "--receive-timeout"),
    "send_timeout": ("server.send_seconds", "--send-timeout"),
    "keep_alive": ("server.keep_alive_seconds", "--keep-alive"),
    "grace": ("server.grace_seconds", "--grace"),
    "max_background": ("server.max_background", "--max-background"),
    "unknown_fields": ("server.unknown_fields", "--unknown-fields"),
    "log_level": ("server.log_level", "--log-level"),
    "model_name": ("model.name", "--model-name"),
    "backend": ("model.backend", "--backend"),
    "quantize": ("model.quantize", "--quantize"),
    "mmproj": ("model.mmproj", "--mmproj"),
    "draft_model": ("model.draft", "--draft-model"),
    "context": ("model.context_tokens", "--context"),
    "kv_tokens": ("model.kv_tokens", "--kv-tokens"),
    "slots": ("model.slots", "--slots"),
    "batch_rows": ("model.batch_rows", "--batch-rows"),
    "threads": ("model.threads", "--threads"),
    "gpu_layers": ("model.gpu_layers", "--gpu-layers"),
    "kv_type": ("model.kv_type", "--kv-type"),
    "flash_attention": ("model.flash_attention", "--flash-attention"),
    "kv_layout": ("model.kv_layout", "--kv-layout"),
    "backend_option": ("model.backend_options", "--backend-option"),
    "deterministic": ("model.deterministic", "--deterministic/--no-deterministic"),
    "mmap": ("model.use_mmap", "--mmap/--no-mmap"),
    "pooling": ("model.pooling", "--pooling"),
    "adapter": ("model.adapters", "--adapter"),
    "adapter_folder": ("model.adapter_folder", "--adapter-folder"),
    "tool_format": ("model.tool_format", "--tool-format"),
    "generation_config": ("model.generation_config", "--generation-config"),
    "tuned": ("model.tuned", "--tuned/--no-tuned"),
    "max_running": ("engine.max_running", "--max-running"),
    "max_waiting": ("engine.max_waiting", "--max-waiting"),
    "max_waiting_tokens": ("engine.max_waiting_tokens", "--max-waiting-tokens"),
    "prefill_chunk": ("engine.prefill_chunk", "--prefill-chunk"),
    "step_target_ms": ("engine.step_target_ms", "--step-target-ms"),
    "common_start_ms": ("engine.common_start_ms", "--common-start-ms"),
    "kept_tokens": ("engine.kept_tokens", "--kept-tokens"),
    "tenant_class": ("engine.tenant_classes", "--tenant-class"),
    "tenant_weight": ("engine.tenant_weights", "--tenant-weight"),
    "prefix_cache": ("engine.prefix_cache", "--prefix-cache/--no-prefix-cache"),
    "speculate": ("engine.speculate", "--speculate"),
    "prefix_store": ("store.prefixes", "--prefix-store"),
    "prefix_store_size": ("store.prefixes_bytes", "--prefix-store-size"),
    "prepared_cache_size": ("store.prepared_bytes", "--prepared-cache-size"),
    "response_store": ("store.responses", "--response-store"),
    "response_store_size": ("store.responses_bytes", "--response-store-size"),
    "response_store_days": ("store.responses_days", "--response-store-days"),
    "host_cache": ("engine.host_cache_bytes", "--host-cache"),
}


def given(parameters: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """A command's parameters -> the flag layer of ``config.load``. Those that are not settings are left out."""
    return {
        _PARAMETERS[name][0]: (_PARAMETERS[name][1], value) for name, value in parameters.items() if name in _PARAMETERS
    }


def named(setting: str | None) -> str | None:
    """The flag of a setting, which is named without its section as the engine does; None where none has that name."""
    flags = {key.partition(".")[2]: flag.partition("/")[0] for key, flag in _PARAMETERS.values() if flag[0] == "-"}
    return flags.get(setting or "")
