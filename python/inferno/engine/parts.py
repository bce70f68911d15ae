"""What a :class:`~inferno.engine.local.LocalEngine` is made of, read and opened; nothing is started here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferno.engine.core import _core, native_call
from inferno.engine.dialects.formats import ToolFormat
from inferno.engine.extras import Extras
from inferno.engine.facts import open_model
from inferno.engine.native import overridden
from inferno.engine.prefix_keeper import open_store
from inferno.engine.prefix_store import PrefixStore
from inferno.errors import ConfigError

Report = Callable[[float], bool]
"""Is told how much is loaded, 0..1, and says whether to go on."""


@dataclass(frozen=True, slots=True)
class Parts:
    model: _core.Model
    config: _core.EngineConfig
    backend: str
    extras: Extras
    draft: _core.Model | None
    store: PrefixStore | None
    tool_format: ToolFormat | None


def open_parts(
    path: str,
    *,
    backend: str | None,
    options: Mapping[str, Any],
    engine: Mapping[str, Any],
    extras: Callable[[], Extras],
    draft: str | None,
    media_encoder: str | None,
    tool_format: ToolFormat | None,
    store: tuple[Path, int] | None,
    report: Report,
) -> Parts:
    """Blocks. Arguments and what is raised are those of :meth:`LocalEngine.load`; ``store`` is a folder and its limit
    in bytes."""
    brought = extras()
    _core.release_free_memory()  # of a large tokenizer's JSON, and of what preparing took, before weights come
    chosen = {"pooling": brought.embedding.pooling, **{k: v for k, v in options.items() if v is not None}}
    sizes = overridden(_core.ModelOptions(), chosen)
    if media_encoder is not None:
        sizes.media_encoder = media_encoder
    model, opened_by = open_model(path, sizes, report, brought.facts)
    sizes.media_encoder = ""  # which the draft model has none of
    guesser = None if draft is None else _open_draft(draft, sizes, model, report)
    config = overridden(_core.EngineConfig(), engine)
    prefixes = None if store is None else _open_store(*store, path, model, config)
    return Parts(model, config, backend or opened_by, brought, guesser, prefixes, tool_format)


def _open_draft(path: str, sizes: _core.ModelOptions, model: _core.Model, report: Report) -> _core.Model:
    if model.capabilities["embedding_size"]:
        raise ConfigError("this model generates no text, nothing is to be guessed; leave --draft-model out")
    return native_call(_core.Model.load, path, sizes, lambda _: report(1.0))  # the larger one is loaded


def _open_store(
    folder: Path, limit_bytes: int, path: str, model: _core.Model, config: _core.EngineConfig
) -> PrefixStore:
    if not config.prefix_cache or config.host_cache_bytes == 0:
        raise ConfigError("a prefix store needs the prefix cache and host memory; leave --prefix-store out")
    if not model.capabilities["saved_format"]:
        raise ConfigError("what this model computes cannot be saved; leave --prefix-store out")
    build = (_core.__version__, _core.__commit__, model.capabilities["saved_format"])
    return open_store(folder, limit_bytes, path, build)
