"""The search, on a machine of arithmetic: it finds what is best there, within its time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inferno.errors import InvalidArgument
from inferno.tuning.search import Measure, Outcome, Sample, search
from inferno.tuning.space import DEFAULTS, Candidate, Factor, grid

FACTORS = [Factor("model.threads", (4, 2, 1)), Factor("model.kv_layout", ("unified",)), Factor("e.step", (1, 2))]
GRID = grid(FACTORS)
EFFECT = {
    ("model.threads", 4): 1.1,
    ("model.threads", 2): 0.8,
    ("model.threads", 1): 0.5,
    ("model.kv_layout", "unified"): 1.2,
    ("e.step", 1): 0.97,
    ("e.step", 2): 1.0,
}


def rate(candidate: Candidate) -> float:
    product = 100.0
    for setting in candidate:
        product *= EFFECT[setting]
    return product


def machine(
    seconds: float = 1.0,
    *,
    drift: Callable[[int], float] = lambda number: 1.0,
    gap: Callable[[Candidate], float] = lambda candidate: 0.01,
) -> Measure:
    async def measure(candidate: Candidate, number: int) -> Sample:
        return Sample(rate(candidate) * drift(number), gap(candidate), 0.1, seconds)

    return measure


async def found(measure: Measure, budget: float, **options: bool) -> Outcome:
    return await search(GRID, measure, budget, **options)


BEST = {("model.threads", 4), ("model.kv_layout", "unified")}


@pytest.mark.parametrize("budget", [40.0, 80.0, 1000.0])
async def test_it_finds_the_best(budget: float) -> None:
    outcome = await found(machine(), budget)
    assert set(outcome.best) == BEST
    assert outcome.gain(outcome.best) == pytest.approx(1.32)
    assert outcome.spent_seconds <= budget


async def test_exhaustively_every_candidate_is_measured_and_the_same_is_best() -> None:
    outcome = await found(machine(), 75.0, exhaustive=True)
    assert outcome.whole_grid
    assert {len(rounds) for rounds in outcome.samples.values()} == {3}
    assert set(outcome.best) == BEST


async def test_where_combinations_do_not_fit_the_best_of_each_setting_are_joined() -> None:
    outcome = await found(machine(), 16.0)
    assert not outcome.whole_grid
    assert set(outcome.best) == BEST


async def test_what_costs_much_alone_is_not_tried_in_combinations() -> None:
    outcome = await found(machine(), 1000.0)
    assert (("model.threads", 1),) in outcome.samples
    assert not [c for c in outcome.samples if len(c) > 1 and ("model.threads", 1) in c]


async def test_a_machine_that_becomes_slower_favours_nobody() -> None:
    outcome = await found(machine(drift=lambda number: 1 / (1 + number)), 200.0)
    assert set(outcome.best) == BEST
    assert outcome.gain(outcome.best) == pytest.approx(1.32)
    assert outcome.unsteadiness > 2


async def test_the_defaults_stay_where_nothing_is_better() -> None:
    async def flat(candidate: Candidate, number: int) -> Sample:
        return Sample(101.0 if candidate else 100.0, 0.01, 0.1, 1.0)

    assert (await found(flat, 100.0)).best == DEFAULTS


async def test_one_lucky_sample_is_not_enough() -> None:
    outcome = await found(machine(), float(len(GRID)), exhaustive=True)
    assert max(len(rounds) for rounds in outcome.samples.values()) == 1
    assert outcome.best == DEFAULTS


async def test_readers_do_not_wait_longer_for_it() -> None:
    outcome = await found(machine(gap=lambda c: 0.02 if ("model.kv_layout", "unified") in c else 0.01), 1000.0)
    assert ("model.kv_layout", "unified") not in outcome.best


async def test_what_is_refused_is_left_behind() -> None:
    async def measure(candidate: Candidate, number: int) -> Sample:
        if ("model.kv_layout", "unified") in candidate:
            return Sample(0.0, 0.0, 0.0, 0.1, "holds less")
        return Sample(rate(candidate), 0.01, 0.1, 1.0)

    outcome = await found(measure, 100.0)
    assert outcome.best == (("model.threads", 4),)
    refused = [rounds for c, rounds in outcome.samples.items() if ("model.kv_layout", "unified") in c]
    assert [len(rounds) for rounds in refused] == [1], "once, and in no combination"
    kept = [record for record in outcome.records() if record["settings"] == {"model.kv_layout": "unified"}]
    assert kept == [{"settings": {"model.kv_layout": "unified"}, "round": 0, "seconds": 0.1, "refused": "holds less"}]
    assert all(record["tokens_per_second"] > 0 for record in outcome.records() if "refused" not in record)


async def test_defaults_that_cannot_be_measured_are_an_error() -> None:
    async def measure(candidate: Candidate, number: int) -> Sample:
        return Sample(0.0, 0.0, 0.0, 0.1, "too large")

    with pytest.raises(InvalidArgument, match="too large"):
        await found(measure, 10.0)


async def test_a_budget_in_which_nothing_is_compared_is_refused_with_one_that_does() -> None:
    with pytest.raises(InvalidArgument, match=r"took 30 s, .* a budget of 60 s: give at least 120") as raised:
        await found(machine(seconds=30.0), 60.0)
    assert raised.value.param == "budget"
    assert len((await found(machine(seconds=30.0), 120.0)).samples) > 1
