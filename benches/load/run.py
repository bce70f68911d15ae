"""Compares Inferno with llama-server: ``python -m benches.load.run --workloads A,B --repeat 3``.

Servers are started in turn on the same file, A B A B, each for one run, so that the machine's drift meets both alike.
Progress goes to stderr; stdout gets the table of ratios, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from benches import machine, models
from benches.load import report
from benches.load.measure import measure
from benches.load.servers import Plan, ServerKind, inferno, llama_server
from benches.weight_formats import WEIGHT_TYPES
from benches.workloads import WORKLOADS, Workload, named

_DEFAULT_WORKLOADS = ",".join(w.name for w in WORKLOADS.values() if w.kind not in {"engine", "http"})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.load.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workloads", default=_DEFAULT_WORKLOADS, help="comma-separated names (default: %(default)s)")
    parser.add_argument(
        "--model", help="a name that benches.models knows or a GGUF file, instead of each workload's own"
    )
    parser.add_argument("--models-folder", type=Path, default=models.DEFAULT_FOLDER, help="keeps the generated files")
    parser.add_argument("--type", choices=WEIGHT_TYPES, default="q8_0", help="weights of generated files")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each server (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores(), help="of each server")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    parser.add_argument("--peer", default=os.environ.get("LLAMA_SERVER"), help="llama-server (default: $LLAMA_SERVER)")
    parser.add_argument("--peer-args", default="", help="more flags for llama-server")
    parser.add_argument("--only", choices=("inferno", "llama-server"), help="measure one server")
    parser.add_argument("--out", type=Path, help="also write the JSON there, with every inter-token gap")
    return parser.parse_args()


def _servers(asked: argparse.Namespace) -> list[ServerKind]:
    """Raises SystemExit when a server that is asked for has no command."""
    kinds = []
    if asked.only != "llama-server":
        kinds.append(inferno(shlex.split(asked.inferno), shlex.split(asked.inferno_args)))
    if asked.only != "inferno":
        if not asked.peer:
            raise SystemExit(
                "no llama-server: set LLAMA_SERVER or --peer, or measure Inferno alone with --only inferno"
            )
        kinds.append(llama_server(asked.peer, shlex.split(asked.peer_args)))
    return kinds


def _model_file(workload: Workload, asked: argparse.Namespace) -> Path:
    name = asked.model or workload.model
    return models.make(name, weight_type=asked.type, folder=asked.models_folder) if name in models.NAMES else Path(name)


async def _compare(workload: Workload, kinds: list[ServerKind], plan: Plan, repeat: int) -> report.Comparison:
    comparison = report.Comparison(workload, {kind.name: [] for kind in kinds})
    for turn in range(repeat):
        for kind in kinds:
            print(f"{workload.name} run {turn + 1}/{repeat} {kind.name} ...", end=" ", file=sys.stderr, flush=True)
            measurement = await measure(workload, kind, plan, run=f"{workload.name}/{turn}")
            comparison.runs[kind.name].append(measurement)
            shown = (*(bar.metric for bar in workload.bars), "output_rate", "errors")
            values = {name: round(measurement.values[name], 4) for name in shown if name in measurement.values}
            print(" ".join(f"{name}={value}" for name, value in values.items()), file=sys.stderr)
            for error in sorted({sample.error for sample in measurement.samples if sample.error}):
                print(f"  error: {error}", file=sys.stderr)
    return comparison


def _line(about: dict[str, Any], comparisons: list[report.Comparison], *, gaps: bool) -> str:
    workloads = {c.workload.name: report.record(c, "inferno", "llama-server", gaps=gaps) for c in comparisons}
    return json.dumps({**about, "workloads": workloads})


async def _run(asked: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # leaves no server behind
    kinds = _servers(asked)
    about: dict[str, Any] = {**machine.description(), "threads": asked.threads, "repeat": asked.repeat, "servers": {}}
    comparisons = []
    for workload in named(asked.workloads):
        model = _model_file(workload, asked)
        plan = Plan(str(model), workload.sequences, workload.context_tokens, asked.threads)
        about["servers"][workload.name] = {kind.name: shlex.join(kind.command(plan, 0)) for kind in kinds}
        comparisons.append(await _compare(workload, kinds, plan, asked.repeat))
    print(report.table(comparisons, "inferno", "llama-server"))
    if asked.out is not None:
        asked.out.write_text(_line(about, comparisons, gaps=True) + "\n")
    print(_line(about, comparisons, gaps=False))
    return 1 if any(c.errors(kind.name) for c in comparisons for kind in kinds) else 0


def main() -> None:
    asked = _arguments()
    try:
        import uvloop
    except ImportError:
        raise SystemExit(asyncio.run(_run(asked))) from None
    raise SystemExit(uvloop.run(_run(asked)))


if __name__ == "__main__":
    main()
