"""Thoughts asked for and forbidden, by what a model's template can do about them."""

from __future__ import annotations

import pytest

from engine.dialects.families import FAMILIES
from inferno.engine.chats import Chats
from inferno.engine.conversation import Conversation, Tool
from inferno.errors import Unsupported


def prompt(family: str, thinking: bool | None) -> str:
    chats = Chats({"default": FAMILIES[family].template}, [], {})
    opened = chats.open(Conversation([{"role": "user", "content": "a"}], thinking=thinking))
    return "".join(str(part) for part in opened.segments)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_with_tools_is_opened_in_every_family(family: str) -> None:
    """Also where replies have no header of their own."""
    chats = Chats({"default": FAMILIES[family].template}, [], {})
    opened = chats.open(Conversation([{"role": "user", "content": "a"}], tools=[Tool("get_weather")]))
    text = "".join(str(part) for part in opened.segments)
    assert text.endswith(opened.begun)
    assert "get_weather" in text
    assert chats.open(Conversation([{"role": "user", "content": "a"}])).dialect.calls_tools


def test_a_template_with_a_switch_is_switched() -> None:
    assert "<think>\n\n</think>" in prompt("Qwen 3", thinking=False)
    assert "<think>" not in prompt("Qwen 3", thinking=True)
    assert prompt("Qwen 3", thinking=None) == prompt("Qwen 3", thinking=True)


def test_what_a_template_cannot_do_is_refused_and_what_it_does_anyway_is_not() -> None:
    with pytest.raises(Unsupported, match="cannot keep it from thinking"):
        prompt("DeepSeek R1", thinking=False)
    with pytest.raises(Unsupported, match="no place for thoughts"):
        prompt("Qwen 2.5", thinking=True)
    assert prompt("DeepSeek R1", thinking=True) == prompt("DeepSeek R1", thinking=None)
    assert prompt("Qwen 2.5", thinking=False) == prompt("Qwen 2.5", thinking=None)
