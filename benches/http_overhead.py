"""Workload I: Inferno on ``fake:`` against a bare ASGI app on the same uvicorn: ``python -m benches.http_overhead``.

Both get the same requests from the same client, in turn. Without a forward pass to wait for, Inferno puts several
tokens of a stream into one event; the bare app is told to write as many events as Inferno just did, so that the two
differ in what comes before the writing. Prints the table, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys

from benches import machine
from benches.load import report
from benches.load.measure import Measurement, measure_closed_loop
from benches.load.servers import Plan, ServerKind, inferno
from benches.workloads import WORKLOADS

WORKLOAD = WORKLOADS["I"]
_FAKE_TOKENS_PER_WORD = 8
"""The fake model's tokens are bytes; a bench word with its space has fewer than this on average."""


def fake_plan(step_us: int = 0) -> Plan:
    """Room for all streams of the workload on the fake model, whose steps take at least ``step_us``."""
    context = WORKLOAD.prompt.words * _FAKE_TOKENS_PER_WORD + WORKLOAD.max_tokens
    return Plan(f"fake:step_us={step_us}", WORKLOAD.sequences, context, machine.usable_cores())


def events_per_answer(measured: Measurement) -> int:
    """Text events of the mean answer, at least one."""
    return max(1, round(sum(len(sample.gaps) + 1 for sample in measured.samples) / len(measured.samples)))


def bare_app(events: int) -> ServerKind:
    """The app of ``benches.bare_app``, on this interpreter's uvicorn, writing so many text events for each answer."""
    command = [sys.executable, "-m", "benches.bare_app", "--events", str(events), "--port"]
    return ServerKind("bare app", lambda plan, port: [*command, str(port)], "/health/ready", prints_address=True)


def fake_server(command: list[str], extra: list[str]) -> ServerKind:
    """Inferno with as many running sequences as the workload has streams; ``extra`` flags come last."""
    streams = str(WORKLOAD.sequences)
    return inferno(command, ["--max-running", streams, "--slots", streams, *extra])


async def _run(asked: argparse.Namespace) -> int:
    about = machine.description()
    plan = fake_plan(asked.step_us)
    ours = fake_server(shlex.split(asked.inferno), shlex.split(asked.inferno_args))
    comparison = report.Comparison(WORKLOAD, {"inferno": [], "bare app": []})
    for turn in range(asked.repeat):
        measured = await measure_closed_loop(WORKLOAD, ours, plan, run=f"I/{turn}")
        events = asked.peer_events or events_per_answer(measured)
        floor = await measure_closed_loop(WORKLOAD, bare_app(events), plan, run=f"I/{turn}")
        for name, found in (("inferno", measured), ("bare app", floor)):
            comparison.runs[name].append(found)
            rate = found.values["output_rate"]
            print(f"{name}: {rate:.0f} tok/s in {events_per_answer(found)} events an answer", file=sys.stderr)
    print(report.table([comparison], "inferno", "bare app"))
    workloads = {"I": report.record(comparison, "inferno", "bare app", gaps=False)}
    print(json.dumps({**about, "repeat": asked.repeat, "workloads": workloads}))
    return 1 if comparison.errors("inferno") or comparison.errors("bare app") else 0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benches.http_overhead", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--step-us", type=int, default=0, help="pace of the fake model: least time of a step")
    parser.add_argument("--peer-events", type=int, help="text events of the bare app's answers, instead of Inferno's")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    asked = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        raise SystemExit(asyncio.run(_run(asked))) from None
    raise SystemExit(uvloop.run(_run(asked)))


if __name__ == "__main__":
    main()
