"""Formats by name are what is found in their families' templates, and take the place of what a template shows."""

from __future__ import annotations

import pytest

from engine.dialects.replies import dialect_of, read
from inferno.engine.chats import Chats
from inferno.engine.conversation import Conversation, Tool
from inferno.engine.dialects.formats import TOOL_FORMATS, tool_format_named
from inferno.errors import ConfigError, Unsupported

FAMILY = {
    "deepseek-v3": "DeepSeek V3",
    "deepseek-v3.1": "DeepSeek V3.1",
    "functionary-v3.1": "Functionary v3.1",
    "glm-4.5": "GLM-4.5",
    "granite-3": "Granite 3",
    "harmony": "gpt-oss",
    "hermes": "Hermes 2 Pro",
    "json-list": "xLAM",
    "kimi-k2": "Kimi K2",
    "llama-3.1": "Llama 3.1",
    "llama-4": "Llama 4",
    "minimax-m2": "MiniMax M2",
    "mistral-v3": "Mistral v3",
    "mistral-v11": "Mistral v11",
    "mistral-v13": "Mistral v13",
    "nemotron": "Nemotron",
    "phi-4-mini": "Phi-4-mini",
    "pythonic": "Llama 3.2 pythonic",
    "qwen3-coder": "Qwen 3 Coder",
}
SILENT = (
    "{{ tools | tojson }}{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
)
"""Offers tools, and does not show how they are called."""
ASK = Conversation([{"role": "user", "content": "a"}], tools=[Tool("f", parameters={"type": "object"})])


@pytest.mark.parametrize("name", TOOL_FORMATS)
def test_it_is_what_its_family_writes(name: str) -> None:
    found, named = dialect_of(FAMILY[name]), TOOL_FORMATS[name]
    assert (named.calls, named.ids) == (found.calls, found.ids)
    assert (named.calls is None) == found.harmony


def test_it_takes_the_place_of_what_a_template_shows() -> None:
    with pytest.raises(Unsupported, match="does not show how tools are called"):
        Chats({"default": SILENT}, [], {}).open(ASK)
    dialect = Chats({"default": SILENT}, [], {}, TOOL_FORMATS["nemotron"]).open(ASK).dialect
    reply = '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Rome"}}]</TOOLCALL>'
    assert read(dialect, reply).calls[0][1] == {"city": "Rome"}
    hermes = TOOL_FORMATS["hermes"].applied(dialect_of("Qwen 3 thinking"))
    assert hermes.reasons, "of thoughts the template still tells"
    assert TOOL_FORMATS["harmony"].applied(dialect_of("Qwen 3 thinking")).harmony


def test_where_no_template_offers_tools_there_is_nothing_to_override() -> None:
    plain = "{% for message in messages %}{{ message.content }}{% endfor %}"
    with pytest.raises(ConfigError, match="offers no tools"):
        Chats({"default": plain}, [], {}, TOOL_FORMATS["hermes"])


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as caught:
        tool_format_named("smoke")
    assert all(name in caught.value.message for name in TOOL_FORMATS)
