"""From the engine's thread to one asyncio reader. Knows deltas and waiting; nothing of models or HTTP.

A request has two halves here. Its ``Channel`` is held by the engine client and filled on the event loop, once a step.
Its ``LocalStream`` is held by the reader: when it goes, by ``aclose()`` or by being dropped, the request is cancelled.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from inferno.engine.bell import Bell
from inferno.engine.delta import Delta, DeltaSink, FinishReason, Timings, TokenLogprob, Usage
from inferno.engine.home_loop import HomeLoop
from inferno.errors import Internal, Unsupported, from_code

if TYPE_CHECKING:
    from inferno._core import Crossing, DeltaMailbox
    from inferno.engine.text_frame import TextFrame

TokenBytes = Callable[[int], bytes]
Write = Callable[[bytes], bool]


class Framing(Protocol):
    """What a channel needs of the mailbox, which has the words for it."""

    def frame(self, request: int, index: int, frame: TextFrame, write: Write) -> None: ...

    def unframe(self, request: int) -> None: ...


class Channel:
    """Deltas of one request that its reader has not taken. Made and used on the event loop's thread only, but for
    ``close``."""

    __slots__ = (
        "_closed",
        "_framed",
        "_framing",
        "_hear",
        "_loop",
        "_open_choices",
        "_pending",
        "_request",
        "_waiter",
        "choices",
        "started",
        "tenant",
    )

    def __init__(self, framing: Framing, request: int, choices: int, tenant: str = "") -> None:
        self.choices = choices
        self.tenant = tenant
        self.started = False
        """Something has come out of the engine."""
        self._loop = asyncio.get_running_loop()  # kept: before Python 3.12 asking for it asks the kernel, too
        self._open_choices = choices
        self._pending: dict[int, list[Crossing]] = {}
        self._waiter: asyncio.Future[bool] | None = None
        self._hear: Callable[[Crossing], bool] | None = None
        self._framing = framing
        self._request = request
        self._framed: set[int] = set()
        self._closed = False

    @property
    def finished(self) -> bool:
        """Every choice has had its last delta."""
        return self._open_choices <= 0

    @property
    def waits(self) -> bool:
        """Something is there to be taken."""
        return bool(self._pending)

    @property
    def over(self) -> bool:
        """Nothing more will be pushed that is kept."""
        return self.finished or self._closed

    def push(self, delta: Crossing) -> None:
        """Take a delta as it crossed, and hand it on where somebody listens; else one of a choice that already waits
        is merged with it when read."""
        self.started = True
        rest = delta[4]
        if rest is not None and rest.finish is not None:
            self._open_choices -= 1
        if self._closed:
            return
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            if self._hear is not None:
                self._tell(delta, self._hear, waiter)
                return
            # Deltas of one step arrive in one callback: the first wakes the reader, which runs after the last is here.
            waiter.set_result(True)
        waiting = self._pending.get(delta[1])
        if waiting is None:
            self._pending[delta[1]] = [delta]
        else:
            waiting.append(delta)

    def _tell(self, delta: Crossing, hear: Callable[[Crossing], bool], waiter: asyncio.Future[bool]) -> None:
        try:
            more = hear(delta)
        except Exception as error:
            if not waiter.done():
                waiter.set_exception(error)
        else:
            if not (waiter.done() or (more and not self.over)):
                waiter.set_result(more)

    def frame(self, index: int, frame: TextFrame, write: Write) -> None:
        """As :meth:`TokenStream.frame`: as long as somebody listens."""
        if self._hear is not None and index not in self._framed:
            self._framed.add(index)
            self._framing.frame(self._request, index, frame, write)

    def filled(self, error: BaseException | None) -> None:
        """Where events of a framed choice went wants no more, or raised this."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(False)
        else:
            waiter.set_exception(error)

    def take(self) -> list[Crossing] | None:
        """The waiting deltas of one choice, oldest first; None where nothing waits."""
        return self._pending.pop(next(iter(self._pending))) if self._pending else None

    def news(self) -> asyncio.Future[bool]:
        """Done when something waits. Raises Internal for a second reader."""
        if self._waiter is not None and not self._waiter.done():
            raise Internal("a stream has one reader, and a second one is waiting on it")
        self._waiter = self._loop.create_future()
        return self._waiter

    async def listen(self, hear: Callable[[Crossing], bool]) -> bool:
        """Until the last delta or ``hear`` says False, which this returns, each goes there as soon as it is pushed.
        Nothing may wait. Raises what ``hear`` raises, and Internal for a second reader."""
        news = self.news()
        self._hear = hear
        try:
            return await news
        finally:
            # They hold the stream, whose end would cancel the request.
            self._hear = self._waiter = None
            self._unframe()

    def close(self) -> None:
        """Drop what waits and all that comes. Safe from any thread."""
        self._closed = True
        self._pending = {}
        self._unframe()

    def _unframe(self) -> None:
        if self._framed:
            self._framed.clear()
            self._framing.unframe(self._request)


