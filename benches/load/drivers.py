"""When requests are sent: closed loop (so many at once), open loop (at given times), and an intrusion."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from benches.load.client import Endpoint, Exchange, complete, send
from benches.load.statistics import Sample

Body = dict[str, Any]


async def closed_loop(endpoint: Endpoint, bodies: Sequence[Body], *, streams: int) -> list[Sample]:
    """``streams`` clients, each sending its next request when its last has ended, until ``bodies`` are used up."""
    waiting = iter(bodies)
    samples: list[Sample] = []

    async def client() -> None:
        for body in waiting:
            samples.append(await complete(endpoint, body))

    await asyncio.gather(*(client() for _ in range(streams)))
    return samples


async def in_rounds(endpoint: Endpoint, bodies: Sequence[Body], *, streams: int) -> list[Sample]:
    """``streams`` requests at once; the next round begins when all of the last have ended."""
    samples: list[Sample] = []
    for begin in range(0, len(bodies), streams):
        samples += await closed_loop(endpoint, bodies[begin : begin + streams], streams=streams)
    return samples


async def open_loop(endpoint: Endpoint, bodies: Sequence[Body], *, arrivals: Sequence[float]) -> list[Sample]:
    """Request i is sent ``arrivals[i]`` seconds from now, however many are still under way."""
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def arrive(body: Body, at: float) -> Sample:
        await asyncio.sleep(begin + at - loop.time())
        return await complete(endpoint, body)

    return list(await asyncio.gather(*(arrive(body, at) for body, at in zip(bodies, arrivals, strict=True))))


def worst_gap(arrivals: Sequence[float], begin: float, end: float) -> float:
    """The longest time without an arrival inside ``begin..end``, seconds; a gap that reaches into it counts in full."""
    inside = [at for at in arrivals if begin <= at <= end]
    before = [at for at in arrivals if at < begin]
    after = [at for at in arrivals if at > end]
    marks = [before[-1] if before else begin, *inside, after[0] if after else end]
    return max(later - earlier for earlier, later in itertools.pairwise(marks))


async def intrusion(
    endpoint: Endpoint, running: Sequence[Body], intruder: Body, *, steady_events: int = 8
) -> tuple[dict[str, float], list[Sample]]:
    """Lets ``running`` stream steadily, sends ``intruder``, and measures both until its answer is complete.

    Returns worst_gap (of the running streams, from its arrival to its first text) and intruder_ttft, in seconds, and
    its sample. A running stream that ends before that has nothing to show: it is an error of the sample returned.
    """
    exchanges: list[Exchange] = [await send(endpoint, body) for body in running]
    try:
        steady = await asyncio.gather(*(exchange.have_events(steady_events) for exchange in exchanges))
        late = await send(endpoint, intruder)
        sample = await late.finished()
        early = [exchange for exchange in exchanges if exchange.ended]
        if sample.first is None or sample.error is not None:
            return {}, [sample]
        if early or not all(steady):
            failed = [await exchange.finished() for exchange in early]
            reason = next((s.error for s in failed if s.error), "a running stream ended before the intruder did")
            return {}, [Sample(started=sample.started, ended=sample.ended, error=reason)]
        gaps = [worst_gap([at for at, _ in e.events], sample.started, sample.first) for e in exchanges]
        return {"worst_gap": max(gaps), "intruder_ttft": sample.first - sample.started}, [sample]
    finally:
        for exchange in exchanges:
            exchange.fail("given up at the end of the measurement")
