"""What decides how fast a model is besides the model: this machine and this build of the engine."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inferno.engine.core import build
from inferno.engine.onnxruntime import backend_of

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """``cores`` are those that this process may use, ``memory_gib`` is rounded: kernels differ in what they keep."""

    cpu: str
    cores: int
    memory_gib: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {self.memory_gib} GiB"


def this_machine() -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return Machine(_cpu(), build()["cores"], round(memory / _GIB))


def usable_processors() -> int:
    """Those this process may run on: threads of one core count each."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def this_engine(path: str) -> str:
    """Version and commit of Inferno, and the library that computes the model at ``path``: that one alone, so that it
    says the same whatever else this process has opened. Raises what says that nobody opens it."""
    backend = backend_of(path)
    native = build()
    version = next(one["version"] for one in native["backends"] if one["name"] == backend)
    return f"inferno {native['version']} (commit {native['commit']}): {backend} {version}"
