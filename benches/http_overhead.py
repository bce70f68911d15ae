"""Workload I: Inferno on ``fake:`` against a bare ASGI app on the same uvicorn: ``python -m benches.http_overhead``.

Both get the same requests from the same client, in turn. What "the same events" are depends on how fast tokens come, so
there are several readings (:data:`READINGS`); ``streaming`` is the one that the bar is for. Prints a table of each, and
the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
from dataclasses import dataclass, replace
from typing import Literal

from benches import machine
from benches.load import report
from benches.load.measure import Measurement, measure_closed_loop
from benches.load.servers import Plan, ServerKind, inferno
from benches.workloads import RATE, WORKLOADS, Bar

WORKLOAD = WORKLOADS["I"]
_FAKE_TOKENS_PER_WORD = 8
"""The fake model's tokens are bytes; a bench word with its space has fewer than this on average."""
_CPU_RATE = "cpu_rate"
"""Tokens per second of the server's processor time, all its threads together."""


@dataclass(frozen=True, slots=True)
class Reading:
    """``step_us`` is the pace of the fake model: the least time of a step, in which each stream gets a token.

    The bare app writes as many events an answer as Inferno did (``same``), or one for each ``token``; at full speed, or
    ``paced`` as the model is.
    """

    name: str
    says: str
    step_us: int
    rounds: int
    peer_events: Literal["same", "token"]
    paced: bool = False
    bars: tuple[Bar, ...] = ()


READINGS = (
    Reading("streaming", "tokens come faster than either can write them one by one; both write as many events",
            150, 16, "same", bars=WORKLOAD.bars),
    Reading("paced", "both write one event for each token, at one pace; what counts is cpu_rate",
            4000, 4, "token", paced=True),
    Reading("requests", "answers come at once, in one to three events; both write as many",
            0, 32, "same"),
    Reading("joined", "answers come at once; Inferno joins their tokens, the bare app writes one event for each",
            0, 32, "token"),
)  # fmt: skip


def fake_plan(step_us: int = 0) -> Plan:
    """Room for all streams of the workload on the fake model, whose steps take at least ``step_us``."""
    context = WORKLOAD.prompt.words * _FAKE_TOKENS_PER_WORD + WORKLOAD.max_tokens
    return Plan(f"fake:step_us={step_us}", WORKLOAD.sequences, context, machine.usable_cores())


def events_per_answer(measured: Measurement) -> int:
    """Text events of the mean answer, at least one."""
    return max(1, round(sum(len(sample.gaps) + 1 for sample in measured.samples) / len(measured.samples)))


def bare_app(events: int, step_us: int) -> ServerKind:
    """The app of ``benches.bare_app``, on this interpreter's uvicorn, writing so many text events for each answer."""
    flags = ["--events", str(events), "--step-us", str(step_us)]
    command = [sys.executable, "-m", "benches.bare_app", *flags, "--port"]
    return ServerKind("bare app", lambda plan, port: [*command, str(port)], "/health/ready", prints_address=True)


def fake_server(command: list[str], extra: list[str]) -> ServerKind:
    """Inferno with as many running sequences as the workload has streams; ``extra`` flags come last."""
    streams = str(WORKLOAD.sequences)
    return inferno(command, ["--max-running", streams, "--slots", streams, *extra])


async def _compare(reading: Reading, ours: ServerKind, repeat: int) -> report.Comparison:
    workload = replace(WORKLOAD, name=reading.name, title=reading.says, rounds=reading.rounds, bars=reading.bars)
    plan = fake_plan(reading.step_us)
    comparison = report.Comparison(workload, {"inferno": [], "bare app": []})
    for turn in range(repeat):
        measured = await measure_closed_loop(workload, ours, plan, run=f"I/{turn}")
        events = events_per_answer(measured) if reading.peer_events == "same" else workload.max_tokens
        peer = bare_app(events, reading.step_us if reading.paced else 0)
        floor = await measure_closed_loop(workload, peer, plan, run=f"I/{turn}")
        for name, found in (("inferno", measured), ("bare app", floor)):
            values = found.values
            values[_CPU_RATE] = values["tokens"] / values["cpu"] if values["cpu"] else 0.0
            values["events"] = events_per_answer(found)
            comparison.runs[name].append(found)
            shown = f"{values[RATE]:.0f} tok/s in {values['events']} events an answer"
            print(f"{reading.name}: {name}: {shown}, {values[_CPU_RATE]:.0f} a second of processor", file=sys.stderr)
    return comparison


async def _run(asked: argparse.Namespace) -> int:
    about = machine.description()
    ours = fake_server(shlex.split(asked.inferno), shlex.split(asked.inferno_args))
    names = asked.readings.split(",")
    comparisons = [await _compare(reading, ours, asked.repeat) for reading in READINGS if reading.name in names]
    for comparison in comparisons:
        print(f"{comparison.workload.name}: {comparison.workload.title}")
    print(report.table(comparisons, "inferno", "bare app"))
    workloads = {c.workload.name: report.record(c, "inferno", "bare app", gaps=False) for c in comparisons}
    print(json.dumps({**about, "repeat": asked.repeat, "workloads": workloads}))
    return 1 if any(c.errors(name) for c in comparisons for name in c.runs) else 0


def main() -> None:
    known = ",".join(reading.name for reading in READINGS)
    parser = argparse.ArgumentParser(
        prog="python -m benches.http_overhead", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--readings", default=known, help="which, with commas between (default: %(default)s)")
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="", help="more flags for Inferno")
    asked = parser.parse_args()
    unknown = set(asked.readings.split(",")) - set(known.split(","))
    if unknown:
        parser.error(f"unknown readings {', '.join(sorted(unknown))}: known are {known}")
    try:
        import uvloop
    except ImportError:
        raise SystemExit(asyncio.run(_run(asked))) from None
    raise SystemExit(uvloop.run(_run(asked)))


if __name__ == "__main__":
    main()
