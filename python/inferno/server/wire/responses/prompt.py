"""From items to the conversation that a model's template reads. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from inferno.engine.conversation import Conversation
from inferno.engine.request import Message
from inferno.errors import InvalidArgument
from inferno.server.wire.images import ImageUrl, image_of
from inferno.server.wire.media import check_number, media_part
from inferno.server.wire.responses.items import (
    CallItem,
    CallOutputItem,
    InputImage,
    InputSound,
    InputText,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
)
from inferno.server.wire.responses.request import ContextFields
from inferno.server.wire.responses.tools import Offered
from inferno.server.wire.sounds import sound_of


def conversation_of(ask: ContextFields, items: Sequence[Item], offered: Offered, *, tenant: str) -> Conversation:
    """``items`` are all that came before, and the input.

    Raises InvalidArgument for nothing, and for too many pictures and sounds.
    """
    if not items:
        raise InvalidArgument("there is nothing to answer: 'input' is missing or empty", param="input")
    messages = messages_of(items, ask.instructions)
    check_number(messages, param="input")
    return Conversation(
        messages,
        tools=offered.tools,
        tool_choice=offered.choice,
        parallel_tool_calls=ask.parallel_tool_calls is not False,
        reasoning_effort=None if ask.reasoning is None else ask.reasoning.effort,
        thinking_budget=ask.thinking_budget,
        template_kwargs=ask.chat_template_kwargs or {},
        tenant=tenant,
    )


def messages_of(items: Sequence[Item], instructions: str | None) -> list[Message]:
    """What an assistant thought, said and called in one go is one message, as templates have it."""
    messages: list[Message] = []
    if instructions is not None:
        messages.append({"role": "system", "content": instructions})
    turn: dict[str, Any] | None = None
    for item in items:
        if isinstance(item, CallOutputItem):
            messages.append({"role": "tool", "tool_call_id": item.call_id, "content": item.text})
            turn = None
        elif isinstance(item, MessageItem) and item.role != "assistant":
            # A developer message is what newer clients call a system message; templates know the latter only.
            role = "system" if item.role == "developer" else item.role
            messages.append({"role": role, "content": _parts(item) if item.has_media else item.text})
            turn = None
        else:
            if turn is None or not _continues(turn, item):
                turn = {"role": "assistant", "content": ""}
                messages.append(turn)
            _add(turn, item)
    return messages


def _parts(item: MessageItem) -> list[dict[str, Any]]:
    """What templates of models that see or hear read."""
    return [_part(part) for part in item.content]


def _part(part: InputText | InputImage | InputSound | OutputText) -> dict[str, Any]:
    if isinstance(part, InputImage):
        return media_part(image_of(ImageUrl(url=part.image_url), "input"))
    if isinstance(part, InputSound):
        return media_part(sound_of(part.input_audio, "input"))
    return {"type": "text", "text": part.text}


def _continues(turn: dict[str, Any], item: Item) -> bool:
    """Whether the item may stand in the same message, behind what is there."""
    return isinstance(item, CallItem) or (not turn["content"] and "tool_calls" not in turn)


def _add(turn: dict[str, Any], item: Item) -> None:
    if isinstance(item, ReasoningItem):
        if item.text:
            turn["reasoning_content"] = turn.get("reasoning_content", "") + item.text
    elif isinstance(item, CallItem):
        function = {"name": item.name, "arguments": _arguments(item.arguments)}
        turn.setdefault("tool_calls", []).append({"id": item.call_id, "type": "function", "function": function})
    elif isinstance(item, MessageItem):
        turn["content"] = item.text


def _arguments(text: str) -> Any:
    """Templates of Hugging Face models read an object; what is not one stays the string the model once wrote."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict) else text
