"""Everything that the server answers to. A route that is not in this list does not exist."""

from __future__ import annotations

from inferno.server.operation import Operation
from inferno.server.routes import (
    adapters,
    chat,
    classify,
    completions,
    control,
    conversation_items,
    conversations,
    docs,
    embeddings,
    health,
    inference,
    infill,
    messages,
    metrics,
    models,
    rerank,
    responses,
    stored_responses,
    tokenize,
)
from inferno.server.routes.ollama import embed as ollama_embed
from inferno.server.routes.ollama import models as ollama_models
from inferno.server.routes.ollama import text as ollama_text

OPERATIONS: tuple[Operation, ...] = (
    *chat.OPERATIONS,
    *control.OPERATIONS,
    *completions.OPERATIONS,
    *infill.OPERATIONS,
    *messages.OPERATIONS,
    *responses.OPERATIONS,
    *stored_responses.OPERATIONS,
    *conversations.OPERATIONS,
    *conversation_items.OPERATIONS,
    *embeddings.OPERATIONS,
    *rerank.OPERATIONS,
    *classify.OPERATIONS,
    *inference.OPERATIONS,
    *models.OPERATIONS,
    *adapters.OPERATIONS,
    *tokenize.OPERATIONS,
    *ollama_text.OPERATIONS,
    *ollama_embed.OPERATIONS,
    *ollama_models.OPERATIONS,
    *health.OPERATIONS,
    *metrics.OPERATIONS,
    *docs.OPERATIONS,
)
