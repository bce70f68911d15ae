"""Token counts on the wire."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.delta import Usage


class PromptTokensDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    image_tokens: int | UnsetType = UNSET
    """Of prompts with pictures only."""
    audio_tokens: int | UnsetType = UNSET
    """Of prompts with sounds only."""


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """The last two are of answers to requests with a prediction: tokens that were guessed and computed ahead."""

    reasoning_tokens: int
    accepted_prediction_tokens: int | UnsetType = UNSET
    rejected_prediction_tokens: int | UnsetType = UNSET


class UsageBody(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET
    """Of chats only."""


def usage_body(
    usage: Usage,
    *,
    reasoning_tokens: int | None = None,
    image_tokens: int = 0,
    audio_tokens: int = 0,
    predicted: bool = False,
) -> UsageBody:
    """``reasoning_tokens`` are a chat's; ``predicted`` when the request had a prediction."""
    details: CompletionTokensDetails | UnsetType = UNSET
    if reasoning_tokens is not None:
        rejected = usage.drafted_tokens - usage.accepted_tokens
        counts = (usage.accepted_tokens, rejected) if predicted else (UNSET, UNSET)
        details = CompletionTokensDetails(reasoning_tokens, *counts)
    return UsageBody(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        prompt_tokens_details=PromptTokensDetails(usage.cached_tokens, image_tokens or UNSET, audio_tokens or UNSET),
        completion_tokens_details=details,
    )
