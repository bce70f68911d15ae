from __future__ import annotations

import pytest

from inferno.engine.drain_rate import LONGEST, SHORTEST, DrainRate


def stats(left: int, busy: float = 100.0) -> dict[str, float]:
    return {"finished": left, "cancelled": 0, "failed": 0, "expired": 0, "step_seconds": busy}


def test_the_first_refusal_looks_at_the_busy_life_so_far() -> None:
    assert DrainRate().retry_after(stats(200), 1, now=1000.0) == pytest.approx(0.5)


def test_later_ones_look_at_what_left_since() -> None:
    rate = DrainRate()
    rate.retry_after(stats(200), 1, now=1000.0)
    assert rate.retry_after(stats(201), 1, now=1004.0) == pytest.approx(4.0)
    assert rate.retry_after(stats(208), 2, now=1008.0) == pytest.approx(2.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    rate = DrainRate()
    rate.retry_after(stats(0), 1, now=0.0)
    rate.retry_after(stats(1000), 1, now=9.0)
    assert rate.retry_after(stats(1001), 1, now=14.0) == pytest.approx(5.0)


def test_stays_within_bounds_and_says_a_second_when_nothing_ever_left() -> None:
    assert DrainRate().retry_after(stats(0), 1, now=5.0) == 1.0
    assert DrainRate().retry_after(stats(10**9), 1, now=5.0) == SHORTEST
    assert DrainRate().retry_after(stats(1, busy=1e6), 1, now=5.0) == LONGEST
