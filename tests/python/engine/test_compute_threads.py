"""What the OpenMP library of the native module was told of waiting, as it says itself when it is loaded, and that
loading a model leaves it no threads to count."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inferno.engine.core import _core
from inferno.engine.local import LocalEngine
from inferno.models.builtin import ember_path
from server.harness import until

_LOAD = """import os, inferno.engine.core
print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OMP_WAIT_POLICY'))"""

_MAPS = Path("/proc/self/maps")
pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not _MAPS.exists() or "libgomp" not in _MAPS.read_text(),
    reason=f"{_core.__name__} has no OpenMP of GNU's for x86 here",
)


def _loaded(**environment: str) -> tuple[str, str]:
    """What OpenMP says, and what a child would inherit."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD],
        env={**inherited, **environment, "OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr, done.stdout.strip()


def test_a_waiting_thread_sleeps_after_a_moment_and_children_are_told_nothing() -> None:
    said, left = _loaded()
    assert "GOMP_SPINCOUNT = '4000'" in said
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in said
    assert left == "None None"


@pytest.mark.parametrize(
    ("told", "shown"),
    [({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT = '7'"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "OMP_WAIT_POLICY = 'ACTIVE'")],
)
def test_what_the_user_says_of_waiting_stands(told: dict[str, str], shown: str) -> None:
    said, left = _loaded(**told)
    assert shown in said
    assert "'4000'" not in said
    assert left == f"{told.get('GOMP_SPINCOUNT')} {told.get('OMP_WAIT_POLICY')}"


def _threads() -> set[str]:
    return {task.name for task in Path("/proc/self/task").iterdir()}


async def _with_its_threads(**options: bool) -> tuple[LocalEngine, set[str]]:
    """An engine, and the threads that came with it."""
    before = _threads()
    wanted = {"threads": 2, "slots": 2, "context_tokens": 64, **options}
    engine = await LocalEngine.load(str(ember_path()), options=wanted)
    return engine, _threads() - before


async def test_compute_threads_of_loading_end_with_it() -> None:
    """With ``deterministic`` a text is computed on two threads when the model is loaded."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # which else has any number of threads
    first, _ = await _with_its_threads()  # so that what a process starts once is there
    plain, of_plain = await _with_its_threads()
    exact, of_exact = await _with_its_threads(deterministic=True)
    # A thread that has ended is there for a moment yet.
    await until(lambda: len(of_exact & _threads()) == len(of_plain & _threads()))
    for engine in (first, plain, exact):
        await engine.aclose()
