"""Every bench that asv runs on a commit, once, on the fake model: one that no longer fits the package shows here."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from benches.asv import engine, server
from benches.cases import EMBER

_KINDS = ("time_", "peakmem_", "track_")


def _arguments(params: Any) -> list[tuple[Any, ...]]:
    """asv takes one list of values, or a list of lists."""
    if not params:
        return [()]
    each = params if isinstance(params[0], list) else [list(params)]
    return list(itertools.product(*each))


def _every_bench() -> Iterator[Any]:
    for module in (engine, server):
        kinds = [one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__]
        for kind in kinds:
            for name in (one for one in dir(kind) if one.startswith(_KINDS)):
                for arguments in _arguments(getattr(kind, "params", ())):
                    if EMBER not in arguments:  # the same code, in seconds
                        yield pytest.param(kind, name, arguments, id=f"{kind.__name__}.{name}{list(arguments)}")


_BENCHES = list(_every_bench())


@pytest.mark.parametrize(("kind", "name", "arguments"), _BENCHES)
def test_it_runs(kind: type, name: str, arguments: tuple[Any, ...]) -> None:
    bench = kind()
    if hasattr(bench, "setup"):
        bench.setup(*arguments)
    try:
        found = getattr(bench, name)(*arguments)
    finally:
        if hasattr(bench, "teardown"):
            bench.teardown(*arguments)
    assert found is None or found > 0


def test_what_the_project_is_watched_by_is_there() -> None:
    there = {f"{one.values[0].__name__}.{one.values[1]}" for one in _BENCHES}
    assert there >= {
        "Load.time_load",
        "Generate.time_generate",  # prefill, decode, batch
        "PrefixCache.time_shared_prefix",
        "Sampling.time_sampling",
        "Tokenizer.time_encode",
        "Events.time_encode_events",
        "Http.track_token",
    }
