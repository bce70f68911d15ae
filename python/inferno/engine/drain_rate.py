"""How fast the queue empties, for telling a refused client when to come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

WINDOW = 10.0
"""Seconds looked back over: long enough to hold several departures, short enough to follow the load."""
SHORTEST, LONGEST = 0.05, 60.0


class DrainRate:
    """Sequences that leave the queue a second, from the engine's own counters. Not thread-safe."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def retry_after(self, stats: Mapping[str, Any], sequences: int, now: float) -> float:
        """Seconds until ``sequences`` places should be free, within reason; one second while nothing has ever left."""
        seconds = self.wait(stats, sequences, now)
        return 1.0 if seconds is None else min(max(seconds, SHORTEST), LONGEST)

    def wait(self, stats: Mapping[str, Any], sequences: float, now: float) -> float | None:
        """Seconds until so many sequences should have left; None while nothing has. ``now`` is of a monotonic clock.

        Looks at departures since the questions of the last ``WINDOW`` seconds; at the first one, at the engine's life
        so far, in seconds that it was busy.
        """
        left = sum(int(stats[name]) for name in ("finished", "cancelled", "failed", "expired"))
        while self._seen and self._seen[0][0] < now - WINDOW:
            self._seen.popleft()
        since, before = self._seen[0] if self._seen else (now - float(stats["step_seconds"]), 0)
        if not self._seen or now - self._seen[-1][0] >= WINDOW / 100:
            self._seen.append((now, left))
        if left <= before or now <= since:
            return None
        return sequences * (now - since) / (left - before)
