"""What nobody can guess: for ids and seeds, of which every request needs several."""

from __future__ import annotations

import os

PIECE_BYTES = 16
_PIECES = 256
_pool: list[bytes] = []
os.register_at_fork(after_in_child=_pool.clear)  # or parent and child would give out the same


def unguessable() -> bytes:
    """So many bytes of the operating system's randomness, each given once. Thread-safe. Fetched in blocks: to ask for a
    few bytes takes as long as for many."""
    while True:
        try:
            return _pool.pop()
        except IndexError:
            block = os.urandom(PIECE_BYTES * _PIECES)
            _pool.extend([block[at : at + PIECE_BYTES] for at in range(0, len(block), PIECE_BYTES)])
