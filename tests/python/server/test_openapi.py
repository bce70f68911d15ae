"""The API's description says what the server does: the same paths, valid, made of the types that decode."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from inferno.server.openapi import describe
from inferno.server.operations import OPERATIONS
from server.fake_client import FakeClient
from server.harness import Settings, app_of


@pytest.fixture
async def document(http: httpx.AsyncClient) -> dict[str, Any]:
    response = await http.get("/openapi.json")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


async def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


async def test_it_lists_the_routes_and_nothing_else(document: dict[str, Any], fake: FakeClient) -> None:
    served = {
        (re.sub(r":path\}", "}", route.path), method)
        for route in app_of(fake).routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert described == served


async def test_fields_have_the_limits_that_decoding_has(document: dict[str, Any], http: httpx.AsyncClient) -> None:
    temperature = document["components"]["schemas"]["ChatRequest"]["properties"]["temperature"]
    [number] = [kind for kind in temperature["anyOf"] if kind["type"] == "number"]
    assert (number["minimum"], number["maximum"]) == (0, 2)
    body = {"messages": [{"role": "user", "content": "a"}], "temperature": number["maximum"] + 0.5}
    assert (await http.post("/v1/chat/completions", json=body)).status_code == 400


def test_operations_have_names_of_their_own() -> None:
    names = [operation.endpoint.__name__ for operation in OPERATIONS if operation.ageing is None]
    assert len(names) == len(set(names))


async def test_only_what_is_open_needs_no_key(document: dict[str, Any], fake: FakeClient) -> None:
    opened = {
        path for path, methods in document["paths"].items() for found in methods.values() if found.get("security") == []
    }
    assert opened == {"/health/live", "/v2/health/live", "/docs", "/"}
    transport = httpx.ASGITransport(app_of(fake, settings=Settings(api_keys=("k",))))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/openapi.json")).status_code == 401
        page = await http.get("/docs")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        front = await http.get("/")
        assert (front.content, front.headers["content-security-policy"]) == (
            page.content,
            page.headers["content-security-policy"],
        )
        assert (await http.head("/")).status_code == 200


def test_the_command_prints_the_same_document(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from inferno.cli import main

    with pytest.raises(SystemExit):
        main(["openapi"])
    assert json.loads(capsys.readouterr().out) == describe(OPERATIONS)
