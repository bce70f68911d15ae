"""How the native engine's compute threads wait for each other: a moment awake, then asleep.

They wait behind every operator, some five hundred times a step. GNU's OpenMP, which ggml and Inferno's own kernels use,
keeps a waiting thread awake for milliseconds unless told otherwise. Where something else wants a core, that is a core
spent on waiting for a thread that has none, and a step takes several times as long. Asleep, a thread leaves its core to
the one that it waits for. The moment is as long as threads wait that have their cores to themselves; the figures are in
docs/performance.md.

OpenMP counts the compute threads of all that ever computed: of each model's engine, of what encodes pictures. Where
they are more than cores, though most of them sleep, it lets those that wait look a hundred times only, and every
operator then costs a sleep and a waking; with a wait policy of "active" they look a thousand times. What loads a model
has compute threads, too, but they end with its thread (LocalEngine.load).
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
_SAID = {"GOMP_SPINCOUNT": _LOOKS, "OMP_WAIT_POLICY": "ACTIVE"}


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """The OpenMP library that is loaded within waits so. It reads its environment once, then; children see nothing of
    it. What the user's environment says of waiting stands."""
    if platform.machine().lower() not in _PAUSING or any(name in os.environ for name in _SAID):
        yield
        return
    os.environ.update(_SAID)
    try:
        yield
    finally:
        for name in _SAID:
            del os.environ[name]
