"""Ollama's chat messages, and as the template reads them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from inferno.engine.request import Message
from inferno.errors import InvalidArgument
from inferno.server.wire.images import image_of_base64
from inferno.server.wire.media import check_number, media_part


class OllamaFunction(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any]
    index: int | None = None


class OllamaCall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    function: OllamaFunction
    id: str | None = None
    type: Literal["function"] | None = None


class OllamaMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A tool's result says whose it is by ``tool_name``, by ``tool_call_id``, or by its place."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[OllamaCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


def template_messages(messages: Sequence[OllamaMessage]) -> list[Message]:
    """What the chat template reads. Raises InvalidArgument or UnsupportedParameter, naming the message."""
    calls = _Calls()
    read = [_template_message(message, f"messages[{index}]", calls) for index, message in enumerate(messages)]
    check_number(read)
    return read


def with_images(text: str, images: Sequence[str] | None, where: str) -> str | list[dict[str, Any]]:
    """A user's content: pictures stand before the text. ``where`` is their field. Raises InvalidImage."""
    if not images:
        return text
    shown = [image_of_base64(image, f"{where}[{index}]") for index, image in enumerate(images)]
    return [*map(media_part, shown), {"type": "text", "text": text}]


class _Calls:
    """The calls of a conversation that no result has answered yet: ids are optional in Ollama's API."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        self._number = 0

    def called(self, call: OllamaCall) -> str:
        """The call's id."""
        self._number += 1
        given = call.id or f"call_{self._number}"
        self._open.append((given, call.function.name))
        return given

    def answered(self, message: OllamaMessage, where: str) -> tuple[str, str]:
        """Id and name of the call whose result this is."""
        for place, (given, name) in enumerate(self._open):
            if message.tool_call_id in (None, given) and message.tool_name in (None, name):
                return self._open.pop(place)
        raise InvalidArgument(
            f"'{where}' has role tool, and no call before it that is not answered yet fits it", param=where
        )


def _template_message(message: OllamaMessage, where: str, calls: _Calls) -> Message:
    if message.images and message.role != "user":
        raise InvalidArgument(
            f"'{where}.images' is only for the role user, not {message.role}", param=f"{where}.images"
        )
    content = with_images(message.content or "", message.images, f"{where}.images")
    entry: dict[str, Any] = {"role": message.role, "content": content}
    for field in ("tool_calls", "thinking"):
        if message.role != "assistant" and getattr(message, field):
            raise InvalidArgument(
                f"'{where}.{field}' is only for the role assistant, not {message.role}", param=f"{where}.{field}"
            )
    if message.role == "tool":
        entry["tool_call_id"], entry["name"] = calls.answered(message, where)
    if message.thinking:
        entry["reasoning_content"] = message.thinking
    if message.tool_calls:
        entry["tool_calls"] = [
            {
                "id": calls.called(call),
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls
        ]
    return entry
