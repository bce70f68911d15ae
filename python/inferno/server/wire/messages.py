"""Chat messages on the wire, and as the template reads them. Pure."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from inferno.engine.request import Message
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.images import ImageUrl, image_of
from inferno.server.wire.media import check_number, has_media, media_part
from inferno.server.wire.sounds import InputAudio, sound_of

MEDIA_PARTS = ("image_url", "input_audio")
ROLES = ("developer", "system", "user", "assistant", "tool")
UNSUPPORTED_PARTS = ("file", "refusal")


class ContentPart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    text: str | None = None
    image_url: ImageUrl | None = None
    input_audio: InputAudio | None = None
    file: Any = None
    refusal: Any = None


class FunctionCall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    arguments: str


class ToolCall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"
    index: int | None = None


class ChatMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One message. The last four fields are what clients send back of an answer they got; they must be empty."""

    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: Any = None
    function_call: Any = None


def template_messages(messages: list[ChatMessage]) -> list[Message]:
    """What the chat template reads. Raises InvalidArgument or UnsupportedParameter, naming the message."""
    if not messages:
        raise InvalidArgument("'messages' is empty: at least one message is needed", param="messages")
    read = [_template_message(message, f"messages[{index}]") for index, message in enumerate(messages)]
    check_number(read)
    return read


def shows_detail(messages: list[ChatMessage]) -> bool:
    """Whether any picture's ``detail`` says more than ``auto``."""
    parts = (part for message in messages if isinstance(message.content, list) for part in message.content)
    return any(part.image_url is not None and part.image_url.detail not in (None, "auto") for part in parts)


def _template_message(message: ChatMessage, where: str) -> Message:
    _check_role(message, where)
    _refuse_echoes(message, where)
    # A developer message is what newer clients call a system message; templates know the latter only.
    role = "system" if message.role == "developer" else message.role
    entry: dict[str, Any] = {"role": role, "content": _content(message, where)}
    if message.name is not None:
        entry["name"] = message.name
    if message.tool_call_id is not None:
        entry["tool_call_id"] = message.tool_call_id
    if message.reasoning_content is not None:
        entry["reasoning_content"] = message.reasoning_content
    if message.tool_calls:
        entry["tool_calls"] = [_template_tool_call(call) for call in message.tool_calls]
    return entry


def _check_role(message: ChatMessage, where: str) -> None:
    role = message.role
    if role not in ROLES:
        raise InvalidArgument(
            f"'{where}.role' is {role[:64]!r}: known roles are {', '.join(ROLES)}", param=f"{where}.role"
        )
    if role == "tool" and not message.tool_call_id:
        raise InvalidArgument(f"'{where}' has role tool and needs a 'tool_call_id'", param=f"{where}.tool_call_id")
    if role != "tool" and message.tool_call_id is not None:
        raise InvalidArgument(
            f"'{where}.tool_call_id' is only for the role tool, not {role}", param=f"{where}.tool_call_id"
        )
    for field in ("tool_calls", "reasoning_content"):
        if role != "assistant" and getattr(message, field):
            raise InvalidArgument(
                f"'{where}.{field}' is only for the role assistant, not {role}", param=f"{where}.{field}"
            )


def _refuse_echoes(message: ChatMessage, where: str) -> None:
    for field in ("refusal", "annotations", "audio", "function_call"):
        if getattr(message, field):
            param = f"{where}.{field}"
            raise UnsupportedParameter(f"'{param}' is not supported by this server; leave it out", param=param)


def _content(message: ChatMessage, where: str) -> str | list[dict[str, Any]]:
    """One text, or parts where there are pictures or sounds."""
    content = message.content
    if content is None:
        if message.role == "assistant" and message.tool_calls:
            return ""
        raise InvalidArgument(
            f"'{where}.content' is null or missing, which only an assistant message with tool_calls may have",
            param=f"{where}.content",
        )
    if isinstance(content, str):
        return content
    parts = [_part(part, message.role, f"{where}.content[{index}]") for index, part in enumerate(content)]
    if has_media(parts):
        return parts
    return "".join(part["text"] for part in parts)


def _part(part: ContentPart, role: str, where: str) -> dict[str, Any]:
    if part.type not in MEDIA_PARTS:
        return {"type": "text", "text": _part_text(part, where)}
    if role != "user":
        raise InvalidArgument(
            f"'{where}' is a picture or sound, which only messages of the role user may hold", param=where
        )
    here = f"{where}.{part.type}"
    if part.type == "image_url" and part.image_url is not None:
        return media_part(image_of(part.image_url, here))
    if part.type == "input_audio" and part.input_audio is not None:
        return media_part(sound_of(part.input_audio, here))
    raise InvalidArgument(f"'{where}' is of type '{part.type}' and needs an '{part.type}'", param=here)


def _part_text(part: ContentPart, where: str) -> str:
    if part.type in UNSUPPORTED_PARTS:
        raise UnsupportedParameter(
            f"'{where}' is of type {part.type!r}; this server supports parts of type 'text', 'image_url' and"
            " 'input_audio'",
            param=where,
        )
    if part.type != "text":
        raise InvalidArgument(
            f"'{where}.type' is {part.type[:64]!r}: expected 'text', 'image_url' or 'input_audio'",
            param=f"{where}.type",
        )
    if part.text is None:
        raise InvalidArgument(f"'{where}' is of type 'text' and needs a 'text'", param=f"{where}.text")
    return part.text


def _template_tool_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": call.type,
        "function": {"name": call.function.name, "arguments": _arguments(call.function.arguments)},
    }


def _arguments(text: str) -> Any:
    """Templates of Hugging Face models read an object; what is not one stays the string the model once wrote."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict) else text
