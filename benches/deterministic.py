"""What ``--deterministic`` costs, and that it holds: ``python -m benches.deterministic MODEL``. No server.

Two engines of the same file, one with and one without, take turns (A B A B) with 1, 8 and 32 streams. Each has a
process of its own, as it has behind a server: where two share one, OpenMP counts more threads than cores and lets them
sleep sooner. One request is the same in every turn; with ``deterministic`` its tokens and logprobs must be the same
bits each time, or this exits 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from benches.machine import description
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, SamplingOptions

STREAMS = (1, 8, 32)
PROMPT_TOKENS, ANSWER_TOKENS, CONTEXT = 100, 32, 256
WITNESS_SEED = 11


async def _answer(engine: LocalEngine, prompt: list[int], seed: int) -> list[tuple[int, float]]:
    sampling = SamplingOptions(temperature=1.0, seed=seed, logprobs=0)
    request = GenerateRequest(prompt, sampling, max_tokens=ANSWER_TOKENS, ignore_eos=True)
    deltas = [delta async for delta in await engine.generate(request)]
    return [(entry.token_id, entry.logprob) for delta in deltas for entry in delta.logprobs]


async def _turn(engine: LocalEngine, prompts: list[list[int]]) -> tuple[dict[str, float], list[tuple[int, float]]]:
    """Rates of one turn in tokens a second, and what the first prompt, the witness, was answered."""
    before = engine.stats()
    began = time.perf_counter()
    answers = await asyncio.gather(*(_answer(engine, prompt, WITNESS_SEED + i) for i, prompt in enumerate(prompts)))
    seconds = time.perf_counter() - began
    tokens = engine.stats()["generated_tokens"] - before["generated_tokens"]
    return {"seconds": seconds, "output_rate": tokens / seconds}, answers[0]


async def _work(pipe: Connection, model: str, options: dict[str, Any]) -> None:
    scheduling = {"max_running": max(STREAMS), "prefix_cache": False}
    engine = await LocalEngine.load(model, options=options, engine=scheduling)
    draw = random.Random(1)
    vocabulary = engine.card.vocab_size
    prompts = [[draw.randrange(vocabulary) for _ in range(PROMPT_TOKENS)] for _ in range(max(STREAMS))]
    while streams := pipe.recv():
        pipe.send(await _turn(engine, prompts[:streams]))
    await engine.aclose()


def _worker(pipe: Connection, model: str, options: dict[str, Any]) -> None:
    asyncio.run(_work(pipe, model, options))


def measure(model: str, rounds: int, threads: int) -> dict[str, Any]:
    options = {"context_tokens": CONTEXT, "slots": max(STREAMS), "threads": threads}
    spawning = multiprocessing.get_context("spawn")
    engines = {}
    for name, more in (("usual", {}), ("deterministic", {"deterministic": True})):
        pipe, theirs = spawning.Pipe()
        spawning.Process(target=_worker, args=(theirs, model, {**options, **more})).start()
        theirs.close()  # so that a worker that ends is noticed
        engines[name] = pipe
    rates: dict[str, dict[int, list[float]]] = {name: {n: [] for n in STREAMS} for name in engines}
    witnesses = set()
    for number in range(rounds + 1):
        for streams in STREAMS:
            for name, pipe in engines.items():
                pipe.send(streams)
                result, witness = pipe.recv()
                if name == "deterministic":
                    witnesses.add(tuple(witness))
                if number:  # the first round warms up
                    rates[name][streams].append(result["output_rate"])
    for pipe in engines.values():
        pipe.send(0)
    return {"rates": rates, "ratios": ratios_of(rates), "different_answers": len(witnesses)}


def ratios_of(rates: Mapping[str, Mapping[int, Sequence[float]]]) -> dict[int, float]:
    """By streams: the median rate with ``deterministic`` as a part of the usual one."""
    exact, usual = rates["deterministic"], rates["usual"]
    return {streams: statistics.median(exact[streams]) / statistics.median(usual[streams]) for streams in usual}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benches.deterministic", description=__doc__.splitlines()[0])
    parser.add_argument("model", help="GGUF file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    result = measure(asked.model, asked.rounds, asked.threads)
    for streams, ratio in result["ratios"].items():
        print(f"{streams:>3} streams: {ratio:.2f} of the usual rate")
    same = result["different_answers"] == 1
    print("the witness was answered the same, bit for bit" if same else "the witness's answers DIFFER")
    print(json.dumps({"machine": description(), **result}))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
