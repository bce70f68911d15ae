"""Which processes still live: each holds a lock on a file of its own beside the store, which a dead one cannot."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there nobody else's lock can be seen, and a store belongs to one process
    fcntl = None  # type: ignore[assignment]


class Alive:
    """This process's mark. ``owner`` is its name in the store."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.owner = secrets.token_hex(8)
        self._path = _mark(store, self.owner)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def lives(self, owner: str) -> bool:
        """Whether that process still runs. The mark of a dead one is removed."""
        if owner == self.owner:
            return True
        path = _mark(self._store, owner)
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(file)
        with suppress(OSError):
            path.unlink()
        return False

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._file)
            self._file = -1


def _mark(store: Path, owner: str) -> Path:
    return store.with_name(f"{store.name}-{owner}.alive")
