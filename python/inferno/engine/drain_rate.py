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
        """Seconds until ``sequences`` places should be free. ``now`` is a monotonic clock's reading.

        Looks at departures since the refusals of the last ``WINDOW`` seconds; at the first one, at the engine's life so
        far, in seconds that it was busy. One second while nothing has ever left.
        """
        left = int(stats["finished"]) + int(stats["cancelled"]) + int(stats["failed"])
        while self._seen and self._seen[0][0] < now - WINDOW:
            self._seen.popleft()
        since, before = self._seen[0] if self._seen else (now - float(stats["step_seconds"]), 0)
        if not self._seen or now - self._seen[-1][0] >= WINDOW / 100:
            self._seen.append((now, left))
        if left <= before or now <= since:
            return 1.0
        rate = (left - before) / (now - since)
        return min(max(sequences / rate, SHORTEST), LONGEST)
