"""LocalStream: merging for a slow reader, pouring, the end, failures, and cancelling by leaving."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from inferno.engine.delta import Delta
from inferno.engine.stream import Channel, LocalStream
from inferno.engine.text_frame import TextFrame
from inferno.errors import ContextLengthExceeded, Internal, Unsupported


def native(
    text: str = "", *, index: int = 0, tokens: tuple[int, ...] = (), finish: str | None = None, **more: Any
) -> Any:
    fields = {
        "logprobs": [],
        "prompt_logprobs": [],
        "matched_stop": None,
        "usage": (3, 0, len(tokens)),
        "timings": (0.1, 0.2, 0.3),
        "error": None,
        **more,
    }
    plain = finish is None and not fields["logprobs"]
    return (REQUEST, index, text, tokens, None if plain else SimpleNamespace(finish=finish, **fields))


REQUEST = 1
FRAME = TextFrame(b"<", b">")


class Framing:
    """In place of the mailbox, which writes the events that it has made."""

    def __init__(self) -> None:
        self.writes: dict[int, Callable[[bytes], bool]] = {}

    def frame(self, request: int, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None:
        assert (request, frame) == (REQUEST, FRAME)
        assert index not in self.writes
        self.writes[index] = write

    def unframe(self, request: int) -> None:
        assert request == REQUEST
        self.writes.clear()

    def framed(self) -> set[int]:
        return set(self.writes)


def channel_of(choices: int) -> Channel:
    return Channel(Framing(), REQUEST, choices)


class Harness:
    def __init__(self, choices: int = 1) -> None:
        self.cancelled = 0
        self.framing = Framing()
        self.channel = Channel(self.framing, REQUEST, choices)
        self.stream: LocalStream | None = LocalStream(self.channel, cancel=self.cancel, token_bytes=lambda i: b"%d" % i)

    def cancel(self) -> None:
        self.cancelled += 1

    def say(self, index: int, event: bytes) -> None:
        try:
            more = self.framing.writes[index](event)
        except Exception as error:
            self.channel.filled(error)
            return
        if not more:
            self.channel.filled(None)

    async def read_all(self) -> list[Delta]:
        assert self.stream is not None
        return [delta async for delta in self.stream]


async def test_a_thought_is_ended_while_it_runs_and_where_it_has_an_end() -> None:
    ended: list[bool] = []
    channel = channel_of(1)
    stream = LocalStream(
        channel, cancel=lambda: None, token_bytes=lambda i: b"%d" % i, end_thought=lambda: ended.append(True)
    )
    assert stream.end_thought()
    channel.push(native("a", finish="stop"))
    assert not stream.end_thought()
    assert ended == [True]
    with pytest.raises(Unsupported, match="token of their own"):
        LocalStream(channel_of(1), cancel=lambda: None, token_bytes=lambda i: b"%d" % i).end_thought()


async def test_deltas_arrive_in_order_and_the_last_ends_the_stream() -> None:
    harness = Harness()
    reading = asyncio.ensure_future(harness.read_all())
    for text, finish in [("a", None), ("b", None), ("c", "stop")]:
        await asyncio.sleep(0)
        harness.channel.push(native(text, tokens=(ord(text),), finish=finish))
        await asyncio.sleep(0)
    deltas = await reading
    assert [delta.text for delta in deltas] == ["a", "b", "c"]
    assert [delta.finish_reason for delta in deltas] == [None, None, "stop"]
    assert deltas[-1].timings.first_token == 0.2
    assert deltas[-1].usage.prompt_tokens == 3
    assert harness.cancelled == 0


async def test_a_slow_reader_gets_one_merged_delta_per_choice() -> None:
    harness = Harness(choices=2)
    for text in "ab":
        harness.channel.push(native(text, index=0, tokens=(ord(text),)))
        harness.channel.push(native(text.upper(), index=1, tokens=(ord(text.upper()),)))
    harness.channel.push(native("c", index=0, tokens=(99,), finish="length", usage=(3, 1, 3)))
    harness.channel.push(native("", index=1, finish="stop", matched_stop="X"))
    deltas = await harness.read_all()
    assert [(delta.index, delta.text, delta.finish_reason) for delta in deltas] == [
        (0, "abc", "length"),
        (1, "AB", "stop"),
    ]
    assert deltas[0].token_ids == (97, 98, 99)
    assert deltas[0].usage.completion_tokens == 3
    assert deltas[1].matched_stop == "X"


async def test_logprobs_carry_the_bytes_of_their_tokens() -> None:
    harness = Harness()
    harness.channel.push(native("x", tokens=(7,), logprobs=[(7, -0.5, [(7, -0.5), (8, -1.5)])], finish="stop"))
    (delta,) = await harness.read_all()
    assert delta.logprobs[0].token == b"7"
    assert delta.logprobs[0].top == ((7, b"7", -0.5), (8, b"8", -1.5))


async def test_a_failed_choice_raises_its_error_and_cancels_the_others() -> None:
    harness = Harness(choices=2)
    harness.channel.push(native(finish="error", error=("context_length_exceeded", "too long", "messages")))
    with pytest.raises(ContextLengthExceeded, match="too long") as raised:
        await harness.read_all()
    assert raised.value.param == "messages"
    assert harness.cancelled == 1


async def test_aclose_cancels_once_and_ends_iteration() -> None:
    harness = Harness()
    harness.channel.push(native("never read"))
    assert harness.stream is not None
    await harness.stream.aclose()
    await harness.stream.aclose()
    assert harness.cancelled == 1
    harness.channel.push(native("never read either", finish="cancelled"))
    assert await harness.read_all() == []


async def test_closing_a_finished_stream_cancels_nothing() -> None:
    harness = Harness()
    harness.channel.push(native("x", finish="stop"))
    await harness.read_all()
    assert harness.stream is not None
    await harness.stream.aclose()
    assert harness.cancelled == 0


async def test_dropping_the_stream_cancels() -> None:
    harness = Harness()
    harness.stream = None
    gc.collect()
    assert harness.cancelled == 1


async def test_a_second_reader_is_refused() -> None:
    harness = Harness()
    first = asyncio.ensure_future(harness.read_all())
    await asyncio.sleep(0)
    with pytest.raises(Internal, match="one reader"):
        await harness.read_all()
    harness.channel.push(native("x", finish="stop"))
    assert [delta.text for delta in await first] == ["x"]


async def test_a_cancelled_reader_loses_nothing() -> None:
    harness = Harness()
    first = asyncio.ensure_future(harness.read_all())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    harness.channel.push(native("kept", finish="stop"))
    assert [delta.text for delta in await harness.read_all()] == ["kept"]


class Sink:
    """Full after each delta of which ``fills`` says so, until ``room`` is set."""

    def __init__(self, fills: str = "") -> None:
        self.taken: list[Delta] = []
        self.fills = fills
        self.room = asyncio.Event()

    def take(self, delta: Delta) -> bool:
        if delta.text == "wrong":
            raise ValueError("the sink does not take it")
        self.taken.append(delta)
        return delta.text not in list(self.fills)

    async def ready(self) -> None:
        await self.room.wait()

    @property
    def texts(self) -> list[str]:
        return [delta.text for delta in self.taken]


async def poured(harness: Harness, sink: Sink) -> asyncio.Task[None]:
    """A pouring that waits for what is pushed."""
    assert harness.stream is not None
    task = asyncio.create_task(harness.stream.pour(sink))
    await asyncio.sleep(0)
    return task


async def test_what_is_poured_is_there_as_soon_as_it_is_pushed() -> None:
    harness, sink = Harness(choices=2), Sink()
    harness.channel.push(native("before"))
    pouring = await poured(harness, sink)
    harness.channel.push(native("a"))
    harness.channel.push(native("b", index=1, finish="stop"))
    harness.channel.push(native("c", finish="length"))
    assert sink.texts == ["before", "a", "b", "c"]
    await pouring
    assert harness.cancelled == 0


async def test_a_full_sink_gets_what_came_meanwhile_merged() -> None:
    harness, sink = Harness(), Sink(fills="ac")
    pouring = await poured(harness, sink)
    for text in "abc":
        harness.channel.push(native(text, tokens=(ord(text),)))
        await asyncio.sleep(0)
    assert sink.texts == ["a"]
    harness.channel.push(native("d", tokens=(100,), finish="stop"))
    sink.room.set()
    await pouring
    assert sink.texts == ["a", "bcd"]
    assert sink.taken[-1].token_ids == (98, 99, 100)


async def test_pouring_ends_when_the_sink_that_took_the_last_has_room() -> None:
    harness, sink = Harness(), Sink(fills="z")
    pouring = await poured(harness, sink)
    harness.channel.push(native("z", finish="stop"))
    await asyncio.sleep(0)
    assert not pouring.done()
    sink.room.set()
    await pouring


@pytest.mark.parametrize("wakes", [False, True])
async def test_what_the_sink_raises_ends_the_pouring(wakes: bool) -> None:
    harness, sink = Harness(), Sink()
    if not wakes:
        harness.channel.push(native("wrong"))
    pouring = await poured(harness, sink)
    if wakes:
        harness.channel.push(native("wrong"))
    with pytest.raises(ValueError, match="does not take"):
        await pouring


async def test_a_choice_that_fails_while_it_is_poured_raises_its_error_and_cancels_the_others() -> None:
    harness, sink = Harness(choices=2), Sink()
    pouring = await poured(harness, sink)
    harness.channel.push(native(finish="error", error=("context_length_exceeded", "too long", "messages")))
    with pytest.raises(ContextLengthExceeded, match="too long"):
        await pouring
    assert harness.cancelled == 1


async def test_a_cancelled_pouring_loses_nothing() -> None:
    harness, sink = Harness(), Sink()
    pouring = await poured(harness, sink)
    pouring.cancel()
    harness.channel.push(native("kept"))
    with pytest.raises(asyncio.CancelledError):
        await pouring
    again = await poured(harness, sink)
    assert sink.texts == ["kept"]
    harness.channel.push(native("and", finish="stop"))
    await again
    assert sink.texts == ["kept", "and"]


class FramingSink(Sink):
    """Wants events after a choice's first delta."""

    def __init__(self, stream: LocalStream, fills: str = "") -> None:
        super().__init__(fills)
        self.stream = stream
        self.written: list[bytes] = []

    def take(self, delta: Delta) -> bool:
        more = super().take(delta)
        self.stream.frame(delta.index, FRAME, self.write)
        return more

    def write(self, event: bytes) -> bool:
        if event == b"wrong":
            raise ValueError("the sink does not take it")
        self.written.append(event)
        return event.decode() not in list(self.fills)


