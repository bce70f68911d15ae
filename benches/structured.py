"""Tokens a second under a JSON schema and without: ``python -m benches.structured``. One engine, both in turn.

The schema is of a long list of records, so that every answer is cut at the same number of tokens; free answers go past
ends of generation. Prompts are computed before the time begins: what is timed is writing. Also told, of the runs with
the schema: how long masks took, and how much of that the engine waited for. Prints a table, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from time import perf_counter
from typing import Any

from benches import machine, models, words
from benches.load.statistics import median
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, Grammar, SamplingOptions

_TOKENS = 128
_RECORD = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 0, "maximum": 100000},
        "name": {"type": "string", "maxLength": 40},
        "state": {"enum": ["new", "paid", "sent", "returned"]},
        "price": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
    },
    "required": ["id", "name", "state", "price", "tags"],
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {"records": {"type": "array", "items": _RECORD, "minItems": 1000}},
    "required": ["records"],
    "additionalProperties": False,
}
_COUNTED = ("grammar_masks", "grammar_mask_seconds", "grammar_wait_seconds", "steps")


async def _write(engine: LocalEngine, prompts: list[list[int]], grammar: Grammar | None, heat: float) -> float:
    """The seconds that all answers took."""
    tokens = 0

    async def one(prompt: list[int], most: int) -> None:
        nonlocal tokens
        sampling = SamplingOptions(temperature=heat, seed=1)
        ask = GenerateRequest(prompt, sampling, max_tokens=most, grammar=grammar, ignore_eos=grammar is None)
        async for delta in await engine.generate(ask):
            tokens += len(delta.token_ids)

    await asyncio.gather(*(one(prompt, 1) for prompt in prompts))
    tokens = 0
    began = perf_counter()
    await asyncio.gather(*(one(prompt, _TOKENS) for prompt in prompts))
    took = perf_counter() - began
    if tokens != _TOKENS * len(prompts):
        raise RuntimeError(f"{tokens} tokens were written instead of {_TOKENS * len(prompts)}")
    return took


async def _compare(asked: argparse.Namespace, streams: int) -> dict[str, Any]:
    model = str(models.make(asked.model, folder=asked.models_folder))
    engine = await LocalEngine.load(
        model, options={"threads": asked.threads}, engine={"max_running": streams, "speculate": asked.speculate}
    )
    modes = {"free": None, "schema": Grammar("json_schema", json.dumps(_SCHEMA))}
    runs: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    for index in range(asked.repeat + 1):
        texts = [words.text(f"structured/{index}/{i}", 60) for i in range(streams)]
        prompts = [await engine.encode(text) for text in texts]
        for mode, grammar in modes.items():
            before = dict(engine.stats())
            took = await _write(engine, prompts, grammar, asked.temperature)
            after = engine.stats()
            counted = {name: after[name] - before[name] for name in _COUNTED}
            if index > 0:  # the first run warms up
                runs[mode].append({"output_rate": _TOKENS * streams / took, **counted})
    await engine.aclose()
    medians = {mode: {key: median([run[key] for run in found]) for key in found[0]} for mode, found in runs.items()}
    return {
        "ratio": medians["schema"]["output_rate"] / medians["free"]["output_rate"],
        "medians": medians,
        "runs": runs,
    }


def _line(streams: int, compared: dict[str, Any]) -> str:
    free, kept = compared["medians"]["free"], compared["medians"]["schema"]
    mask = 1e6 * kept["grammar_mask_seconds"] / kept["grammar_masks"]
    waited = kept["grammar_wait_seconds"] / kept["grammar_mask_seconds"]
    rates = f"{free['output_rate']:8.1f} {kept['output_rate']:8.1f} {compared['ratio']:6.3f}"
    return f"{streams:7d} {rates} {mask:8.0f} {waited:7.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.structured", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="0.5b", help="(default: %(default)s)")
    parser.add_argument("--streams", default="1,8", help="sequences at once (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy (default: %(default)s)")
    parser.add_argument("--speculate", default="off", help="(default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each after the first (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--models-folder", type=Path, default=models.DEFAULT_FOLDER, help="keeps the generated files")
    asked = parser.parse_args()
    about = machine.description()
    found: dict[str, Any] = {}
    print("streams     free   schema  ratio  us/mask  waited")
    for streams in map(int, asked.streams.split(",")):
        found[str(streams)] = compared = asyncio.run(_compare(asked, streams))
        print(_line(streams, compared), flush=True)
    print(json.dumps({**about, "threads": asked.threads, "tokens": _TOKENS, "streams": found}))


if __name__ == "__main__":
    main()
