"""The phases of a run. They are contiguous: one ends where the next begins, so that together they are the run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_START_TIME = 19
"""Of the fields of /proc/PID/stat behind the command's name: proc(5), field 22."""


@dataclass(frozen=True, slots=True)
class Phase:
    """``facts`` are what was done in it: numbers of tokens, of streams."""

    name: str
    seconds: float
    facts: dict[str, int] = field(default_factory=dict)

    @property
    def tokens_per_second(self) -> float | None:
        """None for a phase in which no tokens are counted."""
        tokens = self.facts.get("tokens")
        return None if tokens is None or self.seconds <= 0 else tokens / self.seconds


def process_began() -> float | None:
    """When this process was started, in seconds of ``time.perf_counter``, to a hundredth; None off Linux."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8")
        booted = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return None
    started = int(stat.rpartition(")")[2].split()[_START_TIME]) / os.sysconf("SC_CLK_TCK")
    return time.perf_counter() - max(booted - started, 0.0)


class Phases:
    """The first one begins when this is made. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter, *, began: float | None = None) -> None:
        """``began``: when the first phase did, by ``clock``, if before now."""
        self._clock = clock
        self._began = self._last = clock() if began is None else began
        self._ended: list[Phase] = []

    def end(self, name: str, *, at: float | None = None, **facts: int) -> Phase:
        """End the phase under way, now or ``at`` a moment since the last end; the next begins there."""
        now = self._clock() if at is None else at
        if now < self._last:
            raise ValueError(f"the phase {name!r} would end before it began")
        phase = Phase(name, now - self._last, facts)
        self._last = now
        self._ended.append(phase)
        return phase

    @property
    def ended(self) -> tuple[Phase, ...]:
        return tuple(self._ended)

    @property
    def wall_seconds(self) -> float:
        """From the beginning of the first phase to the end of the last."""
        return self._last - self._began
