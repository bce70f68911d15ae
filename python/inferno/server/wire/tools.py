"""The tools of a chat request and what is to be done with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.conversation import Tool, ToolChoice
from inferno.errors import InvalidArgument

MAX_TOOLS = 128
MAX_DESCRIPTION = 16_384
MAX_SCHEMA_BYTES = 65_536
MAX_SCHEMA_DEPTH = 32
_NAME = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,63}")


class FunctionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``parameters`` is a JSON schema; None: the function takes none."""

    name: str
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    function: FunctionBody
    type: Literal["function"] = "function"


class NamedFunction(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str


class AllowedTool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    function: NamedFunction
    type: Literal["function"] = "function"


class AllowedTools(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mode: Literal["auto", "required"]
    tools: Annotated[list[AllowedTool], Meta(min_length=1, max_length=MAX_TOOLS)]


class ChoiceBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One function by name, or those that are allowed."""

    type: Literal["function", "allowed_tools"]
    function: NamedFunction | None = None
    allowed_tools: AllowedTools | None = None


Tools = Annotated[list[ToolBody], Meta(max_length=MAX_TOOLS)]
Choice = Literal["none", "auto", "required"] | ChoiceBody


def offered_tools(tools: list[ToolBody] | None) -> tuple[Tool, ...]:
    """Raises InvalidArgument for a name or a schema that is none, naming the tool."""
    return checked_tools([(f"tools[{index}].function", tool.function) for index, tool in enumerate(tools or [])])


def checked_tools(functions: Sequence[tuple[str, FunctionBody]]) -> tuple[Tool, ...]:
    """As :func:`offered_tools`, of functions and where each stands in the request."""
    found: dict[str, Tool] = {}
    for where, function in functions:
        if not _NAME.fullmatch(function.name):
            raise InvalidArgument(
                f"'{where}.name' is {function.name[:64]!r}: expected 1 to 64 letters, digits, '_', '-' or '.'",
                param=f"{where}.name",
            )
        if function.name in found:
            raise InvalidArgument(f"'{where}.name' is {function.name!r}, as another tool's", param=f"{where}.name")
        schema = {"type": "object", "properties": {}} if function.parameters is None else function.parameters
        check_schema(schema, f"{where}.parameters")
        found[function.name] = Tool(function.name, function.description, schema, bool(function.strict))
    return tuple(found.values())


def check_schema(schema: dict[str, Any], where: str) -> None:
    """Raises InvalidArgument for what cannot be the schema of an object, or is too large. A grammar looks closer."""
    size = len(msgspec.json.encode(schema))
    if size > MAX_SCHEMA_BYTES:
        raise InvalidArgument(f"'{where}' has {size} bytes; at most {MAX_SCHEMA_BYTES} are allowed", param=where)
    if _depth(schema) > MAX_SCHEMA_DEPTH:
        raise InvalidArgument(f"'{where}' is nested deeper than {MAX_SCHEMA_DEPTH} levels", param=where)
    if schema.get("type", "object") != "object":
        raise InvalidArgument(f"'{where}.type' must be 'object': a function's arguments are one", param=f"{where}.type")
    if not isinstance(schema.get("properties", {}), dict):
        raise InvalidArgument(f"'{where}.properties' must be an object", param=f"{where}.properties")


def _depth(value: Any) -> int:
    """Levels below the limit, counted without recursion: the text was nested as deep as its sender liked."""
    level, depth = [value], 0
    while level and depth <= MAX_SCHEMA_DEPTH:
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        depth += 1
    return depth


def tool_choice(choice: Choice | None, tools: tuple[Tool, ...]) -> ToolChoice:
    """Raises InvalidArgument for a choice among tools that are not there."""
    if choice is None or isinstance(choice, str):
        mode = choice or "auto"
        if mode == "required" and not tools:
            raise InvalidArgument("'tool_choice' is 'required' and there are no 'tools'", param="tool_choice")
        return ToolChoice(mode)
    if (choice.type == "function") != (choice.function is not None and choice.allowed_tools is None):
        raise InvalidArgument(
            f"'tool_choice' is of type {choice.type!r} and needs {choice.type!r} and nothing else", param="tool_choice"
        )
    if choice.function is not None:
        return ToolChoice("required", known_names({choice.function.name}, tools))
    if choice.allowed_tools is None:
        raise InvalidArgument("'tool_choice.allowed_tools' is missing", param="tool_choice.allowed_tools")
    allowed = {tool.function.name for tool in choice.allowed_tools.tools}
    return ToolChoice(choice.allowed_tools.mode, known_names(allowed, tools))


def known_names(names: set[str], tools: tuple[Tool, ...]) -> frozenset[str]:
    """The same names. Raises InvalidArgument for one that no tool has."""
    known = {tool.name for tool in tools}
    if missing := sorted(names - known):
        raise InvalidArgument(
            f"'tool_choice' names {missing[0][:64]!r}, which is not among the 'tools'", param="tool_choice"
        )
    return frozenset(names)
