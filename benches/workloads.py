"""Every workload, once: what is sent, how many at once or how often, and what must be reached. Shared by all benches.

Sizes are in words, because prompts travel as text; the generated models have about 1.15 tokens for each word.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, Literal

from benches import words

ModelName = Literal["15m", "0.5b"]
Kind = Literal["closed", "open", "intrusion", "startup", "engine", "http"]

TOKENS_PER_WORD = 1.3
"""An upper bound for the generated models, punctuation included: sizes contexts, is never reported."""


@dataclass(frozen=True, slots=True)
class PromptShape:
    """``shared`` words that all prompts of a run begin with, then ``own`` words that no other prompt has."""

    own: int
    shared: int = 0

    @property
    def words(self) -> int:
        return self.shared + self.own

    def text(self, run: str, index: int) -> str:
        """Prompt number ``index`` of the run named ``run``: runs share no prompts and no prefixes."""
        own = words.text(f"{run}/{index}", self.own)
        return f"{words.text(f'{run}/shared', self.shared)} {own}" if self.shared else own


@dataclass(frozen=True, slots=True)
class Bar:
    """What Inferno's value must be, as a multiple of the peer's: ``ratio >= at`` or ``ratio <= at``."""

    metric: str
    sense: Literal[">=", "<="]
    at: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.at if self.sense == ">=" else ratio <= self.at


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the table. Requests are greedy and ignore end-of-text, so that all peers compute the same count."""

    name: str
    title: str
    kind: Kind
    model: ModelName
    prompt: PromptShape
    max_tokens: int
    streams: int
    """Requests at once (closed loop), and the parallel sequences that servers are configured for."""
    rounds: int = 1
    """Requests are ``streams * rounds``; an intrusion and a startup have their own number."""
    barrier: bool = False
    """A round begins when the one before it has ended entirely."""
    arrivals_per_second: float | None = None
    """Open loop: requests arrive at this mean rate whatever the server does."""
    intruder: PromptShape | None = None
    """Intrusion: the long prompt that arrives while ``streams`` run."""
    intruder_tokens: int = 16
    stream: bool = True
    bars: tuple[Bar, ...] = ()

    @property
    def requests(self) -> int:
        return self.streams * self.rounds

    @property
    def sequences(self) -> int:
        """Sequences that must be held at once."""
        return self.streams + (self.intruder is not None)

    @property
    def context_tokens(self) -> int:
        """Cells that one sequence needs, rounded up to 256."""
        longest = self.prompt.words * TOKENS_PER_WORD + self.max_tokens
        if self.intruder is not None:
            longest = max(longest, self.intruder.words * TOKENS_PER_WORD + self.intruder_tokens)
        return 256 * math.ceil((longest + 16) / 256)

    def body(self, prompt: str, *, max_tokens: int | None = None, model: str = "") -> dict[str, Any]:
        """A ``/v1/completions`` body; every server gets the same."""
        body: dict[str, Any] = {
            "prompt": prompt,
            "max_tokens": self.max_tokens if max_tokens is None else max_tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": self.stream,
        }
        if self.stream:
            body["stream_options"] = {"include_usage": True}
        return {"model": model, **body} if model else body

    def bodies(self, run: str, *, model: str = "") -> list[dict[str, Any]]:
        """The bodies of one run, in the order they are sent."""
        return [self.body(self.prompt.text(run, i), model=model) for i in range(self.requests)]

    def arrivals(self, run: str) -> list[float]:
        """Open loop: seconds from the start at which each request arrives (a Poisson process, the same anywhere)."""
        if self.arrivals_per_second is None:
            raise ValueError(f"workload {self.name} is a closed loop: it has no arrival times")
        draw = random.Random(f"{run}/arrivals")
        at, times = 0.0, []
        for _ in range(self.requests):
            times.append(at)
            at += draw.expovariate(self.arrivals_per_second)
        return times


RATE = "output_rate"
_B_BARS = (Bar(RATE, ">=", 1.15), Bar("ttft_p50", "<=", 0.6), Bar("itl_p99", "<=", 0.5))

_ALL = (
    Workload("A", "32 streams, 60-word prompts, 64 tokens", "closed", "15m", PromptShape(60), 64, 32, rounds=3,
             bars=(Bar(RATE, ">=", 1.6),)),
    Workload("B", "8 at once, 100-word prompts, 32 tokens", "closed", "0.5b", PromptShape(100), 32, 8, rounds=3,
             bars=(*_B_BARS, Bar("peak_rss", "<=", 1.15))),
    Workload("B16", "16 at once, 100-word prompts, 32 tokens", "closed", "0.5b", PromptShape(100), 32, 16, rounds=2,
             bars=_B_BARS),
    Workload("C", "8 at once, 600 shared + 20 own words, 16 tokens, two rounds", "closed", "0.5b",
             PromptShape(20, shared=600), 16, 8, rounds=2, barrier=True,
             bars=(Bar(RATE, ">=", 4.0), Bar("ttft_p99", "<=", 0.25))),
    Workload("D", "4 streams run, a 1,500-word prompt arrives", "intrusion", "0.5b", PromptShape(20), 400, 4,
             intruder=PromptShape(1500), bars=(Bar("worst_gap", "<=", 0.05), Bar("intruder_ttft", "<=", 1.3))),
    Workload("E", "one stream, 64 tokens", "closed", "0.5b", PromptShape(20), 64, 1, rounds=3,
             bars=(Bar("stream_rate_p50", ">=", 0.98),)),
    Workload("F", "start to first token, first and second start", "startup", "0.5b", PromptShape(10), 1, 1, rounds=2,
             bars=(Bar("first_start", "<=", 1.6), Bar("second_start", "<=", 1.6))),
    Workload("G", "peak memory serving B", "closed", "0.5b", PromptShape(100), 32, 8, rounds=1,
             bars=(Bar("peak_rss", "<=", 1.15),)),
    Workload("H", "engine without HTTP against a bare llama_decode loop", "engine", "0.5b", PromptShape(50), 32, 8),
    Workload("I", "whole server on fake against a bare ASGI app, 64 streams", "http", "15m", PromptShape(20), 256, 64,
             rounds=4, bars=(Bar(RATE, ">=", 0.7),)),
    Workload("O", "open loop: 80 requests, 8 a second, 60-word prompts, 64 tokens", "open", "15m", PromptShape(60), 64,
             16, rounds=5, arrivals_per_second=8.0),
)  # fmt: skip

WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _ALL}
ENGINE_BATCHES = (1, 2, 4, 8, 16, 32)
"""Workload H: sequences in the batch."""
ENGINE_BARS: dict[ModelName, Bar] = {"0.5b": Bar("decode_tok_s", ">=", 0.97), "15m": Bar("decode_tok_s", ">=", 0.93)}


def named(names: str) -> list[Workload]:
    """The workloads of a comma-separated list. Raises ValueError for an unknown one, listing the known."""
    asked = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in asked if name not in WORKLOADS]
    if unknown or not asked:
        raise ValueError(f"unknown workloads {', '.join(unknown) or '(none)'}: known are {', '.join(WORKLOADS)}")
    return [WORKLOADS[name] for name in asked]
