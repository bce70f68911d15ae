"""What a kept prefix spares: ``python -m benches.prefix_restart``. A prompt of a shared beginning and own words, asked

    computed   of a fresh server
    kept       again, with other own words: the beginning is in the KV cache
    evicted    after others pushed it out of the KV cache: it comes from host memory
    restarted  of a new process on the same prefix store: it comes from disk

Prints the times to first token with their ratios to ``computed``, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from benches import machine, models
from benches.load.client import Endpoint, complete
from benches.load.servers import Plan, inferno, running
from benches.words import text

KINDS = ("computed", "kept", "evicted", "restarted")
BAR = 0.2
"""Of ``restarted`` to ``computed`` (issue: a restart reaches the first token in a fifth of the time)."""
_KEPT_TOKENS = 2048
"""As the server's default: so much must come in between for the beginning to be evicted."""


async def _first_token(endpoint: Endpoint, prompt: str) -> float:
    body = {"model": "bench", "prompt": prompt, "max_tokens": 4, "temperature": 0, "ignore_eos": True}
    sample = await complete(endpoint, {**body, "stream": True, "stream_options": {"include_usage": True}})
    if sample.error is not None or sample.first is None:
        raise RuntimeError(sample.error or "no first token")
    return sample.first - sample.started


async def _expect_tokens(endpoint: Endpoint, source: str) -> None:
    """Raises RuntimeError unless prompt tokens came from there: otherwise nothing was measured."""
    url = f"http://{endpoint.host}:{endpoint.port}/metrics"
    response = await asyncio.to_thread(urllib.request.urlopen, url)
    lines = response.read().decode().splitlines()
    counts = [
        float(line.split()[-1]) for line in lines if line.startswith(f"inferno_prefix_tokens_from_{source}_total")
    ]
    if not sum(counts):
        raise RuntimeError(f"no prompt token came from {source}")


async def _turn(plan: Plan, extra: list[str], words: int, own_words: int, turn: int) -> dict[str, float]:
    shared = text(f"shared/{turn}", words)

    def asked(name: str) -> str:
        return f"{shared} {text(f'{name}/{turn}', own_words)}"

    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="inferno-bench-") as folder:
        kind = inferno(
            [sys.executable, "-m", "inferno.serve"],
            ["--model-name", "bench", "--prefix-store", str(Path(folder) / "store"), *extra],
        )
        async with running(kind, plan) as server:
            await _first_token(server.endpoint, "warm up")
            for name in ("computed", "kept"):
                times[name] = await _first_token(server.endpoint, asked(name))
            for other in range(_KEPT_TOKENS // words + 2):
                await _first_token(server.endpoint, text(f"other/{turn}/{other}", words))
            times["evicted"] = await _first_token(server.endpoint, asked("evicted"))
            await _expect_tokens(server.endpoint, "host")
        async with running(kind, plan) as server:
            await _first_token(server.endpoint, "warm up")
            times["restarted"] = await _first_token(server.endpoint, asked("restarted"))
            await _expect_tokens(server.endpoint, "store")
    return times


async def _run(asked: argparse.Namespace) -> int:
    about = machine.description()
    model = str(models.make(asked.model)) if asked.model in models.SHAPES else asked.model
    plan = Plan(model, sequences=4, context_tokens=asked.context, threads=asked.threads)
    turns = []
    for turn in range(asked.repeat):
        turns.append(await _turn(plan, shlex.split(asked.inferno_args), asked.words, asked.own_words, turn))
        print({name: round(seconds, 3) for name, seconds in turns[-1].items()}, file=sys.stderr)
    medians = {name: median(times[name] for times in turns) for name in KINDS}
    ratios = {name: medians[name] / medians["computed"] for name in KINDS}
    for name in KINDS:
        bar = f"  (bar {BAR})" if name == "restarted" else ""
        print(f"{name:10} {medians[name]:8.3f} s  {ratios[name]:6.3f} x{bar}")
    found: dict[str, Any] = {"model": asked.model, "words": asked.words, "own_words": asked.own_words, "turns": turns}
    print(json.dumps({**about, **found, "medians": medians, "ratios": ratios}))
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benches.prefix_restart", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", default="0.5b", help="a shape of benches.models, or a file (default: %(default)s)")
    parser.add_argument("--words", type=int, default=600, help="words of the shared beginning (default: %(default)s)")
    parser.add_argument("--own-words", type=int, default=20, help="words that follow it (default: %(default)s)")
    parser.add_argument("--context", type=int, default=1024, help="tokens of a sequence (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians are shown (default: %(default)s)")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    raise SystemExit(asyncio.run(_run(parser.parse_args())))


if __name__ == "__main__":
    main()
