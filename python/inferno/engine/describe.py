"""What a loaded model is, in the words of the engine's clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inferno.engine.chats import Chats
from inferno.engine.client import ModelCard
from inferno.engine.extras import DEFAULT_TEMPLATE, Extras

if TYPE_CHECKING:
    from inferno import _core


def chats_of(model: _core.Model, extras: Extras) -> Chats:
    """The chat templates that the model's file or its folder brings."""
    built_in = model.info["chat_template"]
    templates = dict(extras.templates) or ({DEFAULT_TEMPLATE: built_in} if built_in else {})
    specials = model.special_tokens()
    by_id = dict(specials)
    ends = {"bos_token": by_id.get(model.bos, ""), "eos_token": by_id.get(model.eos, "")}
    return Chats(templates, specials, dict(extras.special_texts) or ends)


def card_of(model: _core.Model, backend: str, name: str | None, extras: Extras, has_chat_template: bool) -> ModelCard:
    info, can = model.info, model.capabilities
    size = can["embedding_size"]
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
        embedding_size=size,
    )
