"""Anthropic's messages and what they consist of, and how a chat template reads them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from inferno.engine.media.medium import Image
from inferno.engine.request import Message
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.images import ImageUrl, RemoteImage, image_of, image_of_base64
from inferno.server.wire.media import check_number, has_media, media_part

PARAGRAPH = "\n\n"
"""Between two blocks of what is told to the model: each is a whole."""


class CacheControl(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A mark that asks for what is done anyway: every prompt's beginning is looked for in the cache."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Block(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    cache_control: CacheControl | None = None


class TextBlock(Block, tag="text"):
    text: str
    citations: list[Any] | None = None


class Base64Source(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="base64"):
    media_type: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    data: str


class UrlSource(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="url"):
    url: str


class FileSource(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="file"):
    file_id: str


class ImageBlock(Block, tag="image"):
    source: Base64Source | UrlSource | FileSource


class DocumentBlock(Block, tag="document"):
    source: Any
    title: str | None = None
    context: str | None = None
    citations: Any = None


class SearchResultBlock(Block, tag="search_result"):
    source: Any
    title: Any = None
    content: Any = None
    citations: Any = None


class ThinkingBlock(Block, tag="thinking"):
    """``signature`` comes back as it was sent, and proves nothing here."""

    thinking: str
    signature: str = ""


class RedactedThinkingBlock(Block, tag="redacted_thinking"):
    data: str


class ToolUseBlock(Block, tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]
    caller: Any = None
    toolset_name: str | None = None


class ToolResultBlock(Block, tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResultBlock] | None = None
    is_error: bool | None = None
    toolset_name: str | None = None


AnyBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
)
OF_ROLE: dict[str, tuple[type[Block], ...]] = {
    "user": (TextBlock, ImageBlock, ToolResultBlock),
    "assistant": (TextBlock, ThinkingBlock, RedactedThinkingBlock, ToolUseBlock),
    "system": (TextBlock,),
}
NOT_READ = (DocumentBlock, SearchResultBlock)


class InputMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[AnyBlock]


System = str | list[TextBlock]


def template_messages(system: System | None, messages: Sequence[InputMessage]) -> list[Message]:
    """What the chat template reads: results of tools become messages of their own.

    Raises InvalidArgument or UnsupportedParameter, naming the block.
    """
    if not messages:
        raise InvalidArgument("'messages' is empty: at least one message is needed", param="messages")
    found: list[Message] = [{"role": "system", "content": _joined(system)}] if system else []
    called: dict[str, str] = {}
    for index, message in enumerate(messages):
        where = f"messages[{index}].content"
        blocks = [TextBlock(text=message.content)] if isinstance(message.content, str) else message.content
        _check(message.role, blocks, where)
        if message.role == "assistant":
            found.append(_said(blocks))
            called |= {block.id: block.name for block in blocks if isinstance(block, ToolUseBlock)}
        else:
            found += _told(message.role, blocks, where, called)
    check_number(found)
    return found


def unused_blocks(messages: Sequence[InputMessage]) -> list[str]:
    """What the messages say and no template can."""
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    found = []
    if any(isinstance(block, ToolResultBlock) and block.is_error for block in blocks):
        found.append("messages.content.is_error")
    if any(isinstance(block, RedactedThinkingBlock) for block in blocks):
        found.append("messages.content.redacted_thinking")
    return found


def _check(role: str, blocks: Sequence[AnyBlock], where: str) -> None:
    for position, block in enumerate(blocks):
        if isinstance(block, NOT_READ):
            raise _unread(block, f"{where}[{position}]")
        if not isinstance(block, OF_ROLE[role]):
            kind = block.__struct_config__.tag
            raise InvalidArgument(
                f"'{where}[{position}]' is of type {kind!r}, which the role {role} does not have",
                param=f"{where}[{position}].type",
            )


def _unread(block: Block, where: str) -> UnsupportedParameter:
    kind = block.__struct_config__.tag
    return UnsupportedParameter(f"'{where}' is of type {kind!r}; this server reads text", param=where)


def _said(blocks: Sequence[AnyBlock]) -> Message:
    entry: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block.text for block in blocks if isinstance(block, TextBlock)),
    }
    thoughts = "".join(block.thinking for block in blocks if isinstance(block, ThinkingBlock))
    if thoughts:
        entry["reasoning_content"] = thoughts
    calls = [block for block in blocks if isinstance(block, ToolUseBlock)]
    if calls:
        entry["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.input}}
            for call in calls
        ]
    return entry


def _told(role: str, blocks: Sequence[AnyBlock], where: str, called: dict[str, str]) -> list[Message]:
    """Results of tools, each by itself, and the text between them."""
    found: list[Message] = []
    shown: list[TextBlock | Image | RemoteImage] = []
    for position, block in enumerate(blocks):
        if isinstance(block, TextBlock):
            shown.append(block)
        elif isinstance(block, ImageBlock):
            shown.append(_image(block, f"{where}[{position}]"))
        elif isinstance(block, ToolResultBlock):
            if shown:
                found.append({"role": role, "content": _content(shown)})
                shown = []
            found.append(_result(block, f"{where}[{position}]", called))
    if shown or not found:
        found.append({"role": role, "content": _content(shown)})
    return found


def _image(block: ImageBlock, where: str) -> Image | RemoteImage:
    source = block.source
    if isinstance(source, Base64Source):
        return image_of_base64(source.data, f"{where}.source")
    if isinstance(source, UrlSource):
        return image_of(ImageUrl(url=source.url), f"{where}.source")
    raise UnsupportedParameter(f"'{where}.source' is a file, and this server keeps none", param=f"{where}.source")


def _content(shown: Sequence[TextBlock | Image | RemoteImage]) -> str | list[dict[str, Any]]:
    """One text, or parts where there are pictures. Texts side by side stay apart."""
    parts: list[dict[str, Any]] = []
    for block in shown:
        if not isinstance(block, TextBlock):
            parts.append(media_part(block))
        elif parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += PARAGRAPH + block.text
        else:
            parts.append({"type": "text", "text": block.text})
    if has_media(parts):
        return parts
    return parts[0]["text"] if parts else ""


def _result(block: ToolResultBlock, where: str, called: dict[str, str]) -> Message:
    if block.tool_use_id not in called:
        raise InvalidArgument(
            f"'{where}.tool_use_id' is {block.tool_use_id[:64]!r}, and no 'tool_use' before it has that id",
            param=f"{where}.tool_use_id",
        )
    parts = block.content if isinstance(block.content, list) else []
    for position, part in enumerate(parts):
        if not isinstance(part, TextBlock):
            raise _unread(part, f"{where}.content[{position}]")
    content = _joined([part for part in parts if isinstance(part, TextBlock)])
    return {
        "role": "tool",
        "tool_call_id": block.tool_use_id,
        "name": called[block.tool_use_id],
        "content": block.content if isinstance(block.content, str) else content,
    }


def _joined(texts: System) -> str:
    return texts if isinstance(texts, str) else PARAGRAPH.join(block.text for block in texts)
