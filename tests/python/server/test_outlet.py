"""What is written to a client that takes nothing: one piece, and then all that came meanwhile in another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from inferno.engine.local import LocalEngine
from inferno.engine.text_frame import TextFrame
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from inferno.server.chunk_outlet import ChunkOutlet
from inferno.server.outlet import OUTLET
from server.harness import Call, Settings, events_of, soon, until

TOKENS = 200


class Narrow:
    """Takes what is written, and says each time that there is no room for more until told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.silent = False
        self.room = asyncio.Event()

    def write(self, data: bytes) -> bool:
        self.written.append(data)
        return False

    async def drained(self) -> None:
        await self.room.wait()

    def framed(self, frame: TextFrame) -> tuple[TextFrame, Callable[[bytes], bool]]:
        return frame, self.write


async def test_who_takes_nothing_is_written_one_event_until_there_is_room() -> None:
    engine = await LocalEngine.load("fake:step_us=100", name="fake")
    outlet = Narrow()
    asked = {"prompt": "x", "stream": True, "ignore_eos": True, "max_tokens": TOKENS, "temperature": 0, "logprobs": 0}
    call = Call(
        build_app(ModelRegistry({"fake": engine}, default="fake"), Settings()),
        path="/v1/completions",
        body=json.dumps(asked).encode(),
        extensions={OUTLET: lambda: outlet},
    )
    running = call.start()
    assert await soon(call.status()) == 200
    await until(lambda: engine.stats()["finished"])
    assert len(outlet.written) == 1
    outlet.room.set()
    await soon(running)
    events = events_of(b"".join(outlet.written) + await soon(call.rest()))
    said = [event["choices"][0]["logprobs"]["tokens"] for event in events[:-2]]
    assert sum(len(tokens) for tokens in said) == TOKENS
    assert len(said) <= 3, "the last of it may have come just then"
    await engine.aclose()


async def test_a_chunk_is_written_whole_and_says_whether_the_next_has_room() -> None:
    written: list[bytes] = []
    transport: Any = SimpleNamespace(write=written.append)
    flow = FlowControl(transport)
    cycle: Any = SimpleNamespace(chunked_encoding=True, disconnected=False, flow=flow, transport=transport)
    outlet = ChunkOutlet(cycle)
    assert outlet.write(b"0123456789abcdef!")
    flow.pause_writing()
    assert not outlet.write(b"more")
    assert written == [b"11\r\n0123456789abcdef!\r\n", b"4\r\nmore\r\n"]
    waiting = asyncio.ensure_future(outlet.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    flow.resume_writing()
    await soon(waiting)
    cycle.disconnected = True
    outlet.write(b"to nobody")
    assert len(written) == 2
    with pytest.raises(ConnectionResetError):
        await outlet.drained()
