"""Phases are contiguous by construction: whatever the clock says, they sum to the run."""

from __future__ import annotations

import itertools

import pytest

from inferno.profiling.phases import Phases, process_began


def test_the_phases_are_the_run() -> None:
    clock = itertools.count(100, 7)
    phases = Phases(lambda: next(clock))
    for name in ("load", "prefill", "decode"):
        phases.end(name)
    assert [phase.seconds for phase in phases.ended] == [7, 7, 7]
    assert phases.wall_seconds == 21


def test_a_phase_ends_at_a_moment_that_was_noted_and_the_next_begins_there() -> None:
    now = 0.0
    phases = Phases(lambda: now)
    now = 10.0
    phases.end("prefill", at=4.0, tokens=8)
    phases.end("decode", tokens=3)
    assert [(phase.name, phase.seconds, phase.tokens_per_second) for phase in phases.ended] == [
        ("prefill", 4.0, 2.0),
        ("decode", 6.0, 0.5),
    ]
    assert phases.wall_seconds == 10.0


def test_what_went_before_counts() -> None:
    phases = Phases(lambda: 5.0, began=2.0)
    phases.end("start")
    assert phases.wall_seconds == 3.0


def test_time_does_not_run_backwards() -> None:
    phases = Phases(lambda: 5.0)
    with pytest.raises(ValueError, match="'late' would end before it began"):
        phases.end("late", at=4.0)


def test_a_phase_without_tokens_has_no_rate() -> None:
    phases = Phases(lambda: 0.0)
    assert phases.end("load").tokens_per_second is None
    assert phases.end("none", tokens=3).tokens_per_second is None


def test_the_process_began_before_now() -> None:
    import time

    began = process_began()
    assert began is None or began < time.perf_counter()