class Delivery:
    """The engine's way into Python: when its bell rings, the event loop takes all that came and hands it out.

    Apart from LocalEngine so that the loop, which holds this, holds no reference to the engine.
    """

    def __init__(self) -> None:
        self.channels: dict[int, Channel] = {}
        self.mailbox: DeltaMailbox | None = None
        """The engine's, as soon as there is one."""
        self._home = HomeLoop()
        self._bell = Bell(self._deliver)

    def give_rope(self) -> int:
        """The bell's, for the engine, which takes it over. Once."""
        return self._bell.give_rope()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver there. Raises Unavailable when it is another loop than the first one."""
        self._home.bind(loop)
        self._bell.hang(loop)

    def open(self, request: int, choices: int, tenant: str) -> Channel:
        """Where what the engine says to a request goes."""
        assert self.mailbox is not None
        channel = self.channels[request] = Channel(self.mailbox, request, choices, tenant)
        return channel

    def _deliver(self) -> None:
        assert self.mailbox is not None
        channels = self.channels
        full, deltas = self.mailbox.take()
        for request, error in full:
            listening = channels.get(request)
            if listening is not None:
                listening.filled(error)
        for delta in deltas:
            channel = channels.get(delta[0])
            if channel is None:
                continue
            channel.push(delta)
            if delta[4] is not None and channel.finished:
                del channels[delta[0]]


class LocalStream:
    """The deltas of one request: a :class:`~inferno.engine.delta.TokenStream`.

    Iteration raises the InfernoError of the first choice that failed, and cancels the others.
    """

    __slots__ = ("__weakref__", "_channel", "_end_thought", "_release", "_token_bytes")

    def __init__(
        self,
        channel: Channel,
        *,
        cancel: Callable[[], None],
        token_bytes: TokenBytes,
        end_thought: Callable[[], None] | None = None,
    ) -> None:
        """``end_thought`` is None where nothing marks the end of one."""
        self._channel = channel
        self._end_thought = end_thought
        self._token_bytes = token_bytes
        # Also runs when the stream is dropped without aclose(), on whichever thread: cancel() may be called on any.
        self._release = weakref.finalize(self, _abandon, channel, cancel)
        self._release.atexit = False

    def __aiter__(self) -> AsyncIterator[Delta]:
        return self

    async def __anext__(self) -> Delta:
        channel = self._channel
        while (deltas := channel.take()) is None:
            if channel.over:
                raise StopAsyncIteration
            await channel.news()
        return self._merged(deltas)

    async def pour(self, sink: DeltaSink) -> None:
        channel = self._channel

        def hear(delta: Crossing) -> bool:
            return sink.take(self._merged((delta,)))

        while not channel.over or channel.waits:
            deltas = channel.take()
            more = await channel.listen(hear) if deltas is None else sink.take(self._merged(deltas))
            if not more:
                await sink.ready()

    def frame(self, index: int, frame: TextFrame, write: Write) -> None:
        self._channel.frame(index, frame, write)

    def _merged(self, deltas: Sequence[Crossing]) -> Delta:
        """Raises the error that the last one tells of."""
        rest = deltas[-1][4]
        if rest is not None and rest.error is not None:
            self._release()
            raise from_code(*rest.error)
        return merge(deltas, self._token_bytes)

    async def aclose(self) -> None:
        """End the request. Does not wait: the engine frees what it holds at its next step. Idempotent."""
        self._release()

    def end_thought(self) -> bool:
        if self._end_thought is None:
            raise Unsupported(
                "this model does not end its thoughts with a token of their own, so that nobody else can"
            )
        if self._channel.over:
            return False
        self._end_thought()
        return True


def _abandon(channel: Channel, cancel: Callable[[], None]) -> None:
    finished = channel.finished
    channel.close()
    if not finished:
        cancel()


def merge(deltas: Sequence[Crossing], token_bytes: TokenBytes) -> Delta:
    """One Delta out of crossed ones of the same choice, in order."""
    _, index, text, tokens, rest = deltas[-1]
    if len(deltas) > 1:
        text = "".join([delta[2] for delta in deltas])
        tokens = tuple(token for delta in deltas for token in delta[3])
    elif rest is None:
        return Delta(index, text, tokens)
    more = [delta[4] for delta in deltas if delta[4] is not None]
    logprobs = tuple([_logprob(entry, token_bytes) for part in more for entry in part.logprobs])
    prompt_logprobs = tuple([_logprob(entry, token_bytes) for part in more for entry in part.prompt_logprobs])
    if rest is None or rest.finish is None:
        return Delta(index, text, tokens, logprobs, prompt_logprobs=prompt_logprobs)
    finish = cast(FinishReason, rest.finish)  # "error" was raised before
    usage, timings = Usage(*rest.usage), Timings(*rest.timings)
    return Delta(index, text, tokens, logprobs, finish, rest.matched_stop, usage, timings, prompt_logprobs)


def _logprob(entry: tuple[int, float, list[tuple[int, float]]], token_bytes: TokenBytes) -> TokenLogprob:
    token_id, logprob, top = entry
    return TokenLogprob(
        token_id=token_id,
        token=token_bytes(token_id),
        logprob=logprob,
        top=tuple((other, token_bytes(other), other_logprob) for other, other_logprob in top),
    )
