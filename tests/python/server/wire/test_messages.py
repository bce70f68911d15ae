from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.decode import decode
from inferno.server.wire.messages import ChatMessage, template_messages

DECODER = msgspec.json.Decoder(list[ChatMessage])


def convert(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(one) for one in template_messages(decode(json.dumps(messages).encode(), DECODER))]


def call(arguments: str) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_roles_and_text_reach_the_template() -> None:
    assert convert(
        {"role": "developer", "content": "d"},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "name": "ann"},
        {"role": "assistant", "content": "a", "refusal": None, "annotations": [], "audio": None, "function_call": None},
    ) == [
        {"role": "system", "content": "d"},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "name": "ann"},
        {"role": "assistant", "content": "a"},
    ]


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert convert({"role": "user", "content": parts}) == [{"role": "user", "content": "ab"}]


def test_tool_calls_in_history_carry_arguments_as_an_object_where_they_are_one() -> None:
    [assistant, broken, answer] = convert(
        {"role": "assistant", "content": None, "tool_calls": [call('{"x": 1}')]},
        {"role": "assistant", "content": None, "tool_calls": [call("{broken")]},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    )
    assert assistant["content"] == ""
    assert assistant["tool_calls"][0]["function"] == {"name": "f", "arguments": {"x": 1}}
    assert broken["tool_calls"][0]["function"]["arguments"] == "{broken"
    assert answer == {"role": "tool", "content": "42", "tool_call_id": "c1"}


@pytest.mark.parametrize("arguments", ["[1]", "3", "[" * 100_000])
def test_other_arguments_stay_text(arguments: str) -> None:
    [message] = convert({"role": "assistant", "content": None, "tool_calls": [call(arguments)]})
    assert message["tool_calls"][0]["function"]["arguments"] == arguments


@pytest.mark.parametrize("kind", ["file", "refusal"])
def test_parts_other_than_texts_and_media_are_refused_by_index(kind: str) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": kind, kind: {"x": "y"}}]
    with pytest.raises(UnsupportedParameter) as caught:
        convert({"role": "user", "content": "x"}, {"role": "user", "content": parts})
    assert caught.value.param == "messages[1].content[1]"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "function", "content": "x"}, "messages[0].role"),
        ({"role": "robot", "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": None}, "messages[0].content"),
        ({"role": "assistant", "content": None}, "messages[0].content"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "user", "content": "x", "tool_call_id": "c"}, "messages[0].tool_call_id"),
        ({"role": "user", "content": "x", "tool_calls": [call("{}")]}, "messages[0].tool_calls"),
        ({"role": "user", "content": "x", "reasoning_content": "r"}, "messages[0].reasoning_content"),
        ({"role": "assistant", "content": "x", "refusal": "no"}, "messages[0].refusal"),
        ({"role": "assistant", "content": "x", "audio": {"id": "a"}}, "messages[0].audio"),
        ({"role": "user", "content": [{"type": "poem", "text": "x"}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
    ],
)
def test_messages_that_make_no_sense_are_refused_by_index(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        convert(message)
    assert caught.value.param == param


def test_no_messages_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        convert()
