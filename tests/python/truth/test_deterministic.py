"""``deterministic``: the same seed and prompt give the same tokens and the same logprobs, bit for bit, on ``ember``."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.models.builtin import ember_path

OTHERS = 32
DRAW = random.Random(20)
PROMPT = [DRAW.randrange(1200) for _ in range(530)]
"""Beyond 512 cells llama.cpp's attention for a lone row is another."""

Said = list[tuple[int, float]]


async def load(**options: Any) -> LocalEngine:
    engine = {name: options.pop(name) for name in ("max_running", "prefix_cache") if name in options}
    wanted = {"context_tokens": 700, "slots": OTHERS + 1, "threads": 2, **options}
    return await LocalEngine.load(str(ember_path()), options=wanted, engine=engine)


async def say(
    engine: LocalEngine, prompt: list[int], tokens: int = 24, seed: int = 7, priority: int = 0
) -> tuple[Said, int]:
    """Every token with its logprob, and how many prompt tokens were taken from the prefix cache."""
    sampling = SamplingOptions(temperature=1.0, seed=seed, logprobs=1)
    request = GenerateRequest(prompt, sampling, max_tokens=tokens, ignore_eos=True, priority=priority)
    deltas = [delta async for delta in await engine.generate(request)]
    said = [(entry.token_id, entry.logprob) for delta in deltas for entry in delta.logprobs]
    assert len(said) == tokens
    return said, deltas[-1].usage.cached_tokens


def crowd(engine: LocalEngine, tokens: int) -> list[asyncio.Task[tuple[Said, int]]]:
    prompts = [[DRAW.randrange(1200) for _ in range(DRAW.choice((1, 2, 40, 63, 64, 65, 200)))] for _ in range(OTHERS)]
    return [asyncio.ensure_future(say(engine, prompt, tokens, seed)) for seed, prompt in enumerate(prompts)]


async def in_company(engine: LocalEngine) -> Said:
    others = crowd(engine, 300)
    while engine.stats()["generated_tokens"] < OTHERS:
        await asyncio.sleep(0.001)
    said, _ = await say(engine, PROMPT)
    assert not any(task.done() for task in others), "the others must still run, or nothing was shown"
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return said


async def test_alone_and_among_thirty_two_others() -> None:
    engine = await load(deterministic=True, max_running=OTHERS + 1, prefix_cache=False)
    alone, _ = await say(engine, PROMPT)
    assert await in_company(engine) == alone
    await engine.aclose()


async def test_without_it_company_shows_in_the_last_bits() -> None:
    engine = await load(kv_layout="per_sequence", max_running=OTHERS + 1, prefix_cache=False)
    alone, _ = await say(engine, PROMPT)
    assert await in_company(engine) != alone
    await engine.aclose()


async def test_with_a_reused_prefix_and_in_other_chunks() -> None:
    engine = await load(deterministic=True, slots=4)
    alone, cached = await say(engine, PROMPT)
    assert cached == 0
    again, cached = await say(engine, PROMPT)
    assert cached >= 512
    assert again == alone
    # A prefix that ends in the middle of what was computed at once, and beyond the prompt in what was generated.
    longer = [*PROMPT, *(token for token, _ in alone)]
    reused, cached = await say(engine, longer)
    assert cached >= len(PROMPT)
    await engine.aclose()
    engine = await load(deterministic=True, slots=4, batch_rows=37, prefix_cache=False)
    assert (await say(engine, longer))[0] == reused
    assert (await say(engine, PROMPT))[0] == alone
    await engine.aclose()


async def test_with_any_number_of_threads() -> None:
    said = []
    for threads in (1, 2, 3):
        engine = await load(deterministic=True, slots=2, threads=threads)
        said.append((await say(engine, PROMPT))[0])
        await engine.aclose()
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("prefix_cache", [False, True])
async def test_after_being_set_aside(prefix_cache: bool) -> None:
    """One of lower priority gives way in mid-answer, and is resumed by computing it again, or from what was kept."""
    engine = await load(deterministic=True, slots=2, max_running=1, prefix_cache=prefix_cache)
    alone, _ = await say(engine, PROMPT, 100)
    undisturbed, _ = await say(engine, PROMPT[:1] + PROMPT, 150)
    disturbed = asyncio.ensure_future(say(engine, PROMPT[:1] + PROMPT, 150, priority=5))
    before = engine.stats()["generated_tokens"]
    while engine.stats()["generated_tokens"] < before + 5:
        await asyncio.sleep(0.001)
    assert (await say(engine, PROMPT, 100))[0] == alone
    assert (await disturbed)[0] == undisturbed
    assert engine.stats()["preemptions"] > 0
    await engine.aclose()


@pytest.mark.parametrize(
    "options", [{"kv_layout": "unified"}, {"flash_attention": "off"}, {"batch_rows": 1}], ids=lambda o: next(iter(o))
)
async def test_what_cannot_be_exact_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="deterministic is on, but") as raised:
        await load(deterministic=True, **options)
    assert raised.value.param in options
