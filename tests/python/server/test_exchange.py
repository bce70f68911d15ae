from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message

from inferno.engine.delta import Delta
from inferno.errors import OutOfMemory
from inferno.metrics.recorder import Recorder
from inferno.server.answer_head import AnswerHead
from inferno.server.exchange import Exchange
from inferno.server.tally import Tally


async def never_sent(message: Message) -> None:
    raise AssertionError(message)


def outcomes(registry: CollectorRegistry) -> dict[str, float]:
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {one.labels["outcome"]: one.value for one in samples if one.name == "inferno_requests_total"}


def finished_tally() -> Tally:
    tally = Tally(prompts=1, choices_per_prompt=1)
    tally.take(Delta(0, "", finish_reason="stop"))
    return tally


def test_a_request_counts_once_by_how_it_first_ended() -> None:
    registry = CollectorRegistry()
    exchange = Exchange(Recorder(registry), "/v1/x", AnswerHead(never_sent))
    exchange.finished(finished_tally())
    exchange.failed(OutOfMemory("late"))
    assert outcomes(registry) == {"stop": 1}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(OutOfMemory("m"), "out_of_memory"), (ValueError(), "internal"), (asyncio.CancelledError(), "cancelled")],
)
def test_what_leaves_by_an_exception_counts_as_what_it_is(error: BaseException, outcome: str) -> None:
    registry = CollectorRegistry()
    with pytest.raises(type(error)), Exchange(Recorder(registry), "/v1/x", AnswerHead(never_sent)):
        raise error
    assert outcomes(registry) == {outcome: 1}
