"""Which way round benches divide: what a table calls twice as much is ours, not the other's."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from benches.load import fairness
from benches.workloads import ENGINE_BARS, WORKLOADS

from benches import deterministic, engine_floor, prefix_restart, speculation


def test_rates_have_their_bar_below_and_times_and_sizes_above() -> None:
    bars = [*(bar for workload in WORKLOADS.values() for bar in workload.bars), *ENGINE_BARS.values()]
    for bar in bars:
        assert bar.sense == (">=" if "rate" in bar.metric or bar.metric.endswith("tok_s") else "<="), bar
    assert len(bars) > 15


def test_the_engine_is_a_part_of_the_bare_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"bench_engine": 9.0, "bench_bare_loop": 10.0}
    monkeypatch.setattr(
        engine_floor, "_measure", lambda program, _: dict.fromkeys(engine_floor.METRICS, rates[program.name])
    )
    asked = argparse.Namespace(threads=2, unified=False, repeat=3, bin=Path("bin"))
    compared = engine_floor._compare(asked, 8, 32, Path("m.gguf"))
    assert set(compared["ratios"].values()) == {0.9}
    assert engine_floor._line(8, compared, "0.5b").endswith("decode_tok_s >= 0.97: MISSED")


def test_speculation_is_a_multiple_of_what_the_first_mode_writes() -> None:
    counted = {"steps": 1.0, "spec_drafted_tokens": 2.0, "spec_accepted_tokens": 3.0}
    medians = {"off": {"output_rate": 10.0, **counted}, "auto": {"output_rate": 25.0, **counted}}
    line = speculation._line("copy", 4, "auto", {"medians": medians, "texts_parted": {"auto": 0}}, "off")
    assert line.split()[:5] == ["copy", "4", "auto", "25.0", "2.50"]


def test_deterministic_is_a_part_of_the_usual_rate() -> None:
    rates = {"usual": {1: [20.0, 10.0, 99.0], 8: [40.0]}, "deterministic": {1: [15.0], 8: [10.0]}}
    assert deterministic.ratios_of(rates) == {1: 0.75, 8: 0.25}


def turn_of(ttft: float, rate: float) -> dict[str, Any]:
    return {"ttft": [ttft] * 20, "x_rows_per_second": rate}


def test_fairness_is_what_each_has_beside_the_other_by_what_it_has_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = {"y": turn_of(0.1, 0.0), "x": turn_of(9.0, 200.0), "xy": turn_of(0.15, 180.0)}

    async def turn(kind: object, plan: object, case: str, *_: object) -> dict[str, Any]:
        return turns[case]

    monkeypatch.setattr(fairness, "_turn", turn)
    monkeypatch.setattr(sys, "argv", ["fairness", "--model", "m.gguf"])
    fairness.main()
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("0.150 s beside X, 0.100 s alone = 1.50")
    assert said[1].endswith("180 beside Y, 200 alone = 0.90")
    assert json.loads(said[-1])["y_ttft_p50"] == {"alone": 0.1, "beside_x": 0.15}


async def test_a_restart_is_a_part_of_computing_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def turn(*_: object) -> dict[str, float]:
        return {"computed": 2.0, "kept": 0.1, "evicted": 0.2, "restarted": 0.5}

    monkeypatch.setattr(prefix_restart, "_turn", turn)
    asked = argparse.Namespace(
        model="m.gguf", context=1024, threads=2, repeat=3, inferno_args="", words=600, own_words=20
    )
    assert await prefix_restart._run(asked) == 0
    ratios = json.loads(capsys.readouterr().out.splitlines()[-1])["ratios"]
    assert ratios == {"computed": 1.0, "kept": 0.05, "evicted": 0.1, "restarted": 0.25}
