"""The grammar of replies that must call: llguidance's Lark, in the format that a dialect was found to have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from inferno.engine.client import Grammar
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.json_call import JsonCall
from inferno.engine.dialects.named_call import NamedCall
from inferno.engine.grammar_text import embedded
from inferno.errors import Unsupported

MAX_CALLS = 16
"""In a reply that must call; a model without sense would never end."""

Schemas = Mapping[str, Mapping[str, Any]]


def forced_calls(
    dialect: Dialect, tools: Schemas, special_tokens: Mapping[str, int], *, begun: str, thinking: bool, several: bool
) -> Grammar:
    """One call to one of ``tools``, or ``several``, and nothing else. ``begun`` is what the prompt has of the reply;
    ``thinking``: it has opened the thoughts, which end first. Raises Unsupported for formats that have no grammar here.
    """
    calls = dialect.calls
    if calls is None or not isinstance(calls.script, JsonCall | NamedCall):
        raise Unsupported(
            "calls in this model's format cannot be forced; send 'tool_choice': \"auto\"", param="tool_choice"
        )
    frame, script = calls.frame, calls.script

    def mark(text: str) -> str:
        return _literal(text, special_tokens)

    head = (frame.section_open + frame.call_open).lstrip()
    opened = bool(head) and begun.rstrip() == head.rstrip()
    more = f"(more_call){{0,{MAX_CALLS - 1}}}" if several and frame.several else ""
    thought = "thought /\\n{0,2}/" if thinking and dialect.reasoning is not None else ""
    rules = [f"start: {thought} {'' if opened else mark(head)} call {more} {mark(frame.section_close.rstrip())}"]
    if more:
        rules.append(f"more_call: {mark(frame.between + frame.call_open)} call")
    rules.append(f"call: ({' | '.join(f'call_{number}' for number in range(len(tools)))}) {mark(frame.call_close)}")
    for number, (name, schema) in enumerate(tools.items()):
        body = (
            _json(script, name, schema) if isinstance(script, JsonCall) else _named(script, name, schema, dialect, mark)
        )
        rules.append(f"call_{number}: {body}")
    if thought and dialect.reasoning is not None:
        rules.append(_thought(dialect.reasoning.close, special_tokens))
    return Grammar("lark", "\n".join(rules), "tools")


def _json(script: JsonCall, name: str, schema: Mapping[str, Any]) -> str:
    if len(script.name) != 1 or len(script.arguments) != 1 or script.id is not None:
        raise Unsupported(
            "calls in this model's format cannot be forced; send 'tool_choice': \"auto\"", param="tool_choice"
        )
    properties = {script.name[0]: {"const": name}, script.arguments[0]: _inner(schema)}
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    whole = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return f"%json {embedded({**whole, **shared})}"


def _inner(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is referred to from the root, and an object in any case."""
    return {"type": "object", **{key: one for key, one in schema.items() if key not in {"$defs", "definitions"}}}


def _named(script: NamedCall, name: str, schema: Mapping[str, Any], dialect: Dialect, mark: Any) -> str:
    arguments = f"%json {embedded({'type': 'object', **schema})}"
    if script.name_is_id:
        return f"{mark(f'functions.{name}:')} /[0-9]{{1,3}}/ {mark(script.middle)} {arguments}"
    if script.before_id:
        letters = "{9}" if dialect.ids is IdStyle.NINE else "{1,24}"
        return f"{mark(name + script.before_id)} /[a-zA-Z0-9]{letters}/ {mark(script.after_id)} {arguments}"
    return f"{mark(name + script.middle)} {arguments}"


def _thought(close: str, special_tokens: Mapping[str, int]) -> str:
    if close in special_tokens:
        return f"thought: /(?s:.*)/ <[{special_tokens[close]}]>"
    return "thought[lazy]: /(?s:.*)" + re.escape(close).replace("/", "\\/") + "/"


def _literal(text: str, special_tokens: Mapping[str, int]) -> str:
    """Special tokens as such, all else letter by letter."""
    if not text:
        return ""
    marks = "|".join(re.escape(one) for one in sorted(special_tokens, key=len, reverse=True) if one in text)
    parts = re.split(f"({marks})", text) if marks else [text]
    return " ".join(
        f"<[{special_tokens[part]}]>" if part in special_tokens else json.dumps(part, ensure_ascii=False)
        for part in parts
        if part
    )
