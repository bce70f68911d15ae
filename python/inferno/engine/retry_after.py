"""When a refused client is told to come back. The engine knows how fast its queue empties (csrc/scheduler/drain_rate.h)
once something has left it while others waited; before that there is what its sequences took until now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHORTEST, LONGEST = 0.05, 60.0
UNKNOWN = 1.0
"""Said as long as nothing has ever ended."""


def retry_after(seconds: float | None, stats: Mapping[str, Any], sequences: int) -> float:
    """``seconds`` until there will be room for so many, as the engine reckons by its queue, within reason."""
    if seconds is None:
        seconds = by_busy_time(stats, sequences)
    return UNKNOWN if seconds is None else min(max(seconds, SHORTEST), LONGEST)


def by_busy_time(stats: Mapping[str, Any], sequences: int) -> float | None:
    """Seconds in which so many end, by the engine's life so far, of which only steps count; None while none has."""
    ended = sum(int(stats[name]) for name in ("finished", "cancelled", "failed", "expired"))
    return sequences * float(stats["step_seconds"]) / ended if ended else None
