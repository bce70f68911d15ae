"""How the native engine's compute threads wait for each other: a moment awake, then asleep.

They wait behind every operator, some five hundred times a step. GNU's OpenMP, which ggml and Inferno's own kernels use,
keeps a waiting thread awake for milliseconds unless told otherwise. Where something else wants a core, that is a core
spent on waiting for a thread that has none, and a step takes several times as long. Asleep, a thread leaves its core to
the one that it waits for. The moment is as long as threads wait that have their cores to themselves; the figures are in
docs/performance.md.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

_LOOKS = "4000"
"""How often a waiting thread looks before it sleeps. Between looks the processor pauses, for 3 to 50 nanoseconds by its
make; one that has no such pause looks so fast that OpenMP's own number is a moment, too."""
_PAUSING = ("x86_64", "amd64")
_COUNT = "GOMP_SPINCOUNT"
_TOLD = (_COUNT, "OMP_WAIT_POLICY")


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """The OpenMP library that is loaded within waits so. It reads its environment once, then; children see nothing of
    it. What the user's environment says of waiting stands."""
    if platform.machine().lower() not in _PAUSING or any(name in os.environ for name in _TOLD):
        yield
        return
    os.environ[_COUNT] = _LOOKS
    try:
        yield
    finally:
        del os.environ[_COUNT]
