"""What encoders are measured by: texts to vectors, or pairs of texts to scores, so many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.engine.scoring import ScoreRequest
from inferno.profiling.phases import Phases
from inferno.profiling.workload import prompt_text

TURNS = 4
"""Requests of each size, one after another."""
_QUESTION = "which of these"


async def encode(engine: LocalEngine, batches: tuple[int, ...], tokens: int, phases: Phases) -> None:
    """Each of ``batches`` is a number of texts that one request brings, of about ``tokens`` tokens, or as many as the
    model takes. What memory the sizes need is taken before they are measured.

    A classifier is given pairs, as a reranker is, and tokenizes them itself: that is in its ``encode``.
    """
    asks = {batch: await _ask(engine, batch, tokens, first=batch << 16) for batch in batches}
    phases.end("texts")
    for ask in asks.values():
        await ask()
    phases.end("warm up")
    for batch, ask in asks.items():
        computed = sum([await ask() for _ in range(TURNS)])
        phases.end("encode", texts=batch, turns=TURNS, tokens=computed)


async def encode_one(engine: LocalEngine, tokens: int) -> Callable[[], Awaitable[int]]:
    """Encodes one text, each time that it is called."""
    return await _ask(engine, 1, tokens, first=1)


async def _ask(engine: LocalEngine, count: int, tokens: int, *, first: int) -> Callable[[], Awaitable[int]]:
    """Encodes ``count`` texts in one request; the number of their tokens."""
    most = min(tokens, engine.card.context_tokens)
    texts = [prompt_text(first + number, most) for number in range(count)]
    if "embed" in engine.card.abilities:
        ids = [tokenized[:most] for tokenized in await engine.encode_all(texts)]

        async def embed() -> int:
            return (await engine.embed(EmbedRequest(texts=ids))).prompt_tokens

        return embed
    pairs = [(_QUESTION, text) for text in texts]
    asked = ScoreRequest(texts=pairs, truncate=True, max_second_tokens=most)

    async def score() -> int:
        return (await engine.score(asked)).prompt_tokens

    return score
