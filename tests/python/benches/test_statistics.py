"""Percentiles, summaries and ratios, by values worked out by hand."""

from __future__ import annotations

import pytest
from benches.load.measure import Measurement
from benches.load.report import Comparison, record, table
from benches.load.statistics import Sample, median, percentile, summary
from benches.workloads import WORKLOADS


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (95, 95), (99, 99), (99.1, 100), (100, 100)]
)
def test_percentiles_of_1_to_100(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


@pytest.mark.parametrize(("values", "expected"), [([7], 7), ([3, 1], 1), ([3, 1, 2], 2), ([4, 1, 3, 2], 2)])
def test_the_50th_percentile_is_a_value_that_was_measured(values: list[float], expected: float) -> None:
    assert percentile(values, 50) == expected


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], -1), ([1.0], 101)])
def test_percentiles_that_do_not_exist(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        percentile(values, percent)


def test_medians() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 3, 2]) == 2.5
    with pytest.raises(ValueError, match="no median"):
        median([])


def test_a_summary_by_hand() -> None:
    samples = [
        Sample(started=10.0, ended=14.0, first=11.0, gaps=(1.0, 2.0), tokens=3, prompt_tokens=7),
        Sample(started=11.0, ended=15.0, first=14.0, gaps=(0.5, 0.5), tokens=5, prompt_tokens=9),
        Sample(started=10.0, ended=18.0, tokens=100, error="status 500"),
    ]
    values = summary(samples)
    assert (values["requests"], values["errors"]) == (3, 1)
    assert (values["tokens"], values["prompt_tokens"]) == (8, 16)
    assert values["elapsed"] == 8.0
    assert values["output_rate"] == 1.0
    assert (values["ttft_p50"], values["ttft_max"]) == (1.0, 3.0)
    assert (values["itl_p50"], values["itl_p95"], values["itl_max"]) == (0.5, 2.0, 2.0)
    assert values["e2e_p99"] == 4.0
    assert (values["stream_rate_p50"], values["stream_rate_max"]) == (2 / 3, 4.0)


def test_a_summary_without_streams_has_no_first_tokens() -> None:
    values = summary([Sample(started=0.0, ended=2.0, tokens=4)])
    assert values["output_rate"] == 2.0
    assert not any(name.startswith(("ttft", "itl", "stream_rate")) for name in values)


def test_a_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="without requests"):
        summary([])


def _comparison(errors: int = 0) -> Comparison:
    def runs(rates: list[float], gap: float) -> list[Measurement]:
        values = [{"output_rate": rate, "itl_p99": gap, "ttft_p50": 1.0, "errors": 0.0} for rate in rates]
        return [Measurement(value, []) for value in values]

    comparison = Comparison(WORKLOADS["B"], {"ours": runs([9, 30, 20], 0.1), "theirs": runs([10, 10, 99], 0.4)})
    comparison.runs["ours"][1].values["errors"] = errors
    return comparison


def test_ratios_are_of_medians() -> None:
    assert _comparison().ratios("ours", "theirs") == {"output_rate": 2.0, "itl_p99": 0.25, "ttft_p50": 1.0}


def test_runs_with_errors_compare_nothing() -> None:
    assert _comparison(errors=1).ratios("ours", "theirs") == {}


def test_the_table_says_which_bars_are_met() -> None:
    lines = table([_comparison()], "ours", "theirs").splitlines()
    verdicts = {line.split()[1]: line.split()[-1] for line in lines[1:]}
    assert verdicts["output_rate"] == "met"
    assert verdicts["itl_p99"] == "met"
    assert verdicts["ttft_p50"] == "MISSED"


def test_the_record_has_every_run_and_its_gaps_on_request() -> None:
    comparison = _comparison()
    comparison.runs["ours"][0].samples.append(Sample(started=1.0, ended=2.0, first=1.5, gaps=(0.25,), tokens=2))
    with_gaps = record(comparison, "ours", "theirs", gaps=True)["runs"]["ours"][0]["samples"]
    without = record(comparison, "ours", "theirs", gaps=False)["runs"]["ours"][0]["samples"]
    assert with_gaps == [{"e2e": 1.0, "ttft": 0.5, "tokens": 2, "prompt_tokens": 0, "gaps": [0.25]}]
    assert without == [{"e2e": 1.0, "ttft": 0.5, "tokens": 2, "prompt_tokens": 0}]
