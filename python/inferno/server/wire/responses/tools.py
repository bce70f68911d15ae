"""The tools of this API. Functions are offered to the model; every other kind is passed over and named. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from inferno.engine.conversation import Tool, ToolChoice
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire import tools as chat
from inferno.server.wire.decode import convert


class FunctionTool(chat.FunctionBody, kw_only=True, forbid_unknown_fields=True, rename={"is_async": "async"}):
    """A function, without the wrapping that chats have. The last fields ask for what is not done here."""

    type: Literal["function"]
    output_schema: dict[str, Any] | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: Literal[False] | None = None
    is_async: Literal[False] | None = None


class NamedTool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["function"]
    name: str


class AllowedTools(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Offered:
    """``echoed`` are the functions as they were sent; ``passed_over`` names the other tools."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    echoed: tuple[dict[str, Any], ...] = ()
    passed_over: tuple[str, ...] = ()


def read_tools(given: Sequence[dict[str, Any]] | None, choice: str | dict[str, Any] | None) -> Offered:
    """Raises InvalidArgument or UnsupportedParameter for a function that is none, or a choice that cannot be kept."""
    functions = []
    echoed = []
    passed_over = []
    for index, tool in enumerate(given or ()):
        where = f"tools[{index}]"
        if not isinstance(tool.get("type"), str):
            raise InvalidArgument(f"'{where}.type' must be a string, such as 'function'", param=f"{where}.type")
        if tool["type"] == "function":
            functions.append((where, convert(tool, FunctionTool, where)))
            echoed.append(tool)
        else:
            passed_over.append(where)
    tools = chat.checked_tools(functions)
    return Offered(tools, _choice(choice, tools), tuple(echoed), tuple(passed_over))


def _choice(choice: str | dict[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice:
    if choice is None or choice in ("none", "auto", "required"):
        return chat.tool_choice(choice, tools)  # type: ignore[arg-type]
    if not isinstance(choice, dict) or choice.get("type") not in ("function", "allowed_tools"):
        kind = choice.get("type") if isinstance(choice, dict) else choice
        raise UnsupportedParameter(
            f"'tool_choice' is of type {str(kind)[:64]!r}; tools that run here are functions", param="tool_choice"
        )
    if choice["type"] == "function":
        return _named("required", [convert(choice, NamedTool, "tool_choice").name], tools)
    allowed = convert(choice, AllowedTools, "tool_choice")
    names = [
        convert(tool, NamedTool, f"tool_choice.tools[{index}]").name
        for index, tool in enumerate(allowed.tools)
        if tool.get("type") == "function"
    ]
    if not names:
        raise InvalidArgument("'tool_choice.tools' names no function", param="tool_choice.tools")
    return _named(allowed.mode, names, tools)


def _named(mode: Literal["auto", "required"], names: Sequence[str], tools: tuple[Tool, ...]) -> ToolChoice:
    return ToolChoice(mode, chat.known_names(set(names), tools))
