"""Every piece is given once: to each thread, and to a process and its child."""

from __future__ import annotations

import subprocess
import sys
import threading

from inferno.security.randomness import PIECE_BYTES, unguessable


def test_no_piece_comes_twice_whichever_thread_asks() -> None:
    found: list[list[bytes]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(unguessable() for _ in range(2000))) for mine in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pieces = [piece for mine in found for piece in mine]
    assert {len(piece) for piece in pieces} == {PIECE_BYTES}
    assert len(set(pieces)) == len(pieces) == 8000


FORKING = """
import os, sys
from inferno.security.randomness import unguessable
unguessable()  # so that there is a block
child = os.fork()
if child:
    os.waitpid(child, 0)  # or their lines could come into each other
print(unguessable().hex(), flush=True)
"""


def test_a_child_has_others() -> None:
    said = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True).stdout.split()
    assert len(said) == len(set(said)) == 2
