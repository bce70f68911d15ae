"""What a loaded model is, in the words of the engine's clients."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inferno.engine.abilities import abilities_of
from inferno.engine.chats import Chats
from inferno.engine.client import ModelCard
from inferno.engine.dialects.formats import ToolFormat
from inferno.engine.extras import DEFAULT_TEMPLATE, Extras

if TYPE_CHECKING:
    from inferno import _core

_REPORTED = ("threads", "kv_layout", "kv_type", "flash_attention")


def chats_of(model: _core.Model, extras: Extras, tool_format: ToolFormat | None = None) -> Chats:
    """The chat templates that the model's file or its folder brings. Raises ConfigError for a ``tool_format`` where no
    template offers tools."""
    built_in = model.info["chat_template"]
    templates = dict(extras.templates) or ({DEFAULT_TEMPLATE: built_in} if built_in else {})
    specials = model.special_tokens()
    by_id = dict(specials)
    ends = {"bos_token": by_id.get(model.bos, ""), "eos_token": by_id.get(model.eos, "")}
    return Chats(templates, specials, dict(extras.special_texts) or ends, tool_format)


def card_of(
    model: _core.Model,
    config: _core.EngineConfig,
    *,
    backend: str,
    name: str | None,
    extras: Extras,
    has_chat_template: bool,
) -> ModelCard:
    info, can = model.info, model.capabilities
    size = can["embedding_size"]
    labels = _labels(info["labels"], extras.labels)
    context = can["context_tokens"]
    return ModelCard(
        name=name or info["name"],
        architecture=info["architecture"],
        description=info["description"],
        context_tokens=min(context, extras.embedding.max_tokens or context) if size else context,
        vocab_size=info["vocab_size"],
        parameters=info["parameters"],
        weight_bytes=info["weight_bytes"],
        device=info["device"],
        backend=backend,
        has_chat_template=has_chat_template,
        loaded_at=int(time.time()),
        defaults={} if size else extras.generation.shown(),
        embedding_size=0 if can["classifies"] else size,
        labels=labels,
        abilities=abilities_of(can, len(labels), has_chat_template=has_chat_template),
        applied=_applied(model, config),
    )


def _labels(own: Sequence[str], brought: Sequence[str]) -> tuple[str, ...]:
    """Those that the folder names, or the model's file; a label without a name is called by its number."""
    named = brought if len(brought) == len(own) else own
    return tuple(label or f"LABEL_{number}" for number, label in enumerate(named))


def _applied(model: _core.Model, config: _core.EngineConfig) -> dict[str, str | int | float]:
    """What is in force of the settings that decide how fast it is; left out where there is no such thing."""
    can, report = model.capabilities, model.report
    applied: dict[str, str | int | float] = {name: report[name] for name in _REPORTED}
    applied |= report["backend_options"]
    applied |= {name: can[name] for name in ("slots", "batch_rows", "context_tokens")}
    applied["kv_tokens"] = can["capacity_tokens"]
    if not can["embedding_size"]:
        applied |= {"step_target_ms": config.step_target_ms, "speculate": config.speculate}
    return {name: value for name, value in applied.items() if value}
