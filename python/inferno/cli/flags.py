"""The flags of the command line: each names a setting and takes help and default from it (``config/settings.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from inferno.config.settings import SECTIONS, describe

_PARAMETERS: dict[str, tuple[str, str]] = {"model": ("model.path", "MODEL")}
"""A command's parameter -> the setting that it gives, and how that is typed. ``_flag`` adds what is made below."""


def _flag(key: str, flag: str) -> Any:
    """A setting's flag. Its parameter is named as click would: api_key for --api-key, mmap for --mmap/--no-mmap."""
    parameter = flag.partition("/")[0].removeprefix("--").replace("-", "_")
    _PARAMETERS[parameter] = (key, flag)
    section, _, name = key.partition(".")
    default = SECTIONS[section].model_fields[name].default
    is_shown = isinstance(default, str | int | float) and not isinstance(default, bool)
    text = f"{describe(key)} Default: {default}." if is_shown else describe(key)
    panel = {"server": "Server", "model": "Model", "engine": "Scheduling", "store": "Storage"}[section]
    return typer.Option(flag, help=text, show_default=False, rich_help_panel=panel)


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


def given(parameters: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """A command's parameters -> the flag layer of ``config.load``. Those that are not settings are left out."""
    return {
        _PARAMETERS[name][0]: (_PARAMETERS[name][1], value) for name, value in parameters.items() if name in _PARAMETERS
    }


def named(setting: str | None) -> str | None:
    """The flag of a setting, which is named without its section as the engine does; None where none has that name."""
    flags = {key.partition(".")[2]: flag.partition("/")[0] for key, flag in _PARAMETERS.values() if flag[0] == "-"}
    return flags.get(setting or "")
