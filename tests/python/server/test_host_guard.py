"""Pages of other sites do not reach a server without keys; with keys, the key decides."""

from __future__ import annotations

import httpx
import pytest

from server.fake_client import FakeClient
from server.harness import Settings, app_of, chat_body


async def status(headers: dict[str, str], settings: Settings) -> int:
    transport = httpx.ASGITransport(app_of(FakeClient(), settings=settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
        answer = await http.post("/v1/chat/completions", json=chat_body(), headers=headers)
    if answer.status_code == 403:
        assert answer.json()["error"]["code"] == "host_not_allowed"
    return answer.status_code


OWN = Settings(host="inferno.lan", allowed_hosts=("api.example.org",))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "[::1]:8080",
        "localhost",
        "LOCALHOST:1",
        "a.localhost",
        "10.1.2.3",
        "inferno.lan",
        "api.example.org:443",
    ],
)
async def test_the_names_it_has_are_answered(host: str) -> None:
    assert await status({"host": host}, OWN) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "",
        "[::1",
        "user@evil.example",
    ],
)
async def test_a_name_that_was_made_to_point_here_is_not(host: str) -> None:
    assert await status({"host": host}, OWN) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://10.1.2.3", "http://localhost.evil.example", ""]
)
async def test_a_page_of_another_site_is_not(origin: str) -> None:
    assert await status({"origin": origin}, OWN) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "https://api.example.org"},
        {"host": "10.1.2.3:8080", "origin": "http://10.1.2.3:8080"},
    ],
)
async def test_our_own_pages_are(headers: dict[str, str]) -> None:
    assert await status(headers, OWN) == 200


async def test_with_keys_the_key_decides() -> None:
    settings = Settings(api_keys=("k",), allowed_hosts=())
    assert await status({"host": "inferno.example.org", "authorization": "Bearer k"}, settings) == 200
    assert await status({"host": "inferno.example.org"}, settings) == 401
