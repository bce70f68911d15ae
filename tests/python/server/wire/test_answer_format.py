"""Every way to say what an answer must look like, and the requests that say it twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument
from inferno.server.wire import chat, completions
from inferno.server.wire.decode import decode

SCHEMA = {"type": "object", "properties": {"b": {}, "a": {"maximum": 2**70}}}
TEXT = json.dumps(SCHEMA, separators=(",", ":"))
NAMED = {"name": "answer", "schema": SCHEMA}


def of_chat(**fields: Any) -> Grammar | None:
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], **fields}).encode()
    ask = decode(body, chat.DECODER)
    chat.check(ask)
    return chat.to_generate_request(ask, [1], tenant="").grammar


def of_completion(**fields: Any) -> Grammar | None:
    ask = decode(json.dumps({"prompt": "x", **fields}).encode(), completions.DECODER)
    completions.check(ask)
    return completions.to_generate_request(ask, [1], tenant="").grammar


WAYS: list[tuple[str, Any, str, str, str]] = [
    ("response_format", {"type": "json_object"}, "json_object", "", "response_format"),
    ("response_format", {"type": "json_schema", "json_schema": NAMED}, "json_schema", TEXT, "json_schema.schema"),
    (
        "response_format",
        {"type": "json_schema", "json_schema": {**NAMED, "strict": True}},
        "json_schema",
        TEXT,
        "schema",
    ),
    ("guided_json", SCHEMA, "json_schema", TEXT, "guided_json"),
    ("guided_json", TEXT, "json_schema", TEXT, "guided_json"),
    ("guided_regex", "a+", "regex", "a+", "guided_regex"),
    ("guided_choice", ["a", "b\u00e9"], "choice", '["a", "b\u00e9"]', "guided_choice"),
    ("guided_grammar", 'root ::= "a"', "gbnf", 'root ::= "a"', "guided_grammar"),
    ("guided_grammar", 'start: "a"', "lark", 'start: "a"', "guided_grammar"),
    ("structured_outputs", {"json": SCHEMA}, "json_schema", TEXT, "structured_outputs.json"),
    ("structured_outputs", {"regex": "a+"}, "regex", "a+", "structured_outputs.regex"),
    ("structured_outputs", {"choice": ["a"]}, "choice", '["a"]', "structured_outputs.choice"),
    ("structured_outputs", {"grammar": 'start: "a"'}, "lark", 'start: "a"', "structured_outputs.grammar"),
    ("structured_outputs", {"json_object": True}, "json_object", "", "structured_outputs.json_object"),
    ("grammar", 'root ::= "a"', "gbnf", 'root ::= "a"', "grammar"),
    ("json_schema", SCHEMA, "json_schema", TEXT, "json_schema"),
    ("json_schema", True, "json_schema", "true", "json_schema"),
]


@pytest.mark.parametrize("of", [of_chat, of_completion])
@pytest.mark.parametrize(("name", "value", "kind", "text", "param"), WAYS)
def test_every_way_becomes_a_grammar(of: Any, name: str, value: Any, kind: str, text: str, param: str) -> None:
    found = of(**{name: value})
    assert (found.kind, found.text) == (kind, text)
    assert found.param.endswith(param)


def test_nothing_said_is_no_grammar() -> None:
    assert of_chat() is None
    assert of_chat(response_format={"type": "text"}, guided_json=None) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "json_object"}, "guided_regex": "a"}, "guided_regex"),
        ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "structured_outputs.choice"),
        ({"grammar": "root ::= [a]", "json_schema": {}}, "json_schema"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"json_object": False}}, "structured_outputs.json_object"),
        ({"structured_outputs": {"whitespace_pattern": " "}}, "structured_outputs.whitespace_pattern"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"response_format": {"type": "json_schema", "json_schema": {**NAMED, "name": "a b"}}}, None),
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_choice": [""]}, "guided_choice[0]"),
        ({"guided_regex": ""}, "guided_regex"),
    ],
)
def test_what_says_it_twice_or_not_at_all_is_refused(fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(InvalidArgument) as refused:
        of_chat(**fields)
    assert param is None or refused.value.param == param
