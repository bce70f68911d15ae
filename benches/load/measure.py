"""One measurement: a server is started for a workload, warmed up, loaded and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benches.load import drivers
from benches.load.client import Endpoint, complete
from benches.load.servers import Plan, RunningServer, ServerKind, running
from benches.load.statistics import Sample, summary
from benches.workloads import PromptShape, Workload

_WARM_PROMPT = PromptShape(8)
_WARM_TOKENS = 8
_RUN_SECONDS = 1200.0
"""A server that takes longer than this for one run hangs."""


_Outcome = tuple[dict[str, float], list[Sample]]
_Load = Callable[[Endpoint], Awaitable[_Outcome]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """``values`` by metric name; times in seconds, rates in tokens a second, memory in bytes. ``cpu`` is the server's,
    during the load."""

    values: dict[str, float]
    samples: list[Sample]


async def measure(workload: Workload, kind: ServerKind, plan: Plan, *, run: str) -> Measurement:
    """Measures one run. The same ``run`` sends the same prompts, whatever the server.

    Raises ValueError for a workload that is not a server's, RuntimeError when the server does not start, TimeoutError
    when it hangs.
    """
    if workload.kind == "startup":
        return await _startup(workload, kind, plan, run)
    if workload.kind == "intrusion":
        return await _served(workload, kind, plan, _intrude(workload, run))
    if workload.kind == "open":
        arrivals = workload.arrivals(run)
        return await _served(
            workload, kind, plan, lambda at: _summed(drivers.open_loop(at, workload.bodies(run), arrivals=arrivals))
        )
    if workload.kind == "closed":
        return await measure_closed_loop(workload, kind, plan, run=run)
    raise ValueError(f"workload {workload.name} does not compare servers; see benches/README.md for its command")


async def measure_closed_loop(workload: Workload, kind: ServerKind, plan: Plan, *, run: str) -> Measurement:
    """As :func:`measure`, with the workload's streams as a closed loop, whatever its kind."""
    drive = drivers.in_rounds if workload.barrier else drivers.closed_loop
    return await _served(
        workload, kind, plan, lambda at: _summed(drive(at, workload.bodies(run), streams=workload.streams))
    )


async def _summed(samples: Awaitable[list[Sample]]) -> _Outcome:
    found = await samples
    return summary(found), found


def _intrude(workload: Workload, run: str) -> _Load:
    async def load(endpoint: Endpoint) -> _Outcome:
        assert workload.intruder is not None
        running = workload.bodies(run)
        long = workload.body(workload.intruder.text(run, len(running)), max_tokens=workload.intruder_tokens)
        values, samples = await drivers.intrusion(endpoint, running, long)
        return {**summary(samples), **values}, samples

    return load


async def _served(workload: Workload, kind: ServerKind, plan: Plan, load: _Load) -> Measurement:
    async with running(kind, plan) as server:
        await asyncio.wait_for(warm_up(workload, server), _RUN_SECONDS)
        computed = server.cpu_seconds()
        values, samples = await asyncio.wait_for(load(server.endpoint), _RUN_SECONDS)
        computed = server.cpu_seconds() - computed
        return Measurement({**values, "cpu": computed, "peak_rss": server.peak_rss()}, samples)


async def warm_up(workload: Workload, server: RunningServer) -> None:
    """As many at once as will come, with prompts that nothing later shares."""
    bodies = [
        workload.body(_WARM_PROMPT.text("warm-up", i), max_tokens=_WARM_TOKENS) for i in range(workload.sequences)
    ]
    for sample in await drivers.closed_loop(server.endpoint, bodies, streams=workload.sequences):
        if sample.error is not None:
            raise RuntimeError(f"warming up failed: {sample.error}")


async def _startup(workload: Workload, kind: ServerKind, plan: Plan, run: str) -> Measurement:
    """From the process's start to its first token, twice in a row. The model file is in the page cache for both."""
    times: list[float] = []
    samples: list[Sample] = []
    for body in workload.bodies(run):
        async with running(kind, plan) as server:
            sample = await asyncio.wait_for(complete(server.endpoint, body), _RUN_SECONDS)
            samples.append(sample)
            if sample.first is not None:
                times.append(sample.first - server.launched)
    counts = {"errors": sum(s.error is not None for s in samples), "requests": len(samples)}
    return Measurement({**counts, **dict(zip(("first_start", "second_start"), times, strict=False))}, samples)
