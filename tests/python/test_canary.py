"""The leak canary on real engines, and that it sings: engines that mix tenants up are found out."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from inferno import canary
from inferno.cli import main
from inferno.engine.delta import Delta, RequestStream
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest
from inferno.models.source import resolve

REQUESTS = int(os.environ.get("INFERNO_TEST_CANARIES", "60"))
"""1000 for the full run."""


class Mixing(LocalEngine):
    """Everybody is one tenant: what a server would be that forgets whose a prompt is."""

    async def generate(self, request: GenerateRequest) -> RequestStream:  # type: ignore[override]
        return await super().generate(replace(request, tenant="everybody"))


def loader(kind: type[LocalEngine], model: str, **more: Any) -> canary.Load:
    async def load(options: Mapping[str, Any], engine: Mapping[str, Any]) -> LocalEngine:
        return await kind.load(resolve(model).path, options={"threads": 2, **more, **options}, engine=engine)

    return load


@pytest.mark.parametrize("model", ["ember", "fake:"])
@pytest.mark.parametrize("layout", ["unified", "per_sequence"])
async def test_nothing_leaks(model: str, layout: str) -> None:
    async def load(options: Mapping[str, Any], engine: Mapping[str, Any]) -> LocalEngine:
        own = {} if options else {"kv_layout": layout, "slots": 16, "context_tokens": 512, "kv_tokens": 16 * 512}
        return await LocalEngine.load(resolve(model).path, options={"threads": 2, **own, **options}, engine=engine)

    seen: list[tuple[int, int]] = []
    verdict = await canary.run(load, requests=REQUESTS, progress=lambda *done: seen.append(done))
    assert verdict.leaks == []
    assert verdict.facts["bit_for_bit"]["compared"] == REQUESTS // 2
    assert min(verdict.facts["reused_tokens"].values()) > 0, "or the look at reuse looked at nothing"
    assert verdict.facts["bit_for_bit"]["reused_tokens"] > 0
    computed = verdict.facts["computed_tokens"]
    assert computed["sent by itself"][1] < computed["sent by nobody"][0], "or the counter could not show reuse"
    assert set(verdict.facts["seconds"]["median"]) == set(computed)
    assert seen[-1] == (REQUESTS, REQUESTS)


async def test_an_engine_that_forgets_tenants_is_found_out_by_what_it_reuses_and_computes() -> None:
    verdict = await canary.run(loader(Mixing, "fake:"), requests=60)
    assert any("are its own" in leak for leak in verdict.leaks)
    assert any("its time tells" in leak for leak in verdict.leaks)
    assert not any("otherwise alone" in leak for leak in verdict.leaks), "what is reused is right, if not its owner's"


def rounds(draw: random.Random, by_other: float, count: int, *, by_itself: float = 3.0) -> dict[str, list[float]]:
    """Times of a machine where now and then something else runs, and where everything becomes slower meanwhile. A
    prompt takes 10 ms, one that the other has sent ``by_other``, and what the tenant has sent itself ``by_itself``."""
    seconds: dict[str, list[float]] = {canary.BY_OTHER: [], canary.BY_NOBODY: [], canary.BY_ITSELF: []}
    for number in range(count):
        for case, milliseconds in zip(seconds, (by_other, 10.0, by_itself), strict=True):
            disturbed = draw.expovariate(0.1) if draw.random() < 0.3 else draw.expovariate(1)
            seconds[case].append((milliseconds * (1 + number / count) + disturbed) / 1000)
    return seconds


@pytest.mark.parametrize("count", [40, 90])
def test_times_tell_where_there_is_something_to_tell_and_not_where_nothing_is(count: int) -> None:
    draw = random.Random(1)
    found = {10.0: 0, 3.0: 0, 13.0: 0}
    shows = 0
    for by_other in found:
        for _ in range(1000):
            verdict = canary.Verdict()
            canary.judge_times(rounds(draw, by_other, count), verdict)
            found[by_other] += bool(verdict.leaks)
            shows += verdict.facts["seconds"]["would_have_shown"]
    assert found[10.0] == 0, "one in a million would have been chance"
    assert found[3.0] > (990 if count == 90 else 700)
    assert found[13.0] > (900 if count == 90 else 200), "slower tells as well"
    assert shows > (2970 if count == 90 else 2100)


def test_where_not_even_ones_own_prompt_shows_the_look_at_times_says_so() -> None:
    verdict = canary.Verdict()
    canary.judge_times(rounds(random.Random(1), 10.0, 90, by_itself=10.0), verdict)
    assert verdict.facts["seconds"]["would_have_shown"] is False


class Altered:
    """A stream whose deltas are changed on the way."""

    def __init__(self, mine: RequestStream, change: Callable[[Delta], Delta]) -> None:
        self.mine, self.change = mine, change

    async def __aiter__(self) -> Any:
        async for delta in self.mine:
            yield self.change(delta)

    async def aclose(self) -> None:
        await self.mine.aclose()


async def test_a_last_bit_that_hangs_on_others_is_found_out() -> None:
    def swayed(delta: Delta) -> Delta:
        entries = (replace(entry, logprob=math.nextafter(entry.logprob, 1)) for entry in delta.logprobs)
        return replace(delta, logprobs=tuple(entries))

    class Swayed(LocalEngine):
        async def generate(self, request: GenerateRequest) -> RequestStream:  # type: ignore[override]
            stream = await super().generate(request)
            return stream if self.stats()["max_running"] == 1 else Altered(stream, swayed)

    verdict = await canary.run(loader(Swayed, "fake:"), requests=20)
    assert any("otherwise alone" in leak for leak in verdict.leaks)
    assert verdict.facts["bit_for_bit"]["differing"] == len(verdict.leaks) > 0


async def test_answers_of_others_are_found_out() -> None:
    class Babbling(LocalEngine):
        async def generate(self, request: GenerateRequest) -> RequestStream:  # type: ignore[override]
            said = self.__dict__.setdefault("said", [])
            said.append(await self.decode(request.prompt))
            return Altered(await super().generate(request), lambda delta: replace(delta, text=said[-1]))

    verdict = await canary.run(loader(Babbling, "fake:"), requests=40)
    assert any("answered with the other's secret" in leak for leak in verdict.leaks)


async def test_where_bits_cannot_be_kept_the_verdict_says_so() -> None:
    verdict = await canary.run(loader(LocalEngine, "ember", kv_layout="unified", flash_attention="off"), requests=10)
    assert verdict.leaks == []
    assert verdict.facts["bit_for_bit"].startswith("not looked at: deterministic is on, but")


def test_the_command_says_it_plainly_and_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--canary", "ember", "--requests", "12", *flag])
        assert ended.value.code == 0
    words, _, last = capsys.readouterr().out.partition("{\n")
    assert "Nothing leaks between tenants." in words
    assert json.loads("{" + last)["leak_free"] is True


def test_the_command_fails_where_something_leaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inferno.engine.local.LocalEngine", Mixing)
    for flag in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--canary", "fake:", "--requests", "12", *flag])
        assert ended.value.code == 1
    words, _, last = capsys.readouterr().out.partition("{\n")
    assert "LEAK: a prompt is computed in part only when the other tenant has sent it" in words
    assert "leaks were found." in words
    assert json.loads("{" + last)["leak_free"] is False
