"""Runs of a workload -> medians, ratios, a table and a JSON record. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benches.load.measure import Measurement
from benches.load.statistics import Sample, median
from benches.workloads import Workload

_ALWAYS = ("requests", "errors", "prompt_tokens", "tokens")
_COUNTS = (*_ALWAYS, "events")
_TIMES = ("ttft_p50", "ttft_p99", "itl_p50", "itl_p99")
_USUAL = ("events", "output_rate", "cpu_rate", *_TIMES, "stream_rate_p50", "peak_rss")
_UNITS = {"output_rate": "tok/s", "cpu_rate": "tok/s", "stream_rate_p50": "tok/s", "peak_rss": "MiB"}


@dataclass(slots=True)
class Comparison:
    """The runs of one workload, by server name, in the order they were made."""

    workload: Workload
    runs: dict[str, list[Measurement]] = field(default_factory=dict)

    def medians(self, server: str) -> dict[str, float]:
        """Of the metrics that every run of ``server`` has."""
        runs = self.runs.get(server, [])
        shared = set.intersection(*(set(run.values) for run in runs)) if runs else set()
        return {name: median([run.values[name] for run in runs]) for name in shared}

    def errors(self, server: str) -> int:
        return int(sum(run.values.get("errors", 0) for run in self.runs.get(server, [])))

    def ratios(self, ours: str, peer: str) -> dict[str, float]:
        """Ours over the peer's, of the medians; empty while any run has errors, because then they compare nothing."""
        if self.errors(ours) or self.errors(peer):
            return {}
        mine, theirs = self.medians(ours), self.medians(peer)
        return {name: mine[name] / theirs[name] for name in mine if theirs.get(name)}


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name in _COUNTS:
        return f"{value:.0f}"
    if name == "peak_rss":
        return f"{value / 2**20:.0f} MiB"
    unit = _UNITS.get(name)
    return f"{value:.1f} {unit}" if unit else f"{value * 1000:.1f} ms"


def _rows(comparison: Comparison, ours: str, peer: str) -> list[tuple[str, ...]]:
    ratios = comparison.ratios(ours, peer)
    bars = {bar.metric: bar for bar in comparison.workload.bars}
    medians = {server: comparison.medians(server) for server in (ours, peer)}
    known = set().union(*medians.values())
    names = [name for name in dict.fromkeys((*_ALWAYS, *bars, *_USUAL)) if name in known]
    rows: list[tuple[str, ...]] = []
    for name in names:
        ratio, bar = ratios.get(name), bars.get(name)
        verdict = "" if bar is None or ratio is None else ("met" if bar.met(ratio) else "MISSED")
        rows.append((
            comparison.workload.name,
            name,
            _shown(name, medians[ours].get(name)),
            _shown(name, medians[peer].get(name)),
            "-" if ratio is None or name in _COUNTS else f"{ratio:.3f}",
            f"{bar.sense} {bar.at}" if bar else "",
            verdict,
        ))  # fmt: skip
    return rows


def table(comparisons: Sequence[Comparison], ours: str, peer: str) -> str:
    """Plain text: one line per workload and metric, medians and their ratio."""
    head = ("", "median of runs", ours, peer, "ratio", "bar", "")
    rows = [head, *(row for comparison in comparisons for row in _rows(comparison, ours, peer))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _raw(sample: Sample, *, gaps: bool) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "e2e": round(sample.ended - sample.started, 6),
        "ttft": None if sample.ttft is None else round(sample.ttft, 6),
        "tokens": sample.tokens,
        "prompt_tokens": sample.prompt_tokens,
    }
    if gaps:
        raw["gaps"] = [round(gap, 6) for gap in sample.gaps]
    return raw if sample.error is None else {**raw, "error": sample.error}


def record(comparison: Comparison, ours: str, peer: str, *, gaps: bool) -> dict[str, Any]:
    """One workload for the JSON line: medians, ratios, each run's values and its raw samples (``gaps`` on request)."""
    runs: Mapping[str, list[Measurement]] = comparison.runs
    return {
        "title": comparison.workload.title,
        "medians": {server: comparison.medians(server) for server in runs},
        "ratios": comparison.ratios(ours, peer),
        "runs": {
            server: [{**run.values, "samples": [_raw(s, gaps=gaps) for s in run.samples]} for run in measured]
            for server, measured in runs.items()
        },
    }
