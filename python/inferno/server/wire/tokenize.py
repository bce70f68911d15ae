"""Text to token ids and back, on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from inferno.errors import InvalidArgument
from inferno.server.wire.chat import MAX_TEMPLATE_KWARGS
from inferno.server.wire.generation import TokenId
from inferno.server.wire.messages import ChatMessage


class TokenizeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Either ``prompt`` or ``messages``."""

    model: str | None = None
    prompt: str | None = None
    messages: list[ChatMessage] | None = None
    add_special_tokens: bool | None = None


class TokenizeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    max_model_len: int
    tokens: list[int]


class DetokenizeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    tokens: list[TokenId]
    model: str | None = None


class DetokenizeAnswer(msgspec.Struct, frozen=True):
    prompt: str


class TemplateRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    messages: list[ChatMessage]
    model: str | None = None
    chat_template_kwargs: Annotated[dict[str, Any], Meta(max_length=MAX_TEMPLATE_KWARGS)] | None = None


class TemplateAnswer(msgspec.Struct, frozen=True):
    """With the special tokens as the text that stands for them."""

    prompt: str


TEMPLATE_DECODER = msgspec.json.Decoder(TemplateRequest)
TOKENIZE_DECODER = msgspec.json.Decoder(TokenizeRequest)
DETOKENIZE_DECODER = msgspec.json.Decoder(DetokenizeRequest)


def check(ask: TokenizeRequest) -> None:
    """Raises InvalidArgument unless exactly one thing to tokenize is given."""
    if (ask.prompt is None) == (ask.messages is None):
        raise InvalidArgument("expected either 'prompt' or 'messages', not both", param="prompt")
    if ask.messages is not None and ask.add_special_tokens is not None:
        raise InvalidArgument(
            "'add_special_tokens' is only allowed with 'prompt': of messages, the chat template decides",
            param="add_special_tokens",
        )
