"""EncoderEngine: the native embedder in this process, for models that make vectors or scores of texts."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from inferno.engine.abilities import cannot
from inferno.engine.client import ModelCard
from inferno.engine.core import _core, native_call
from inferno.engine.embedding import Deliveries, EmbedRequest, EmbedResult
from inferno.engine.encoder import Segment
from inferno.engine.native import checked_ids, fill_embed_request
from inferno.engine.retry_after import retry_after
from inferno.engine.scoring import Frame, ScoreRequest, ScoreResult
from inferno.errors import ContextLengthExceeded, QueueFull

if TYPE_CHECKING:
    from inferno.engine.extras import Extras

_INLINE_CHARS = 4096
"""Texts up to this length together are tokenized on the event loop: handing them to a thread would take longer."""


class EncoderEngine:
    """Belongs to the event loop of its first request. ``encode`` gives the ids of segments with nothing around them."""

    def __init__(
        self,
        model: _core.Model,
        config: _core.EngineConfig,
        card: ModelCard,
        extras: Extras,
        encode: Callable[[Sequence[Segment]], list[int]],
    ) -> None:
        self._deliveries = Deliveries()
        self.native = native_call(_core.Embedder, model, config, self._deliveries.on_embeddings)
        self._card = card
        self._normalize = extras.embedding.normalize
        self._closing = model.closing
        self._encode = encode
        self._frame = Frame(
            before=tuple(native_call(model.encode, [], True, False)),
            between=tuple(model.separator) if extras.between is None else extras.between,
            after=tuple(native_call(model.encode, [], False, True)),
        )

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        if "embed" not in self._card.abilities:
            raise cannot(self._card, "embed")
        texts = [self._fitting(text, request.truncate) for text in request.texts]
        return await self._computed(replace(request, texts=texts), normalize=self._normalize)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        if "classify" not in self._card.abilities:
            raise cannot(self._card, "classify")
        if sum(len(first) + len(second or "") for first, second in request.texts) <= _INLINE_CHARS:
            rows = self._rows(request)
        else:
            rows = await asyncio.get_running_loop().run_in_executor(None, self._rows, request)
        asked = EmbedRequest(
            texts=[ids for ids, _ in rows],
            seconds=[second for _, second in rows],
            priority=request.priority,
            tenant=request.tenant,
        )
        result = await self._computed(asked, normalize=False)
        scores = tuple(tuple(array("f", numbers)) for numbers in result.vectors)
        return ScoreResult(scores, result.prompt_tokens, result.timings)

    def _rows(self, request: ScoreRequest) -> list[tuple[list[int], int]]:
        limit = self._card.context_tokens
        return [self._frame.row(pair, self._encode, limit, request) for pair in request.texts]

    async def _computed(self, request: EmbedRequest, *, normalize: bool) -> EmbedResult:
        native = _core.EmbedRequest()
        fill_embed_request(native, request, normalize=normalize)
        self._deliveries.home.bind(asyncio.get_running_loop())
        try:
            request_id = native_call(self.native.submit, native)
        except QueueFull as refused:
            tokens = sum(len(text) for text in request.texts)
            stats = self.native.stats().as_dict()
            refused.retry_after = retry_after(self.native.seconds_until_room(tokens), stats, len(request.texts))
            raise
        try:
            return await self._deliveries.wait(request_id, request)
        except asyncio.CancelledError:
            self.native.cancel(request_id)
            raise

    def _fitting(self, text: Sequence[int], truncate: bool) -> Sequence[int]:
        """``text``, or what the model's context holds of it: its beginning, and what the model wants behind a text."""
        limit = self._card.context_tokens
        if len(text) <= limit:
            return checked_ids(text, "input")
        if not truncate:
            raise ContextLengthExceeded(
                f"a text has {len(text)} tokens; this model takes {limit}. Send less, or 'truncate': true to leave out "
                "the rest",
                param="input",
            )
        closes = text[-1] == self._closing
        return checked_ids([*text[: limit - 1], text[-1]] if closes else text[:limit], "input")
