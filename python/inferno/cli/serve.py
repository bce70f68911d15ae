"""``inferno serve``: settings -> model -> engine -> registry -> app -> a listening server."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from inferno.cli import flags
from inferno.errors import ConfigError

if TYPE_CHECKING:
    from inferno.config import Config, ServerSettings
    from inferno.engine.client import ModelCard
    from inferno.engine.graph import GraphEngine
    from inferno.engine.local import LocalEngine
    from inferno.models.adapters import AdapterShelf
    from inferno.models.model_source import ModelSource
    from inferno.server.listener import Listener

_EXAMPLES = """
[bold]Examples[/bold]

  inferno serve                        the built-in model, ember

  inferno serve model.gguf             your own GGUF file

  inferno serve ./Qwen3-0.6B/          a Hugging Face folder

  inferno serve ./Qwen3-0.6B/ --quantize q8_0      in half the memory

  inferno serve model.gguf --port 0    a free port, which is printed

  inferno serve --host 0.0.0.0 --api-key-file keys.txt

Every flag is a setting of inferno.toml and of INFERNO_SECTION__NAME,
too: see [bold]inferno config show --origin[/bold].
"""


def serve(
    model: flags.Model = None,
    *,
    host: flags.Host = None,
    port: flags.Port = None,
    api_key: flags.ApiKeys = None,
    api_key_file: flags.ApiKeyFile = None,
    allow_anonymous: flags.AllowAnonymous = None,
    allowed_host: flags.AllowedHosts = None,
    allow_image_host: flags.ImageHosts = None,
    body_limit: flags.BodyLimit = None,
    receive_timeout: flags.ReceiveTimeout = None,
    send_timeout: flags.SendTimeout = None,
    keep_alive: flags.KeepAlive = None,
    grace: flags.Grace = None,
    max_background: flags.MaxBackground = None,
    unknown_fields: flags.UnknownFields = None,
    log_level: flags.LogLevel = None,
    config: flags.ConfigFile = None,
    model_name: flags.ModelName = None,
    backend: flags.Backend = None,
    quantize: flags.Quantize = None,
    mmproj: flags.Mmproj = None,
    draft_model: flags.DraftModel = None,
    context: flags.Context = None,
    kv_tokens: flags.KvTokens = None,
    slots: flags.Slots = None,
    batch_rows: flags.BatchRows = None,
    threads: flags.Threads = None,
    gpu_layers: flags.GpuLayers = None,
    kv_type: flags.KvType = None,
    flash_attention: flags.FlashAttention = None,
    backend_option: flags.BackendOption = None,
    kv_layout: flags.KvLayout = None,
    deterministic: flags.Deterministic = None,
    mmap: flags.Mmap = None,
    pooling: flags.Pooling = None,
    adapter: flags.Adapter = None,
    adapter_folder: flags.AdapterFolder = None,
    tool_format: flags.ToolFormat = None,
    generation_config: flags.GenerationConfig = None,
    tuned: flags.Tuned = None,
    max_running: flags.MaxRunning = None,
    max_waiting: flags.MaxWaiting = None,
    max_waiting_tokens: flags.MaxWaitingTokens = None,
    prefill_chunk: flags.PrefillChunk = None,
    step_target_ms: flags.StepTarget = None,
    common_start_ms: flags.CommonStart = None,
    kept_tokens: flags.KeptTokens = None,
    tenant_weight: flags.TenantWeights = None,
    tenant_class: flags.TenantClasses = None,
    prefix_cache: flags.PrefixCache = None,
    speculate: flags.Speculate = None,
    host_cache: flags.HostCache = None,
    prefix_store: flags.PrefixStore = None,
    prefix_store_size: flags.PrefixStoreSize = None,
    prepared_cache_size: flags.PreparedCacheSize = None,
    response_store: flags.ResponseStore = None,
    response_store_size: flags.ResponseStoreSize = None,
    response_store_days: flags.ResponseStoreDays = None,
) -> None:
    parameters = dict(locals())
    from inferno.config import load

    raise typer.Exit(run_server(load(flags=flags.given(parameters), file=config)))


serve.__doc__ = "Serve a model over the OpenAI API.\n" + _EXAMPLES


def run_server(config: Config) -> int:
    """Load, listen, serve until told to stop; the process's exit code. Raises InfernoError before it listens."""
    from inferno.cli.logs import configure_logging
    from inferno.models.source import resolve_settings
    from inferno.server.listener import Listener

    settings = with_file_keys(config.server)
    refuse_exposure(settings)
    for setting in ("tenant_weights", "tenant_classes"):
        refuse_unknown_tenants(setting, getattr(config.engine, setting) or {}, settings)
    source = resolve_settings(config.model, mmproj=config.model.mmproj)
    configure_logging(settings.log_level)
    with Listener(settings.host, settings.port) as listener:
        return _serve_at(listener, source, settings, config)


