"""The tables, and which version of them a file has."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from inferno.errors import ConfigError

VERSION = 1
BUSY_SECONDS = 10.0
"""What a write of another process on the same file may take."""

_CHANGES = {"INSERT": "new.bytes", "DELETE": "-old.bytes", "UPDATE OF bytes": "new.bytes - old.bytes"}


def _counted(table: str, event: str, amount: str) -> str:
    """A trigger that keeps ``totals``, so that nobody has to add up the tables."""
    row = "old" if event == "DELETE" else "new"
    name = f"{table}_{event.split(maxsplit=1)[0].lower()}"
    added = f"INSERT INTO totals (tenant, bytes) VALUES ({row}.tenant, {amount})"  # noqa: S608  (only names of ours)
    return (
        f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {added}"
        " ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes; END"
    )


_TABLES = (
    """CREATE TABLE records (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,        -- response or conversation
        tenant TEXT NOT NULL,
        created REAL NOT NULL,     -- Unix time, as expires
        expires REAL NOT NULL,
        running TEXT,              -- which process works on it; null when none does
        bytes INTEGER NOT NULL,
        body BLOB NOT NULL,        -- JSON; of a response without its output
        events BLOB                -- the stream of a response that may be read again, compressed
    ) WITHOUT ROWID""",
    "CREATE INDEX records_by_expiry ON records (expires)",
    "CREATE INDEX records_by_tenant ON records (tenant, expires)",
    """CREATE TABLE items (
        item INTEGER PRIMARY KEY AUTOINCREMENT,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        body BLOB NOT NULL         -- JSON
    )""",
    "CREATE INDEX items_by_id ON items (tenant, id)",
    """CREATE TABLE places (
        record TEXT NOT NULL REFERENCES records (id) ON DELETE CASCADE,
        part TEXT NOT NULL,        -- context, input or output; of a conversation: input
        place INTEGER NOT NULL,
        item INTEGER NOT NULL REFERENCES items (item),
        PRIMARY KEY (record, part, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX places_by_item ON places (item)",
    "CREATE TABLE totals (tenant TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID",
    *(_counted(table, event, amount) for table in ("records", "items") for event, amount in _CHANGES.items()),
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, which may be new. Raises ConfigError for a file of another version, sqlite3.Error for a broken
    one.

    The connection may be used by any thread, one at a time.
    """
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts for a new file only
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is gone from the file, too
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        if version not in (0, VERSION):
            raise ConfigError(
                f"the response store has version {version}, and this version of Inferno reads version {VERSION}: name "
                "another file with --response-store",
                param="responses",
            )
    except BaseException:
        connection.close()
        raise
    return connection
