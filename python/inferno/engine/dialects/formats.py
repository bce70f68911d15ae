"""Formats of calls by name, for models whose template shows none, or another than they write (``--tool-format``).

What a template shows is found in it (``probe.py``); the tests compare these with what is found in a family's template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inferno.engine.dialects.calls import Frame
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.json_call import JsonCall
from inferno.engine.dialects.named_call import NamedCall
from inferno.engine.dialects.pythonic_call import PythonicCall
from inferno.engine.dialects.tagged_call import TaggedCall
from inferno.engine.dialects.text_reader import CallFormat
from inferno.errors import ConfigError

_ARGUMENTS = JsonCall(("name",), ("arguments",), None)
_PARAMETERS = JsonCall(("name",), ("parameters",), None)


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """``calls`` is None where replies come in channels."""

    calls: CallFormat | None
    ids: IdStyle = IdStyle.ANY

    def applied(self, found: Dialect) -> Dialect:
        """``found``, with calls in this format; what it knows of thoughts and turns stays."""
        harmony = self.calls is None
        reasoning = None if harmony else found.reasoning
        return replace(found, calls=self.calls, ids=self.ids, harmony=harmony, reasoning=reasoning)


def _listed(open_: str, close: str, script: JsonCall | PythonicCall = _ARGUMENTS) -> CallFormat:
    return CallFormat(Frame(section_open=open_, between=", ", section_close=close), script)


TOOL_FORMATS: Mapping[str, ToolFormat] = {
    "deepseek-v3": ToolFormat(
        CallFormat(
            Frame(
                section_open="<｜tool▁calls▁begin｜>",
                call_open="<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                call_close="\n```<｜tool▁call▁end｜>",
                between="\n",
                section_close="<｜tool▁calls▁end｜>",
            ),
            NamedCall("\n```json\n"),
        )
    ),
    "deepseek-v3.1": ToolFormat(
        CallFormat(
            Frame(
                section_open="<｜tool▁calls▁begin｜>",
                call_open="<｜tool▁call▁begin｜>",
                call_close="<｜tool▁call▁end｜>",
                section_close="<｜tool▁calls▁end｜>",
            ),
            NamedCall("<｜tool▁sep｜>"),
        )
    ),
    "functionary-v3.1": ToolFormat(CallFormat(Frame(call_open="<function=", call_close="</function>"), NamedCall(">"))),
    "glm-4.5": ToolFormat(
        CallFormat(
            Frame(call_open="\n<tool_call>", call_close="\n</tool_call>"),
            TaggedCall("", "\n<arg_key>", "</arg_key>\n<arg_value>", "</arg_value>", "</tool_call>", False),
        )
    ),
    "granite-3": ToolFormat(_listed("<|tool_call|>[", "]")),
    "harmony": ToolFormat(None),
    "hermes": ToolFormat(CallFormat(Frame(call_open="\n<tool_call>\n", call_close="\n</tool_call>"), _ARGUMENTS)),
    "json-list": ToolFormat(_listed("[", "]")),
    "kimi-k2": ToolFormat(
        CallFormat(
            Frame(
                section_open="<|tool_calls_section_begin|>",
                call_open="<|tool_call_begin|>",
                call_close="<|tool_call_end|>",
                section_close="<|tool_calls_section_end|>",
            ),
            NamedCall("<|tool_call_argument_begin|>", name_is_id=True),
        ),
        IdStyle.NUMBERED,
    ),
    "llama-3.1": ToolFormat(CallFormat(Frame(several=False), _PARAMETERS)),
    "llama-4": ToolFormat(_listed("<|python_start|>[", "]<|python_end|>", PythonicCall())),
    "minimax-m2": ToolFormat(
        CallFormat(
            Frame(
                section_open="\n<minimax:tool_call>",
                call_open='\n<invoke name="',
                call_close="\n</invoke>",
                section_close="\n</minimax:tool_call>",
            ),
            TaggedCall('">', '\n<parameter name="', '">', "</parameter>", "</invoke>", False),
        )
    ),
    "mistral-v3": ToolFormat(_listed("[TOOL_CALLS] [", "]"), IdStyle.NINE),
    "mistral-v11": ToolFormat(
        CallFormat(Frame(call_open="[TOOL_CALLS]"), NamedCall(before_id="[CALL_ID]", after_id="[ARGS]")), IdStyle.NINE
    ),
    "mistral-v13": ToolFormat(CallFormat(Frame(call_open="[TOOL_CALLS]"), NamedCall("[ARGS]"))),
    "nemotron": ToolFormat(_listed("<TOOLCALL>[", "]</TOOLCALL>\n")),
    "phi-4-mini": ToolFormat(_listed("<|tool_call|>[", "]<|/tool_call|>")),
    "pythonic": ToolFormat(_listed("[", "]", PythonicCall())),
    "qwen3-coder": ToolFormat(
        CallFormat(
            Frame(call_open="\n<tool_call>\n<function=", call_close="\n</function>\n</tool_call>"),
            TaggedCall(">", "\n<parameter=", ">\n", "\n</parameter>", "</function>", False),
        )
    ),
}


def tool_format_named(name: str) -> ToolFormat:
    """Raises ConfigError for a name that is none, with those that are."""
    found = TOOL_FORMATS.get(name)
    if found is None:
        known = ", ".join(sorted(TOOL_FORMATS))
        raise ConfigError(f"there is no tool format {name[:64]!r}; known are {known}, and by default the model's own")
    return found
