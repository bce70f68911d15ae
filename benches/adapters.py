"""What adapters cost: decoding by streams of one, of several and of no adapter: ``python -m benches.adapters``.

In process, without HTTP; random weights: texts mean nothing, and no guesses are made. Prints a table, and the JSON line
last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from time import perf_counter, process_time

import inferno
from benches import hf_folder, machine
from benches.models import SHAPES

_RANK = 16
_MIXES: dict[str, tuple[str | None, ...]] = {
    "1 plain": (None,),
    "1 with a": ("a",),
    "4 plain": (None,) * 4,
    "4 with a": ("a",) * 4,
    "2 plain, 2 with a": (None, None, "a", "a"),
    "plain, a, b, c": (None, "a", "b", "c"),
}
"""Streams at once, each by its adapter."""


async def _rate(llm: inferno.AsyncLLM, mix: tuple[str | None, ...], tokens: int) -> dict[str, float]:
    """Tokens a second over all, and milliseconds a step, from the second token on; and of processor time, prompts
    included, which says something on a busy machine, too."""

    async def one(adapter: str | None) -> tuple[float, float]:
        first = 0.0
        how = {"adapter": adapter, "temperature": 0.0, "max_tokens": tokens, "ignore_eos": True}
        async for _ in llm.stream("One two three four five six seven eight", **how):
            first = first or perf_counter()
        return first, perf_counter()

    steps, used = llm.stats()["steps"], process_time()
    times = await asyncio.gather(*(one(adapter) for adapter in mix))
    took = max(end for _, end in times) - min(first for first, _ in times)
    steps, used = llm.stats()["steps"] - steps, process_time() - used
    return {"tok_s": len(mix) * (tokens - 1) / took, "ms_step": 1e3 * took / steps, "cpu_ms_step": 1e3 * used / steps}


async def _run(asked: argparse.Namespace) -> None:
    about = machine.description()
    adapter = str(hf_folder.make_adapter(asked.model, _RANK))
    adapters = dict.fromkeys("abc", adapter)
    folder = str(hf_folder.make(asked.model))
    how = {"speculate": "off", "context_tokens": 512, "slots": 8, "threads": asked.threads}
    async with await inferno.AsyncLLM.load(folder, quantize=asked.quantize, adapters=adapters, **how) as llm:
        turns = [
            {name: await _rate(llm, mix, asked.tokens) for name, mix in _MIXES.items()} for _ in range(asked.repeat)
        ]
    medians = {
        name: {figure: statistics.median(turn[name][figure] for turn in turns) for figure in turns[0][name]}
        for name in _MIXES
    }
    for name, figures in medians.items():
        print(
            f"{name:20} {figures['tok_s']:8.1f} tok/s {figures['ms_step']:8.2f} ms a step, "
            f"of the processor {figures['cpu_ms_step']:8.2f}"
        )
    print(json.dumps({**about, "model": asked.model, "rank": _RANK, "medians": medians, "turns": turns}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.adapters", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="0.5b", choices=sorted(SHAPES))
    parser.add_argument("--quantize", default="q8_0", help="number format of the weights (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores(), help="(default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=48, help="of each stream (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="turns (default: %(default)s)")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
