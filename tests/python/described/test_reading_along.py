"""An answer that is not as it is described is reported, and one that is as described is not."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from described.middleware import AnswersReadAlong
from inferno.server.operation import Operation
from inferno.server.wire.framing import Framing


class Said(msgspec.Struct, tag="said"):
    text: str


class Count(msgspec.Struct):
    object: Literal["count"]
    number: int
    parts: list[Said] = []


async def endpoint(request: Request) -> Response:
    raise NotImplementedError


COUNT = Operation(
    method="GET", path="/count", endpoint=endpoint, tag="t", summary="s", answer=Count, chunk=Said, unready=True
)
LINES = dataclasses.replace(COUNT, framing=Framing("application/x-ndjson", b""))


async def reported(body: bytes, media: str, status: int = 200, operation: Operation = COUNT) -> list[str]:
    found: list[str] = []

    async def answer(request: Request) -> Response:
        return Response(body, status, media_type=media)

    app = Starlette(routes=[Route("/count", answer)])
    app.add_middleware(AnswersReadAlong, operations=[operation], report=found.append)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert (await http.get("/count")).content == body, "what is read goes on unchanged"
        assert (await http.get("/nowhere")).status_code == 404
    return found


ERROR = b'{"error": {"message": "m", "type": "t", "param": null, "code": "c"}}'
GOOD = b'{"object": "count", "number": 3, "parts": [{"type": "said", "text": "a"}]}'
EVENT = b'data: {"type": "said", "text": "a"}\n\n'


@pytest.mark.parametrize("body", [GOOD, b'{"object": "count", "number": 3}'])
@pytest.mark.parametrize("status", [200, 503])
async def test_what_is_as_described_is_not_reported(body: bytes, status: int) -> None:
    assert await reported(body, "application/json", status) == []


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b'{"object": "count", "number": "3"}', 200, "number"),
        (b'{"object": "count"}', 200, '"number" is a required property'),
        (b'{"object": "sum", "number": 3}', 200, "object"),
        (b'{"object": "count", "number": 3, "more": 1}', 200, "more"),
        (b'{"object": "count", "number": 3, "parts": [{"type": "said", "text": "a", "more": 1}]}', 200, "more"),
        (b'{"object": "count", "number": NaN}', 200, "NaN"),
        (b'{"object": "count", "number": 3, "number": 4}', 200, "a key occurs twice"),
        (b"no JSON", 200, "not JSON"),
        (b'{"error": "in words"}', 400, "answers 400"),
        (GOOD, 500, "answers 500"),
    ],
)
async def test_an_answer_that_is_otherwise_is_reported(body: bytes, status: int, problem: str) -> None:
    [found] = await reported(body, "application/json", status)
    assert found.startswith("GET /count answers")
    assert problem in found


async def test_a_media_type_that_is_not_described_is_reported() -> None:
    [found] = await reported(b"3", "text/plain")
    assert "'text/plain'" in found


@pytest.mark.parametrize(
    "body",
    [
        EVENT + b"data: [DONE]\n\n",
        b": keep-alive\n\n" + EVENT,
        b'event: said\ndata: {"type": "said", "text": "a"}\n\n',
        EVENT + b"data: " + ERROR + b"\n\n",
    ],
)
async def test_a_stream_as_described_is_not_reported(body: bytes) -> None:
    assert await reported(body, "text/event-stream") == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'data: {"type": "said", "text": 1}\n\n', "not described"),
        (b"data: [END]\n\n", "not JSON"),
        (b'event: told\ndata: {"type": "said", "text": "a"}\n\n', "an event 'told' whose data is of type 'said'"),
        (b"data: [DONE]\n\n" + EVENT, "after the mark of the end"),
        (b'id: 3\ndata: {"type": "said", "text": "a"}\n\n', "no event of one line of data"),
        (EVENT[:-4], "in the middle of an event"),
    ],
)
async def test_an_event_that_is_otherwise_is_reported(body: bytes, problem: str) -> None:
    assert any(problem in found for found in await reported(body, "text/event-stream"))


async def test_the_lines_of_a_stream_are_read_too() -> None:
    good = b'{"type": "said", "text": "a"}\n'
    assert await reported(good + ERROR + b"\n", "application/x-ndjson", operation=LINES) == []
    wrong: list[Any] = await reported(good + b'{"type": "said"}\n', "application/x-ndjson", operation=LINES)
    assert len(wrong) == 1
