"""Calls that need not come and are kept to their schemas if they do: the grammar lets every other text through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer, grammar_from

from engine.dialects.families import FAMILIES
from engine.dialects.replies import dialect_of, written
from inferno.engine.conversation import Conversation, Tool, ToolChoice
from inferno.engine.dialects.forced import kept_calls
from inferno.engine.request import Grammar
from inferno.errors import Unsupported

SCHEMAS: dict[str, dict[str, Any]] = {
    "get_weather": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
    "set-light": {},
}
GOOD = {"city": "Paris", "days": 3}
BAD = {"city": "Paris", "days": "three"}
TOKENIZER = LLTokenizer("byte")


def grammar_of(family: str, *, several: bool = True, answer: Grammar | None = None) -> str:
    return kept_calls(dialect_of(family), SCHEMAS, {}, answer, thinking=False, several=several).text


def has_grammar(family: str) -> bool:
    try:
        grammar_of(family)
    except Unsupported:
        return False
    return True


KEPT = [family for family in FAMILIES if has_grammar(family)]


def takes(grammar: str, text: str) -> bool:
    """Whether the whole text satisfies the grammar, byte by byte."""
    matcher = LLMatcher(TOKENIZER, grammar_from("lark", grammar), log_level=0)
    tokens = TOKENIZER.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def call(name: str, arguments: dict[str, Any], id_: str = "abcdefgh1") -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def reply(family: str, *calls: dict[str, Any], content: str = "") -> str:
    """As the template writes it, up to the end of the last call."""
    form = dialect_of(family).calls
    assert form is not None
    text = written(family, {"content": content, "tool_calls": list(calls)})
    end = form.frame.section_close.rstrip() or form.frame.call_close or "}"
    return text[: text.rindex(end) + len(end)].removeprefix("</think>")


def test_many_families_have_one() -> None:
    assert len(KEPT) >= 15
    for family in set(FAMILIES) - set(KEPT):
        with pytest.raises(Unsupported, match="leave 'strict'"):
            grammar_of(family)


@pytest.mark.parametrize("family", KEPT)
def test_what_the_template_writes_is_taken_and_what_breaks_the_schema_is_not(family: str) -> None:
    grammar = grammar_of(family)
    failed, messages = LLMatcher.validate_grammar_with_warnings(grammar_from("lark", grammar))
    assert not failed, messages
    assert takes(grammar, reply(family, call("get_weather", GOOD)))
    assert not takes(grammar, reply(family, call("get_weather", BAD)))
    assert not takes(grammar, reply(family, call("get_weather", {"city": "Paris"})))
    assert takes(grammar, reply(family, call("set-light", {"anything": [1, {"goes": None}]})))
    assert not takes(grammar, reply(family, call("unknown", GOOD)))


@pytest.mark.parametrize("family", KEPT)
def test_text_without_a_call_is_free(family: str) -> None:
    grammar = grammar_of(family)
    for text in ("", 'It is sunny.\n\n- {"a": [1]}\n', "<b>ünïcode</b> <tool", "[TOOL funct <|"):
        assert takes(grammar, text), text


@pytest.mark.parametrize("family", [name for name in KEPT if dialect_of(name).calls.frame.several])  # type: ignore[union-attr]
def test_at_most_one_call_comes_where_only_one_may(family: str) -> None:
    two = reply(family, call("get_weather", GOOD), call("get_weather", GOOD, "abcdefgh2"))
    assert takes(grammar_of(family), two)
    assert not takes(grammar_of(family, several=False), two)
    assert takes(grammar_of(family, several=False), reply(family, call("get_weather", GOOD)))


@pytest.mark.parametrize("family", KEPT)
def test_an_answer_in_json_or_calls(family: str) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    grammar = grammar_of(family, answer=Grammar("json_schema", json.dumps(schema), "response_format"))
    assert takes(grammar, '{"x": 1}')
    assert not takes(grammar, '{"x": "one"}')
    assert not takes(grammar, "some text")
    assert takes(grammar, reply(family, call("get_weather", GOOD)).lstrip())
    assert not takes(grammar, reply(family, call("get_weather", BAD)).lstrip())
    with pytest.raises(Unsupported) as refused:
        grammar_of(family, answer=Grammar("regex", "a+", "guided_regex"))
    assert refused.value.param == "guided_regex"


def test_special_tokens_begin_calls_and_thoughts() -> None:
    special = {"<tool_call>": 7, "</tool_call>": 8, "<think>": 9, "</think>": 10}
    grammar = kept_calls(dialect_of("Qwen 3"), SCHEMAS, special, None, thinking=False, several=True).text
    assert grammar.startswith("start: (<[9]> thought)? (TEXT (<[7]>")
    assert "TEXT: /(?s:.*)/\n" in grammar
    failed, messages = LLMatcher.validate_grammar_with_warnings(grammar_from("lark", grammar))
    assert not failed, messages
    opened = kept_calls(dialect_of("Qwen 3"), SCHEMAS, special, None, thinking=True, several=True).text
    assert opened.startswith("start: thought (TEXT")


@pytest.mark.parametrize(
    ("strict", "parallel", "mode", "kept"),
    [
        ((), True, "auto", None),
        (("a",), True, "auto", {"a": {"x": 1}, "b": {}}),
        ((), False, "auto", {"a": {}, "b": {}}),
        (("a",), False, "required", None),
        (("a",), False, "none", None),
    ],
)
def test_what_is_kept_to_what(strict: tuple[str, ...], parallel: bool, mode: Any, kept: Any) -> None:
    tools = [Tool(name, parameters={"x": 1}, strict=name in strict) for name in "ab"]
    asked = Conversation([], tools=tools, tool_choice=ToolChoice(mode), parallel_tool_calls=parallel)
    assert asked.kept_to == kept
