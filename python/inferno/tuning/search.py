"""Which candidate is fastest, in a given time. Knows neither engines nor clocks: what a sample took is written in it.

Successive halving: every round measures each candidate that is left once, the defaults first, and the better half goes
on. A sample counts as its ratio to the defaults of the same round, so that a machine that becomes slower meanwhile
favours nobody.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from inferno.errors import InvalidArgument
from inferno.tuning.space import DEFAULTS, Candidate, Value

FIRST_ROUND_SHARE = 0.5
"""Of the budget. What does not fit is left out, from the combinations of many changes on."""
HOPELESS = 0.9
"""What has no more than this share of the defaults' rate is not tried together with other changes."""
LEAST_GAIN = 1.02
"""Below that the defaults stay: a setting that gains nothing is one more thing to explain."""
LEAST_ROUNDS = 2
"""Measured once, the luckiest of many looks best."""
MOST_ROUNDS = 9
WORSE_GAPS = 1.25
"""A candidate may not make readers wait that much longer between tokens than the defaults do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. ``tokens_per_second`` of answers; ``gap_p95`` seconds between tokens; ``seconds`` that it took
    in all, loading included. ``refused``: why it could not be measured; then there are no figures."""

    tokens_per_second: float
    gap_p95: float
    first_token_p50: float
    seconds: float
    refused: str | None = None


Measure = Callable[[Candidate, int], Awaitable[Sample]]
"""Measures a candidate in a round (from 0)."""


@dataclass(slots=True)
class Outcome:
    """``samples`` by candidate and round. ``best`` is DEFAULTS where nothing is better."""

    samples: dict[Candidate, dict[int, Sample]] = field(default_factory=dict)
    best: Candidate = DEFAULTS
    whole_grid: bool = False
    """Whether every candidate was measured at least once."""

    @property
    def spent_seconds(self) -> float:
        return sum(sample.seconds for rounds in self.samples.values() for sample in rounds.values())

    def ratios(self, candidate: Candidate) -> list[float]:
        """Its rate to the defaults', in each round in which both were measured."""
        base = self.samples[DEFAULTS]
        return [
            sample.tokens_per_second / base[number].tokens_per_second
            for number, sample in self.samples[candidate].items()
            if sample.refused is None and number in base
        ]

    def gain(self, candidate: Candidate) -> float:
        """The median of those; 0 for one that could not be measured."""
        return statistics.median(self.ratios(candidate) or [0.0])

    @property
    def unsteadiness(self) -> float:
        """The defaults' best rate to their worst: 1 on a machine that does nothing else."""
        rates = [sample.tokens_per_second for sample in self.samples[DEFAULTS].values()]
        return max(rates) / min(rates)

    def gap(self, candidate: Candidate) -> float:
        return statistics.median(sample.gap_p95 for sample in self.samples[candidate].values())

    def records(self) -> list[dict[str, Any]]:
        """All samples, as they are kept."""
        return [
            record(candidate, number, sample)
            for candidate, rounds in self.samples.items()
            for number, sample in rounds.items()
        ]


def record(candidate: Candidate, number: int, sample: Sample) -> dict[str, Any]:
    """A sample of a round as it is kept: its figures, or why there are none."""
    found: dict[str, Any] = asdict(sample)
    if sample.refused is None:
        del found["refused"]
    else:
        found = {"seconds": sample.seconds, "refused": sample.refused}
    return {"settings": dict(candidate), "round": number, **found}


async def search(
    candidates: Sequence[Candidate], measure: Measure, budget_seconds: float, *, exhaustive: bool = False
) -> Outcome:
    """``candidates`` begins with DEFAULTS. Ends when the budget is spent or one challenger is left and well known; with
    ``exhaustive`` every candidate is measured in every round, at least once whatever the budget.

    Raises InvalidArgument where the defaults themselves cannot be measured, or nothing besides them in that time, and
    what ``measure`` raises.
    """
    outcome = Outcome()
    left = await _first_round(candidates, measure, budget_seconds, outcome, whole=exhaustive)
    if len(outcome.samples) < 2:
        enough = math.ceil(2 * outcome.spent_seconds / FIRST_ROUND_SHARE)
        raise InvalidArgument(
            f"one sample took {outcome.spent_seconds:.0f} s, so that nothing but the defaults fits into a budget of "
            f"{budget_seconds:g} s: give at least {enough}",
            param="budget",
        )
    for number in range(1, MOST_ROUNDS):
        if not exhaustive:
            left = _better_half(left, outcome)
        next_costs = _cost([DEFAULTS, *left], outcome)
        if not left or outcome.spent_seconds + next_costs > budget_seconds:
            break
        await _round(number, left, measure, outcome)
    outcome.whole_grid = all(candidate in outcome.samples for candidate in candidates)
    outcome.best = _best(outcome)
    return outcome


