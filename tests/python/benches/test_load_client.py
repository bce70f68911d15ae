"""The load client against a small server in the same loop: what it times, counts and refuses to believe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from benches.load import drivers
from benches.load.client import Endpoint, complete, send
from benches.load.http_response import EventParser, ProtocolError, ResponseParser

Answer = Callable[[asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
USAGE = {"usage": {"prompt_tokens": 5, "completion_tokens": 3}, "choices": []}
STREAMED = {"prompt": "x", "stream": True}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(value: dict[str, Any] | str) -> bytes:
    payload = value if isinstance(value, str) else json.dumps(value)
    return f"data: {payload}\n\n".encode()


def text(piece: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": piece}]}


STREAM = (
    HEAD
    + b"".join(
        chunk(part) for part in (event(text("a")), event(text("b")) + event(text("c")), event(USAGE), event("[DONE]"))
    )
    + END
)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Endpoint]:
    """Reads each request whole and lets ``answer`` write the response."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            await answer(writer, json.loads(await reader.readexactly(length)))
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])


def writing(*parts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


@pytest.mark.parametrize("split", range(1, len(STREAM)))
def test_a_response_split_at_any_byte_gives_the_same_events(split: int) -> None:
    response, events, seen = ResponseParser(), EventParser(), []
    for part in (STREAM[:split], STREAM[split:]):
        seen += events.feed(response.feed(part))
    assert response.done
    assert response.status == 200
    assert [json.loads(payload) for payload in seen[:-1]] == [text("a"), text("b"), text("c"), USAGE]
    assert seen[-1] == b"[DONE]"


def test_a_response_byte_by_byte_gives_the_same_events() -> None:
    response, events = ResponseParser(), EventParser()
    seen = [payload for i in range(len(STREAM)) for payload in events.feed(response.feed(STREAM[i : i + 1]))]
    assert len(seen) == 5
    assert response.done


def test_events_split_at_any_byte_are_whole() -> None:
    sent, events = event(text("a")) + event("[DONE]"), EventParser()
    seen = [payload for i in range(len(sent)) for payload in events.feed(sent[i : i + 1])]
    assert seen == [json.dumps(text("a")).encode(), b"[DONE]"]


def test_events_have_comments_and_other_fields_dropped() -> None:
    assert EventParser().feed(b": keep-alive\n\nevent: x\r\ndata:one\r\n\r\ndata: two\n\n") == [b"one", b"two"]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcdef", b"abcd"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n", b"abc"),
    ],
)
def test_bodies_end_where_they_say(sent: bytes, body: bytes) -> None:
    response = ResponseParser()
    assert response.feed(sent) == body
    assert response.done


def test_a_body_without_length_ends_with_the_connection() -> None:
    response = ResponseParser()
    assert response.feed(b"HTTP/1.1 200 OK\r\n\r\nabc") == b"abc"
    assert not response.done
    response.end()
    assert response.done


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd",
    ],
)
def test_bytes_that_are_no_response_are_refused(sent: bytes) -> None:
    with pytest.raises(ProtocolError):
        ResponseParser().feed(sent)


@pytest.mark.parametrize("cut", [10, len(HEAD), len(HEAD) + 5, len(STREAM) - 1])
def test_a_response_that_is_cut_off_is_refused(cut: int) -> None:
    response = ResponseParser()
    response.feed(STREAM[:cut])
    with pytest.raises(ProtocolError, match="ended before"):
        response.end()


async def test_a_stream_is_counted_from_its_usage_and_timed_by_its_texts() -> None:
    async with serving(writing(STREAM)) as endpoint:
        sample = await complete(endpoint, STREAMED)
    assert sample.error is None
    assert (sample.tokens, sample.prompt_tokens) == (3, 5)
    assert len(sample.gaps) == 2
    assert sample.first is not None
    assert sample.started <= sample.first <= sample.ended


