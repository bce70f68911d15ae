"""Host memory under the KV cache, with real weights: sequences are set aside and come back, and no text shows it."""

from __future__ import annotations

from typing import Any

import pytest

import inferno

MIB = 1 << 20
QUESTIONS = [f"Question {number}: What is {number} plus {30 + number}? " * 12 for number in range(5)]


# Without guesses, and without a question whose answer hangs on how a step's number of rows rounds: what is shown here
# is that no cell is lost or mixed up, which any text would show.
def answers(**options: Any) -> tuple[list[str], dict[str, Any]]:
    with inferno.LLM(speculate="off", **options) as llm:
        completions = llm.generate(QUESTIONS, max_tokens=60, temperature=0, ignore_eos=True)
        return [completion.text for completion in completions], dict(llm.stats())


@pytest.fixture(scope="module")
def undisturbed() -> list[str]:
    texts, stats = answers()
    assert stats["preemptions"] == 0
    return texts


@pytest.mark.parametrize(
    ("layout", "sizes"),
    [("unified", {"kv_tokens": 768}), ("per_sequence", {"kv_tokens": 2048, "slots": 4})],
)
def test_who_is_set_aside_goes_on_from_host_memory(undisturbed: list[str], layout: str, sizes: dict[str, int]) -> None:
    texts, stats = answers(kv_layout=layout, context_tokens=512, host_cache_bytes=16 * MIB, **sizes)
    assert texts == undisturbed
    if layout == "unified":
        assert stats["preemptions"] > 0
        assert stats["prefix_tokens_from_host"] > 0
    assert stats["failed"] == 0


def test_without_host_memory_it_is_computed_again(undisturbed: list[str]) -> None:
    texts, stats = answers(context_tokens=512, kv_tokens=768, host_cache_bytes=0)
    assert texts == undisturbed
    assert stats["preemptions"] > 0
    assert stats["host_cache_limit_bytes"] == 0


def test_an_evicted_prefix_comes_back_for_its_own_tenant_only() -> None:
    shared = "The museum opens at nine and closes at five. " * 10
    with inferno.LLM(context_tokens=512, kv_tokens=512, host_cache_bytes=16 * MIB) as llm:
        first = llm.generate(shared, max_tokens=8, temperature=0)[0]
        llm.generate("Something else entirely. " * 25, max_tokens=8)
        again = llm.generate(shared, max_tokens=8, temperature=0)[0]
        assert again.text == first.text
        assert again.usage.cached_tokens > 64
        assert llm.stats()["prefix_tokens_from_host"] == again.usage.cached_tokens
