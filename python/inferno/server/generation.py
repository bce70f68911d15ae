"""A generation that was submitted, on its way to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inferno.engine.delta import TokenStream, Usage
from inferno.server.answer import Answer
from inferno.server.exchange import Exchange
from inferno.server.replies import Replies
from inferno.server.tally import Tally

UNUSED_FIELDS_HEADER = "x-inferno-unused-fields"


@dataclass(frozen=True, slots=True)
class Generation:
    """Belongs to the request's task. ``stopped`` is done when the server has no more time for it."""

    stream: TokenStream
    answer: Answer
    tally: Tally
    exchange: Exchange
    stopped: asyncio.Future[None]
    with_logprobs: bool
    replies: Replies | None = None
    """Reads the deltas, where they are a chat's."""
    keep: Callable[[Usage], Awaitable[None]] | None = None
    """What must have happened before the client is told that the answer is complete."""


def unused_fields_header(unused: tuple[str, ...]) -> dict[str, str]:
    """Names the request's fields that were accepted and have no effect on the answer."""
    return {UNUSED_FIELDS_HEADER: ", ".join(unused)} if unused else {}