async def test_chat_deltas_are_text_and_empty_ones_are_not() -> None:
    deltas = [{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}, {}]
    events = [event({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    async with serving(writing(HEAD, *map(chunk, [*events, event(USAGE), event("[DONE]")]), END)) as endpoint:
        sample = await complete(endpoint, STREAMED)
    assert sample.error is None
    assert len(sample.gaps) == 1


async def test_an_answer_without_a_stream_has_tokens_and_no_first_text() -> None:
    payload = json.dumps({**USAGE, "choices": [{"text": "abc"}]}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(payload)
    async with serving(writing(head + payload)) as endpoint:
        sample = await complete(endpoint, {"prompt": "x"})
    assert (sample.tokens, sample.first, sample.error) == (3, None, None)


REFUSAL = b'{"error": {"message": "queue is full"}}'


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"HTTP/1.1 429 Too Many\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL), "429: queue is full"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", "500: the answer is not JSON"),
        (
            HEAD + chunk(event({"error": {"message": "engine stopped"}})) + chunk(event("[DONE]")) + END,
            "engine stopped",
        ),
        (HEAD + chunk(event(text("a"))) + END, "without [DONE]"),
        (HEAD + chunk(event(text("a"))) + chunk(event("[DONE]")) + END, "no usage"),
        (HEAD + chunk(event("{")) + chunk(event("[DONE]")) + END, "not JSON"),
        (HEAD + chunk(event(text("a"))), "ended before"),
        (b"", "ended before"),
        (b"nonsense\r\n\r\n", "status line"),
    ],
)
async def test_what_a_server_does_wrong_is_the_samples_error(sent: bytes, error: str) -> None:
    async with serving(writing(sent)) as endpoint:
        sample = await complete(endpoint, STREAMED)
    assert sample.error is not None
    assert error in sample.error


async def test_a_refused_connection_is_an_error() -> None:
    async with serving(writing(b"")) as endpoint:
        pass
    sample = await complete(endpoint, STREAMED)
    assert sample.error is not None
    assert "connecting failed" in sample.error


async def test_the_closed_loop_keeps_so_many_streams_and_sends_everything() -> None:
    under_way, most, prompts = 0, 0, []
    full = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        prompts.append(body["prompt"])
        if under_way == 3:
            full.set()
        await full.wait()
        for _ in range(100):  # turns of the loop in which a stream too many would show
            await asyncio.sleep(0)
        await writing(STREAM)(writer, body)
        under_way -= 1

    bodies = [{"prompt": str(i), "stream": True} for i in range(7)]
    async with serving(answer) as endpoint:
        samples = await drivers.closed_loop(endpoint, bodies, streams=3)
    assert most == 3
    assert sorted(prompts) == [str(i) for i in range(7)]
    assert [sample.error for sample in samples] == [None] * 7


async def test_the_open_loop_does_not_wait_for_answers() -> None:
    arrived = 0
    all_here = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 4:
            all_here.set()
        await all_here.wait()
        await writing(STREAM)(writer, body)

    async with serving(answer) as endpoint:
        samples = await drivers.open_loop(endpoint, [STREAMED] * 4, arrivals=[0, 0, 0.001, 0.002])
    assert [sample.error for sample in samples] == [None] * 4


async def test_an_intrusion_measures_both_sides_and_leaves_the_running_streams() -> None:
    left = 0

    async def answer(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        nonlocal left
        if body["prompt"] == "long":
            return await writing(STREAM)(writer, body)
        writer.write(HEAD)
        try:
            while not writer.is_closing():
                writer.write(chunk(event(text("a"))))
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            left += 1

    async with serving(answer) as endpoint:
        values, samples = await drivers.intrusion(endpoint, [STREAMED] * 2, {"prompt": "long", "stream": True})
        while left < 2:
            await asyncio.sleep(0)
    assert [sample.error for sample in samples] == [None]
    assert set(values) == {"worst_gap", "intruder_ttft"}
    assert values["worst_gap"] > 0


async def test_an_intrusion_without_running_streams_is_an_error() -> None:
    async with serving(writing(STREAM)) as endpoint:
        values, samples = await drivers.intrusion(endpoint, [STREAMED], STREAMED)
    assert values == {}
    assert samples[0].error is not None
    assert "ended before the intruder" in samples[0].error


async def test_waiting_for_events_ends_when_the_response_does() -> None:
    async with serving(writing(STREAM)) as endpoint:
        exchange = await send(endpoint, STREAMED)
        assert await exchange.have_events(2)
        assert not await exchange.have_events(100)


@pytest.mark.parametrize(
    ("arrivals", "gap"),
    [
        ([1, 2, 3, 4], 1),
        ([1, 2, 6, 7], 4),
        ([0, 9], 9),  # a gap that reaches over both ends
        ([], 3),
    ],
)
def test_the_worst_gap_counts_gaps_that_reach_into_the_window(arrivals: list[float], gap: float) -> None:
    assert drivers.worst_gap(arrivals, 2, 5) == gap