def _serve_at(listener: Listener, source: ModelSource, settings: ServerSettings, config: Config) -> int:
    from inferno.cli.loading import load_engine

    engine = load_engine(source, config, _import_server)

    from inferno.models.registry import ModelRegistry
    from inferno.server.app import build_app
    from inferno.server.run import serve as listen
    from inferno.storing.store import open_store

    card = engine.card
    shelf = adapter_shelf(engine, source, config)
    store = open_store(
        config.store.responses,
        limit_bytes=config.store.responses_bytes,
        keep_seconds=config.store.responses_days * 86400,
    )
    app = build_app(ModelRegistry({card.name: engine}, default=card.name), settings, shelf, store)

    def on_listening() -> None:
        host = f"[{listener.host}]" if ":" in listener.host else listener.host
        announce(f"http://{host}:{listener.port}", card, keyed=bool(settings.api_keys))

    return listen(app, settings, listener, on_listening=on_listening)


def _import_server() -> None:
    import inferno.server.app
    import inferno.server.run  # noqa: F401


def adapter_shelf(engine: LocalEngine | GraphEngine, source: ModelSource, config: Config) -> AdapterShelf | None:
    """What may be loaded at run time; None unless the settings name a folder for it. Raises ConfigError."""
    from inferno.engine.local import LocalEngine
    from inferno.models.adapters import AdapterShelf

    if config.model.adapter_folder is None or not isinstance(engine, LocalEngine):
        return None
    folder = Path(config.model.adapter_folder).expanduser()
    return AdapterShelf(engine, source, folder, cache_bytes=config.store.prepared_bytes)


def with_file_keys(settings: ServerSettings) -> ServerSettings:
    """The settings with the keys of ``api_key_file`` among ``api_keys``. Raises ConfigError for a file without keys."""
    if settings.api_key_file is None:
        return settings
    from inferno.security.keys import read_key_file

    keys = read_key_file(Path(settings.api_key_file))
    return settings.model_copy(update={"api_keys": (*settings.api_keys, *keys)})


def refuse_exposure(settings: ServerSettings) -> None:
    """Closed by default: raises ConfigError for an address that others reach, without keys or consent."""
    if settings.api_keys or settings.allow_anonymous or _is_loopback(settings.host):
        return
    raise ConfigError(
        f"refusing to listen on {settings.host}, which other machines can reach, without an API key: "
        "give --api-key or --api-key-file, or say --allow-anonymous"
    )


def refuse_unknown_tenants(setting: str, named: Mapping[str, float], settings: ServerSettings) -> None:
    """Raises ConfigError for a weight or class of nobody: without keys everybody is ``anonymous``."""
    from inferno.security.keys import keys_of

    known = keys_of(settings.api_keys).tenants
    if unknown := sorted(named.keys() - known):
        raise ConfigError(
            f"{setting} names {unknown[0]!r}, which no API key has: give keys names ('NAME KEY'); "
            f"known: {', '.join(sorted(known))}",
            param=setting,
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def announce(url: str, card: ModelCard, *, keyed: bool) -> None:
    """Say where the server listens, and how to ask it something."""
    key = " -H 'authorization: Bearer YOUR-KEY'" if keyed else ""
    route, fields = _first_request(card)
    json = f"""-H 'content-type: application/json' -d '{{"model": "{card.name}", {fields}}}'"""
    listening = f"Inferno is listening on {url} (model {card.name}), computed by {card.backend}"
    tried = f"Try: curl {url}{route}{key}" + (f" {json}" if fields else "")
    typer.echo(f"{listening}\n{tried}")  # at once: who reads the first line alone has closed the pipe before the second


def _first_request(card: ModelCard) -> tuple[str, str | None]:
    """What a model of this kind may be asked first: the path, and the fields beside ``model``; None for a GET."""
    if card.embedding_size:
        return "/v1/embeddings", '"input": "What is 12 plus 30?"'
    if "classify" in card.abilities:
        return "/v1/classify", '"input": "What is 12 plus 30?"'
    if card.graph is not None:
        return f"/v2/models/{card.name}", None
    if card.has_chat_template:
        return "/v1/chat/completions", '"messages": [{"role": "user", "content": "What is 12 plus 30?"}]'
    return "/v1/completions", '"prompt": "Once upon a time", "max_tokens": 32'
