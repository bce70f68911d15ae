"""Everything that the server answers to. A route that is not in this list does not exist."""

from __future__ import annotations

from inferno.server.operation import Operation
from inferno.server.routes import (
    adapters,
    chat,
    classify,
    completions,
    conversation_items,
    conversations,
    docs,
    embeddings,
    health,
    messages,
    metrics,
    models,
    rerank,
    responses,
    stored_responses,
    tokenize,
)

OPERATIONS: tuple[Operation, ...] = (
    *chat.OPERATIONS,
    *completions.OPERATIONS,
    *messages.OPERATIONS,
    *responses.OPERATIONS,
    *stored_responses.OPERATIONS,
    *conversations.OPERATIONS,
    *conversation_items.OPERATIONS,
    *embeddings.OPERATIONS,
    *rerank.OPERATIONS,
    *classify.OPERATIONS,
    *models.OPERATIONS,
    *adapters.OPERATIONS,
    *tokenize.OPERATIONS,
    *health.OPERATIONS,
    *metrics.OPERATIONS,
    *docs.OPERATIONS,
)
