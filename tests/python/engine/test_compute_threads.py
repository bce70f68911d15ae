"""What the OpenMP library of the native module was told of waiting, as it says itself when it is loaded."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from inferno.engine.core import _core

_LOAD = "import os; import inferno.engine.core; print(os.environ.get('GOMP_SPINCOUNT'))"

_MAPS = Path("/proc/self/maps")
pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not _MAPS.exists() or "libgomp" not in _MAPS.read_text(),
    reason=f"{_core.__name__} has no OpenMP of GNU's for x86 here",
)


def _loaded(**environment: str) -> tuple[str, str]:
    """What OpenMP says, and the count of looks that a child would inherit."""
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
    assert left == "None"


@pytest.mark.parametrize(
    ("told", "shown"),
    [({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT = '7'"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "OMP_WAIT_POLICY = 'ACTIVE'")],
)
def test_what_the_user_says_of_waiting_stands(told: dict[str, str], shown: str) -> None:
    said, left = _loaded(**told)
    assert shown in said
    assert "'4000'" not in said
    assert left == told.get("GOMP_SPINCOUNT", "None")
