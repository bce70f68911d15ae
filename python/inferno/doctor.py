"""What this machine and installation have, and what is wrong with them. Looks and tries; changes nothing."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from inferno.errors import InfernoError

if TYPE_CHECKING:
    from inferno.models.backends import Backend

_LITTLE_MEMORY_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Problem:
    """``what`` is wrong, and the ``remedy``."""

    what: str
    remedy: str


@dataclass(slots=True)
class Report:
    """Facts by name, in the order found, and problems."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"facts": dict(self.facts), "problems": [asdict(problem) for problem in self.problems]}


def examine() -> Report:
    """Takes a second or two: the built-in model is loaded and asked for a token."""
    report = Report()
    for look in _LOOKS:
        look(report)
    return report


def _python(report: Report) -> None:
    import inferno

    report.facts["inferno"] = inferno.__version__
    report.facts["python"] = f"{platform.python_version()} ({sys.prefix})"
    report.facts["system"] = f"{platform.system()} {platform.release()} {platform.machine()}"


def _processors(report: Report) -> None:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    report.facts["processors"] = f"{allowed} of {os.cpu_count()} for this process"


def _memory(report: Report) -> None:
    if not hasattr(os, "sysconf") or "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return
    page = os.sysconf("SC_PAGE_SIZE")
    total, free = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    report.facts["memory"] = f"{total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB free"
    if total < _LITTLE_MEMORY_BYTES:
        report.problems.append(Problem("less than 1 GiB of memory", "serve small models only, or add memory"))


def _native(report: Report) -> None:
    try:
        from inferno.engine.core import build
    except ImportError as error:
        report.problems.append(Problem(str(error), "run 'pip install .' in the source tree, or 'pip install inferno'"))
        return
    native = build()
    report.facts["commit"] = native["commit"]
    report.facts["threads"] = f"{native['cores']} by default, one for each core that this process may use"


def _backends(report: Report) -> None:
    try:
        from inferno.models.backends import listing
    except ImportError:
        return  # said by _native
    shown: set[tuple[str, ...]] = set()
    for backend in listing():
        state = f"missing: {backend.missing}" if backend.missing else backend.version
        report.facts[f"backend {backend.name}"] = f"{state}; opens {backend.formats}"
        if backend.devices and backend.devices not in shown:  # else they are those of the one that computes for it
            report.facts[f"devices {backend.name}"] = ", ".join(backend.devices)
            shown.add(backend.devices)
        if backend.name == "llama":
            _can_open_gguf(report, backend)


def _can_open_gguf(report: Report, llama: Backend) -> None:
    if llama.missing:
        remedy = "reinstall without -DINFERNO_WITH_LLAMA=OFF"
        report.problems.append(Problem("built without llama.cpp: no GGUF file can be opened", remedy))
    elif not llama.devices:
        report.problems.append(Problem("backend llama finds no device", "reinstall Inferno"))


def _builtin_model(report: Report) -> None:
    try:
        from inferno.llm import LLM
    except ImportError:
        return  # said by _native
    try:
        with LLM() as llm:
            answer = llm.chat([{"role": "user", "content": "Hello"}], max_tokens=1, temperature=0)[0]
    except InfernoError as error:
        report.problems.append(Problem(f"the built-in model does not answer: {error.message}", "reinstall Inferno"))
        return
    report.facts["model ember"] = f"loads and answers ({answer.usage.completion_tokens} token)"


def _prepared(report: Report) -> None:
    from inferno.models.huggingface.cache import cache_folder, listing

    files = listing()
    gigabytes = sum(file.bytes for file in files) / 1e9
    report.facts["prepared models"] = f"{len(files)} files, {gigabytes:.1f} GB in {cache_folder()}"


_LOOKS: tuple[Callable[[Report], None], ...] = (
    _python,
    _processors,
    _memory,
    _native,
    _backends,
    _prepared,
    _builtin_model,
)
