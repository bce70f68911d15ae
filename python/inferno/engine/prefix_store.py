"""PrefixStore: saved prefixes in a folder, so that they outlive the process. Checked on load and bounded in size: the
least recently used go first. It holds what prompts say: the folder is its owner's alone, a tenant finds its own only.

    FOLDER/key                 32 random bytes that key every digest, written at the first start
    FOLDER/IDENTITY/*.prefix   of one model, build and form of cache (see ``prefix_file``)
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from inferno.engine import prefix_file
from inferno.engine.prefix_file import Head, Rejected, Seal
from inferno.errors import ConfigError

_log = logging.getLogger(__name__)

FIRST_TOKENS = 64
"""Prefixes are looked up by so many first tokens; the engine saves none that are shorter."""

_TOKEN_BYTES = 4
_FIRST_BYTES = FIRST_TOKENS * _TOKEN_BYTES
_STALE_SECONDS = 3600.0
"""Age from which a partly written file is taken for the leftover of a process that died."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    limit_bytes: int = 0
    used_bytes: int = 0
    files: int = 0
    written: int = 0
    evicted: int = 0
    rejected: int = 0
    """Files that did not check, or that the backend did not understand: deleted."""
    failed: int = 0
    """Files that could not be written or read, for reasons of the system."""

    def counters(self) -> dict[str, int]:
        """As the engines' stats name them; those of engines without a store are all 0."""
        return {f"prefix_store_{name}": value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Found:
    """A stored prefix of which ``shared`` leading tokens are wanted."""

    path: Path
    shared: int
    payload_bytes: int


class PrefixStore:
    """Thread-safe. Several processes may share a folder: each knows the files of its start, and its own."""

    def __init__(self, folder: Path, *, limit_bytes: int, identity: Sequence[str]) -> None:
        """Makes the folder, or checks that it is closed to others; reads every head; deletes what does not check.

        ``identity`` names what must be the same for a payload to be understood. Raises ConfigError.
        """
        self._limit_bytes = limit_bytes
        closed_folder(folder)
        try:
            key = _key(folder / "key")
            self._seal = Seal(key, prefix_file.digest(key, b"identity", "\0".join(identity).encode()))
            self._folder = folder / self._seal.identity.hex()[:16]
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the prefix store {folder} cannot be used: {error.strerror}") from None
        self._lock = threading.Lock()
        self._sizes: dict[Path, int] = {}
        self._heads: dict[Path, Head] = {}
        self._by_start: dict[tuple[bytes, bytes], set[Path]] = {}
        self._stats = StoreStats(limit_bytes=limit_bytes)
        self._scan(folder)

    def find(self, tenant: str, tokens: Sequence[int], adapter: bytes = b"") -> Found | None:
        """The stored prefix of this tenant, and of the adapter of this digest, that shares the longest beginning with
        ``tokens``."""
        if len(tokens) < FIRST_TOKENS:
            return None
        who = self._owner(tenant, adapter)
        start = prefix_file.packed(tokens[:FIRST_TOKENS])
        with self._lock:
            heads = [(path, self._heads[path]) for path in self._by_start.get((who, start), ())]
        if not heads:
            return None
        wanted = prefix_file.packed(tokens)
        found = (Found(path, _shared(head.tokens, wanted), head.payload_bytes) for path, head in heads)
        return max(found, key=lambda each: each.shared)

    def read(self, path: Path) -> tuple[list[int], bytes] | None:
        """Tokens and payload of a found prefix; None when it is gone or did not check, which deletes it."""
        try:
            head, payload = prefix_file.read(path, self._seal)
            os.utime(path)
        except Rejected as why:
            self._reject(path, str(why))
            return None
        except OSError as error:
            self._fail("read", error)
            with self._lock:
                self._forget(path)
            return None
        return prefix_file.unpacked(head.tokens), payload

    def write(self, tenant: str, tokens: Sequence[int], payload: memoryview, adapter: bytes = b"") -> None:
        """Keep a prefix, in place of those that are only a beginning of it. What fails is logged and counted."""
        who, packed = self._owner(tenant, adapter), prefix_file.packed(tokens)
        if len(packed) < _FIRST_BYTES:
            return
        path = self._folder / prefix_file.name_of(self._seal.key, who, packed)
        with self._lock:
            related = {
                other: self._heads[other].tokens for other in self._by_start.get((who, packed[:_FIRST_BYTES]), ())
            }
            if any(stored.startswith(packed) for stored in related.values()):
                return
            for other, stored in related.items():
                if packed.startswith(stored):
                    self._delete(other)
            if not self._make_room(prefix_file.file_bytes(packed, payload.nbytes)):
                return
        try:
            head = prefix_file.write(path, self._seal, who, packed, payload)
        except OSError as error:
            self._fail("write", error)
            return
        with self._lock:
            self._add(path, head)
            self._stats = replace(self._stats, written=self._stats.written + 1)

    def reject(self, tenant: str, tokens: Sequence[int], adapter: bytes = b"") -> None:
        """The backend did not understand what was read."""
        name = prefix_file.name_of(self._seal.key, self._owner(tenant, adapter), prefix_file.packed(tokens))
        self._reject(self._folder / name, "the backend does not understand it")

    def stats(self) -> StoreStats:
        with self._lock:
            return replace(self._stats, used_bytes=sum(self._sizes.values()), files=len(self._sizes))

    def _owner(self, tenant: str, adapter: bytes) -> bytes:
        """``adapter`` is a SHA-256, or empty: with and without one, nothing is shared."""
        kind = b"adapter" if adapter else b"tenant"
        return prefix_file.digest(self._seal.key, kind, adapter, tenant.encode())

    def _scan(self, folder: Path) -> None:
        for path in folder.glob(f"*/*{prefix_file.SUFFIX}.*.tmp"):
            if time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)
        for path in folder.glob(f"*/*{prefix_file.SUFFIX}"):
            self._sizes[path] = path.lstat().st_size
            if path.parent != self._folder:
                continue
            try:
                self._add(path, prefix_file.read_head(path, self._seal))
            except Rejected as why:
                self._reject(path, str(why))
            except OSError as error:
                self._fail("read", error)
        with self._lock:
            self._make_room(0)

    # All of these expect the lock to be held, but for _reject and _fail, which take it.

    def _add(self, path: Path, head: Head) -> None:
        self._sizes[path] = head.file_bytes
        self._heads[path] = head
        self._by_start.setdefault((head.tenant, head.tokens[:_FIRST_BYTES]), set()).add(path)

    def _forget(self, path: Path) -> None:
        self._sizes.pop(path, None)
        head = self._heads.pop(path, None)
        if head is None:
            return
        start = (head.tenant, head.tokens[:_FIRST_BYTES])
        self._by_start[start].discard(path)
        if not self._by_start[start]:
            del self._by_start[start]

    def _delete(self, path: Path) -> None:
        self._forget(path)
        path.unlink(missing_ok=True)

    def _make_room(self, wanted: int) -> bool:
        if wanted > self._limit_bytes:
            return False
        excess = sum(self._sizes.values()) + wanted - self._limit_bytes
        if excess <= 0:
            return True
        for path in sorted(self._sizes, key=_last_used):
            excess -= self._sizes[path]
            self._delete(path)
            self._stats = replace(self._stats, evicted=self._stats.evicted + 1)
            if excess <= 0:
                break
        return True

    def _reject(self, path: Path, why: str) -> None:
        with self._lock:
            self._delete(path)
            self._stats = replace(self._stats, rejected=self._stats.rejected + 1)
        _log.warning("a stored prefix was deleted: %s", why)

    def _fail(self, what: str, error: OSError) -> None:
        with self._lock:
            self._stats = replace(self._stats, failed=self._stats.failed + 1)
        _log.warning("cannot %s a stored prefix: %s", what, error.strerror)


def _shared(stored: bytes, wanted: bytes) -> int:
    """How many leading tokens two packed texts have in common."""
    low, high = 0, min(len(stored), len(wanted)) // _TOKEN_BYTES
    while low < high:
        middle = (low + high + 1) // 2
        if stored[: middle * _TOKEN_BYTES] == wanted[: middle * _TOKEN_BYTES]:
            low = middle
        else:
            high = middle - 1
    return low


def _last_used(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def closed_folder(folder: Path) -> None:
    """Make the folder for its owner alone, or check that it is so. Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError as error:
        raise ConfigError(f"the prefix store {folder} cannot be used: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"the prefix store {folder} is open to others (mode {mode:03o}), and would show them what prompts say: "
            f"chmod 700 {folder}"
        )


def _key(path: Path) -> bytes:
    if not path.exists():
        own = path.with_name(f"key.{os.getpid()}.tmp")
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(prefix_file.KEY_BYTES))
        with suppress(FileExistsError):  # another process was first: its key counts
            os.link(own, path)
        own.unlink()
    key = path.read_bytes()
    if len(key) != prefix_file.KEY_BYTES:
        raise ConfigError(f"{path} is not a key of a prefix store; remove it, and what is stored is written anew")
    return key
