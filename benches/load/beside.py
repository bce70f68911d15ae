"""Beside other work: ``python -m benches.load.beside --model 0.5b --hogs 1``.

Each server in turn gets workload B, alone and then beside ``--hogs`` processes that compute all the time, on a fresh
server that was warmed up before they start. A run that has not ended after ``--limit`` seconds is given up: its rate is
that of what had arrived. Told are the rates beside them against alone, and ours against the peer's. JSON comes last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

from benches import machine, models
from benches.load.client import Endpoint, Exchange, send
from benches.load.measure import warm_up
from benches.load.servers import Plan, ServerKind, inferno, llama_server, running
from benches.load.statistics import Sample, median, percentile
from benches.workloads import WORKLOADS, Workload

_GIVEN_UP = "given up"


@contextmanager
def _hogs(count: int, seconds: float) -> Iterator[None]:
    """Processes that take a core each, and end by themselves after ``seconds`` if nobody ends them."""
    code = f"import time\nend = time.time() + {seconds}\nwhile time.time() < end: pass"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in started:
            hog.kill()
            hog.wait()


async def _load(endpoint: Endpoint, workload: Workload, run: str, limit: float) -> list[Sample]:
    """The workload's closed loop, given up after ``limit`` seconds."""
    waiting = deque(workload.bodies(run))
    exchanges: list[Exchange] = []

    async def client() -> None:
        while waiting:
            exchanges.append(await send(endpoint, waiting.popleft()))
            await exchanges[-1].finished()

    clients = [asyncio.ensure_future(client()) for _ in range(workload.streams)]
    _, late = await asyncio.wait(clients, timeout=limit)
    waiting.clear()
    while late:
        for exchange in exchanges:
            if not exchange.ended:
                exchange.fail(_GIVEN_UP)
        _, late = await asyncio.wait(late, timeout=0.1)  # one may have been connecting
    return [await exchange.finished() for exchange in exchanges]


def _arrived(sample: Sample) -> int:
    """Tokens; of an answer that was given up the events with text, which have one or more each."""
    return sample.tokens if sample.error is None else len(sample.gaps) + (sample.first is not None)


def _values(samples: list[Sample], took: float) -> dict[str, Any]:
    failed = [sample.error for sample in samples if sample.error not in {None, _GIVEN_UP}]
    if failed:
        raise RuntimeError(failed[0])
    ttft = [sample.ttft for sample in samples if sample.ttft is not None]
    return {
        "seconds": took,
        "ended": sum(sample.error is None for sample in samples),
        "output_rate": sum(_arrived(sample) for sample in samples) / took,
        "ttft_p50": percentile(ttft, 50) if ttft else None,
    }


async def _turn(kind: ServerKind, plan: Plan, workload: Workload, hogs: int, run: str, limit: float) -> dict[str, Any]:
    async with running(kind, plan) as server:
        await warm_up(workload, server)
        with _hogs(hogs, 2 * limit):
            began = perf_counter()
            samples = await _load(server.endpoint, workload, run, limit)
            return _values(samples, perf_counter() - began)


def _ratio(ours: float, theirs: float, digits: int) -> str:
    """Nothing at all may have come of one that was given up."""
    return f"{ours / theirs:.{digits}f}" if theirs else "-"


async def _measure(asked: argparse.Namespace, kinds: list[ServerKind]) -> dict[str, Any]:
    model = str(models.make(asked.model)) if asked.model in models.SHAPES else asked.model
    workload = replace(WORKLOADS["B"], rounds=asked.rounds)
    plan = Plan(model, workload.sequences, workload.context_tokens, asked.threads)
    turns: dict[str, dict[str, list[dict[str, Any]]]] = {kind.name: {"alone": [], "beside": []} for kind in kinds}
    for repeat in range(asked.repeat):
        for kind in kinds:
            for case, hogs in (("alone", 0), ("beside", asked.hogs)):
                print(f"run {repeat + 1}/{asked.repeat}: {kind.name} {case} ...", end=" ", file=sys.stderr, flush=True)
                values = await _turn(kind, plan, workload, hogs, f"{case}/{repeat}", asked.limit)
                turns[kind.name][case].append(values)
                print(f"{values['output_rate']:.1f} tok/s, {values['ended']} answers", file=sys.stderr)
    return turns


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benches.load.beside", description=about)
    parser.add_argument("--model", default="0.5b", help="15m, 0.5b or a GGUF file (default: %(default)s)")
    parser.add_argument("--hogs", type=int, default=1, help="processes that compute (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="requests of each stream (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=60, help="seconds of a run (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each case (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores(), help="of each server")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    parser.add_argument("--peer", default=os.environ.get("LLAMA_SERVER"), help="llama-server (default: $LLAMA_SERVER)")
    asked = parser.parse_args()
    kinds = [inferno(shlex.split(asked.inferno), shlex.split(asked.inferno_args))]
    if asked.peer:
        kinds.append(llama_server(asked.peer, []))
    turns = asyncio.run(_measure(asked, kinds))
    rates = {name: {case: median([one["output_rate"] for one in runs]) for case, runs in cases.items()}
             for name, cases in turns.items()}  # fmt: skip
    for name, rate in rates.items():
        print(f"{name}: {rate['beside']:.1f} tok/s beside {asked.hogs} other(s), {rate['alone']:.1f} alone"
              f" = {_ratio(rate['beside'], rate['alone'], 2)}")  # fmt: skip
    if asked.peer:
        ours, theirs = rates["inferno"]["beside"], rates["llama-server"]["beside"]
        print(f"beside them, inferno / llama-server: {_ratio(ours, theirs, 1)}")
    print(json.dumps({**machine.description(), "hogs": asked.hogs, "threads": asked.threads, "turns": turns}))


if __name__ == "__main__":
    main()
