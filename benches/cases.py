"""What is timed inside one process, once, for asv and for pytest-benchmark alike. Needs the installed package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benches.workloads import WORKLOADS, PromptShape
from inferno import LLM
from inferno.engine.delta import Delta
from inferno.server.wire.completion_answer import CompletionAnswer
from inferno.server.wire.envelope import Envelope

FAKE = "fake:"
FAKE_WIDE = "fake:vocab=32000"
"""The fake model with a real vocabulary's width, which is what sampling costs by."""
EMBER = "ember"
EVENTS = 1000
SAMPLINGS: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "plain": {"temperature": 1.0, "seed": 1},
    "top_k_top_p": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "seed": 1},
    "penalties": {"temperature": 0.8, "repetition_penalty": 1.1, "presence_penalty": 0.5, "seed": 1},
}


@dataclass(frozen=True, slots=True)
class Generation:
    """So many prompts at once, each to its last token."""

    prompt: PromptShape
    streams: int
    max_tokens: int

    def prompts(self, run: str = "case") -> list[str]:
        return [self.prompt.text(run, i) for i in range(self.streams)]

    def run(self, llm: LLM, **sampling: Any) -> int:
        """Generates, and returns the number of tokens, which is always the same."""
        asked: dict[str, Any] = {"temperature": 0.0, "ignore_eos": True, **sampling, "max_tokens": self.max_tokens}
        return sum(done.usage.completion_tokens for done in llm.generate(self.prompts(), **asked))


GENERATIONS: dict[str, Generation] = {
    "prefill": Generation(WORKLOADS["B"].prompt, streams=1, max_tokens=1),
    "decode": Generation(WORKLOADS["E"].prompt, streams=1, max_tokens=WORKLOADS["E"].max_tokens),
    "batch": Generation(WORKLOADS["E"].prompt, streams=8, max_tokens=32),
}
SHARED_PREFIX = Generation(PromptShape(5, shared=60), streams=8, max_tokens=2)
"""Workload C, small enough for every model."""
SAMPLED = Generation(PromptShape(5), streams=1, max_tokens=32)


def encode_events(count: int = EVENTS) -> int:
    """Writes ``count`` deltas of a streamed completion as events; returns the bytes."""
    envelope = Envelope("cmpl-0", 1700000000, "fake", "fp_0")
    answer = CompletionAnswer(envelope, usage_streamed=True, candidates=1, told=1, with_logprobs=False, echoes=())
    return sum(len(answer.events(Delta(0, " word"))) for _ in range(count))
