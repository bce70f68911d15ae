"""The store as asyncio sees it: every touch of the file happens on one thread of its own, in the order of the calls."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from inferno.errors import ConfigError, Unavailable
from inferno.storing.place import closed_file, default_place
from inferno.storing.records import Ending, Kind, NewRecord, Part, Record, Records, StoredItem

T = TypeVar("T")
OFF = "off"

logger = logging.getLogger(__name__)


class RecordStore:
    """What :class:`Records` does, awaited. Owned by a tenant: nobody else's id is found.

    Methods raise Unavailable where the file fails. A call that was given up is carried out all the same.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inferno-store")
        self._closed = False

    @property
    def owner(self) -> str:
        """This process, as :attr:`Record.running` names it."""
        return self._records.owner

    async def orphans(self) -> list[tuple[str, str, bytes]]:
        """Tenant, id and body of responses that a process was at work on when it ended."""
        return await self._run(self._records.orphans)

    async def add(self, record: NewRecord) -> None:
        await self._run(self._records.add, record)

    async def finish(self, tenant: str, id_: str, ending: Ending) -> bool:
        """What :meth:`add` was told to be running is at its end. False: it was deleted meanwhile."""
        return await self._run(self._records.finish, tenant, id_, ending)

    async def find(self, tenant: str, id_: str, kind: Kind) -> Record | None:
        return await self._run(self._records.find, tenant, id_, kind)

    async def events(self, tenant: str, id_: str) -> bytes | None:
        return await self._run(self._records.events, tenant, id_)

    async def items(self, id_: str, parts: Iterable[Part]) -> list[StoredItem]:
        """The items of a record that :meth:`find` found, in order."""
        return await self._run(self._records.items, id_, parts)

    async def item(self, tenant: str, item_id: str) -> StoredItem | None:
        return await self._run(self._records.item, tenant, item_id)

    async def delete(self, tenant: str, id_: str, kind: Kind) -> bool:
        return await self._run(self._records.delete, tenant, id_, kind)

    async def append(self, tenant: str, id_: str, items: Sequence[StoredItem]) -> bool:
        """To a conversation. False: there is none."""
        return await self._run(self._records.append, tenant, id_, items)

    async def change(self, tenant: str, id_: str, body: bytes) -> bool:
        """Of a conversation. False: there is none."""
        return await self._run(self._records.change, tenant, id_, body)

    async def take_out(self, tenant: str, id_: str, item_id: str) -> bool:
        """Of a conversation. False: it is not in there."""
        return await self._run(self._records.take_out, tenant, id_, item_id)

    async def aclose(self) -> None:
        """Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._records.close)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        if self._closed:
            raise Unavailable("the response store is closed: the server is stopping")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except sqlite3.Error as error:
            # The message of an error of SQLite's holds statements, never values.
            logger.error("the response store failed: %s (%s)", error, work.__name__)
            raise Unavailable("the response store failed; the server's log has the reason") from None


def open_store(given: str | None, *, limit_bytes: int, keep_seconds: float) -> RecordStore | None:
    """The store of the setting: a path, ``off``, or None for the usual place.

    Raises ConfigError for a path that cannot be used. Where it is the usual place that cannot be (a file system that
    is only read, no home), nothing is stored, and the log says so.
    """
    if given == OFF:
        return None
    path = default_place() if given is None else Path(given).expanduser()
    try:
        closed_file(path)
        return RecordStore(Records(path, limit_bytes=limit_bytes, keep_seconds=keep_seconds))
    except (OSError, sqlite3.Error) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        if given is None:
            logger.warning("responses are not stored: %s cannot be used (%s); see --response-store", path, reason)
            return None
        raise ConfigError(f"the response store {path} cannot be used: {reason}", param="responses") from None
