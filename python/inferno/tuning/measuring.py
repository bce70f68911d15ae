"""One sample: the model is loaded with a candidate's settings and answers the workload."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inferno.engine.client import ModelCard
from inferno.engine.local import LocalEngine
from inferno.errors import InvalidArgument, OutOfMemory
from inferno.profiling.workload import Arrivals, answer, answer_all, prompts
from inferno.tuning.search import Sample
from inferno.tuning.space import Candidate

Load = Callable[[Mapping[str, Any]], Awaitable[LocalEngine]]
"""Loads the model with these settings (``section.name`` and value) on top of the user's own."""
LEAST_SECONDS = 1.0
"""A sample computes at least about so long, by the number of turns: a shorter one says more about chance."""
MOST_TURNS = 64
_WARM_UP_TOKENS = 16
_NONE = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Workload:
    """Each of ``streams`` sends ``turns`` requests, the next when one is answered. Lengths are in tokens; answers are a
    quarter shorter and longer in turn, so that prompts come while others are being answered."""

    streams: int
    prompt_tokens: int
    answer_tokens: int
    turns: int = 2

    def answer_length(self, stream: int, turn: int) -> int:
        quarter = self.answer_tokens // 4
        return max(self.answer_tokens + (quarter if (stream + turn) % 2 else -quarter), 1)


async def look(load: Load, workload: Workload) -> tuple[ModelCard, Workload]:
    """What the defaults come to, and ``workload`` with so many turns that a sample is long enough. Raises what ``load``
    and the engine raise."""
    engine = await load({})
    try:
        if "complete" not in engine.card.abilities:
            raise InvalidArgument("this model generates no text; what is tuned is the generation of it", param="model")
        once = replace(workload, turns=1)
        began = time.perf_counter()
        await _run(engine, once)
        turns = math.ceil(LEAST_SECONDS / max(time.perf_counter() - began, 1e-3))
        return engine.card, replace(workload, turns=min(max(turns, workload.turns), MOST_TURNS))
    finally:
        await engine.aclose()


async def measure(load: Load, candidate: Candidate, workload: Workload, *, defaults: ModelCard) -> Sample:
    """A candidate that the engine refuses, or with which a sequence or the cache would hold less than with the
    ``defaults``, is refused: speed must not cost what can be served."""
    began = time.perf_counter()

    def took() -> float:
        return time.perf_counter() - began

    try:
        engine = await load(dict(candidate))
    except (InvalidArgument, OutOfMemory) as refusal:
        return Sample(*_NONE, took(), refusal.message)
    try:
        for name in ("context_tokens", "kv_tokens"):
            has, had = engine.card.applied[name], defaults.applied[name]
            if has < had:  # type: ignore[operator]
                return Sample(*_NONE, took(), f"{name} would be {has}, with the defaults it is {had}")
        # The first pass reads the weights from the file and starts the threads.
        await answer_all(engine, await prompts(engine, workload.streams, _WARM_UP_TOKENS, first=1 << 20), 2)
        computing = time.perf_counter()
        came = await _run(engine, workload)
        seconds = time.perf_counter() - computing
    finally:
        await engine.aclose()
    gaps = sorted(gap for arrivals in came for gap in arrivals.gaps())
    return Sample(
        sum(sum(arrivals.tokens) for arrivals in came) / seconds,
        gaps[min(len(gaps) * 95 // 100, len(gaps) - 1)] if gaps else 0.0,
        statistics.median(arrivals.first_token_after for arrivals in came),
        took(),
    )


async def _run(engine: LocalEngine, workload: Workload) -> list[Arrivals]:
    every = await prompts(engine, workload.streams * workload.turns, workload.prompt_tokens)

    async def stream(number: int) -> list[Arrivals]:
        own = every[number :: workload.streams]
        return [await answer(engine, own[n], workload.answer_length(number, n)) for n in range(workload.turns)]

    streams = await asyncio.gather(*(stream(number) for number in range(workload.streams)))
    return [arrivals for own in streams for arrivals in own]
