"""How one model writes, as found in its chat template (``probe.py``): makes readers, and messages as it wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.calls import Calls
from inferno.engine.dialects.harmony import MARKS, HarmonyReader
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.reader import PlainReader, ReplyReader
from inferno.engine.dialects.text_reader import CallFormat, ReasoningMarks, TextReader
from inferno.engine.request import Message


@dataclass(frozen=True, slots=True)
class Dialect:
    """Immutable; shared by all requests. The default is that of a template without tools and reasoning."""

    calls: CallFormat | None = None
    reasoning: ReasoningMarks | None = None
    harmony: bool = False
    """Replies come in channels, which are reasoning, calls and content in one."""
    header: str = ""
    """What the template writes before each reply."""
    content_open: str = ""
    """What replies without calls begin with."""
    ids: IdStyle = IdStyle.ANY
    arguments_as_text: bool = False
    """The template reads a call's arguments as JSON text, not as an object."""
    null_content: bool = False
    """The template wants null for the content of a message that only calls."""
    reasoning_field: str = "reasoning_content"
    """Under which name the template reads earlier thoughts."""

    @property
    def calls_tools(self) -> bool:
        return self.calls is not None or self.harmony

    @property
    def reasons(self) -> bool:
        return self.reasoning is not None or self.harmony

    @property
    def marks(self) -> str:
        """All marks that a reply may hold. Those of them that are special tokens must be shown in its text."""
        if self.harmony:
            return " ".join(MARKS)
        marks = [self.content_open]
        if self.reasoning is not None:
            marks += [self.reasoning.open, self.reasoning.close]
        if self.calls is not None:
            marks += [self.calls.frame.marks, self.calls.script.marks]
        return " ".join(marks)

    def reader(self, tools: Mapping[str, Mapping[str, Any]], begun: str, first_number: int) -> ReplyReader:
        """For one reply, of which the prompt holds ``begun``. ``tools``: names and schemas of what may be called."""
        if self.harmony:
            reader: ReplyReader = HarmonyReader(Calls(tools, self.ids, first_number))
        elif self.reasoning is None and not self.content_open and not (tools and self.calls):
            return PlainReader()
        else:
            calls = Calls(tools, self.ids, first_number)
            reader = TextReader(self.reasoning, self.calls if tools else None, calls, content_open=self.content_open)
        reader.feed(begun)
        return reader

    def adapted(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as the template reads them."""
        names: dict[str, str] = {}
        ids: dict[str, str] = {}
        found: list[Message] = []
        for message in messages:
            entry = dict(message)
            if entry.get("tool_calls"):
                entry["tool_calls"] = [self._call(call, ids, names) for call in entry["tool_calls"]]
                if self.null_content and not entry.get("content"):
                    entry["content"] = None
            if "reasoning_content" in entry and self.reasoning_field != "reasoning_content":
                entry[self.reasoning_field] = entry.pop("reasoning_content")
            call_id = entry.get("tool_call_id")
            if isinstance(call_id, str):
                if call_id in names:
                    entry.setdefault("name", names[call_id])
                entry["tool_call_id"] = ids.get(call_id, call_id)
            found.append(entry)
        return found

    def _call(self, call: Any, ids: dict[str, str], names: dict[str, str]) -> Any:
        if not isinstance(call, Mapping) or not isinstance(call.get("function"), Mapping):
            return call
        function = dict(call["function"])
        name, given, arguments = function.get("name"), call.get("id"), function.get("arguments")
        if self.arguments_as_text and isinstance(arguments, Mapping):
            function["arguments"] = json.dumps(arguments, ensure_ascii=False)
        elif not self.arguments_as_text and isinstance(arguments, str):
            function["arguments"] = _object(arguments)
        entry = {**call, "function": function}
        if isinstance(given, str) and isinstance(name, str):
            names[given] = name
            entry["id"] = ids[given] = self.ids.fitted(given, name, len(ids))
        return entry


def _object(text: str) -> Any:
    """What is no object stays the text that the model once wrote."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict) else text
