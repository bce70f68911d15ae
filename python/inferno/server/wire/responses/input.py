"""Input items: what clients send, checked, as :mod:`items`. Pure.

Items of kinds that nothing here runs (shells, patches, searches) are passed over and named, never refused: agents send
them along with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from inferno.errors import InvalidArgument
from inferno.server.wire.decode import convert
from inferno.server.wire.responses.content import Part, text_of, texts_of, user_part
from inferno.server.wire.responses.items import (
    CALL,
    CALL_OUTPUT,
    MESSAGE,
    REASONING,
    CallItem,
    CallOutputItem,
    InputImage,
    InputSound,
    InputText,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Role,
    Status,
    SummaryText,
    new_id,
)

PASSED_OVER = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
READ = ("message", "function_call", "function_call_output", "reasoning", "item_reference")
LONGEST_ID = 256


class InputMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    role: Role
    content: str | list[Part]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Status | None = None
    phase: Any = None


class InputCall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"is_async": "async"}):
    call_id: str
    name: str
    arguments: str
    type: Literal["function_call"]
    id: str | None = None
    status: Status | None = None
    caller: Any = None
    namespace: Any = None
    is_async: Any = None
    created_by: Any = None
    parsed_arguments: Any = None


class InputCallOutput(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    call_id: str
    output: str | list[Part]
    type: Literal["function_call_output"]
    id: str | None = None
    status: Status | None = None
    caller: Any = None
    name: Any = None
    namespace: Any = None
    created_by: Any = None


class InputReasoning(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["reasoning"]
    summary: list[Part] = []
    content: list[Part] | None = None
    id: str | None = None
    status: Status | None = None
    encrypted_content: str | None = None


class ItemReference(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    type: Literal["item_reference"] | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """``items`` in order, references to stored ones among them; ``passed_over`` names those left out."""

    items: tuple[Item | ItemReference, ...]
    passed_over: tuple[str, ...] = ()


def read_input(given: str | list[dict[str, Any]] | None, param: str = "input") -> Input:
    """Raises InvalidArgument or UnsupportedParameter, naming the item."""
    if given is None:
        return Input(())
    if isinstance(given, str):
        return Input((user_message(given),))
    found: list[Item | ItemReference] = []
    passed_over = []
    for index, item in enumerate(given):
        where = f"{param}[{index}]"
        kind = item.get("type")
        if not isinstance(kind, str | None):
            raise InvalidArgument(f"'{where}.type' must be a string, such as 'message'", param=f"{where}.type")
        if kind in PASSED_OVER:
            passed_over.append(where)
            continue
        found.append(_read(item, where))
        passed_over += _details(item, where)
    return Input(tuple(found), tuple(passed_over))


def user_message(text: str) -> MessageItem:
    return MessageItem(id=new_id(MESSAGE), role="user", status="completed", content=[InputText(text)])


def check_calls(items: Sequence[Item]) -> None:
    """Raises InvalidArgument for the output of a call that nobody made."""
    made = {item.call_id for item in items if isinstance(item, CallItem)}
    for item in items:
        if isinstance(item, CallOutputItem) and item.call_id not in made:
            raise InvalidArgument(
                f"a function_call_output has the call_id {item.call_id[:64]!r}, and no function_call before it has it",
                param="input",
            )


def _read(item: dict[str, Any], where: str) -> Item | ItemReference:
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        return _message(convert(item, InputMessage, where), where)
    if kind == "function_call":
        return _call(convert(item, InputCall, where))
    if kind == "function_call_output":
        return _call_output(convert(item, InputCallOutput, where), where)
    if kind == "reasoning":
        return _reasoning(convert(item, InputReasoning, where), where)
    if kind == "item_reference" or (kind is None and "id" in item):
        return convert(item, ItemReference, where)
    raise InvalidArgument(
        f"'{where}.type' is {str(kind)[:64]!r}; known are {', '.join(READ)}, and of those that are passed over "
        f"{', '.join(sorted(PASSED_OVER))}",
        param=f"{where}.type",
    )


def _details(item: dict[str, Any], where: str) -> list[str]:
    """How finely a picture is looked at is the image encoder's own matter."""
    parts = item.get("content")
    return [
        f"{where}.content[{index}].detail"
        for index, part in enumerate(parts if isinstance(parts, list) else [])
        if part.get("detail") not in (None, "auto")
    ]


def _message(given: InputMessage, where: str) -> MessageItem:
    content: list[InputText | InputImage | InputSound | OutputText]
    if given.role == "assistant":
        content = [OutputText(text) for text in texts_of(given.content, f"{where}.content")]
    elif given.role == "user" and not isinstance(given.content, str):
        content = [user_part(part, f"{where}.content[{index}]") for index, part in enumerate(given.content)]
    else:
        content = [InputText(text) for text in texts_of(given.content, f"{where}.content")]
    return MessageItem(id=_id(given.id, MESSAGE), role=given.role, status=given.status or "completed", content=content)


def _call(given: InputCall) -> CallItem:
    return CallItem(
        id=_id(given.id, CALL),
        call_id=given.call_id,
        name=given.name,
        arguments=given.arguments,
        status=given.status or "completed",
    )


def _call_output(given: InputCallOutput, where: str) -> CallOutputItem:
    output = given.output
    return CallOutputItem(
        id=_id(given.id, CALL_OUTPUT),
        call_id=given.call_id,
        output=output if isinstance(output, str) else [InputText(text) for text in texts_of(output, f"{where}.output")],
        status=given.status or "completed",
    )


def _reasoning(given: InputReasoning, where: str) -> ReasoningItem:
    return ReasoningItem(
        id=_id(given.id, REASONING),
        summary=[SummaryText(text_of(part, f"{where}.summary", ("summary_text",))) for part in given.summary],
        content=[ReasoningText(text_of(part, f"{where}.content", ("reasoning_text",))) for part in given.content or []],
        status=given.status or "completed",
    )


def _id(given: str | None, kind: str) -> str:
    return given if given is not None and 0 < len(given) <= LONGEST_ID else new_id(kind)
