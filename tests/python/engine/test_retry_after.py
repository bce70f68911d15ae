from __future__ import annotations

import pytest

from inferno.engine.retry_after import LONGEST, SHORTEST, UNKNOWN, by_busy_time, retry_after


def stats(ended: int, busy: float = 100.0) -> dict[str, float]:
    return {"finished": ended, "cancelled": 0, "failed": 0, "expired": 0, "step_seconds": busy}


@pytest.mark.parametrize(("reckoned", "said"), [(0.0, SHORTEST), (0.5, 0.5), (60.0, LONGEST), (1e6, LONGEST)])
def test_says_what_the_queue_tells_within_bounds(reckoned: float, said: float) -> None:
    assert retry_after(reckoned, stats(5), 3) == said


def test_before_the_queue_tells_anything_it_goes_by_busy_time_so_far() -> None:
    assert by_busy_time(stats(200), 3) == pytest.approx(1.5)
    assert retry_after(None, stats(200), 3) == pytest.approx(1.5)
    assert by_busy_time(stats(0), 1) is None
    assert retry_after(None, stats(0), 1) == UNKNOWN
