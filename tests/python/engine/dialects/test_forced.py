"""Grammars of forced calls: valid Lark for every family that has one, and refused by name where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer, grammar_from

from engine.dialects.families import FAMILIES
from engine.dialects.replies import TOOLS, call, dialect_of, written
from inferno.engine.dialects.calls import Frame
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.forced import forced_calls
from inferno.engine.dialects.json_call import JsonCall
from inferno.engine.dialects.scripts import Written, script_of
from inferno.engine.dialects.text_reader import CallFormat
from inferno.errors import Unsupported

WITHOUT = {family for family, one in FAMILIES.items() if one.script in {"PythonicCall", "harmony"}}
TAGGED = [family for family, one in FAMILIES.items() if one.script == "TaggedCall"]
LIGHT = {
    "set-light": {
        "type": "object",
        "properties": {
            "note": {"type": "string", "description": "any"},
            "level": {"type": "integer", "minimum": 0, "maximum": 9},
            "mode": {"type": "string", "enum": ["warm", "cold"]},
            "rooms": {"type": "array", "items": {"$ref": "#/$defs/room"}},
            "label": {"type": ["string", "null"]},
        },
        "required": ["level", "mode"],
        "$defs": {"room": {"enum": [1, 2]}},
    }
}


@pytest.mark.parametrize(("family", "key"), [("Mistral v7", "id"), ("Command-R7B", "tool_call_id")])
def test_an_id_within_json_is_written_as_the_template_takes_it(family: str, key: str) -> None:
    dialect = dialect_of(family)
    text = forced_calls(dialect, TOOLS, {}, begun="", thinking=False, several=False).text
    frame, script = dialect.calls.frame, dialect.calls.script  # type: ignore[union-attr]
    name, arguments = script.name[0], script.arguments[0]  # type: ignore[union-attr]

    def accepted(id_: str) -> bool:
        call = json.dumps({key: id_, name: "set-light", arguments: {"room": "x"}})
        reply = frame.section_open + frame.call_open + call + frame.call_close + frame.section_close
        matcher = LLMatcher(LLTokenizer("byte"), grammar_from("lark", text))
        return bool(matcher.try_consume_tokens(list(reply.encode())) == len(reply.encode()) and matcher.is_accepting())

    assert accepted("abcDEF123")
    assert accepted("abc") == (family != "Mistral v7")
    assert not accepted("a-b-c-d-e")


@pytest.mark.parametrize("first", [True, False])
def test_where_the_id_stands_is_found_and_kept_to(first: bool) -> None:
    keys = ["id", "name", "arguments"] if first else ["name", "arguments", "id"]
    values = {"id": "px7", "name": "f", "arguments": {"key_one": "a"}}
    text = json.dumps({key: values[key] for key in keys})
    found = script_of(text, Written("f", "px7", {"key_one": "a"}), 0)
    assert found is not None
    script = found[2]
    assert isinstance(script, JsonCall)
    assert (script.id, script.id_first) == (("id",), first)
    dialect = Dialect(CallFormat(Frame(), script))
    grammar = forced_calls(dialect, {"f": {}}, {}, begun="", thinking=False, several=False).text
    assert grammar.index('"id"') < grammar.index('"name"') if first else grammar.index('"id"') > grammar.index('"name"')


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("thinking", [False, True])
def test_each_family_has_a_grammar_or_is_refused(family: str, several: bool, thinking: bool) -> None:
    def made() -> str:
        return forced_calls(dialect_of(family), TOOLS, {}, begun="", thinking=thinking, several=several).text

    if family in WITHOUT:
        with pytest.raises(Unsupported, match="cannot be forced"):
            made()
        return
    failed, messages = LLMatcher.validate_grammar_with_warnings(grammar_from("lark", made()))
    assert not failed, messages


def accepts(grammar: str, reply: str) -> bool:
    matcher = LLMatcher(LLTokenizer("byte"), grammar_from("lark", grammar))
    said = list(reply.encode())
    return bool(matcher.try_consume_tokens(said) == len(said) and matcher.is_accepting())


@pytest.mark.parametrize("family", TAGGED)
def test_marked_parameters_keep_their_schemas(family: str) -> None:
    """What a family's template writes of arguments is accepted where they satisfy the schema, and read as they were."""
    dialect = dialect_of(family)
    grammar = forced_calls(dialect, LIGHT, {}, begun="", thinking=False, several=False).text
    frame = dialect.calls.frame  # type: ignore[union-attr]
    last = (frame.call_close + frame.section_close).split()[-1]

    def reply(arguments: dict[str, Any]) -> str:
        text = written(family, {"content": "", "tool_calls": [call("set-light", arguments)]}).lstrip()
        return text[: text.rindex(last) + len(last)]

    good = {"level": 3, "mode": "cold", "note": 'a <b>\n "c" 5', "rooms": [1, 2]}
    assert accepts(grammar, reply(good))
    assert accepts(grammar, reply({"level": 0, "mode": "warm"}))
    for wrong in (
        {"level": 10, "mode": "cold"},
        {"level": 3, "mode": "hot"},
        {"level": 3},
        {"mode": "cold", "level": 3, "other": 1},
        {"level": 3, "mode": "cold", "rooms": [3]},
    ):
        assert not accepts(grammar, reply(wrong)), wrong


@pytest.mark.parametrize("family", TAGGED)
@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"properties": {"a": {"type": "string", "maxLength": 3}}}, "'a'"),
        ({"properties": {"a": {"type": "string", "pattern": "x"}}}, "'a'"),
        ({"properties": {"a": {"type": "string", "enum": ["x", ""]}}}, "'a'"),
        ({"required": ["b"]}, "'b'"),
        ({"minProperties": 1}, "'minProperties'"),
    ],
)
def test_what_marked_parameters_cannot_keep_is_refused(family: str, schema: dict[str, Any], named: str) -> None:
    with pytest.raises(Unsupported, match=named):
        tools = {"f": {"type": "object", **schema}}
        forced_calls(dialect_of(family), tools, {}, begun="", thinking=False, several=False)
