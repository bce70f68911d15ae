"""Percentiles and the summary of a run. Pure; all times are seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PERCENTS = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one request showed. ``started`` and ``ended`` are on one clock for all samples of a run."""

    started: float
    ended: float
    first: float | None = None
    """When the first text arrived; None without a stream or without text."""
    gaps: tuple[float, ...] = ()
    """Between arrivals of text, in order: one less than there were."""
    tokens: int = 0
    prompt_tokens: int = 0
    error: str | None = None

    @property
    def ttft(self) -> float | None:
        return None if self.first is None else self.first - self.started

    @property
    def stream_rate(self) -> float | None:
        """Tokens a second from the first text to the last."""
        span = sum(self.gaps)
        return (self.tokens - 1) / span if self.tokens > 1 and span > 0 else None


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of 100 are not above (nearest rank): always one that was measured.

    Raises ValueError for no values, or a percent outside 0..100.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError(f"the {percent}th percentile of {len(values)} values does not exist")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values have no median")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _spread(name: str, values: Iterable[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    if not known:
        return {}
    spread = {f"{name}_p{percent}": percentile(known, percent) for percent in PERCENTS}
    return {**spread, f"{name}_max": max(known)}


def summary(samples: Sequence[Sample]) -> dict[str, float]:
    """Name to value: counts, ``output_rate`` in tokens a second over the whole run, and the spread of each time.

    Failed requests count as errors, and their time in ``elapsed``; they have no latency and their tokens do not count.
    Raises ValueError for no samples.
    """
    if not samples:
        raise ValueError("a run without requests has no summary")
    good = [sample for sample in samples if sample.error is None]
    elapsed = max(s.ended for s in samples) - min(s.started for s in samples)
    tokens = sum(sample.tokens for sample in good)
    return {
        "requests": len(samples),
        "errors": len(samples) - len(good),
        "tokens": tokens,
        "prompt_tokens": sum(sample.prompt_tokens for sample in good),
        "elapsed": elapsed,
        "output_rate": tokens / elapsed if elapsed > 0 else 0.0,
        **_spread("ttft", (sample.ttft for sample in good)),
        **_spread("itl", (gap for sample in good for gap in sample.gaps)),
        **_spread("e2e", (sample.ended - sample.started for sample in good)),
        **_spread("stream_rate", (sample.stream_rate for sample in good)),
    }
