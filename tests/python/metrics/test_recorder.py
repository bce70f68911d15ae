from __future__ import annotations

from prometheus_client import CollectorRegistry

from inferno.metrics.recorder import Recorder


def test_requests_are_counted_by_outcome_and_times_go_to_their_own_histograms() -> None:
    registry = CollectorRegistry()
    recorder = Recorder(registry)
    recorder.count("m", "/v1/x", "stop")
    recorder.count("m", "/v1/x", "stop")
    recorder.count("m", "/v1/x", "queue_full")
    recorder.observe("m", "/v1/x", queued=1.0, first_token=2.0, duration=4.0)
    where = {"model": "m", "endpoint": "/v1/x"}
    assert registry.get_sample_value("inferno_requests_total", {**where, "outcome": "stop"}) == 2
    assert registry.get_sample_value("inferno_requests_total", {**where, "outcome": "queue_full"}) == 1
    assert registry.get_sample_value("inferno_request_queue_seconds_sum", where) == 1.0
    assert registry.get_sample_value("inferno_time_to_first_token_seconds_sum", where) == 2.0
    assert registry.get_sample_value("inferno_request_duration_seconds_sum", where) == 4.0
