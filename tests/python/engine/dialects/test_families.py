"""Each family's format is found from its template, and what the template writes is read back as what it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.dialects.families import FAMILIES
from engine.dialects.replies import TOOLS, call, dialect_of, read, rendered, some_cuts, written

DOCS = Path(__file__).parents[4] / "docs" / "tools.md"
WEATHER = {"city": 'Sã "o" <Paulo>', "days": 3, "precise": True, "places": ["a", "b {"]}
EACH = pytest.mark.parametrize("family", FAMILIES)


def conversation(family: str, message: dict[str, Any]) -> None:
    """As a whole, and in pieces."""
    dialect = dialect_of(family)
    text = written(family, message)
    wanted = [(one["function"]["name"], one["function"]["arguments"]) for one in message.get("tool_calls", ())]
    for cuts in (None, range(1, len(text)), *(some_cuts(text, seed) for seed in range(5))):
        found = read(dialect, text, cuts)
        assert found.names == [name for name, _ in wanted], (text, cuts)
        assert [found.calls[i][1] for i in range(len(wanted))] == [_loads(text) for _, text in wanted]
        assert found.ended == len(wanted)
        assert found.reasoning.strip() == message.get("reasoning_content", "")
        if not wanted:
            assert found.content.startswith(message["content"]), text
        elif message["content"] and message["content"] in text:
            assert found.content.strip().startswith(message["content"])
        elif wanted:
            assert message["content"] == "" or message["content"] not in text


def _loads(text: str) -> Any:
    return json.loads(text)


@EACH
def test_the_format_is_found(family: str) -> None:
    dialect, expected = dialect_of(family), FAMILIES[family]
    assert dialect.calls_tools
    script = "harmony" if dialect.harmony else type(dialect.calls.script).__name__  # type: ignore[union-attr]
    assert script == expected.script
    assert dialect.reasons == expected.reasons
    if dialect.calls is not None:
        assert dialect.calls.frame.several == expected.several


@EACH
def test_one_call_is_the_same_call(family: str) -> None:
    conversation(family, {"content": "", "tool_calls": [call("get_weather", WEATHER)]})
    conversation(family, {"content": "", "tool_calls": [call("set-light", {"room": "  two\n lines "})]})


@EACH
def test_a_call_without_arguments(family: str) -> None:
    conversation(family, {"content": "", "tool_calls": [call("set-light", {})]})


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.several])
def test_several_calls_are_the_same_calls(family: str) -> None:
    calls = [call("get_weather", WEATHER, 0), call("set-light", {"room": "x"}, 1), call("set-light", {"room": "y"}, 2)]
    conversation(family, {"content": "", "tool_calls": calls})


@EACH
def test_plain_content_is_the_same_content(family: str) -> None:
    conversation(family, {"content": 'Say {"name": "get_weather"} or [1] or <b> to "me".'})


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.reasons])
def test_thoughts_are_told_apart(family: str) -> None:
    if family.startswith("DeepSeek"):  # their templates forget what was thought
        found = read(dialect_of(family), "I think\n\nso.\n</think>\n\nHello.", begun="<think>\n")
        assert (found.reasoning, found.content) == ("I think\n\nso.", "Hello.")
        return
    if family != "gpt-oss":
        conversation(family, {"content": "Hello.", "reasoning_content": "I think\n\nso."})
    calls = [call("get_weather", WEATHER)]
    conversation(family, {"content": "", "reasoning_content": "Hm.", "tool_calls": calls})


@EACH
def test_a_result_changes_the_prompt_as_the_template_says(family: str) -> None:
    dialect = dialect_of(family)
    asked = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Rome"})]},
        {"role": "tool", "tool_call_id": call("", {})["id"], "content": "RESULT"},
    ]
    text = rendered(family, dialect.adapted(asked), {"tools": list(TOOLS)})
    assert text is not None
    assert "Rome" in text
    assert text.index("Rome") < text.index("RESULT")


def table() -> str:
    rows = ["| family | calls | reasoning |", "|---|---|---|"]
    for name in sorted(FAMILIES, key=str.lower):
        dialect = dialect_of(name)
        rows.append(f"| {name} | {_calls(dialect)} | {_reasoning(dialect)} |")
    return "\n".join(rows)


def _calls(dialect: Any) -> str:
    if dialect.harmony:
        return "channels: `to=functions.NAME … <\\|message\\|>{…}`"
    frame, script = dialect.calls.frame, dialect.calls.script
    shapes = {
        "JsonCall": lambda: f'{{"{".".join(script.name)}": …, "{".".join(script.arguments)}": {{…}}}}',
        "NamedCall": lambda: f"NAME{script.middle or script.before_id + 'ID' + script.after_id}{{…}}",
        "TaggedCall": lambda: (
            f"NAME{script.name_end}{script.param_open}KEY{script.param_middle}VALUE{script.param_close}"
        ),
        "PythonicCall": lambda: "NAME(KEY=VALUE)",
    }
    shape = frame.section_open + frame.call_open + shapes[type(script).__name__]()
    shape += frame.call_close + frame.section_close
    return "`" + " ".join(shape.replace("```", "").split()).replace("|", "\\|") + "`"


def _reasoning(dialect: Any) -> str:
    if dialect.harmony:
        return "channel `analysis`"
    return f"`{dialect.reasoning.open}…{dialect.reasoning.close}`" if dialect.reasoning else "none"


def test_the_documented_table_is_what_is_found() -> None:
    head, _, rest = DOCS.read_text(encoding="utf-8").partition("<!-- families -->\n")
    _, _, tail = rest.partition("\n<!-- end -->")
    whole = f"{head}<!-- families -->\n{table()}\n<!-- end -->{tail}"
    if os.environ.get("INFERNO_TEST_WRITE_DOCS"):
        DOCS.write_text(whole, encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8") == whole, "run this test with INFERNO_TEST_WRITE_DOCS=1"
