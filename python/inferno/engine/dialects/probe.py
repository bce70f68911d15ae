"""Finds a dialect: renders a template with and without calls and thoughts, and looks at what it wrote around them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inferno.engine.dialects.calls import Frame, Script
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.literals import shared_end, shared_start
from inferno.engine.dialects.scripts import Written, script_of
from inferno.engine.dialects.tagged_call import TaggedCall
from inferno.engine.dialects.text_reader import CallFormat, ReasoningMarks
from inferno.engine.request import Message

Render = Callable[[Sequence[Message], Mapping[str, Any]], str | None]
"""Text of messages under template variables; None where the template refuses them."""

_ASK: Message = {"role": "user", "content": "Qx7"}
_SAID, _THOUGHT = "Cx7", "Rx7"
_NAMES = ("probe_alpha", "probe_beta")
_IDS = {
    IdStyle.ANY: ("call_px7000000001", "call_px7000000002"),
    IdStyle.NINE: ("px7aaaaa1", "px7aaaaa2"),
    IdStyle.NUMBERED: ("functions.probe_alpha:0", "functions.probe_beta:1"),
}
_ARGUMENTS = ({"key_one": "vx one", "key_two": 7141}, {"key_one": "vx two", "key_two": 7142})
_SCHEMA = {"type": "object", "properties": {"key_one": {"type": "string"}, "key_two": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": name, "description": "d", "parameters": _SCHEMA}} for name in _NAMES]
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
_THOUGHT_MARK = re.compile(r"<(?P<name>(?:\w+:)?(?:think\w*|thought\w*|reasoning))>")
_TURN_ENDS = re.compile(r"(?:<\|eom_id\|>|<\|eot_id\|>|<\|im_end\|>|</s>)\s*$")


def find_dialect(render: Render, source: str) -> Dialect:
    """How a model with this template writes; ``source`` is the template itself. Never raises."""
    turn = _Turn(render)
    found = Dialect(header=turn.header, content_open=turn.content_open)
    if "<|channel|>final<|message|>" in turn.header + turn.content_open:
        header = turn.header.split("<|channel|>")[0]
        style = _calls_style(turn, found)
        field = "thinking" if "message.thinking" in source or "'thinking'" in source else "reasoning_content"
        style = style or found
        return replace(style, harmony=True, header=header, content_open="", reasoning_field=field, calls=None)
    found = _with_reasoning(turn, found, source)
    return _calls_style(turn, found) or found


class _Turn:
    """Where a reply stands in what the template writes."""

    def __init__(self, render: Render) -> None:
        self.render = render
        asked = render([_ASK], {"add_generation_prompt": True}) or ""
        before = render([_ASK], {"add_generation_prompt": False}) or ""
        said = render([_ASK, {"role": "assistant", "content": _SAID}], {"add_generation_prompt": False}) or ""
        self.opening = asked[len(before) :] if asked.startswith(before) else ""
        self.header = shared_start(self.opening, said[len(before) :]) if said.startswith(before) else ""
        reply = said[len(before) + len(self.header) :] if said.startswith(before) else ""
        self.content_open, _, self.end = reply.partition(_SAID) if _SAID in reply else ("", "", "")

    def reply(self, message: Mapping[str, Any], header: str, variables: Mapping[str, Any]) -> str | None:
        """What the template writes for an assistant's message, behind the header and without the turn's end."""
        before = self.render([_ASK], {**variables, "add_generation_prompt": False})
        written = self.render([_ASK, {"role": "assistant", **message}], {**variables, "add_generation_prompt": False})
        if before is None or written is None:
            return None
        # Not compared from the beginning: some templates offer the tools before the last message only.
        rest = written.rpartition(_ASK["content"])[2].removeprefix(before.rpartition(_ASK["content"])[2])
        rest = rest[rest.find(header) + len(header) :] if header and header in rest else rest
        end = shared_end(rest, self.end)
        rest = rest[: len(rest) - len(end)] if end.strip() else rest
        return _TURN_ENDS.sub("", rest)


def _with_reasoning(turn: _Turn, found: Dialect, source: str) -> Dialect:
    marks, field = None, "reasoning_content"
    for name in _THOUGHT_FIELDS:
        reply = turn.reply({"content": _SAID, name: _THOUGHT}, found.header, {}) or ""
        if _THOUGHT in reply and _SAID in reply.partition(_THOUGHT)[2]:
            opened, _, rest = reply.partition(_THOUGHT)
            close = rest.partition(_SAID)[0].removesuffix(found.content_open)
            opened = opened if opened.strip() else turn.opening[len(found.header) :] or found.header
            marks, field = ReasoningMarks(_last_mark(opened), _first_mark(close)), name
            break
    if marks is None or not (marks.open and marks.close):
        written = _THOUGHT_MARK.search(source + turn.opening)
        if written is None or (f"</{written['name']}>" not in source + turn.opening and written[0] not in turn.opening):
            return found
        marks = ReasoningMarks(written[0], f"</{written['name']}>")
    content_open = found.content_open.rpartition(marks.close)[2]
    header = min((found.header.partition(mark)[0] for mark in (marks.open, marks.close)), key=len)
    return replace(found, reasoning=marks, reasoning_field=field, header=header, content_open=content_open.strip())


def _first_mark(text: str) -> str:
    return next(iter(text.split()), "")


def _last_mark(text: str) -> str:
    return next(iter(text.split()[::-1]), "")


def _calls_style(turn: _Turn, found: Dialect) -> Dialect | None:
    """``found`` with the calls that the template writes; None where it writes none that we can read."""
    for ids in IdStyle:
        for as_text in (False, True):
            for null_content in (False, True):
                style = replace(found, ids=ids, arguments_as_text=as_text, null_content=null_content)
                replies = [_written(turn, style, count) for count in (1, 2)]
                if replies[0] is None or not all(key in replies[0] for key in ("vx one", "7141", "key_one", _NAMES[0])):
                    continue
                done = _style(turn, style, replies[0], replies[1] or "")
                if done is not None:
                    return done
    return None


def _written(turn: _Turn, style: Dialect, count: int) -> str | None:
    calls = [
        {
            "id": _IDS[style.ids][number],
            "type": "function",
            "function": {
                "name": _NAMES[number],
                "arguments": json.dumps(_ARGUMENTS[number]) if style.arguments_as_text else _ARGUMENTS[number],
            },
        }
        for number in range(count)
    ]
    message = {"content": None if style.null_content else "", "tool_calls": calls}
    reply = turn.reply(message, style.header, {"tools": TOOLS})
    if reply is not None and style.reasoning is not None:
        reply = reply.rpartition(style.reasoning.close)[2]
    return reply


def _style(turn: _Turn, style: Dialect, one: str, two: str) -> Dialect | None:
    written = [Written(_NAMES[number], _IDS[style.ids][number], _ARGUMENTS[number]) for number in range(2)]
    single = script_of(one, written[0], 0)
    if single is None:
        return None
    begin, end, script = single
    head, tail = one[:begin], one[end:]
    pair = [script_of(two, written[0], 0), None]
    if pair[0] is not None:
        pair[1] = script_of(two, written[1], pair[0][1])
    header, content_open = style.header, style.content_open
    if pair[0] is None or pair[1] is None:
        frame = Frame(call_open=head, call_close=tail, several=False)
    else:
        between = two[pair[0][1] : pair[1][0]]
        mark = between.strip()
        if not head.strip() and mark and header.endswith(mark):  # the prompt has opened the first call already
            header, head, content_open = header.removesuffix(mark), mark, mark + content_open
        frame = _frame(head, between, two[pair[1][1] :])
    return replace(style, calls=CallFormat(frame, _finished(script, frame)), header=header, content_open=content_open)


def _frame(head: str, between: str, tail: str) -> Frame:
    call_open = shared_end(head, between)
    rest = between[: len(between) - len(call_open)]
    call_close = shared_start(tail, rest)
    return Frame(
        section_open=head[: len(head) - len(call_open)],
        call_open=call_open,
        call_close=call_close,
        between=rest[len(call_close) :],
        section_close=tail[len(call_close) :],
    )


def _finished(script: Script, frame: Frame) -> Script:
    if isinstance(script, TaggedCall):
        return replace(script, end=_first_mark(frame.call_close + frame.section_close))
    return script
