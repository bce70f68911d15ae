"""Whatever a key asks for reaches the engine as that key's: no route forgets whose a prompt is."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from e2e.bodies import bodies_of
from inferno.engine.client import ModelCard
from inferno.engine.conversation import Conversation, Turn
from inferno.engine.embedding import EmbedRequest, EmbedResult
from inferno.engine.request import GenerateRequest
from inferno.engine.scoring import ScoreRequest, ScoreResult
from inferno.errors import Unavailable
from inferno.server.operation import Operation
from inferno.server.operations import OPERATIONS
from server.fake_client import FakeClient, FakeStream
from server.harness import Settings, app_of

GRAPHS = "/v2/models/{name}/infer"
"""Tensors wait in one line, and nothing of them is kept."""


class Noting(FakeClient):
    """Can do everything; notes for whom, and fails."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: list[str] = []

    @property
    def card(self) -> ModelCard:
        return replace(super().card, abilities=("complete", "chat", "embed", "classify", "rerank"))

    async def open_turn(self, conversation: Conversation) -> Turn:
        self.asked_for.append(conversation.tenant)
        return await super().open_turn(conversation)

    async def generate(self, request: GenerateRequest) -> FakeStream:
        self.asked_for.append(request.tenant)
        raise Unavailable("noted")

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        self.asked_for.append(request.tenant)
        raise Unavailable("noted")

    async def score(self, request: ScoreRequest) -> ScoreResult:
        self.asked_for.append(request.tenant)
        raise Unavailable("noted")


async def asked_for(operation: Operation, key: str) -> list[str]:
    fake = Noting()
    app = app_of(fake, settings=Settings(api_keys=("alpha", "beta")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for number, body in enumerate(bodies_of(operation, "fake-model")):
            noted = len(fake.asked_for)
            answer = await http.post(operation.path, json=body, headers={"authorization": f"Bearer {key}"})
            assert len(fake.asked_for) > noted, (number, answer.text)
    return fake.asked_for


@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=one.path) for one in OPERATIONS if one.generates and one.path != GRAPHS],
)
async def test_what_a_key_asks_for_is_its_own(operation: Operation) -> None:
    (alpha,), (beta,) = [set(await asked_for(operation, key)) for key in ("alpha", "beta")]
    assert alpha
    assert beta
    assert alpha != beta
