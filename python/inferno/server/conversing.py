"""From a conversation to its running generation: what every API that chats has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inferno.engine.client import EngineClient
from inferno.engine.conversation import Conversation
from inferno.engine.delta import RequestStream
from inferno.engine.request import GenerateRequest
from inferno.server.replies import Replies


@dataclass(frozen=True, slots=True)
class Conversing:
    """A conversation that the model is replying to. ``stream`` must be read or closed."""

    prompt_tokens: int
    stream: RequestStream
    replies: Replies
    image_tokens: int = 0
    """Of the prompt's."""
    audio_tokens: int = 0


async def converse(
    client: EngineClient, conversation: Conversation, wanted: Callable[[Sequence[int]], GenerateRequest]
) -> Conversing:
    """Render, tokenize and submit; ``wanted`` makes the engine's request of the prompt's tokens.

    Raises what refuses the request: once this returns, it runs.
    """
    turn = await client.open_turn(conversation)
    stream = await client.generate(turn.applied(wanted(turn.prompt)))
    return Conversing(len(turn.prompt), stream, Replies(turn.new_reader), turn.image_tokens, turn.audio_tokens)
