"""Workload J: starting on a Hugging Face folder: ``python -m benches.cold_start``. Linux.

In turn: a plain copy of the weights beside the cache, a start that prepares the folder, a second start, one on the
prepared GGUF file itself. Weights are in the page cache for all. A copy is timed twice: until ``cp`` is done, which is
when the page cache has the bytes, and until the disk has them, which a start does not wait for either. Prints a table,
and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benches import hf_folder, machine
from benches.load.servers import Plan, inferno, running
from benches.models import SHAPES

CONTEXT = 512
"""Of the one slot: small, so that the cache's memory does not hide the weights'. Of itself the server would lay out 16,
each with a row of logits, 0.6 MB."""
ONE_SLOT = ["--slots", "1"]


def _copy_rates(source: Path, scratch: Path) -> tuple[float, float]:
    """MB/s of ``cp`` until it is done, and until the bytes are on the disk."""
    target = scratch / "copy"
    begun = perf_counter()
    subprocess.run(["cp", "--reflink=never", str(source), str(target)], check=True)
    cached = perf_counter() - begun
    with target.open("rb") as file:
        os.fsync(file.fileno())
    seconds = perf_counter() - begun
    target.unlink()
    megabytes = source.stat().st_size / 1e6
    return megabytes / cached, megabytes / seconds


async def _start(command: list[str], model: Path, extra: list[str]) -> dict[str, float]:
    """Seconds until it is ready, and its peak memory in MB."""
    plan = Plan(str(model), 1, CONTEXT, machine.usable_cores())
    async with running(inferno(command, extra), plan) as server:
        return {"seconds": perf_counter() - server.launched, "peak_mb": server.peak_rss() / 1e6}


def _prepared(cache: Path) -> list[Path]:
    return list(cache.rglob("*.gguf"))


async def _turn(command: list[str], folder: Path, extra: list[str]) -> dict[str, float]:
    """One of each, in a cache of its own."""
    weights = folder / "model.safetensors"
    with tempfile.TemporaryDirectory(prefix="inferno-bench-", dir=folder.parent) as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        weights.read_bytes()  # into the page cache
        cached, copied = _copy_rates(weights, Path(cache))
        cold = await _start(command, folder, [*ONE_SLOT, *extra])
        second = await _start(command, folder, [*ONE_SLOT, *extra])
        (prepared,) = _prepared(Path(cache))
        size = prepared.stat().st_size / 1e6
        gguf = await _start(command, prepared, ONE_SLOT)
    return {
        "copy_mb_s": cached,
        "copy_to_disk_mb_s": copied,
        "cold_s": cold["seconds"],
        "second_s": second["seconds"],
        "gguf_s": gguf["seconds"],
        "prepared_mb": size,
        "cold_peak_mb": cold["peak_mb"],
        "second_peak_mb": second["peak_mb"],
        "gguf_peak_mb": gguf["peak_mb"],
        # What a cold start takes beyond a second one is what carrying the weights takes.
        "carry_mb_s": weights.stat().st_size / 1e6 / max(cold["seconds"] - second["seconds"], 1e-3),
    }


async def _run(asked: argparse.Namespace) -> None:
    about = machine.description()
    folder = hf_folder.make(asked.model)
    extra = ["--quantize", asked.quantize] if asked.quantize else []
    turns = [await _turn(shlex.split(asked.inferno), folder, extra) for _ in range(asked.repeat)]
    medians = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
    ratios = {
        "carry/copy": medians["carry_mb_s"] / medians["copy_mb_s"],
        "carry/copy_to_disk": medians["carry_mb_s"] / medians["copy_to_disk_mb_s"],
        "second/gguf": medians["second_s"] / medians["gguf_s"],
        "cold_peak/weights": medians["cold_peak_mb"] / medians["prepared_mb"],
    }
    for name, value in {**medians, **ratios}.items():
        print(f"{name:20} {value:10.2f}")
    print(json.dumps({**about, "model": asked.model, "medians": medians, "ratios": ratios, "turns": turns}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.cold_start", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="0.5b", choices=sorted(SHAPES))
    parser.add_argument("--repeat", type=int, default=3, help="turns (default: %(default)s)")
    parser.add_argument("--quantize", help="number format to prepare (default: the folder's own)")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    if shutil.which("cp") is None:
        parser.error("needs cp")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
