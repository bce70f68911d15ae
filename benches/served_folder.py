"""A Hugging Face folder against the same weights as GGUF, served: ``python -m benches.served_folder``. Linux.

Both servers are up all the time, and asked in turn: a prompt, then its answer, of the one while the other is idle; who
is first changes with every turn. Prints the ratios of folder to GGUF, medians over the turns, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
from statistics import median, quantiles

from benches import hf_folder, machine
from benches.load.client import Endpoint, complete
from benches.load.servers import Plan, inferno, running
from benches.models import SHAPES
from benches.words import text
from inferno.models.opening import ready
from inferno.models.source import resolve

BAR = 0.03
"""By how much the folder may be slower."""
CONTEXT = 512


async def _asked(endpoint: Endpoint, prompt: str, streams: int, tokens: int) -> dict[str, float]:
    """Seconds to the last of the first tokens, and tokens a second over all streams from there on."""
    body = {"model": "bench", "max_tokens": tokens, "temperature": 0, "ignore_eos": True, "stream": True}
    asked = (
        {**body, "prompt": f"{stream} {prompt}", "stream_options": {"include_usage": True}} for stream in range(streams)
    )
    samples = await asyncio.gather(*(complete(endpoint, one) for one in asked))
    firsts = [sample.first for sample in samples if sample.error is None and sample.first is not None]
    if len(firsts) < streams:
        raise RuntimeError(next((sample.error for sample in samples if sample.error), "no first token"))
    begun, last = min(sample.started for sample in samples), max(sample.ended for sample in samples)
    made = sum(sample.tokens - 1 for sample in samples)
    return {"first_s": max(firsts) - begun, "tok_s": made / (last - min(firsts))}


async def _run(asked: argparse.Namespace) -> None:
    about = machine.description()
    folder = hf_folder.make(asked.model)
    named = ["--model-name", "bench"]
    extra = ["--quantize", asked.quantize] if asked.quantize else []
    gguf = await ready(resolve(str(folder), quantize=asked.quantize))
    command = shlex.split(asked.inferno)

    def plan(model: str) -> Plan:
        return Plan(model, asked.streams, CONTEXT, asked.threads)

    turns: list[dict[str, dict[str, float]]] = []
    async with (
        running(inferno(command, named + extra), plan(str(folder))) as one,
        running(inferno(command, named), plan(gguf)) as other,
    ):
        endpoints = {"folder": one.endpoint, "gguf": other.endpoint}
        for turn in range(asked.repeat + 1):  # the first warms up
            order = list(endpoints)[:: 1 if turn % 2 else -1]
            prompt = text(f"served/{turn}", asked.words)
            turns.append({name: await _asked(endpoints[name], prompt, asked.streams, asked.tokens) for name in order})
    del turns[0]
    rates = [turn["folder"]["tok_s"] / turn["gguf"]["tok_s"] for turn in turns]
    firsts = [turn["gguf"]["first_s"] / turn["folder"]["first_s"] for turn in turns]
    for name, ratios in (("decoding", rates), ("prompt", firsts)):
        low, _, high = quantiles(ratios, n=4)
        print(
            f"{name:10} folder / gguf {median(ratios):6.3f} (half of the turns {low:.3f} to {high:.3f}; bar {1 - BAR})"
        )
    found = {"decoding": median(rates), "prompt": median(firsts)}
    print(json.dumps({**about, "model": asked.model, "streams": asked.streams, "ratios": found, "turns": turns}))


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benches.served_folder", description=about)
    parser.add_argument("--model", default="0.5b", choices=sorted(SHAPES))
    parser.add_argument("--quantize", help="number format to prepare (default: the folder's own)")
    parser.add_argument("--streams", type=int, default=1, help="at once (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores(), help="(default: %(default)s)")
    parser.add_argument("--words", type=int, default=100, help="of a prompt (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=32, help="of an answer (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=20, help="turns (default: %(default)s)")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
