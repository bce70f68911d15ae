"""Requests of known size, sent together, and when their tokens came. The same texts on every machine."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from inferno.engine.client import EngineClient
from inferno.engine.request import GenerateRequest, SamplingOptions

WORDS = ("amber", "river", "quiet", "stone", "market", "winter", "garden", "letter", "silver", "morning", "paper")
LETTERS = "bcdfghklmnprstvz"
PLAIN = {"speculate": "off", "prefix_cache": False}
"""Of the engine, while it is measured: what is guessed or kept depends on what the texts say, and these say nothing."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When a request's tokens came, in seconds of ``time.perf_counter``, and how many each time."""

    sent: float
    at: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    @property
    def first_token_after(self) -> float:
        return self.at[0] - self.sent

    def gaps(self) -> list[float]:
        """Seconds between tokens; several that came at once have the gap before them shared out."""
        found = []
        for before, now, tokens in zip(self.at, self.at[1:], self.tokens[1:], strict=False):
            found += [(now - before) / tokens] * tokens
        return found


def prompt_text(number: int, tokens: int) -> str:
    """At least ``tokens`` tokens of text; no two ``number`` begin alike."""
    draw = random.Random(number)  # noqa: S311
    name = "".join(draw.choices(LETTERS, k=8))
    return " ".join([name, *draw.choices(WORDS, k=tokens)])


async def prompts(engine: EngineClient, count: int, tokens: int, *, first: int = 0) -> list[list[int]]:
    """Token ids of ``count`` prompts of exactly ``tokens`` each, of the texts ``first``, ``first`` + 1, …"""
    return [(await engine.encode(prompt_text(first + n, tokens)))[:tokens] for n in range(count)]


async def answer(engine: EngineClient, prompt: Sequence[int], tokens: int) -> Arrivals:
    """Exactly ``tokens`` of answer. Raises what the engine refuses it with."""
    greedy = SamplingOptions(temperature=0)
    arrivals = Arrivals(time.perf_counter())
    stream = await engine.generate(GenerateRequest(prompt, greedy, max_tokens=tokens, ignore_eos=True))
    try:
        async for delta in stream:
            if delta.token_ids:
                arrivals.at.append(time.perf_counter())
                arrivals.tokens.append(len(delta.token_ids))
    finally:
        await stream.aclose()
    return arrivals


async def answer_all(engine: EngineClient, asked: Sequence[Sequence[int]], tokens: int) -> list[Arrivals]:
    """All of them at once."""
    return list(await asyncio.gather(*(answer(engine, prompt, tokens) for prompt in asked)))