async def _first_round(
    candidates: Sequence[Candidate], measure: Measure, budget: float, outcome: Outcome, *, whole: bool
) -> list[Candidate]:
    await _round(0, (), measure, outcome)
    refused = outcome.samples[DEFAULTS][0].refused
    if refused is not None:
        raise InvalidArgument(f"the model cannot be measured with the settings as they are: {refused}")
    tried: list[Candidate] = []
    for candidate in candidates[1:]:
        if not whole and _is_hopeless(candidate, outcome):
            continue
        usual = outcome.spent_seconds / (len(tried) + 1)
        if not whole and outcome.spent_seconds + usual > FIRST_ROUND_SHARE * budget:
            break
        outcome.samples[candidate] = {0: await measure(candidate, 0)}
        tried.append(candidate)
    if len(tried) + 1 < len(candidates):
        settings = _winners(tried, outcome)
        combined = next((c for c in candidates if set(c) == settings), DEFAULTS)
        if combined not in outcome.samples:
            outcome.samples[combined] = {0: await measure(combined, 0)}
            tried.append(combined)
    return [candidate for candidate in tried if outcome.gain(candidate) > 0]


def _is_hopeless(candidate: Candidate, outcome: Outcome) -> bool:
    """A combination of something that costs much by itself."""
    alone = [(setting,) for setting in candidate] if len(candidate) > 1 else []
    return any(one in outcome.samples and outcome.gain(one) < HOPELESS for one in alone)


def _winners(tried: Sequence[Candidate], outcome: Outcome) -> set[tuple[str, Value]]:
    """Where not all combinations fit: the best value of each setting by itself, if better than its default."""
    best: dict[str, tuple[float, Value]] = {}
    for candidate in tried:
        gain = outcome.gain(candidate)
        if len(candidate) == 1 and gain > max(1.0, best.get(candidate[0][0], (0.0, ""))[0]):
            best[candidate[0][0]] = (gain, candidate[0][1])
    return {(key, value) for key, (_, value) in best.items()}


async def _round(number: int, left: Sequence[Candidate], measure: Measure, outcome: Outcome) -> None:
    order = list(left)
    random.Random(number).shuffle(order)  # noqa: S311
    for candidate in (DEFAULTS, *order):
        outcome.samples.setdefault(candidate, {})[number] = await measure(candidate, number)


def _better_half(left: Sequence[Candidate], outcome: Outcome) -> list[Candidate]:
    ranked = sorted(left, key=outcome.gain, reverse=True)
    return ranked[: (len(ranked) + 1) // 2]


def _cost(candidates: Sequence[Candidate], outcome: Outcome) -> float:
    return sum(max(sample.seconds for sample in outcome.samples[candidate].values()) for candidate in candidates)


def _best(outcome: Outcome) -> Candidate:
    """Of those measured most often, since the others were left behind."""
    most = max((len(rounds) for candidate, rounds in outcome.samples.items() if candidate != DEFAULTS), default=0)
    longest_gap = outcome.gap(DEFAULTS) * WORSE_GAPS

    def is_better(candidate: Candidate) -> bool:
        ratios = outcome.ratios(candidate)
        wins = sum(ratio > 1 for ratio in ratios)
        if len(ratios) < LEAST_ROUNDS or 2 * wins <= len(ratios):
            return False
        return outcome.gain(candidate) >= LEAST_GAIN and outcome.gap(candidate) <= longest_gap

    finalists = [c for c, rounds in outcome.samples.items() if c != DEFAULTS and len(rounds) == most and is_better(c)]
    return max(finalists, key=outcome.gain, default=DEFAULTS)
