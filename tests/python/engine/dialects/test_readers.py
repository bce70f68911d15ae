"""Whatever a model writes: nothing is lost, nothing is raised, and cuts change nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dialects.families import FAMILIES
from engine.dialects.replies import TOOLS, Read, call, dialect_of, read, take, written
from inferno.engine.dialects.dialect import Dialect

ALPHABET = st.sampled_from(
    [
        *' \n{}[]()"\\:,=<>|/-0aé',
        *("<think>", "</think>", "<tool_call>", "</tool_call>", "<function=", "<parameter=", "</parameter>"),
        *("get_weather", "set-light", '"name": ', '"arguments": ', '"parameters": ', "{}", "null", "1e5", "\\u00e9"),
        *("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", ">>>"),
        *("<|tool_call|>", "<|channel|>", "<|message|>", "<|end|>", "analysis", "to=functions.", "functools["),
        *("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "city=", "'x'", "Action:", "```json"),
    ]
)
TEXT = st.lists(ALPHABET, max_size=40).map("".join)
HERMES = "Qwen 3"


def assert_the_rest_is_as_it_stands(dialect: Dialect, text: str, cuts: list[int], whole: Read) -> None:
    """Behind a point where the reader says so."""
    reader, found, fed = dialect.reader(TOOLS, "", 0), Read(), 0
    for end in [*sorted(cuts), len(text)]:
        take(found, reader.feed(text[fed:end]))
        fed = end
        if reader.plain:
            break
    else:
        return
    found.content += text[fed:]
    take(found, reader.close())
    found.ids = []
    assert found == whole


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("family", FAMILIES)
def test_any_text_cut_anywhere_is_read_as_the_whole(family: str, data: st.DataObject) -> None:
    dialect = dialect_of(family)
    text = data.draw(TEXT)
    if data.draw(st.booleans()):  # near misses are the hard ones
        good = written(family, {"content": "", "tool_calls": [call("get_weather", {"city": "x"})]})
        place = data.draw(st.integers(0, len(good)))
        text = good[:place] + text + good[place + data.draw(st.integers(0, 3)) :]
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    whole, pieces = read(dialect, text), read(dialect, text, cuts)
    whole.ids = pieces.ids = []
    assert pieces == whole
    assert_the_rest_is_as_it_stands(dialect, text, cuts, whole)
    for name, arguments in zip(whole.names[: whole.ended], whole.arguments, strict=False):
        assert name in TOOLS
        assert isinstance(json.loads(arguments), dict)


def test_a_blank_before_a_mark_that_is_missing_is_no_part_of_the_arguments() -> None:
    dialect = dialect_of("Mistral v11")
    good = written("Mistral v11", {"content": "", "tool_calls": [call("get_weather", {"city": "x"})]})
    broken = good.replace('"city":', '"city"')
    for cut in range(len(broken)):
        assert read(dialect, broken, [cut]).arguments == read(dialect, broken).arguments


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "a <tool_call> b </tool_call> c",
        '<tool_call>\n{"name": "unknown", "arguments": {}}\n</tool_call>',
        '<tool_call>{"name": "get_weather", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "get_weather", "arguments": 3',
        '<tool_call>{"name": 3, "arguments": {}}</tool_call>',
        '<tool_call>{"name": "get_weather" "arguments": {}}</tool_call>',
        "<tool_call>" + "[" * 500,
        '{"name": "get_weather", "arguments": {}}',
        "text with trailing blanks \n ",
        "<tool_",
    ],
)
def test_what_is_no_call_stays_the_text_it_is(text: str) -> None:
    for cuts in (None, range(1, len(text))):
        found = read(dialect_of(HERMES), text, cuts)
        assert (found.content, found.names, found.reasoning) == (text, [], "")


def test_arguments_come_as_they_are_written_and_the_id_once() -> None:
    reader = dialect_of(HERMES).reader(TOOLS, "", 0)
    found = Read()
    seen = []
    for piece in (
        "<tool",
        '_call>\n{"na',
        'me": "get_weather", "argu',
        'ments": {"ci',
        'ty": "Ro',
        'me"}}\n</tool',
        "_call>",
    ):
        take(found, reader.feed(piece))
        seen.append((list(found.names), list(found.arguments), found.ended))
    assert seen[2] == ([], [], 0)
    assert seen[3] == (["get_weather"], ['{"ci'], 0)
    assert seen[4] == (["get_weather"], ['{"city": "Ro'], 0)
    assert seen[5] == (["get_weather"], ['{"city": "Rome"}'], 1)
    assert len(found.ids) == 1
    assert found.content == ""


def test_a_call_that_the_end_cut_off_keeps_what_there_is() -> None:
    found = read(dialect_of(HERMES), '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Ro')
    assert (found.names, found.arguments, found.ended) == (["get_weather"], ['{"city": "Ro'], 0)


def test_the_name_may_come_last_and_arguments_be_text() -> None:
    late = read(dialect_of(HERMES), '<tool_call>{"arguments": {"city": "x"}, "name": "get_weather"}</tool_call>')
    assert late.calls == [("get_weather", {"city": "x"})]
    text = read(dialect_of(HERMES), '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": 1}"}</tool_call>')
    assert text.calls == [("get_weather", {"city": 1})]


def test_text_around_calls_is_content_without_the_blanks_between() -> None:
    one = '<tool_call>{"name": "set-light", "arguments": {}}</tool_call>'
    found = read(dialect_of(HERMES), f"Let me see.\n{one}\n{one}\nDone.")
    assert (found.content, found.names) == ("Let me see.Done.", ["set-light", "set-light"])


def test_a_prompt_may_have_opened_the_thoughts_or_closed_them() -> None:
    dialect = dialect_of(HERMES)
    opened = read(dialect, "why\n</think>\n\nbecause", begun="<think>\n")
    assert (opened.reasoning, opened.content) == ("why", "because")
    closed = read(dialect, "because", begun="<think>\n\n</think>\n\n")
    assert (closed.reasoning, closed.content) == ("", "because")
    unended = read(dialect, "<think>why")
    assert (unended.reasoning, unended.content) == ("why", "")


def test_thoughts_are_looked_for_where_a_reply_begins() -> None:
    found = read(dialect_of(HERMES), "Write <think> to think, and </think> to end.")
    assert (found.reasoning, found.content) == ("", "Write <think> to think, and </think> to end.")


def test_without_tools_calls_are_text() -> None:
    text = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
    reader = dialect_of(HERMES).reader({}, "", 0)
    found = Read()
    take(found, [*reader.feed(text), *reader.close()])
    assert (found.content, found.names) == (text, [])


def test_ids_are_what_templates_take() -> None:
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {}), call("set-light", {}, 1)]},
        {"role": "tool", "tool_call_id": call("", {}, 1)["id"], "content": "y"},
    ]
    for family, wanted in {"Mistral v3": 9, "Kimi K2": len("functions.set-light:1")}.items():
        adapted = dialect_of(family).adapted(messages)
        assert adapted[2]["tool_call_id"] == adapted[1]["tool_calls"][1]["id"]
        assert len(adapted[2]["tool_call_id"]) == wanted
        assert adapted[2]["name"] == "set-light"
    assert read(
        dialect_of("Kimi K2"), written("Kimi K2", {"content": "", "tool_calls": [call("set-light", {})]})
    ).ids == ["functions.set-light:0"]
