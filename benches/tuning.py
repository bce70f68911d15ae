"""What ``inferno tune`` finds against the whole grid: ``python -m benches.tuning --model 15m``. One process, no server.

First a search within the budget, then every combination of the settings named by ``--grid`` in every round, as often as
its budget allows. The defaults, what was tuned and the best three of the grid then take turns, with the same workload:
those figures are compared, since each of the grid's was measured too seldom to be believed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benches import machine, models
from inferno.config import load as load_settings
from inferno.config.layers import with_tuned
from inferno.engine.client import ModelCard
from inferno.engine.local import LocalEngine
from inferno.profiling.workload import PLAIN
from inferno.tuning.measuring import Workload, look, measure
from inferno.tuning.search import Outcome, Sample, record, search
from inferno.tuning.space import DEFAULTS, Candidate, chosen, factors, grid, shown

BAR = 0.95
"""Of the tuned setting's rate to the grid's best."""
FINALISTS = 3


class Bench:
    """A model, a workload, and how to measure a candidate."""

    def __init__(self, path: str, asked: argparse.Namespace) -> None:
        self._path = path
        flags = {"model.context_tokens": ("--context", asked.context)}
        self._settings = load_settings(env={}, cwd=Path("/"), flags=flags)
        self.workload = Workload(asked.streams, asked.prompt_tokens, asked.answer_tokens)
        self.card: ModelCard | None = None

    async def look(self) -> None:
        self.card, self.workload = await look(self._load, self.workload)

    async def sample(self, candidate: Candidate, number: int) -> Sample:
        assert self.card is not None
        found = await measure(self._load, candidate, self.workload, defaults=self.card)
        rate = f"{found.tokens_per_second:8.1f} tok/s" if found.refused is None else f"refused ({found.refused})"
        print(f"{number} {rate} {found.seconds:5.1f} s  {shown(candidate)}", file=sys.stderr)
        return found

    async def search(self, budget: float, only: tuple[str, ...], *, exhaustive: bool) -> Outcome:
        assert self.card is not None
        candidates = grid(chosen(factors(self.card.applied, kv_types=False), only, ()))
        return await search(candidates, self.sample, budget, exhaustive=exhaustive)

    async def _load(self, candidate: Mapping[str, Any]) -> LocalEngine:
        config = with_tuned(self._settings, candidate)
        engine = {**config.engine.model_dump(), **PLAIN}
        return await LocalEngine.load(self._path, options=config.model.loading(), engine=engine)


async def _run(asked: argparse.Namespace) -> int:
    about = machine.description()
    bench = Bench(str(models.make(asked.model)), asked)
    await bench.look()
    tuned = await bench.search(asked.budget, (), exhaustive=False)
    whole = await bench.search(asked.grid_budget, tuple(filter(None, asked.grid.split(","))), exhaustive=True)
    best = sorted(whole.samples, key=whole.gain, reverse=True)[:FINALISTS]
    duel: dict[Candidate, list[Sample]] = {candidate: [] for candidate in dict.fromkeys((DEFAULTS, tuned.best, *best))}
    for number in range(asked.repeat):
        for candidate, samples in duel.items():
            samples.append(await bench.sample(candidate, number))
    rates = {one: statistics.median(sample.tokens_per_second for sample in samples) for one, samples in duel.items()}
    of_grid = max((*best, DEFAULTS), key=rates.__getitem__)
    ratios = {
        "tuned / defaults": rates[tuned.best] / rates[DEFAULTS],
        "tuned / grid": rates[tuned.best] / rates[of_grid],
    }
    result = {
        **about,
        "model": asked.model,
        "workload": asdict(bench.workload),
        "medians": {shown(candidate): rate for candidate, rate in rates.items()},
        "tuned": {"best": shown(tuned.best), "candidates": len(tuned.samples), "seconds": tuned.spent_seconds},
        "grid": {"best": shown(of_grid), "candidates": len(whole.samples), "seconds": whole.spent_seconds},
        "ratios": ratios,
        "raw": {
            "tuned": tuned.records(),
            "grid": whole.records(),
            "duel": [
                record(candidate, number, sample)
                for candidate, samples in duel.items()
                for number, sample in enumerate(samples)
            ],
        },
    }
    for candidate, rate in sorted(rates.items(), key=lambda one: -one[1]):
        print(f"{rate:8.1f} tok/s  {shown(candidate)}{'  <- tuned' if candidate == tuned.best else ''}")
    print("; ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items()))
    if asked.out is not None:
        asked.out.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in result.items() if name != "raw"}))
    return 0 if ratios["tuned / grid"] >= BAR else 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.tuning", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=models.SHAPES, default="15m")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of the search")
    parser.add_argument("--grid", default="", help="settings of the grid, by commas (default: all)")
    parser.add_argument("--grid-budget", type=float, default=150.0, help="seconds; at least one round is measured")
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--answer-tokens", type=int, default=32)
    parser.add_argument("--context", type=int, default=None)
    parser.add_argument("--repeat", type=int, default=7, help="turns of the last comparison")
    parser.add_argument("--out", type=Path, default=None, help="file for all raw samples")
    sys.exit(asyncio.run(_run(parser.parse_args())))


if __name__ == "__main__":
    main()
