"""Rendering messages with the chat template that goes into the GGUF file."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from exchange import Message, Tool
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

SOURCE = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8").rstrip("\n")


def _tojson(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@functools.cache
def _template() -> Template:
    """Compiled as chat servers compile it: sandboxed, with `tojson` that escapes no HTML."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = _tojson
    return environment.from_string(SOURCE)


def render(messages: list[Message], tools: list[Tool] | None = None, prompt: bool = False) -> str:
    """The text of a conversation; with `prompt` it ends where the assistant begins to speak."""
    return _template().render(messages=messages, tools=tools or None, add_generation_prompt=prompt)
