"""The room that records take in their file: what has expired goes, and the oldest where there is too much.

Within the transaction of whoever calls; see :mod:`records` for the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from inferno.errors import Unavailable

FILLED = 0.95
"""How full the store is left when something had to go."""


class Room:
    """``limit_bytes`` is over all tenants; ``clock`` is Unix time."""

    def __init__(self, connection: sqlite3.Connection, limit_bytes: int, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._freed = False
        """Something was removed, and the file has room to give back."""

    def bound(self, newest: str) -> None:
        """Remove what has expired, and, while the store is over its limit, the oldest of whoever has most in it."""
        expired = self._connection.execute(
            "SELECT id FROM records WHERE expires <= ? AND running IS NULL", (self._clock(),)
        )
        self.remove([row[0] for row in expired])
        if self._used() <= self._limit_bytes:
            return
        while self._used() > self._limit_bytes * FILLED:
            tenant = self._connection.execute("SELECT tenant FROM totals ORDER BY bytes DESC LIMIT 1").fetchone()[0]
            oldest = self._connection.execute(
                "SELECT id FROM records WHERE tenant = ? AND id != ? AND running IS NULL"
                " ORDER BY expires, created LIMIT 8",
                (tenant, newest),
            ).fetchall()
            if not oldest:
                break
            self.remove([row[0] for row in oldest])
        if self._used() > self._limit_bytes:
            raise Unavailable(
                f"the response store holds at most {self._limit_bytes} bytes, and this is too much for it: send "
                "'store': false"
            )

    def remove(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            items = self._connection.execute("SELECT DISTINCT item FROM places WHERE record = ?", (id_,)).fetchall()
            self._connection.execute("DELETE FROM records WHERE id = ?", (id_,))
            self.forget([item for (item,) in items])

    def forget(self, items: Sequence[int]) -> None:
        """Remove those of the items that no record points at any more."""
        self._connection.executemany(
            "DELETE FROM items WHERE item = ? AND NOT EXISTS (SELECT 1 FROM places WHERE places.item = items.item)",
            [(item,) for item in items],
        )
        self._freed = True

    def give_back(self) -> None:
        """Make the file smaller by what was removed; outside a transaction."""
        if self._freed:
            self._freed = False
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _used(self) -> int:
        (used,) = self._connection.execute("SELECT coalesce(sum(bytes), 0) FROM totals").fetchone()
        return int(used)
