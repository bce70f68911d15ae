"""The grammar of replies that must call, or whose calls are kept to something if they come: llguidance's Lark, in the
format that a dialect was found to have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.json_call import JsonCall
from inferno.engine.dialects.literals import words
from inferno.engine.dialects.named_call import NamedCall
from inferno.engine.dialects.tagged_call import TaggedCall
from inferno.engine.dialects.tagged_grammar import tagged_call
from inferno.engine.grammar_text import embedded
from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument, Unsupported

MAX_CALLS = 16
"""In a reply that must call; a model without sense would never end."""

Schemas = Mapping[str, Mapping[str, Any]]


def forced_calls(
    dialect: Dialect, tools: Schemas, special_tokens: Mapping[str, int], *, begun: str, thinking: bool, several: bool
) -> Grammar:
    """One call to one of ``tools``, or ``several``, and nothing else. ``begun`` is what the prompt has of the reply;
    ``thinking``: it has opened the thoughts, which end first. Raises Unsupported for formats that have no grammar here.
    """
    section = _section(dialect, tools, special_tokens, several=several)
    if section is None:
        raise Unsupported(
            "calls in this model's format cannot be forced; send 'tool_choice': \"auto\"", param="tool_choice"
        )
    opened = bool(section.head) and begun.rstrip() == section.head.rstrip()
    thought = "thought /\\n{0,2}/" if thinking and dialect.reasoning is not None else ""
    head = "" if opened else _literal(section.head, special_tokens)
    rules = [f"start: {thought} {head} {section.body}", *section.rules]
    if thought and dialect.reasoning is not None:
        rules.append(_thought(dialect.reasoning.close, special_tokens))
    return Grammar("lark", "\n".join(rules), "tools")


def kept_calls(
    dialect: Dialect,
    tools: Schemas,
    special_tokens: Mapping[str, int],
    answer: Grammar | None,
    *,
    thinking: bool,
    several: bool,
) -> Grammar:
    """Any text, or one that satisfies ``answer``, which is of JSON; in the end calls of ``tools``, if the model likes.
    Raises Unsupported for formats whose calls cannot be told from text, and for other answers."""
    section = _section(dialect, tools, special_tokens, several=several)
    trigger = "" if dialect.calls is None else dialect.calls.frame.trigger
    known = _is_text(trigger, special_tokens) or _is_special(trigger, special_tokens)
    if section is None or dialect.calls is None or not dialect.calls.frame.anywhere or not known:
        raise Unsupported(
            "calls in this model's format are kept to nothing unless they are forced; leave 'strict' and "
            "'parallel_tool_calls' out",
            param="tools",
        )
    said = _said(section, trigger, special_tokens, answer)
    rules = [f"start: {_thoughts(dialect, special_tokens, thinking=thinking)} ({said})", *section.rules]
    if "TEXT" in said:
        rules.append(_text_without(trigger, special_tokens))
    if answer is not None:
        rules.append(f"answer: %json {_answer(answer)}")
    if "thought" in rules[0] and dialect.reasoning is not None:
        rules.append(_thought(dialect.reasoning.close, special_tokens))
    return Grammar("lark", "\n".join(rules), "tools")


def _said(section: Section, trigger: str, special_tokens: Mapping[str, int], answer: Grammar | None) -> str:
    head = _literal(section.head, special_tokens)
    if answer is not None:
        return f"answer | {head} {section.body}"
    if _is_special(trigger, special_tokens):
        return f"TEXT ({head} {section.body})?"
    return f"TEXT | before_call {_literal(section.head.removeprefix(trigger), special_tokens)} {section.body}"


def _text_without(trigger: str, special_tokens: Mapping[str, int]) -> str:
    """Text that holds no mark of a call: special tokens are none, and a mark that is text is looked for."""
    if _is_special(trigger, special_tokens):
        return "TEXT: /(?s:.*)/"
    mark = re.escape(trigger).replace("/", "\\/")
    return f"TEXT: /(?s:.*)/ & ~/(?s:.*){mark}(?s:.*)/\nbefore_call[lazy]: /(?s:.*){mark}/"


def _thoughts(dialect: Dialect, special_tokens: Mapping[str, int], *, thinking: bool) -> str:
    """Thoughts that the prompt has opened end first; those that a special token opens may come."""
    marks = dialect.reasoning
    if marks is None:
        return ""
    if thinking:
        return "thought"
    opened = marks.open.strip()
    return f"(<[{special_tokens[opened]}]> thought)?" if opened in special_tokens else ""


def _answer(answer: Grammar) -> str:
    if answer.kind == "json_object":
        return embedded({"type": "object"})
    if answer.kind != "json_schema":
        raise Unsupported(
            f"'{answer.param}' and tools whose calls are kept to something do not go together; an answer in JSON does",
            param=answer.param,
        )
    try:
        schema = json.loads(answer.text)
    except (ValueError, RecursionError):
        raise InvalidArgument("the schema is not valid JSON", param=answer.param) from None
    return embedded(schema if isinstance(schema, dict) else {})


def _is_special(trigger: str, special_tokens: Mapping[str, int]) -> bool:
    """It begins with a special token, which no text holds."""
    return any(trigger.startswith(token) for token in special_tokens if token)


def _is_text(trigger: str, special_tokens: Mapping[str, int]) -> bool:
    return not any(token in trigger for token in special_tokens if token)


@dataclass(frozen=True, slots=True)
class Section:
    """Calls as a grammar: behind ``head``, which is text, comes ``body``, which uses ``rules``."""

    head: str
    body: str
    rules: list[str]


def _section(dialect: Dialect, tools: Schemas, special_tokens: Mapping[str, int], *, several: bool) -> Section | None:
    """None for formats that have no grammar here."""
    calls = dialect.calls
    if calls is None or not isinstance(calls.script, JsonCall | NamedCall | TaggedCall):
        return None
    frame, script = calls.frame, calls.script
    if isinstance(script, JsonCall) and any(len(way) > 1 for way in (script.name, script.arguments, script.id or ())):
        return None

    if isinstance(script, TaggedCall) and (script.quoted or len(words(script.param_close)) != 1):
        return None

    def mark(text: str) -> str:
        return _literal(text, special_tokens)

    def until(rule: str, end: str) -> str:
        return _until(rule, end, special_tokens)

    more = f"(more_call){{0,{MAX_CALLS - 1}}}" if several and frame.several else ""
    rules = []
    if more:
        rules.append(f"more_call: {mark(frame.between + frame.call_open)} call")
    rules.append(f"call: ({' | '.join(f'call_{number}' for number in range(len(tools)))}) {mark(frame.call_close)}")
    for number, (name, schema) in enumerate(tools.items()):
        rule = f"call_{number}"
        if isinstance(script, TaggedCall):
            rules += tagged_call(script, name, schema, rule=rule, mark=mark, until=until)
        elif isinstance(script, JsonCall):
            rules.append(f"{rule}: {_json(script, name, schema, dialect)}")
        else:
            rules.append(f"{rule}: {_named(script, name, schema, dialect, mark)}")
    head = (frame.section_open + frame.call_open).lstrip()
    return Section(head, f"call {more} {mark(frame.section_close.rstrip())}", rules)


def _json(script: JsonCall, name: str, schema: Mapping[str, Any], dialect: Dialect) -> str:
    numbered = {script.id[0]: {"type": "string", "pattern": f"^[a-zA-Z0-9]{_id_length(dialect)}$"}} if script.id else {}
    properties = {script.name[0]: {"const": name}, script.arguments[0]: _inner(schema)}
    properties = {**numbered, **properties} if script.id_first else {**properties, **numbered}
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
        letters = f"/[a-zA-Z0-9]{_id_length(dialect)}/"
        return f"{mark(name + script.before_id)} {letters} {mark(script.after_id)} {arguments}"
    return f"{mark(name + script.middle)} {arguments}"


def _id_length(dialect: Dialect) -> str:
    return "{9}" if dialect.ids is IdStyle.NINE else "{1,24}"


def _thought(close: str, special_tokens: Mapping[str, int]) -> str:
    return _until("thought", close, special_tokens)


def _until(rule: str, mark: str, special_tokens: Mapping[str, int]) -> str:
    """Any text and the mark, which it does not hold."""
    if mark in special_tokens:
        return f"{rule}: /(?s:.*)/ <[{special_tokens[mark]}]>"
    return f"{rule}[lazy]: /(?s:.*)" + re.escape(mark).replace("/", "\\/") + "/"


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
