"""Several token streams read as one: what a request with several prompts needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from inferno.engine.client import EngineClient
from inferno.engine.delta import Delta, DeltaSink, TokenStream
from inferno.engine.request import GenerateRequest
from inferno.engine.text_frame import TextFrame


async def generate_all(client: EngineClient, requests: Sequence[GenerateRequest]) -> TokenStream:
    """Submit every request; choices are numbered request by request. If one is refused, none goes on.

    Raises what :meth:`EngineClient.generate` raises.
    """
    if len(requests) == 1:
        return await client.generate(requests[0])
    streams: list[TokenStream] = []
    try:
        for request in requests:
            streams.append(await client.generate(request))
    except BaseException:
        for stream in streams:
            await stream.aclose()
        raise
    return MergedStream(streams, choices_per_stream=requests[0].n)


class MergedStream:
    """A :class:`TokenStream` over several. Keeps the order of each; a failure of one ends all."""

    def __init__(self, streams: Sequence[TokenStream], *, choices_per_stream: int) -> None:
        self._streams = tuple(streams)
        self._choices_per_stream = choices_per_stream

    async def pour(self, sink: DeltaSink) -> None:
        pours = [
            asyncio.create_task(stream.pour(_Renumbered(sink, position * self._choices_per_stream)))
            for position, stream in enumerate(self._streams)
        ]
        try:
            await asyncio.gather(*pours)
        finally:
            for pouring in pours:
                pouring.cancel()
            await asyncio.gather(*pours, return_exceptions=True)

    def frame(self, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None:
        stream, choice = divmod(index, self._choices_per_stream)
        self._streams[stream].frame(choice, frame, write)

    async def aclose(self) -> None:
        for stream in self._streams:
            await stream.aclose()


class _Renumbered:
    """A sink for one of the streams, whose choices begin at ``offset``. When it is full, so is that of the others, who
    find it out with their next delta."""

    def __init__(self, sink: DeltaSink, offset: int) -> None:
        self._sink = sink
        self._offset = offset
        self.ready = sink.ready

    def take(self, delta: Delta) -> bool:
        return self._sink.take(replace(delta, index=self._offset + delta.index))
