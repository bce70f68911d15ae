"""Anthropic's tools and the choice among them. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.conversation import Tool, ToolChoice
from inferno.errors import InvalidArgument
from inferno.server.wire.anthropic.content import CacheControl
from inferno.server.wire.decode import convert
from inferno.server.wire.tools import (
    MAX_DESCRIPTION,
    MAX_TOOLS,
    FunctionBody,
    NamedFunction,
    ToolBody,
    offered_tools,
    tool_choice,
)
from inferno.server.wire.tools import ChoiceBody as NamedChoice

Tools = Annotated[list[dict[str, Any]], Meta(max_length=MAX_TOOLS)]
"""Of two kinds: those that the client runs, and those that Anthropic's server runs, which have types of their own."""
CUSTOM = (None, "custom")


class CustomTool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The last four say how Anthropic's service offers a tool and streams its calls."""

    name: str
    input_schema: dict[str, Any]
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] | None = None
    strict: bool | None = None
    type: Literal["custom"] | None = None
    cache_control: CacheControl | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: Literal[False] | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[dict[str, Any]] | None = None


class MessagesToolChoice(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


def offered(tools: list[dict[str, Any]] | None) -> tuple[Tool, ...]:
    """Those that the client runs. Raises InvalidArgument for what is wrong with one, naming it."""
    found = []
    for index, given in enumerate(tools or []):
        if given.get("type") in CUSTOM:
            tool = convert(given, CustomTool, f"tools[{index}]")
            function = FunctionBody(
                name=tool.name, description=tool.description, parameters=tool.input_schema, strict=tool.strict
            )
            found.append(ToolBody(function=function))
    return offered_tools(found)


def passed_over(tools: list[dict[str, Any]] | None) -> list[str]:
    """Those that a server would have to run, which this one does not, and fields of the others without effect."""
    found = []
    for index, given in enumerate(tools or []):
        if given.get("type") not in CUSTOM:
            found.append(f"tools[{index}]")
        elif given.get("input_examples"):
            found.append(f"tools[{index}].input_examples")
    return found


def chosen(choice: MessagesToolChoice | None, tools: tuple[Tool, ...]) -> ToolChoice:
    """Raises InvalidArgument for a choice among tools that are not there."""
    if choice is None:
        return ToolChoice()
    if (choice.type == "tool") != (choice.name is not None):
        raise InvalidArgument(
            "'tool_choice.name' is for 'tool_choice' of type 'tool', which needs it", param="tool_choice.name"
        )
    if choice.name is not None:
        named = NamedChoice(type="function", function=NamedFunction(name=choice.name))
        return tool_choice(named, tools)
    if choice.type == "any" and not tools:
        raise InvalidArgument("'tool_choice.type' is 'any' and there are no 'tools' to call", param="tool_choice")
    modes: dict[str, Literal["none", "auto", "required"]] = {"auto": "auto", "any": "required", "none": "none"}
    return ToolChoice(modes[choice.type])


def several_calls(choice: MessagesToolChoice | None) -> bool:
    """Whether a reply may call more than once."""
    return choice is None or not choice.disable_parallel_tool_use or choice.type == "none"
