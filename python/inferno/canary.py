"""The leak canary: two tenants with secrets in their prompts, at once on one model. Whatever of one shows in answers
to the other, in what is computed for it, or in the last bit of a number, is found. There are three looks.

As served: both send the same beginnings and their own secrets, and a fifth of them leave early. No secret may appear in
the other's answers, and no more of a prompt may be reused than its own tenant has had computed. One by one: what is
computed for a prompt must not depend on whether the other tenant has sent it, nor may the time to its first token tell.
Bit for bit: with ``deterministic``, every token and logprob must be what the same request is answered alone, where
nothing is shared.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import statistics
import time
from bisect import bisect, insort
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inferno.engine.client import EngineClient
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import InvalidArgument, Unsupported
from inferno.profiling.workload import LETTERS, WORDS

Load = Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[EngineClient]]
"""Loads the model with these options, and with these of the engine, on top of the user's own."""
Progress = Callable[[int, int], None]
"""Called with the requests done and their number in all."""

TENANTS = ("first", "second")
AT_ONCE = 24
LEAVES_ONE_IN = 5
ANSWER_TOKENS = 24
SHARED_BY = 10
"""Requests of both tenants that begin alike."""
TIMED_TOKENS = 80
TIMED_ROUNDS, ONE_MORE_FOR = 40, 20
"""Rounds of the look at times, and for how many requests there is one more: with more rounds, fewer must agree."""
CHANCE = 1e-6
"""Less probable than this is no chance: so often are times said to tell where they do not."""
BY_OTHER, BY_NOBODY, BY_ITSELF = "sent by the other", "sent by nobody", "sent by itself"
EXACT = {"deterministic": True, "slots": 8, "context_tokens": 512}
"""Few slots, so that prefixes are evicted and sequences wait."""


@dataclass(slots=True)
class Ask:
    """One request and what came of it."""

    tenant: str
    secret: str
    prompt: list[int]
    seed: int
    leaves_after: int | None
    came: int = 0
    """Which request of its engine it was."""
    text: str = ""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    cached: int = 0

    def same_as(self, alone: Ask) -> bool:
        """As far as it got: of one that left, the rest is not known."""
        got = len(self.tokens)
        return (self.tokens, self.logprobs) == (alone.tokens[:got], alone.logprobs[:got])


@dataclass(slots=True)
class Verdict:
    """``leaks`` says what was found, one line each; empty is good."""

    requests: int = 0
    leaks: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"requests": self.requests, "leak_free": not self.leaks, "leaks": self.leaks, **self.facts}


async def run(load: Load, *, requests: int, seed: int = 0, progress: Progress = lambda done, total: None) -> Verdict:
    """Takes as long as about ``requests`` short answers. Raises what ``load`` raises, but that ``deterministic`` cannot
    be kept with this model or device: then that look is left out, and the verdict's facts say why."""
    draw = random.Random(seed)  # noqa: S311
    verdict = Verdict(requests)
    as_served = requests - requests // 2
    engine = await load({}, {})
    try:
        asks = await _crowd(engine, _asks(draw, as_served), lambda done: progress(done, requests))
        _judge_secrets(asks, verdict)
        _judge_reuse(asks, verdict)
        await _judge_work(engine, draw, verdict)
    finally:
        await engine.aclose()
    try:
        await _judge_bits(
            load, _asks(draw, requests - as_served), verdict, lambda done: progress(as_served + done, requests)
        )
    except (Unsupported, InvalidArgument) as why:
        if why.param not in ("deterministic", "kv_layout", "flash_attention", "gpu_layers", "batch_rows"):
            raise
        verdict.facts["bit_for_bit"] = f"not looked at: {why.message}"
    progress(requests, requests)
    return verdict


