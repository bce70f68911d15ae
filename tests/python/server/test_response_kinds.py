"""Tools and items of kinds that nothing here runs are passed over and named, whatever OpenAI has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import httpx
import pytest
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from openai.types.responses.tool_param import ToolParam

from inferno.server.wire.responses.input import READ
from server.fake_client import FakeClient
from server.response_client import PATH, checked, serving


@pytest.fixture
async def http(fake: FakeClient, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(fake, tmp_path / "r.db") as served:
        yield served.http


async def test_no_kind_of_tool_or_item_that_openai_has_is_refused(http: httpx.AsyncClient, fake: FakeClient) -> None:
    """The kinds are those of the client's own types, so that new ones are noticed."""
    tools = sorted(kinds_of(ToolParam) - {"function"})
    items = sorted(kinds_of(ResponseInputItemParam) - set(READ))
    assert {"web_search", "file_search", "code_interpreter", "mcp", "image_generation", "local_shell"} < set(tools)
    assert len(items) > 20
    ask = {
        "input": [{"role": "user", "content": "a"}, *({"type": kind} for kind in items)],
        "tools": [{"type": kind} for kind in tools],
        "tool_choice": "auto",
    }
    response = await http.post(PATH, json=ask)
    assert response.status_code == 200, response.text
    named = response.headers["x-inferno-unused-fields"].split(", ")
    assert named == [*(f"tools[{n}]" for n in range(len(tools))), *(f"input[{n + 1}]" for n in range(len(items)))]
    assert checked(response.json())["tools"] == []
    assert fake.requests[0].prompt == [ord("a")]


def kinds_of(union: Any) -> set[str]:
    """What ``type`` may be in the members of a union of typed dictionaries."""
    found: set[str] = set()
    for member in get_args(union):
        if not isinstance(member, type):
            found |= kinds_of(member)
        elif kind := get_type_hints(member).get("type"):
            found |= {value for value in literals(kind) if value is not None}
    return found


def literals(kind: Any) -> set[Any]:
    """The values of a literal, optional or not."""
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    return {value for part in get_args(kind) for value in literals(part)}
