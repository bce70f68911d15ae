"""Records and their items in one SQLite file: synchronous, for one thread at a time. See :mod:`store` for asyncio.

A record is a response or a conversation. What is said is kept once, as items; a record points at its own. A response
points at all that came before it, too (``context``), so that it can be continued after those responses are gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inferno.storing.alive import Alive
from inferno.storing.room import Room
from inferno.storing.schema import connect

Kind = Literal["response", "conversation"]
Part = Literal["context", "input", "output"]
Order = Literal["asc", "desc"]

RECORD_BYTES = 1024
"""What a record counts at least, so that the limit in bytes bounds their number, too."""
ITEM_BYTES = 256
PLACE_BYTES = 64


@dataclass(frozen=True, slots=True)
class StoredItem:
    """``body`` is JSON with the ``id`` in it. ``item`` is its number in the store; None: it is not there yet."""

    id: str
    body: bytes
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """``body`` is JSON; ``running`` names the process that works on it; ``output`` is what a response ends with."""

    id: str
    body: bytes
    running: str | None
    output: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class NewRecord:
    """``conversation`` is one that gets input and output of a response, at once or when it is finished."""

    id: str
    kind: Kind
    tenant: str
    created: float
    body: bytes
    running: bool = False
    parts: tuple[tuple[Part, tuple[StoredItem, ...]], ...] = ()
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends that was at work. ``events`` is its stream, if that may be read again."""

    body: bytes
    output: tuple[StoredItem, ...] = ()
    events: bytes | None = None
    conversation: str | None = None


