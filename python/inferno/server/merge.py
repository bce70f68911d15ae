"""Several token streams read as one: what a request with several prompts needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from inferno.engine.client import Delta, EngineClient, GenerateRequest, TokenStream


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
        self._pumps: list[asyncio.Task[None]] = []

    async def __aiter__(self) -> AsyncIterator[Delta]:
        # Bounded: a reader that lags makes the pumps wait, and then the streams merge their deltas.
        arrived: asyncio.Queue[Delta | Exception | None] = asyncio.Queue(len(self._streams))
        self._pumps = [asyncio.create_task(self._pump(position, arrived)) for position in range(len(self._streams))]
        running = len(self._pumps)
        while running:
            item = await arrived.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield item

    async def aclose(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for stream in self._streams:
            await stream.aclose()

    async def _pump(self, position: int, arrived: asyncio.Queue[Delta | Exception | None]) -> None:
        offset = position * self._choices_per_stream
        try:
            async for delta in self._streams[position]:
                await arrived.put(replace(delta, index=offset + delta.index))
        except Exception as error:
            await arrived.put(error)
        else:
            await arrived.put(None)
