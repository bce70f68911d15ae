"""Readers of streams as networks and tired clients are: in pieces of any size, at any pace, that stop, break off or
hang up in the middle of an event. Who reads to the end has the whole answer; who does not frees what was made for it.

What each reader does is drawn from a seed; `make fuzz` tries more of them.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from e2e.cases import CASES
from e2e.process import Server, eventually, running
from e2e.raw import request, unchunked

pytestmark = pytest.mark.e2e

TOKENS = 60
ASK = {"max_tokens": TOKENS, "temperature": 0, "stream": True, "model": "fake"}
CHAT = [{"role": "user", "content": "Say a lot."}]
"""What the test model's likeliest answer to is long enough."""
BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {**ASK, "prompt": ["x", "y"], "ignore_eos": True, "n": 2},
    "/v1/chat/completions": {**ASK, "messages": CHAT, "ignore_eos": True, "n": 2},
    "/v1/messages": {**ASK, "messages": CHAT},
    "/api/chat": {
        "model": "fake",
        "messages": CHAT,
        "options": {"num_predict": TOKENS, "temperature": 0},
        "logprobs": True,
        "top_logprobs": 3,
    },
    "/v1/responses": {
        "model": "fake",
        "input": "Say a lot.",
        "max_output_tokens": TOKENS,
        "temperature": 0,
        "stream": True,
        "store": False,
    },
}
AT_ONCE = 8
UPTO = (150, 1500, 12_000)
"""Bytes: of the head, of an answer that came at once since the server's loop lagged, of one in sixty pieces."""
ENDS = ("reads on", "reads on", "stops and reads on", "closes", "resets", "stops and closes")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("fake:step_us=500", "--model-name", "fake", "--context", "1000") as server:
        yield server
        assert server.stop() == 0


def events(path: str, answer: bytes) -> list[Any]:
    """All that the stream said; what is no whole event fails."""
    data = unchunked(answer).decode()
    if path.startswith("/api/"):
        return [json.loads(line) for line in data.splitlines()]
    assert data.endswith("\n\n")
    lines = [line.removeprefix("data: ") for event in data[:-2].split("\n\n") for line in event.split("\n")]
    return [json.loads(line) for line in lines if line.startswith("{")]


def text(path: str, answer: bytes) -> dict[int, str]:
    """What was said, by choice."""
    found: dict[int, str] = {}
    for event in events(path, answer):
        index = 0
        piece = event.get("delta") if isinstance(event.get("delta"), str) else (event.get("delta") or {}).get("text")
        for choice in event.get("choices", ()):
            index, piece = choice["index"], choice.get("text") or choice.get("delta", {}).get("content")
            found[index] = found.get(index, "") + (piece or "")
        if "message" in event:
            piece = event["message"].get("content") if path.startswith("/api/") else None
        if not event.get("choices"):
            found[0] = found.get(0, "") + (piece or "")
    return found


async def read(server: Server, path: str, draw: random.Random) -> bytes | None:
    """One reader. What it got, if it read to the end."""
    address = urlsplit(server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, draw.choice([2048, 8192, 65536]))
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(client, (address.hostname, address.port))
        await loop.sock_sendall(client, request(path, BODIES[path], connection="close"))
        end, upto, found = draw.choice(ENDS), draw.randrange(1, draw.choice(UPTO)), b""
        while end != "closes" or len(found) < upto:
            data = await loop.sock_recv(client, draw.choice([1, 7, 300, 5000]))
            found += data
            if not data:
                return found
            if draw.random() < 0.05:
                await asyncio.sleep(draw.random() * 0.02)
            if len(found) >= upto and end == "stops and reads on":
                await asyncio.sleep(0.2)
                end = "reads on"
            if len(found) >= upto and end in ("stops and closes", "resets"):
                break
        if end == "stops and closes":
            await asyncio.sleep(0.2)
        if end == "resets":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return None
    finally:
        client.close()


async def whole(server: Server, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(urlsplit(server.url).hostname, urlsplit(server.url).port)
    writer.write(request(path, BODIES[path], connection="close"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", BODIES)
async def test_whoever_reads_to_the_end_has_all_of_it_and_whoever_leaves_frees_it(server: Server, path: str) -> None:
    expected = text(path, await whole(server, path))
    assert sum(map(len, expected.values())) > TOKENS // 2
    draw = random.Random(path)
    got: list[bytes | None] = []
    for _ in range(max(2, CASES // AT_ONCE)):
        seeds = [random.Random(draw.random()) for _ in range(AT_ONCE)]
        got += await asyncio.gather(*(read(server, path, seed) for seed in seeds))
    answers = [answer for answer in got if answer is not None]
    assert 0 < len(answers) < len(got), "the seeds make both kinds"
    for answer in answers:
        assert text(path, answer) == expected
    for name in ("inferno_requests_running", "inferno_requests_waiting", "inferno_kv_cache_leases"):
        eventually(lambda name=name: server.metric(name) == 0)  # type: ignore[misc]
    assert text(path, await whole(server, path)) == expected
