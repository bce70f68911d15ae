"""The first version of the API is promised: what its description had, it keeps.

``tests/data/openapi_v1.json`` is the description as it was promised. INFERNO_TEST_WRITE_CONTRACT=1 promises what there
is now, with what was added since.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from inferno.server.openapi import describe
from inferno.server.operations import OPERATIONS
from server.contract import broken

PROMISED = Path(__file__).parents[2] / "data" / "openapi_v1.json"
PATHS = {
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/tokenize",
    "/v1/detokenize",
}
"""Others join when their description has settled."""


def now() -> dict[str, Any]:
    described = describe([operation for operation in OPERATIONS if operation.path in PATHS])
    return {"paths": described["paths"], "components": {"schemas": described["components"]["schemas"]}}


@pytest.fixture
def promised() -> dict[str, Any]:
    if os.environ.get("INFERNO_TEST_WRITE_CONTRACT"):
        PROMISED.write_text(json.dumps(now(), indent=1, sort_keys=True) + "\n")
    found = json.loads(PROMISED.read_text())
    assert isinstance(found, dict)
    return found


def test_what_was_promised_is_kept(promised: dict[str, Any]) -> None:
    assert broken(promised, now()) == []


def test_additions_break_nothing(promised: dict[str, Any]) -> None:
    more = copy.deepcopy(promised)
    more["paths"]["/v1/new"] = {}
    more["components"]["schemas"]["ChatRequest"]["properties"]["new"] = {"type": "string"}
    more["components"]["schemas"]["ChatCompletion"]["required"].append("new")
    assert broken(promised, more) == []


def _gone(schemas: Any) -> None:
    del schemas["ChatRequest"]["properties"]["seed"]


def _renamed(schemas: Any) -> None:
    schemas["UsageBody"]["properties"]["tokens"] = schemas["UsageBody"]["properties"].pop("total_tokens")


def _retyped(schemas: Any) -> None:
    schemas["UsageBody"]["properties"]["total_tokens"] = {"type": "string"}


def _narrowed(schemas: Any) -> None:
    schemas["ChatRequest"]["properties"]["stop"]["anyOf"].pop(0)


def _required(schemas: Any) -> None:
    schemas["CompletionRequest"]["required"].append("model")


def _without(schemas: Any) -> None:
    del schemas["ErrorBody"]


@pytest.mark.parametrize("change", [_gone, _renamed, _retyped, _narrowed, _required, _without])
def test_a_change_that_breaks_clients_is_seen(promised: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(promised)
    change(changed["components"]["schemas"])
    assert broken(promised, changed)


def test_an_operation_that_is_gone_is_seen(promised: dict[str, Any]) -> None:
    changed = copy.deepcopy(promised)
    del changed["paths"]["/v1/embeddings"]
    assert broken(promised, changed) == ["POST /v1/embeddings is gone"]
