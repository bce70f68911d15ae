from __future__ import annotations

import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry

from inferno.metrics.processor_wait import ProcessorWaitCollector

_NAME = "inferno_processor_wait_seconds_total"


class Threads:
    """What Linux writes of a process's threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._collectors = CollectorRegistry()
        self._collectors.register(ProcessorWaitCollector(folder))

    def waited(self, thread: str, seconds: float) -> None:
        (self._folder / thread).mkdir(exist_ok=True)
        (self._folder / thread / "schedstat").write_text(f"7000000000 {seconds * 1e9:.0f} 12\n")

    def ends(self, thread: str) -> None:
        shutil.rmtree(self._folder / thread)

    @property
    def told(self) -> float | None:
        return self._collectors.get_sample_value(_NAME)


def test_it_is_the_sum_over_all_threads(tmp_path: Path) -> None:
    threads = Threads(tmp_path)
    threads.waited("10", 1.5)
    threads.waited("11", 0.25)
    assert threads.told == 1.75
    threads.waited("11", 1.0)
    assert threads.told == 2.5


def test_it_never_falls_when_threads_end_and_others_take_their_numbers(tmp_path: Path) -> None:
    threads = Threads(tmp_path)
    threads.waited("10", 1.5)
    threads.waited("11", 0.25)
    assert threads.told == 1.75
    threads.ends("10")
    assert threads.told == 1.75
    threads.waited("11", 0.125)
    assert threads.told == 1.875


def test_nothing_is_told_where_the_system_does_not_tell(tmp_path: Path) -> None:
    threads = Threads(tmp_path / "no such folder")
    assert threads.told is None
    (tmp_path / "10").mkdir()
    assert Threads(tmp_path).told is None
