"""Versions of the API: by path, by date, and what ages."""

from __future__ import annotations

import httpx
import pytest

from inferno.server.operations import OPERATIONS
from inferno.server.versions import DATES

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "ab"}]}


async def test_every_answer_tells_the_date_in_force(http: httpx.AsyncClient) -> None:
    for response in (await http.get("/v1/models"), await http.post(CHAT, json={}), await http.post(CHAT, json=BODY)):
        assert response.headers["inferno-version"] == DATES[-1]


async def test_a_known_date_is_kept_to_and_another_refused(http: httpx.AsyncClient) -> None:
    for date in DATES:
        response = await http.post(CHAT, json=BODY, headers={"Inferno-Version": date})
        assert (response.status_code, response.headers["inferno-version"]) == (200, date)
    response = await http.post(CHAT, json=BODY, headers={"Inferno-Version": "2020-01-01" * 10})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == "Inferno-Version"
    assert DATES[-1] in error["message"]
    assert len(error["message"]) < 200


@pytest.mark.parametrize("path", ["/v9/chat/completions", "/v3", "/v10/models"])
async def test_a_version_that_is_not_there_is_told_which_are(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert response.status_code == 404
    assert "it has v1" in response.json()["error"]["message"]


async def test_other_paths_are_only_not_found(http: httpx.AsyncClient) -> None:
    for path in ("/v1/nothing", "/video", "/v1x"):
        assert "it has v1" not in (await http.get(path)).json()["error"]["message"]


async def test_what_ages_says_so_and_is_counted(http: httpx.AsyncClient) -> None:
    for path in ("/tokenize", "/v1/tokenize"):
        response = await http.post(path, json={"prompt": "ab"})
        assert response.json()["tokens"] == [97, 98]
        assert ("deprecation" in response.headers) == (path == "/tokenize")
    refused = await http.post("/tokenize", json={})
    assert refused.headers["deprecation"].startswith("@17")
    assert refused.headers["link"] == '</v1/tokenize>; rel="successor-version"'
    metrics = (await http.get("/metrics")).text
    assert 'inferno_deprecated_requests_total{endpoint="/tokenize"} 2.0' in metrics


def test_what_ages_has_a_successor_that_does_not() -> None:
    by_path = {operation.path: operation for operation in OPERATIONS}
    for operation in OPERATIONS:
        if operation.ageing is not None:
            assert by_path[operation.ageing.successor].ageing is None


async def test_a_conversation_is_written_as_its_prompt(http: httpx.AsyncClient) -> None:
    assert (await http.post("/apply-template", json=BODY)).json() == {"prompt": "<user>ab"}
