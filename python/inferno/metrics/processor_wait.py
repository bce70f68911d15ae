"""How long this process's threads waited for a processor: what else runs on its cores costs them that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from inferno.metrics.instruments import PROCESSOR_WAIT

_TASKS = Path("/proc/self/task")
_DELAY = 1
"""The second number of Linux's ``schedstat``: nanoseconds that a thread could run and did not."""


class ProcessorWaitCollector(Collector):
    """Sums up over all threads, those that have ended as far as they were seen. Exports nothing where the system does
    not tell. Thread-safe."""

    def __init__(self, tasks: Path = _TASKS) -> None:
        self._tasks = tasks
        self._seen: dict[str, int] = {}
        self._of_ended = 0
        self._lock = Lock()

    def collect(self) -> Iterator[Metric]:
        waited = self._waited()
        if waited is None:
            return
        family = CounterMetricFamily(PROCESSOR_WAIT.name, PROCESSOR_WAIT.help)
        family.add_metric([], waited / 1e9)
        yield family

    def describe(self) -> list[Metric]:
        return []

    def _waited(self) -> int | None:
        """Nanoseconds since the process began."""
        with self._lock:
            now = dict(_delays(self._tasks))
            if not now:
                return None
            for thread, before in self._seen.items():
                if now.get(thread, -1) < before:  # it has ended, and another may have its number
                    self._of_ended += before
            self._seen = now
            return self._of_ended + sum(now.values())


def _delays(tasks: Path) -> Iterator[tuple[str, int]]:
    if not tasks.exists():
        return
    for task in tasks.iterdir():
        try:
            yield task.name, int((task / "schedstat").read_text().split()[_DELAY])
        except (FileNotFoundError, ProcessLookupError):
            continue  # a kernel that keeps no such count, or a thread that has just ended
