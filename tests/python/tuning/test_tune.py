"""The whole search over the real engine and its test model, with samples so short that their figures mean nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inferno.config import load as load_settings
from inferno.config.layers import with_tuned
from inferno.engine.local import LocalEngine
from inferno.errors import InvalidArgument, Unavailable
from inferno.profiling.workload import PLAIN
from inferno.tuning import measuring, search
from inferno.tuning import tune as tuning
from inferno.tuning.measuring import Workload, look, measure
from inferno.tuning.result import Key, as_json, key_of
from inferno.tuning.search import Sample
from inferno.tuning.space import Candidate
from inferno.tuning.tune import Asked, Subject, tune

AMPLE = 3600.0
"""Seconds that are not spent: the rounds bound the search."""
WORKLOAD = Workload(streams=2, prompt_tokens=12, answer_tokens=4, turns=2)
ASKED = Asked(WORKLOAD, AMPLE, only=("kv_layout", "batch_rows"))
SETTINGS = load_settings(env={}, cwd=Path("/"), flags={"model.context_tokens": ("--context", 64)})


@pytest.fixture(autouse=True)
def _quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 1e-3)
    monkeypatch.setattr(tuning, "MOST_UNSTEADY", 1e9)
    monkeypatch.setattr(search, "MOST_ROUNDS", 3)


async def load(candidate: Mapping[str, Any], path: str = "fake:") -> LocalEngine:
    config = with_tuned(SETTINGS, candidate)
    return await LocalEngine.load(path, options=config.model.loading(), engine={**config.engine.model_dump(), **PLAIN})


def subject() -> Subject:
    return Subject(key_of("fake:", "fake:", SETTINGS.model), "fake", 0, frozenset({"model.context_tokens"}))


def unseen(candidate: Candidate, sample: Sample, spent: float) -> None:
    pass


async def test_the_grid_is_measured_and_every_sample_kept() -> None:
    tuned = await tune(load, subject(), replace(ASKED, exhaustive=True), unseen)
    tried = {tuple(sample["settings"].items()) for sample in tuned.samples}
    assert len(tried) == tuned.candidates == 6
    assert tuned.whole_grid
    assert all(sample["tokens_per_second"] > 0 for sample in tuned.samples)
    assert tuned.key.sizes == {"context_tokens": 64}
    assert '"samples"' in as_json(tuned)


async def test_stopped_and_begun_again_it_goes_on() -> None:
    async def until(number: int) -> int:
        seen = 0

        def stop(candidate: Candidate, sample: Sample, spent: float) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                raise asyncio.CancelledError

        loads.clear()
        with pytest.raises(asyncio.CancelledError):
            await tune(counted, subject(), replace(ASKED, exhaustive=True), stop)
        return len(loads)

    loads: list[Mapping[str, Any]] = []

    async def counted(candidate: Mapping[str, Any]) -> LocalEngine:
        loads.append(candidate)
        return await load(candidate)

    assert await until(4) == 1 + 4  # the look at the defaults, and the samples
    assert await until(5) == 1 + 1


async def test_on_a_busy_machine_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MOST_UNSTEADY", 0.0)
    with pytest.raises(Unavailable, match="busy with other things"):
        await tune(load, subject(), ASKED, unseen)


async def test_nothing_left_to_tune_is_said() -> None:
    fixed = frozenset({"model.kv_layout", "model.batch_rows"})
    with pytest.raises(InvalidArgument, match="every setting that could be tuned is given"):
        await tune(load, replace(subject(), fixed=fixed), ASKED, unseen)


async def test_what_would_hold_less_or_is_refused_is_not_measured() -> None:
    card, _ = await look(load, WORKLOAD)
    short: Candidate = (("model.kv_tokens", 1024),)
    assert card.applied["kv_tokens"] == 16384
    sample = await measure(load, short, WORKLOAD, defaults=card)
    assert sample.refused == "kv_tokens would be 1024, with the defaults it is 16384"
    sample = await measure(load, (("model.slots", 1 << 25),), WORKLOAD, defaults=card)
    assert sample.refused is not None
    assert "slots is 33554432" in sample.refused


async def test_a_model_that_embeds_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="generates no text"):
        await look(lambda candidate: load(candidate, "fake:embed=8"), WORKLOAD)


def test_answers_are_as_long_as_asked_on_average() -> None:
    workload = Workload(streams=4, prompt_tokens=128, answer_tokens=32)
    lengths = [workload.answer_length(stream, turn) for stream in range(4) for turn in range(2)]
    assert set(lengths) == {24, 40}
    assert sum(lengths) == 32 * 8


def test_the_key_names_what_the_result_holds_for() -> None:
    key = subject().key
    assert (
        key.digest() == Key(**{name: getattr(key, name) for name in ("model", "machine", "engine", "sizes")}).digest()
    )
    for name in ("model", "engine"):
        assert replace(key, **{name: "x"}).digest() != key.digest()
    assert replace(key, sizes={}).digest() != key.digest()
