"""pytest-benchmark over asv's cases: ``python -m pytest benches/micro`` (``--benchmark-disable``: each once)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from benches.cases import EVENTS, FAKE, FAKE_WIDE, GENERATIONS, SAMPLED, SAMPLINGS, SHARED_PREFIX, encode_events

from inferno import LLM


@pytest.fixture(scope="module")
def fake() -> Iterator[LLM]:
    llm = LLM(FAKE)
    yield llm
    llm.close()


@pytest.fixture(scope="module")
def fake_wide() -> Iterator[LLM]:
    llm = LLM(FAKE_WIDE)
    yield llm
    llm.close()


@pytest.mark.parametrize("case", GENERATIONS)
@pytest.mark.benchmark(group="generate on fake")
def test_bench_generate(benchmark: Any, fake: LLM, case: str) -> None:
    generation = GENERATIONS[case]
    assert benchmark(generation.run, fake) == generation.streams * generation.max_tokens


@pytest.mark.benchmark(group="generate on fake")
def test_bench_shared_prefix(benchmark: Any, fake: LLM) -> None:
    assert benchmark(SHARED_PREFIX.run, fake) == SHARED_PREFIX.streams * SHARED_PREFIX.max_tokens


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.benchmark(group="sampling, vocabulary of 32,000")
def test_bench_sampling(benchmark: Any, fake_wide: LLM, sampling: str) -> None:
    made = benchmark(SAMPLED.run, fake_wide, **SAMPLINGS[sampling])
    assert made == SAMPLED.streams * SAMPLED.max_tokens


@pytest.mark.benchmark(group="wire")
def test_bench_events(benchmark: Any) -> None:
    assert benchmark(encode_events) > EVENTS * len("data: {}\n\n")