async def framed(fills: str = "", choices: int = 1) -> tuple[Harness, FramingSink, asyncio.Task[None]]:
    """A pouring whose choices have each said something."""
    harness = Harness(choices)
    assert harness.stream is not None
    sink = FramingSink(harness.stream, fills)
    pouring = await poured(harness, sink)
    for index in range(choices):
        harness.channel.push(native("first", index=index))
    assert harness.framing.framed() == set(range(choices))
    return harness, sink, pouring


async def test_events_go_where_the_sink_wants_them_until_the_last_delta() -> None:
    harness, sink, pouring = await framed(choices=2)
    harness.say(0, b"a")
    harness.say(1, b"b")
    harness.channel.push(native("c", finish="stop"))
    harness.say(1, b"d")
    harness.channel.push(native("e", index=1, finish="stop"))
    await pouring
    assert sink.written == [b"a", b"b", b"d"]
    assert sink.texts == ["first", "first", "c", "e"]
    assert harness.framing.framed() == set()


async def test_a_sink_that_an_event_fills_gets_deltas_until_it_listens_again() -> None:
    harness, sink, pouring = await framed(fills="ad", choices=2)
    harness.say(0, b"a")
    harness.say(1, b"of the same step")
    await asyncio.sleep(0)
    assert harness.framing.framed() == set()
    harness.channel.push(native("b"))
    harness.channel.push(native("c"))
    sink.room.set()
    await asyncio.sleep(0)
    assert sink.texts == ["first", "first", "bc"]
    assert harness.framing.framed() == set()
    harness.channel.push(native("e"))
    assert harness.framing.framed() == {0}
    harness.say(0, b"f")
    for index in range(2):
        harness.channel.push(native(index=index, finish="stop"))
    await pouring
    assert sink.written == [b"a", b"of the same step", b"f"]


async def test_what_the_sink_raises_of_an_event_ends_the_pouring() -> None:
    harness, _, pouring = await framed()
    harness.say(0, b"wrong")
    with pytest.raises(ValueError, match="does not take"):
        await pouring
    assert harness.framing.framed() == set()


async def test_a_cancelled_pouring_writes_the_events_that_were_made_for_it() -> None:
    harness, sink, pouring = await framed()
    pouring.cancel()
    harness.say(0, b"a")
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert sink.written == [b"a"]
    assert harness.framing.framed() == set()


async def test_a_stream_that_is_closed_while_it_is_poured_has_no_more_events() -> None:
    harness, _, pouring = await framed()
    assert harness.stream is not None
    await harness.stream.aclose()
    assert harness.framing.framed() == set()
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)


async def test_a_sink_that_does_not_listen_yet_is_not_framed() -> None:
    harness = Harness()
    assert harness.stream is not None
    harness.channel.push(native("before"))
    sink = FramingSink(harness.stream)
    pouring = await poured(harness, sink)
    assert sink.texts == ["before"]
    assert harness.framing.framed() == set()
    harness.channel.push(native("x", finish="stop"))
    await pouring
