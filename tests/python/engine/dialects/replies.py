"""What a model of a family would write, and what is read of it."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from engine.dialects.families import FAMILIES
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.dialects.probe import find_dialect
from inferno.engine.prompt import ChatPrompt
from inferno.errors import InvalidArgument

TOOLS: dict[str, dict[str, Any]] = {
    "get_weather": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "precise": {"type": "boolean"},
            "places": {"type": "array", "items": {"type": "string"}},
        },
    },
    "set-light": {"type": "object", "properties": {"room": {"type": "string"}}},
}
OFFERED = [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in TOOLS.items()]


@dataclass
class Read:
    """A reply as its events tell it."""

    content: str = ""
    reasoning: str = ""
    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    ended: int = 0

    @property
    def calls(self) -> list[tuple[str, Any]]:
        return [(name, json.loads(text)) for name, text in zip(self.names, self.arguments, strict=True)]


@cache
def prompt_of(family: str) -> ChatPrompt:
    return ChatPrompt(FAMILIES[family].template, [], bos_token="<s>", eos_token=FAMILIES[family].eos)


@cache
def dialect_of(family: str) -> Dialect:
    return find_dialect(lambda messages, variables: rendered(family, messages, variables), FAMILIES[family].template)


def rendered(family: str, messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> str | None:
    prompt = prompt_of(family)
    try:
        return prompt.text(prompt.render(messages, variables))
    except InvalidArgument:
        return None


def written(family: str, message: Mapping[str, Any], ask: str = "Weather?") -> str:
    """The reply, behind the turn's header."""
    dialect = dialect_of(family)
    messages = dialect.adapted([{"role": "user", "content": ask}, {"role": "assistant", **message}])
    text = rendered(family, messages, {"tools": OFFERED, "add_generation_prompt": False})
    assert text is not None, (family, message)
    before = rendered(family, messages[:1], {"tools": OFFERED, "add_generation_prompt": False}) or ""
    rest = text.rpartition(ask)[2].removeprefix(before.rpartition(ask)[2])
    return rest.removeprefix(dialect.header) if dialect.header else rest


def read(dialect: Dialect, text: str, cuts: Sequence[int] | None = None, begun: str = "") -> Read:
    """``cuts`` are where the text is cut into pieces; None: nowhere."""
    reader = dialect.reader(TOOLS, begun, 0)
    found = Read()
    places = [0, *sorted(cuts or []), len(text)]
    for start, end in itertools.pairwise(places):
        take(found, reader.feed(text[start:end]))
    take(found, reader.close())
    return found


def take(found: Read, events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case Content(text):
                assert text
                found.content += text
            case Reasoning(text):
                assert text
                found.reasoning += text
            case CallBegun(index, call_id, name):
                assert index == len(found.names)
                found.ids.append(call_id)
                found.names.append(name)
                found.arguments.append("")
            case CallArguments(index, text):
                assert index == len(found.names) - 1
                found.arguments[index] += text
            case CallEnded(index):
                assert index == len(found.names) - 1
                found.ended += 1


def call(name: str, arguments: Mapping[str, Any], number: int = 0, call_id: str = "") -> dict[str, Any]:
    return {
        "id": call_id or f"call_{number:024}",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)},
    }


def some_cuts(text: str, seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 30))]
