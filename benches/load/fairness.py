"""One tenant floods, another asks now and then: ``python -m benches.load.fairness --model 0.5b``.

X keeps 64 long requests in the queue; Y sends a short one every second, with a key of its own. In turn, each on a fresh
server for the same time: Y alone, X alone, both. Who takes part has asked once before, so that each is known and the
first graphs are built. Told are Y's time to first token beside X against alone, and the rows (prompt tokens and
generated ones) that the machine computed for X beside Y against alone. JSON comes last.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from benches import machine, models
from benches.load import drivers
from benches.load.client import Endpoint, complete
from benches.load.servers import Plan, RunningServer, ServerKind, inferno, running
from benches.load.statistics import Sample, percentile
from benches.words import text

FLOOD, PERIOD = 64, 1.0
LONG_WORDS, LONG_TOKENS, SHORT_WORDS, SHORT_TOKENS = 200, 128, 20, 8
CONTEXT = 768


def _body(text: str, tokens: int) -> dict[str, Any]:
    return {"prompt": text, "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True,
            "stream_options": {"include_usage": True}}  # fmt: skip


async def _flood(endpoint: Endpoint, run: str) -> None:
    """64 at once until cancelled."""
    bodies: Iterator[dict[str, Any]] = (_body(text(f"{run}/x{n}", LONG_WORDS), LONG_TOKENS) for n in itertools.count())

    async def client() -> None:
        for body in bodies:
            await complete(endpoint, body)

    await asyncio.gather(*(client() for _ in range(FLOOD)))


async def _now_and_then(endpoint: Endpoint, run: str, seconds: float) -> list[Sample]:
    count = int(seconds / PERIOD)
    bodies = [_body(text(f"{run}/y{n}", SHORT_WORDS), SHORT_TOKENS) for n in range(count)]
    return await drivers.open_loop(endpoint, bodies, arrivals=[n * PERIOD for n in range(count)])


async def _rows(server: RunningServer, key: str) -> float:
    url = f"http://{server.endpoint.host}:{server.endpoint.port}/metrics"
    async with httpx.AsyncClient() as client:
        page = (await client.get(url, headers={"authorization": f"Bearer {key}"})).text
    found = re.search(r"^inferno_step_rows_total\{.*\} (\S+)$", page, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def _turn(kind: ServerKind, plan: Plan, case: str, run: str, seconds: float) -> dict[str, Any]:
    async with running(kind, plan) as server:
        for tenant in case:
            asker = replace(server.endpoint, api_key=f"key-{tenant}")
            await complete(asker, _body(text(f"{run}/{tenant}/warm-up", SHORT_WORDS), SHORT_TOKENS))
        before = await _rows(server, "key-x")
        flood = asyncio.ensure_future(_flood(replace(server.endpoint, api_key="key-x"), run)) if "x" in case else None
        try:
            if "y" in case:
                samples = await _now_and_then(replace(server.endpoint, api_key="key-y"), run, seconds)
            else:
                samples = []
                await asyncio.sleep(seconds)
            rows = await _rows(server, "key-x") - before
        finally:
            if flood is not None:
                flood.cancel()
                await asyncio.gather(flood, return_exceptions=True)
    errors = [sample.error for sample in samples if sample.error]
    if errors:
        raise RuntimeError(errors[0])
    ended = max((sample.ended for sample in samples), default=0) - min((s.started for s in samples), default=0)
    took = max(ended, seconds)
    of_y = sum(sample.prompt_tokens + sample.tokens for sample in samples)
    return {"ttft": [sample.ttft for sample in samples], "x_rows_per_second": (rows - of_y) / took}


async def measure(asked: argparse.Namespace, model: str) -> dict[str, Any]:
    plan = Plan(model, 32, CONTEXT, asked.threads)
    turns: dict[str, list[dict[str, Any]]] = {"y": [], "x": [], "xy": []}
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        keys.write_text("x key-x\ny key-y\n")
        flags = ["--api-key-file", str(keys), *shlex.split(asked.inferno_args)]
        kind = replace(inferno(shlex.split(asked.inferno), flags), ready_path="/health/live")
        for repeat in range(asked.repeat):
            for case, done in turns.items():
                print(f"run {repeat + 1}/{asked.repeat}: {case} ...", file=sys.stderr, flush=True)
                done.append(await _turn(kind, plan, case, f"{case}/{repeat}", asked.seconds))
    alone, beside = ([ttft for turn in turns[case] for ttft in turn["ttft"]] for case in ("y", "xy"))
    rates = {case: sum(turn["x_rows_per_second"] for turn in turns[case]) / asked.repeat for case in ("x", "xy")}
    return {
        "y_ttft_p95": {"alone": percentile(alone, 95), "beside_x": percentile(beside, 95)},
        "y_ttft_p50": {"alone": percentile(alone, 50), "beside_x": percentile(beside, 50)},
        "x_rows_per_second": {"alone": rates["x"], "beside_y": rates["xy"]},
        "turns": turns,
    }


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benches.load.fairness", description=about)
    parser.add_argument("--model", default="0.5b", help="15m, 0.5b or a GGUF file (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="of each turn (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each case (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores(), help="of the server")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    asked = parser.parse_args()
    model = str(models.make(asked.model)) if asked.model in models.SHAPES else asked.model
    result = asyncio.run(measure(asked, model))
    ttft, rows = result["y_ttft_p95"], result["x_rows_per_second"]
    print(f"Y's time to first token, p95: {ttft['beside_x']:.3f} s beside X, {ttft['alone']:.3f} s alone"
          f" = {ttft['beside_x'] / ttft['alone']:.2f}")  # fmt: skip
    print(f"X's rows a second: {rows['beside_y']:.0f} beside Y, {rows['alone']:.0f} alone"
          f" = {rows['beside_y'] / rows['alone']:.2f}")  # fmt: skip
    print(json.dumps({**machine.description(), **result}))


if __name__ == "__main__":
    main()
