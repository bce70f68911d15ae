"""The whole of it: look at the defaults, lay out what to try, search, and say what came of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from inferno.errors import InvalidArgument, Unavailable
from inferno.profiling.machine import usable_processors
from inferno.tuning.journal import Journal
from inferno.tuning.measuring import Load, Workload, look, measure
from inferno.tuning.result import Key, Tuned, result_path
from inferno.tuning.search import Measure, Outcome, Sample, search
from inferno.tuning.space import DEFAULTS, Candidate, chosen, factors, grid

MOST_UNSTEADY = 1.5
"""A setting is not believed to be better where the same one measures that much better than itself."""
Progress = Callable[[Candidate, Sample, float], None]
"""Called with each sample and the seconds spent so far."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``only``: names of the settings to be tuned, all if empty. ``exhaustive``: every combination in every round."""

    workload: Workload
    budget_seconds: float
    only: tuple[str, ...] = ()
    kv_types: bool = False
    exhaustive: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The model: ``fixed`` are the settings (``section.name``) that the user gave, which stay as they are."""

    key: Key
    name: str
    bytes: int
    fixed: frozenset[str]


async def tune(load: Load, subject: Subject, asked: Asked, progress: Progress) -> Tuned:
    """Takes ``asked.budget_seconds`` and what one sample takes. What was measured is kept if it is cancelled, and the
    same call goes on from there.

    Raises InvalidArgument where there is nothing to tune, Unavailable on a machine too busy to measure on, what
    ``load`` raises, and OSError.
    """
    card, workload = await look(load, asked.workload)
    found = factors(card.applied, kv_types=asked.kv_types, processors=usable_processors())
    candidates = grid(chosen(found, asked.only, subject.fixed))
    if len(candidates) < 2:
        raise InvalidArgument("every setting that could be tuned is given: leave one to be chosen")
    header = {"key": asdict(subject.key), "asked": asdict(asked), "fixed": sorted(subject.fixed)}
    journal = Journal(result_path(subject.key, subject.name).with_suffix(".journal"), header)
    workload = replace(workload, turns=journal.fact("turns", workload.turns))
    spent = 0.0

    async def measured(candidate: Candidate, number: int) -> Sample:
        return await measure(load, candidate, workload, defaults=card)

    def reporting(inner: Measure) -> Measure:
        async def reported(candidate: Candidate, number: int) -> Sample:
            nonlocal spent
            sample = await inner(candidate, number)
            spent += sample.seconds
            progress(candidate, sample, spent)
            return sample

        return reported

    outcome = await search(
        candidates, reporting(journal.remembering(measured)), asked.budget_seconds, exhaustive=asked.exhaustive
    )
    journal.remove()
    if outcome.unsteadiness > MOST_UNSTEADY:
        rates = [sample.tokens_per_second for sample in outcome.samples[DEFAULTS].values()]
        raise Unavailable(
            f"the defaults alone answered {min(rates):.1f} to {max(rates):.1f} tokens/s: this machine is busy with "
            "other things, and what was measured says more about those. Nothing is kept; tune again when it is quiet"
        )
    return _result(subject, asked, workload, len(candidates), outcome)


def _result(subject: Subject, asked: Asked, workload: Workload, candidates: int, outcome: Outcome) -> Tuned:
    return Tuned(
        subject.key,
        subject.name,
        subject.bytes,
        datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        dict(outcome.best),
        outcome.gain(outcome.best),
        asdict(workload),
        asked.budget_seconds,
        outcome.spent_seconds,
        candidates,
        outcome.whole_grid,
        outcome.records(),
    )
