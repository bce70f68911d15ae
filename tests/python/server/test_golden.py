"""Recorded requests of the first version of the API, replayed: the same request gets the same answer.

Each file of ``tests/data/golden`` is one exchange with the fake model of the engine. INFERNO_TEST_WRITE_GOLDEN=1
records answers anew, to be looked at before they are promised. Left out of the comparison: ids and times, and how a
stream is cut into chunks.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inferno.engine.local import LocalEngine
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from server.harness import Settings, events_of

FOLDER = Path(__file__).parents[2] / "data" / "golden"
FILES = sorted(FOLDER.glob("*.json"))
RECORDED = {file: json.loads(file.read_text()) for file in FILES}
NEVER_THE_SAME = {"id", "created", "loaded_at", "system_fingerprint"}
DIGITS = 4


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    engine = await LocalEngine.load("fake:", name="fake-model", engine={"prefix_cache": False, "speculate": "off"})
    app = build_app(ModelRegistry({"fake-model": engine}, default="fake-model"), Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    await engine.aclose()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_what_was_answered_once_is_answered_still(file: Path, http: httpx.AsyncClient) -> None:
    recorded = RECORDED[file]
    asked = recorded["request"]
    response = await http.request(asked["method"], asked["path"], json=asked.get("body"))
    answered = {"status": response.status_code, "body": _body(response)}
    if os.environ.get("INFERNO_TEST_WRITE_GOLDEN"):
        _record(file, {"request": asked, "response": answered})
    else:
        assert answered == recorded["response"]


def test_there_are_recordings() -> None:
    assert len(FILES) >= 16


def _record(file: Path, exchange: Any) -> None:
    file.write_text(json.dumps(exchange, indent=1, ensure_ascii=False) + "\n")


def _body(response: httpx.Response) -> Any:
    if response.headers["content-type"].startswith("text/event-stream"):
        return _stream(events_of(response.content))
    return _lasting(response.json())


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(part) for key, part in value.items() if key not in NEVER_THE_SAME}
    if isinstance(value, list):
        return [_lasting(part) for part in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _stream(events: list[Any]) -> dict[str, Any]:
    """The chunks of each choice joined; what they have in common once."""
    assert events.pop() == "[DONE]"
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for event in events:
        usage = event.pop("usage", None) or usage
        for choice in event.pop("choices"):
            joined = choices.setdefault(choice["index"], {"text": "", "roles": [], "finish_reason": None})
            delta = choice.get("delta", choice)
            joined["text"] += delta.get("content") or delta.get("text") or ""
            joined["roles"] += [delta["role"]] if "role" in delta else []
            joined["finish_reason"] = choice["finish_reason"] or joined["finish_reason"]
    heads = {json.dumps(_lasting(event), sort_keys=True) for event in events}
    return {"heads": sorted(heads), "choices": [choices[index] for index in sorted(choices)], "usage": usage}
