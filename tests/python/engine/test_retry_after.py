from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inferno.engine.core import _core
from inferno.engine.embedding import EmbedRequest
from inferno.engine.graph import GraphEngine
from inferno.engine.inference import InferRequest, Tensor
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest
from inferno.engine.retry_after import LONGEST, SHORTEST, UNKNOWN, by_busy_time, retry_after
from inferno.errors import QueueFull
from models.onnx_files import linear


def stats(ended: int, busy: float = 100.0) -> dict[str, float]:
    return {"finished": ended, "cancelled": 0, "failed": 0, "expired": 0, "step_seconds": busy}


@pytest.mark.parametrize(("reckoned", "said"), [(0.0, SHORTEST), (0.5, 0.5), (60.0, LONGEST), (1e6, LONGEST)])
def test_says_what_the_queue_tells_within_bounds(reckoned: float, said: float) -> None:
    assert retry_after(reckoned, stats(5), 3) == said


def test_before_the_queue_tells_anything_it_goes_by_busy_time_so_far() -> None:
    assert by_busy_time(stats(200), 3) == pytest.approx(1.5)
    assert retry_after(None, stats(200), 3) == pytest.approx(1.5)
    assert by_busy_time(stats(0), 1) is None
    assert retry_after(None, stats(0), 1) == UNKNOWN


@pytest.fixture
def reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines reckon ten seconds for each sequence, one for each token, and two for each that is to leave."""
    monkeypatch.setattr(_core.Engine, "seconds_until_room", lambda _, sequences, tokens: 10.0 * sequences + tokens)
    monkeypatch.setattr(_core.Engine, "seconds_until_left", lambda _, sequences: 2.0 * sequences)
    monkeypatch.setattr(_core.Embedder, "seconds_until_room", lambda _, tokens: 10.0 + tokens)
    monkeypatch.setattr(_core.GraphEngine, "seconds_until_room", lambda _: 11.0)


async def started(engine: LocalEngine, *tenants: str) -> list[Any]:
    """A request of each that goes on and on; the first of them runs, and the others wait for it."""
    streams = []
    for tenant in tenants:
        streams.append(await engine.generate(GenerateRequest([65], ignore_eos=True, tenant=tenant)))
        if len(streams) == 1:
            await anext(aiter(streams[0]))
    return streams


async def test_a_full_queue_says_what_its_engine_reckons_for_the_request(reckoned: None) -> None:
    engine = await LocalEngine.load("fake:step_us=2000", engine={"max_running": 1, "max_waiting": 1})
    streams = await started(engine, "a", "a")
    with pytest.raises(QueueFull) as full:
        await engine.generate(GenerateRequest([65] * 5, n=3, tenant="a"))
    assert full.value.retry_after == 3 * 10 + 3 * 5
    for stream in streams:
        await stream.aclose()
    await engine.aclose()


async def test_a_full_queue_of_texts_says_what_its_engine_reckons(reckoned: None) -> None:
    options = {"context_tokens": 64, "slots": 1}
    engine = await LocalEngine.load("fake:embed=4,step_us=20000", options=options, engine={"max_waiting": 1})
    asked = [engine.embed(EmbedRequest([[65] * 4, [66] * 3])) for _ in range(6)]
    refused = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, QueueFull)]
    assert {one.retry_after for one in refused} == {10 + 7}
    await engine.aclose()


async def test_a_full_queue_of_a_graph_says_what_its_engine_reckons(
    reckoned: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise _core.CoreError("queue_full", "as if others were ahead", "")

    engine = await GraphEngine.load(str(linear(tmp_path / "linear.onnx")), name="linear")
    monkeypatch.setattr(_core.GraphEngine, "submit", full)
    with pytest.raises(QueueFull) as refused:
        await engine.infer(InferRequest([Tensor("x", "FP32", (1, 3), np.zeros((1, 3), np.float32))]))
    assert refused.value.retry_after == 11
    await engine.aclose()


async def test_who_cannot_be_started_in_time_is_told_for_its_own_tenants_turns(reckoned: None) -> None:
    """One of a's runs. Of the three that wait b's one has b's turns, which come as often as those of a."""
    engine = await LocalEngine.load("fake:step_us=2000", engine={"max_running": 1})
    streams = await started(engine, "a", "a", "a", "b")
    for tenant, ahead in (("a", 3), ("b", 2)):
        with pytest.raises(QueueFull) as hopeless:
            await engine.generate(GenerateRequest([65], timeout=0.5, tenant=tenant))
        assert hopeless.value.retry_after == 2 * ahead - 0.5
    streams.append(await engine.generate(GenerateRequest([65], timeout=0.5, tenant="c")))
    for stream in streams:
        await stream.aclose()
    await engine.aclose()


async def test_a_place_that_is_free_is_not_waited_for(reckoned: None) -> None:
    """It is kept for b, who was there a moment ago, and a's second request waits all the same."""
    engine = await LocalEngine.load("fake:step_us=2000", engine={"max_running": 2})
    async for _ in await engine.generate(GenerateRequest([65], max_tokens=1, tenant="b")):
        pass
    streams = await started(engine, "a", "a")
    stats = engine.stats()
    assert (stats["requests_running"], stats["requests_waiting"]) == (1, 1)
    streams.append(await engine.generate(GenerateRequest([65], timeout=0.5, tenant="a")))
    for stream in streams:
        await stream.aclose()
    await engine.aclose()
