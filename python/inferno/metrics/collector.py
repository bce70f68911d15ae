"""Reads the engines' counters at scrape time and shows them as Prometheus metrics. Keeps nothing between scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from inferno.metrics import instruments
from inferno.metrics.instruments import Instrument, Title

StatsByModel = Mapping[str, Mapping[str, Any]]


class EngineCollector(Collector):
    """``read`` returns the stats of each served model. A counter that an engine lacks fails the scrape, loudly."""

    def __init__(self, read: Callable[[], StatsByModel]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        stats = self._read()
        for instrument in instruments.GAUGES:
            yield _gauge(instrument, stats, "model")
        for instrument in instruments.VLLM_GAUGES:
            yield _gauge(instrument, stats, "model_name")
        for instrument in instruments.COUNTERS:
            yield _counter(instrument, stats)
        yield _by_state(GaugeMetricFamily, instruments.KV_CACHE_TOKENS, "state", instruments.KV_CACHE_STATES, stats)
        yield _by_state(CounterMetricFamily, instruments.CANCELLED, "stage", instruments.CANCELLED_STAGES, stats)
        yield _inter_token(stats)

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not read the engines."""
        return []


def _gauge(instrument: Instrument, stats: StatsByModel, label: str) -> Metric:
    family = GaugeMetricFamily(instrument.name, instrument.help, labels=[label])
    for model, values in stats.items():
        family.add_metric([model], _value(instrument, values))
    return family


def _value(instrument: Instrument, values: Mapping[str, Any]) -> float:
    value = float(values[instrument.stat])
    if instrument.divisor is None:
        return value
    whole = float(values[instrument.divisor])
    return value / whole if whole else 0.0


def _counter(instrument: Instrument, stats: StatsByModel) -> Metric:
    family = CounterMetricFamily(instrument.name, instrument.help, labels=["model"])
    for model, values in stats.items():
        family.add_metric([model], _value(instrument, values))
    return family


def _by_state(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    title: Title,
    label: str,
    states: Mapping[str, str],
    stats: StatsByModel,
) -> Metric:
    family = kind(title.name, title.help, labels=["model", label])
    for model, values in stats.items():
        for state, stat in states.items():
            family.add_metric([model, state], float(values[stat]))
    return family


def _inter_token(stats: StatsByModel) -> Metric:
    title = instruments.INTER_TOKEN
    family = HistogramMetricFamily(title.name, title.help, labels=["model"])
    for model, values in stats.items():
        bounds = [str(float(bound)) for bound in values["inter_token_bounds"]] + ["+Inf"]
        counts = accumulate(values["inter_token_counts"])
        buckets = [(bound, float(count)) for bound, count in zip(bounds, counts, strict=True)]
        family.add_metric([model], buckets, sum_value=float(values["inter_token_sum"]))
    return family