class Records:
    """Raises sqlite3.Error for what the file cannot do, and Unavailable for a record that is larger than the limit."""

    def __init__(
        self, path: Path, *, limit_bytes: int, keep_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._connection = connect(path)
        self._room = Room(self._connection, limit_bytes, clock)
        self._alive = Alive(path)

    @property
    def owner(self) -> str:
        """This process, as :attr:`Record.running` names it."""
        return self._alive.owner

    def close(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._alive.close()

    def orphans(self) -> list[tuple[str, str, bytes]]:
        """Tenant, id and body of responses that processes were at work on that live no more."""
        rows = self._connection.execute("SELECT tenant, id, body, running FROM records WHERE running IS NOT NULL")
        found = list(rows)
        dead = {owner for owner in {row[3] for row in found} if not self._alive.lives(owner)}
        return [(tenant, id_, body) for tenant, id_, body, owner in found if owner in dead]

    def add(self, record: NewRecord) -> None:
        """Keep a record. Its id must be new."""
        with self._writing():
            owner = self._alive.owner if record.running else None
            self._connection.execute(
                "INSERT INTO records (id, kind, tenant, created, expires, running, bytes, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.id,
                    record.kind,
                    record.tenant,
                    record.created,
                    self._clock() + self._keep_seconds,
                    owner,
                    RECORD_BYTES + len(record.body),
                    record.body,
                ),
            )
            for part, items in record.parts:
                self._place(record.tenant, record.id, part, items)
            if record.conversation is not None:
                self._join(record.tenant, record.id, record.conversation)
            self._room.bound(record.id)

    def finish(self, tenant: str, id_: str, ending: Ending) -> bool:
        """A response that was at work is at its end. False: it was deleted meanwhile."""
        with self._writing():
            size = len(ending.body) + len(ending.events or b"")
            changed = self._connection.execute(
                "UPDATE records SET bytes = bytes - length(body) + ?, body = ?, events = ?, running = NULL"
                " WHERE id = ? AND tenant = ?",
                (size, ending.body, ending.events, id_, tenant),
            )
            if changed.rowcount == 0:
                return False
            self._place(tenant, id_, "output", ending.output)
            if ending.conversation is not None:
                self._join(tenant, id_, ending.conversation)
            self._room.bound(id_)
            return True

    def append(self, tenant: str, id_: str, items: Sequence[StoredItem]) -> bool:
        """Put items at the end of a conversation, which is kept anew from now on. False: there is none."""
        with self._writing():
            if not self._touch(tenant, id_):
                return False
            self._place(tenant, id_, "input", items)
            self._room.bound(id_)
            return True

    def change(self, tenant: str, id_: str, body: bytes) -> bool:
        """Another body for a conversation. False: there is none."""
        with self._writing():
            changed = self._connection.execute(
                "UPDATE records SET bytes = bytes - length(body) + ?, body = ?"
                " WHERE id = ? AND tenant = ? AND kind = 'conversation'",
                (len(body), body, id_, tenant),
            )
            return changed.rowcount > 0

    def find(self, tenant: str, id_: str, kind: Kind) -> Record | None:
        row = self._connection.execute(
            "SELECT body, running FROM records WHERE id = ? AND tenant = ? AND kind = ? AND expires > ?",
            (id_, tenant, kind, self._clock()),
        ).fetchone()
        if row is None:
            return None
        output = tuple(item.body for item in self._items(id_, ("output",)))
        return Record(id_, row[0], row[1], output)

    def events(self, tenant: str, id_: str) -> bytes | None:
        row = self._connection.execute(
            "SELECT events FROM records WHERE id = ? AND tenant = ? AND expires > ?", (id_, tenant, self._clock())
        ).fetchone()
        return None if row is None else row[0]

    def items(self, id_: str, parts: Iterable[Part]) -> list[StoredItem]:
        """The items of a record that was found, in order."""
        return list(self._items(id_, parts))

    def item(self, tenant: str, item_id: str) -> StoredItem | None:
        """The newest item of that id, whatever it belongs to."""
        row = self._connection.execute(
            "SELECT items.item, items.body FROM items WHERE tenant = ? AND id = ? AND EXISTS"
            " (SELECT 1 FROM places JOIN records ON records.id = places.record"
            "  WHERE places.item = items.item AND records.expires > ?) ORDER BY items.item DESC LIMIT 1",
            (tenant, item_id, self._clock()),
        ).fetchone()
        return None if row is None else StoredItem(item_id, row[1], row[0])

    def delete(self, tenant: str, id_: str, kind: Kind) -> bool:
        """False: there is none."""
        with self._writing():
            found = self._connection.execute(
                "SELECT 1 FROM records WHERE id = ? AND tenant = ? AND kind = ? AND expires > ?",
                (id_, tenant, kind, self._clock()),
            ).fetchone()
            if found is not None:
                self._room.remove([id_])
            return found is not None

    def take_out(self, tenant: str, id_: str, item_id: str) -> bool:
        """Take an item out of a conversation. False: it is not in there."""
        with self._writing():
            if not self._touch(tenant, id_):
                return False
            places = self._connection.execute(
                "SELECT place, item FROM places JOIN items USING (item) WHERE record = ? AND id = ?", (id_, item_id)
            ).fetchall()
            self._connection.executemany(
                "DELETE FROM places WHERE record = ? AND part = 'input' AND place = ?",
                [(id_, place) for place, _ in places],
            )
            self._room.forget([item for _, item in places])
            return bool(places)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._room.give_back()

    def _touch(self, tenant: str, id_: str) -> bool:
        now = self._clock()
        found = self._connection.execute(
            "UPDATE records SET expires = ? WHERE id = ? AND tenant = ? AND kind = 'conversation' AND expires > ?",
            (now + self._keep_seconds, id_, tenant, now),
        )
        return found.rowcount > 0

    def _items(self, id_: str, parts: Iterable[Part]) -> Iterator[StoredItem]:
        for part in parts:
            rows = self._connection.execute(
                "SELECT items.id, items.body, items.item FROM places JOIN items USING (item)"
                " WHERE record = ? AND part = ? ORDER BY place",
                (id_, part),
            )
            yield from (StoredItem(*row) for row in rows)

    def _place(self, tenant: str, id_: str, part: Part, items: Sequence[StoredItem]) -> None:
        (last,) = self._connection.execute(
            "SELECT coalesce(max(place), -1) FROM places WHERE record = ? AND part = ?", (id_, part)
        ).fetchone()
        for place, item in enumerate(items, start=last + 1):
            self._connection.execute(
                "INSERT INTO places (record, part, place, item) VALUES (?, ?, ?, ?)",
                (id_, part, place, self._kept(tenant, item)),
            )
        self._connection.execute("UPDATE records SET bytes = bytes + ? WHERE id = ?", (PLACE_BYTES * len(items), id_))

    def _join(self, tenant: str, id_: str, conversation: str) -> None:
        """A conversation that was deleted meanwhile stays deleted."""
        if self._touch(tenant, conversation):
            self._place(tenant, conversation, "input", list(self._items(id_, ("input", "output"))))

    def _kept(self, tenant: str, item: StoredItem) -> int:
        """The number of an item, which is stored if it is not, or went meanwhile."""
        if item.item is not None:
            known = self._connection.execute("SELECT 1 FROM items WHERE item = ?", (item.item,)).fetchone()
            if known is not None:
                return item.item
        added = self._connection.execute(
            "INSERT INTO items (tenant, id, bytes, body) VALUES (?, ?, ?, ?)",
            (tenant, item.id, ITEM_BYTES + len(item.body), item.body),
        )
        assert added.lastrowid is not None
        return added.lastrowid