def _asks(draw: random.Random, count: int) -> list[tuple[Ask, str]]:
    """Asks without their tokens, and their texts. Both tenants use the same beginnings."""
    beginnings = [" ".join(draw.choices(WORDS, k=50)) for _ in range(max(count // SHARED_BY, 2))]
    asked = []
    for number in range(count):
        secret = "".join(draw.choices(LETTERS, k=12))
        ask = Ask(TENANTS[draw.randrange(2)], secret, [], number, None)
        if draw.randrange(LEAVES_ONE_IN) == 0:
            ask.leaves_after = draw.randrange(ANSWER_TOKENS)
        asked.append((ask, f"{draw.choice(beginnings)}. The password is {secret}. Once more: the password is"))
    return asked


async def _crowd(engine: EngineClient, asked: list[tuple[Ask, str]], done: Callable[[int], None]) -> list[Ask]:
    places = asyncio.Semaphore(AT_ONCE)
    arrivals = itertools.count()
    ended = 0

    async def one(ask: Ask, text: str) -> None:
        nonlocal ended
        async with places:
            ask.prompt = await engine.encode(text)
            ask.came = next(arrivals)
            await _answer(engine, ask)
        ended += 1
        done(ended)

    await asyncio.gather(*(one(ask, text) for ask, text in asked))
    return [ask for ask, _ in asked]


async def _answer(engine: EngineClient, ask: Ask) -> None:
    sampling = SamplingOptions(temperature=float(ask.seed % 2), seed=ask.seed, logprobs=0)
    stream = await engine.generate(
        GenerateRequest(ask.prompt, sampling, max_tokens=ANSWER_TOKENS, ignore_eos=True, tenant=ask.tenant)
    )
    try:
        async for delta in stream:
            ask.text += delta.text
            ask.tokens += delta.token_ids
            ask.logprobs += [entry.logprob for entry in delta.logprobs]
            ask.cached = delta.usage.cached_tokens
            if ask.leaves_after is not None and len(ask.tokens) >= ask.leaves_after:
                break
    finally:
        await stream.aclose()


def _judge_secrets(asks: list[Ask], verdict: Verdict) -> None:
    for ask in asks:
        foreign = [other.secret for other in asks if other.tenant != ask.tenant]
        verdict.leaks += [
            f"request {ask.seed} of the {ask.tenant} tenant was answered with the other's secret"
            for secret in foreign
            if secret in ask.text
        ]
    verdict.facts["own_secret_repeated"] = sum(ask.secret in ask.text for ask in asks)


def _judge_reuse(asks: list[Ask], verdict: Verdict) -> None:
    """What a tenant reuses must begin a text that it has sent or received itself before."""
    reused = dict.fromkeys(TENANTS, 0)
    sent: dict[str, list[list[int]]] = {tenant: [] for tenant in TENANTS}
    for ask in sorted(asks, key=lambda ask: ask.came):
        own = sent[ask.tenant]
        # In order, a text lies beside the one with which it has most in common.
        place = bisect(own, ask.prompt)
        most = max((_common(ask.prompt, text) for text in own[max(place - 1, 0) : place + 1]), default=0)
        insort(own, ask.prompt + ask.tokens)
        if ask.cached > most:
            verdict.leaks.append(
                f"request {ask.seed} of the {ask.tenant} tenant reused {ask.cached} tokens, {most} are its own"
            )
        reused[ask.tenant] += ask.cached
    verdict.facts["reused_tokens"] = reused


def _common(one: list[int], other: list[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


async def _judge_work(engine: EngineClient, draw: random.Random, verdict: Verdict) -> None:
    """The same prompt after the other tenant's, against one that nobody has sent. Then again by the same tenant."""
    computed: dict[str, list[int]] = {BY_OTHER: [], BY_NOBODY: [], BY_ITSELF: []}
    seconds: dict[str, list[float]] = {case: [] for case in computed}

    async def timed(case: str | None, tenant: str, prompt: list[int]) -> None:
        before, began = engine.stats()["prefill_tokens_computed"], time.perf_counter()
        stream = await engine.generate(
            GenerateRequest(prompt, SamplingOptions(temperature=0), max_tokens=1, tenant=tenant)
        )
        async for _ in stream:
            pass
        if case is not None:
            seconds[case].append(time.perf_counter() - began)
            computed[case].append(engine.stats()["prefill_tokens_computed"] - before)

    for _ in range(TIMED_ROUNDS + verdict.requests // ONE_MORE_FOR):
        known, fresh = await _timed_prompt(engine, draw), await _timed_prompt(engine, draw)
        await timed(None, TENANTS[0], known)
        pair = [(BY_OTHER, known), (BY_NOBODY, fresh)]
        draw.shuffle(pair)  # so that nothing but a leak makes one of them the faster one more often
        for case, prompt in pair:
            await timed(case, TENANTS[1], prompt)
        await timed(BY_ITSELF, TENANTS[1], known)
    if computed[BY_OTHER] != computed[BY_NOBODY]:
        verdict.leaks.append("a prompt is computed in part only when the other tenant has sent it: its time tells")
    verdict.facts["computed_tokens"] = {case: [min(tokens), max(tokens)] for case, tokens in computed.items()}
    judge_times(seconds, verdict)


def judge_times(seconds: Mapping[str, Sequence[float]], verdict: Verdict) -> None:
    """Whether the times to the first token of a prompt that the other tenant has sent are others than those of one that
    nobody has: by how often they were the shorter ones of their round, which other work on the machine does not sway.

    What the tenant has sent itself is answered sooner. Where the same look does not even find that, it says so.
    """
    other, own = _chance(seconds[BY_OTHER], seconds[BY_NOBODY]), _chance(seconds[BY_ITSELF], seconds[BY_NOBODY])
    if other < CHANCE:
        verdict.leaks.append("the time to the first token tells whether the other tenant has sent the prompt")
    verdict.facts["seconds"] = {
        "median": {case: statistics.median(times) for case, times in seconds.items()},
        "chance_that_the_other_does_not_show": other,
        "chance_that_itself_does_not_show": own,
        "would_have_shown": own < CHANCE,
    }


def _chance(one: Sequence[float], other: Sequence[float]) -> float:
    """Of rounds divided at least as one-sidedly as these, were either as likely to be the shorter (a sign test)."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    shorter = sum(a < b for a, b in pairs)
    rarer = sum(math.comb(len(pairs), k) for k in range(min(shorter, len(pairs) - shorter) + 1))
    return min(1.0, 2 * rarer / (1 << len(pairs)))


async def _timed_prompt(engine: EngineClient, draw: random.Random) -> list[int]:
    """All of one length, and no two that begin alike."""
    words = [*("".join(draw.choices(LETTERS, k=5)) for _ in range(3)), *draw.choices(WORDS, k=TIMED_TOKENS)]
    return (await engine.encode(" ".join(words)))[:TIMED_TOKENS]


async def _judge_bits(load: Load, asked: list[tuple[Ask, str]], verdict: Verdict, done: Callable[[int], None]) -> None:
    engine = await load(EXACT, {})
    try:
        asks = await _crowd(engine, asked, done)
        reused = engine.stats()["prefix_tokens_reused"]
    finally:
        await engine.aclose()
    _judge_secrets(asks, verdict)
    _judge_reuse(asks, verdict)
    engine = await load(EXACT, {"prefix_cache": False, "max_running": 1})
    differing = 0
    try:
        for ask in asks:
            alone = Ask(ask.tenant, ask.secret, ask.prompt, ask.seed, None)
            await _answer(engine, alone)
            if not ask.same_as(alone):
                differing += 1
                verdict.leaks.append(f"request {ask.seed} of the {ask.tenant} tenant is answered otherwise alone")
    finally:
        await engine.aclose()
    verdict.facts["bit_for_bit"] = {"compared": len(asks), "differing": differing, "reused_tokens": reused}
