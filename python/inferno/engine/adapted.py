"""A model with one of its adapters, as an EngineClient: what is asked of it is computed with that adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from inferno.engine.client import EngineClient, ModelCard
from inferno.engine.delta import RequestStream
from inferno.engine.request import Gap, GenerateRequest, Message

if TYPE_CHECKING:
    from inferno.engine.conversation import Conversation, Turn
    from inferno.engine.embedding import EmbedRequest, EmbedResult
    from inferno.engine.inference import InferRequest, InferResult
    from inferno.engine.scoring import ScoreRequest, ScoreResult


class AdaptedClient:
    """A view of ``client``: closing belongs to whoever owns that."""

    def __init__(self, client: EngineClient, adapter: str, name: str) -> None:
        """``name`` is what it is served as."""
        self._client = client
        self._adapter = adapter
        card = client.card
        loaded_at = client.adapters.get(adapter, card.loaded_at)
        self._card = replace(card, name=name, parent=card.name, loaded_at=loaded_at)

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def adapters(self) -> Mapping[str, int]:
        return {}

    async def generate(self, request: GenerateRequest) -> RequestStream:
        return await self._client.generate(structs.replace(request, adapter=self._adapter))

    async def encode_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> list[int]:
        return await self._client.encode_chat(messages, template_kwargs=template_kwargs)

    async def render_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> str:
        return await self._client.render_chat(messages, template_kwargs=template_kwargs)

    async def open_turn(self, conversation: Conversation) -> Turn:
        return await self._client.open_turn(conversation)

    async def encode(self, text: str, *, add_special: bool = True) -> list[int]:
        return await self._client.encode(text, add_special=add_special)

    async def encode_infill(self, gap: Gap) -> list[int]:
        return await self._client.encode_infill(gap)

    async def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return await self._client.encode_all(texts)

    async def decode(self, token_ids: Sequence[int]) -> str:
        return await self._client.decode(token_ids)

    async def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]:
        return await self._client.token_bytes(token_ids)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        return await self._client.embed(request)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        return await self._client.score(request)

    async def infer(self, request: InferRequest) -> InferResult:
        return await self._client.infer(request)

    def stats(self) -> Mapping[str, Any]:
        return self._client.stats()

    @property
    def healthy(self) -> bool:
        return self._client.healthy

    async def aclose(self) -> None:
        """Leaves the model open."""
