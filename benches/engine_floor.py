"""Workload H: the engine without HTTP against a bare loop over llama_decode: ``python -m benches.engine_floor``.

Runs ``bench_engine`` and ``bench_bare_loop`` (built in developer mode) in turn, at batches of 1 to 32. Prints the
table, and the JSON line last.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches import machine, models
from benches.load.statistics import median
from benches.workloads import ENGINE_BARS, ENGINE_BATCHES, ModelName

PROMPT_TOKENS = 64
GENERATE_TOKENS = {"0.5b": 64, "15m": 512}
"""The small model's step takes a millisecond: more of them, so that a run is long enough to time."""
METRICS = ("decode_tok_s", "total_tok_s", "prefill_tok_s")


def _measure(program: Path, flags: list[str]) -> dict[str, Any]:
    """Raises SystemExit with what the program said when it fails."""
    done = subprocess.run([str(program), *flags], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{program.name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _compare(asked: argparse.Namespace, batch: int, generate: int, model: Path) -> dict[str, Any]:
    flags = ["--model", model, "--threads", asked.threads, "--parallel", batch, "--prompt", PROMPT_TOKENS]
    flags += ["--generate", generate, *(["--unified"] if asked.unified else [])]
    runs: dict[str, list[dict[str, Any]]] = {"bench_engine": [], "bench_bare_loop": []}
    for _ in range(asked.repeat):
        for name, found in runs.items():
            found.append(_measure(asked.bin / name, [str(flag) for flag in flags]))
    medians = {name: {key: median([run[key] for run in found]) for key in METRICS} for name, found in runs.items()}
    ratios = {key: medians["bench_engine"][key] / medians["bench_bare_loop"][key] for key in METRICS}
    return {"medians": medians, "ratios": ratios, "runs": runs}


def _line(batch: int, compared: dict[str, Any], name: ModelName) -> str:
    bar = ENGINE_BARS[name]
    ours, floor = compared["medians"]["bench_engine"], compared["medians"]["bench_bare_loop"]
    verdict = "met" if bar.met(compared["ratios"][bar.metric]) else "MISSED"
    cells = [f"{ours[key]:10.1f} {floor[key]:10.1f} {compared['ratios'][key]:6.3f}" for key in METRICS]
    return f"{batch:5d}  " + "   ".join(cells) + f"   {bar.metric} {bar.sense} {bar.at}: {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.engine_floor", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bin", type=Path, default=Path("build/release/benches/cpp"), help="folder of the programs")
    parser.add_argument("--model", choices=ENGINE_BARS, default="0.5b")
    parser.add_argument("--models-folder", type=Path, default=models.DEFAULT_FOLDER, help="keeps the generated files")
    parser.add_argument("--batches", default=",".join(map(str, ENGINE_BATCHES)), help="(default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--unified", action="store_true", help="one KV cache for all sequences, in both programs")
    asked = parser.parse_args()
    about = machine.description()
    model = models.make(asked.model, folder=asked.models_folder)
    batches: dict[str, Any] = {}
    print("batch  " + "   ".join(f"{key + ': engine':>21} {'ratio':>6}" for key in METRICS))
    for batch in map(int, asked.batches.split(",")):
        batches[str(batch)] = _compare(asked, batch, GENERATE_TOKENS[asked.model], model)
        print(_line(batch, batches[str(batch)], asked.model), flush=True)
    print(json.dumps({**about, "model": asked.model, "threads": asked.threads, "workloads": {"H": batches}}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
