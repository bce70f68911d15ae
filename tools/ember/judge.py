"""The 200 checks, and whether an answer passes one. Needs nothing but the standard library."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKS = Path(__file__).with_name("checks.jsonl")
_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


@dataclass(frozen=True)
class Check:
    """A conversation up to the assistant's turn, and what a right answer is."""

    id: str
    topic: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    expect: dict[str, Any]
    held_out: bool


def load_checks(path: Path = CHECKS) -> list[Check]:
    """All checks, in the order of the file."""
    checks = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        fields.setdefault("tools", [])
        checks.append(Check(**fields))
    return checks


def _loads(text: str) -> Any:
    """The JSON value of a text, or None where it is not JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def _one_call(answer: str) -> Any:
    """What the only tool call of an answer says, or None where there is not exactly one."""
    calls = _CALL.findall(answer)
    return _loads(calls[0]) if len(calls) == 1 else None


def passes(expect: dict[str, Any], answer: str) -> bool:
    """Whether the answer is what was expected.

    `contains` wants every text in the answer, `equals` the answer itself, `json`
    an answer that is this JSON value, `tool_call` one call with this name and
    these arguments. Space around the answer does not matter.
    """
    answer = answer.strip()
    ((kind, wanted),) = expect.items()
    if kind == "contains":
        return all(text in answer for text in wanted)
    if kind == "equals":
        return bool(answer == wanted)
    if kind == "json":
        return bool(_loads(answer) == wanted)
    if kind == "tool_call":
        return bool(_one_call(answer) == wanted)
    raise ValueError(f"unknown expectation {kind!r}")
