from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from inferno.metrics.collector import EngineCollector
from inferno.metrics.instruments import CANCELLED_STAGES, COUNTERS, GAUGES, KV_CACHE_STATES


def stats(**changes: Any) -> dict[str, Any]:
    names = {one.stat for one in (*GAUGES, *COUNTERS)} | set(KV_CACHE_STATES.values())
    names |= set(CANCELLED_STAGES.values())
    values: dict[str, Any] = {name: position for position, name in enumerate(sorted(names), start=1)}
    inter_token = {"inter_token_bounds": [0.01, 0.1], "inter_token_counts": [2, 3, 4], "inter_token_sum": 1.25}
    return {**values, **inter_token, **changes}


def registry(values: dict[str, dict[str, Any]]) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(EngineCollector(lambda: values))
    return found


def test_every_engine_counter_is_exported_with_its_own_value() -> None:
    values = stats()
    found = registry({"m": values})
    for gauge in GAUGES:
        if gauge.divisor is None:
            assert found.get_sample_value(gauge.name, {"model": "m"}) == values[gauge.stat], gauge
    for counter in COUNTERS:
        assert found.get_sample_value(counter.name + "_total", {"model": "m"}) == values[counter.stat], counter
    for state, stat in KV_CACHE_STATES.items():
        assert found.get_sample_value("inferno_kv_cache_tokens", {"model": "m", "state": state}) == values[stat]
    for stage, stat in CANCELLED_STAGES.items():
        assert found.get_sample_value("inferno_cancelled_total", {"model": "m", "stage": stage}) == values[stat]


def test_cache_use_is_the_leased_share_and_zero_without_a_cache() -> None:
    found = registry({"m": stats(kv_leased_tokens=25, kv_capacity_tokens=100), "empty": stats(kv_capacity_tokens=0)})
    assert found.get_sample_value("inferno_kv_cache_usage_ratio", {"model": "m"}) == 0.25
    assert found.get_sample_value("vllm:kv_cache_usage_perc", {"model_name": "m"}) == 0.25
    assert found.get_sample_value("inferno_kv_cache_usage_ratio", {"model": "empty"}) == 0


def test_the_names_that_endpoint_pickers_read_are_there() -> None:
    found = registry({"m": stats(requests_running=5, requests_waiting=6)})
    assert found.get_sample_value("vllm:num_requests_running", {"model_name": "m"}) == 5
    assert found.get_sample_value("vllm:num_requests_waiting", {"model_name": "m"}) == 6


def test_inter_token_buckets_are_cumulative() -> None:
    found = registry({"m": stats()})
    name = "inferno_inter_token_seconds"
    buckets = {le: found.get_sample_value(name + "_bucket", {"model": "m", "le": le}) for le in ("0.01", "0.1", "+Inf")}
    assert buckets == {"0.01": 2, "0.1": 5, "+Inf": 9}
    assert found.get_sample_value(name + "_count", {"model": "m"}) == 9
    assert found.get_sample_value(name + "_sum", {"model": "m"}) == 1.25


def test_a_counter_that_the_engine_lacks_fails_the_scrape() -> None:
    values = stats()
    del values["steps"]
    with pytest.raises(KeyError, match="steps"):
        generate_latest(registry({"m": values}))


def test_registering_reads_no_engine() -> None:
    def read() -> dict[str, dict[str, Any]]:
        raise AssertionError("read at registration")

    CollectorRegistry(auto_describe=True).register(EngineCollector(read))
