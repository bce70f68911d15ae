"""``truncation: "auto"``: the oldest items go until the prompt leaves room, and the answer says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.fake_client import CONTEXT_TOKENS, FakeClient
from server.response_client import serving

PATH = "/v1/responses"
DROPPED = "x-inferno-dropped-items"


@pytest.fixture
async def http(fake: FakeClient, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(fake, tmp_path / "responses.db") as served:
        yield served.http


def said(*texts: str) -> list[dict[str, Any]]:
    """A conversation by turns, the user's first."""
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(texts)]


def called(number: int, output: str) -> list[dict[str, Any]]:
    call = {"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": "{}"}
    return [call, {"type": "function_call_output", "call_id": f"c{number}", "output": output}]


async def prompt_of(http: httpx.AsyncClient, fake: FakeClient, input_: Any, **fields: Any) -> tuple[str, str | None]:
    """What the model was shown, and how many items it was not."""
    response = await http.post(PATH, json={"input": input_, "truncation": "auto", **fields})
    assert response.status_code == 200, response.text
    assert response.json()["truncation"] == "auto"
    return "".join(map(chr, fake.requests[-1].prompt)), response.headers.get(DROPPED)


LONG = said(*(letter * 100 for letter in "abcde"))


async def test_the_oldest_items_go_until_there_is_room(http: httpx.AsyncClient, fake: FakeClient) -> None:
    shown, dropped = await prompt_of(http, fake, LONG, max_output_tokens=50)
    assert (shown, dropped) == ("c" * 100 + "d" * 100 + "e" * 100, "2")
    shown, dropped = await prompt_of(http, fake, LONG, max_output_tokens=150)
    assert (shown, dropped) == ("e" * 100, "4")
    assert await prompt_of(http, fake, LONG[2:], max_output_tokens=50) == ("c" * 100 + "d" * 100 + "e" * 100, None)


async def test_nothing_is_dropped_unless_it_is_allowed(http: httpx.AsyncClient) -> None:
    for fields in ({}, {"truncation": "disabled"}):
        response = await http.post(PATH, json={"input": LONG, **fields})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")


async def test_instructions_stay(http: httpx.AsyncClient, fake: FakeClient) -> None:
    developer = [{"role": "developer", "content": "D" * 20}]
    shown, dropped = await prompt_of(http, fake, [*developer, *LONG], instructions="I" * 20, max_output_tokens=50)
    assert (shown, dropped) == ("I" * 20 + "D" * 20 + "c" * 100 + "d" * 100 + "e" * 100, "2")


async def test_no_output_stays_without_its_call(http: httpx.AsyncClient, fake: FakeClient) -> None:
    asked = said("a" * 300)
    assert await prompt_of(http, fake, [*asked, *called(1, "x" * 60), *called(2, "y" * 60)]) == (
        "x" * 60 + "y" * 60,
        "1",
    )
    assert await prompt_of(http, fake, [*asked, *called(1, "x" * 380), *called(2, "y" * 60)]) == ("y" * 60, "3")


async def test_what_is_too_long_by_itself_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, json={"input": "z" * (CONTEXT_TOKENS + 1), "truncation": "auto"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")


async def test_a_conversation_keeps_what_the_model_was_not_shown(http: httpx.AsyncClient, fake: FakeClient) -> None:
    first = (await http.post(PATH, json={"input": "a" * 150})).json()
    assert first["output"][0]["content"][0]["text"] == "a" * 150
    shown, dropped = await prompt_of(http, fake, "b" * 150, previous_response_id=first["id"])
    assert (shown, dropped) == ("b" * 150, "2")
    ask = {"input": "c", "previous_response_id": first["id"], "truncation": "auto"}
    counted = await http.post(f"{PATH}/input_tokens", json={**ask, "input": "c" * 250})
    assert (counted.json()["input_tokens"], counted.headers[DROPPED]) == (250, "2")
    items = (await http.get(f"{PATH}/{first['id']}/input_items")).json()["data"]
    assert items[0]["content"][0]["text"] == "a" * 150
