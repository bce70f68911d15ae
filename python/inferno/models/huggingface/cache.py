"""Where prepared files lie, which one a folder's is, and that two processes do not make the same one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inferno.errors import Unavailable
from inferno.models.huggingface.folder import Folder

CONVERTER = 1
"""Raised whenever the same folder would be prepared otherwise than before: files made earlier are then made anew."""

_DIGITS = 16
_SUFFIX = ".gguf"
_UNFINISHED = ".part"
"""What the native module calls a file in the making (csrc/memory/new_file.h)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file in the cache."""

    path: Path
    bytes: int
    used_at: float
    """Seconds since the epoch."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/inferno/prepared``, by default under ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "inferno" / "prepared"


def prepared_path(folder: Folder, scheme: str | None) -> Path:
    """The file that ``folder`` becomes: its name has a digest of all that decides what is in it.

    Of the shards that is name, size and time of change, not content: reading that would take as long as preparing.
    """
    digest = hashlib.sha256(f"{CONVERTER}\0{scheme or ''}".encode())
    for file in folder.describing_files():
        digest.update(f"\0{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    for shard in folder.shards:
        stat = shard.stat()
        digest.update(f"\0{shard.name}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    shown = re.sub(r"[^A-Za-z0-9._-]", "_", folder.name)[:80]
    return cache_folder() / f"{shown}-{scheme or 'own'}-{digest.hexdigest()[:_DIGITS]}{_SUFFIX}"


def listing() -> list[Prepared]:
    """The prepared files, the latest used first."""
    found = []
    for path in cache_folder().glob(f"*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append(Prepared(path, stat.st_size, stat.st_mtime))
    return sorted(found, key=lambda prepared: -prepared.used_at)


def mark_used(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody else's file, in a shared cache
        os.utime(path)


def clear() -> int:
    """Remove the prepared files, and what processes that were killed left of such; the number of bytes freed.

    A file that a server has mapped stays usable to it; what is being made just now is left alone.
    """
    freed = 0
    for path in [entry.path for entry in listing()] + [part for part in _parts() if not _is_being_made(part)]:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def _parts() -> list[Path]:
    return list(cache_folder().glob(f"*{_SUFFIX}{_UNFINISHED}"))


def _is_being_made(part: Path) -> bool:
    try:
        import fcntl
    except ImportError:
        return True  # nobody can tell
    with _lock_file(part.with_name(part.name.removesuffix(_UNFINISHED))).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".lock")


@contextlib.contextmanager
def being_made(path: Path) -> Iterator[None]:
    """Hold the right to make ``path``; waits for another process that does. Raises Unavailable when it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_file(path).open("w")
    except OSError as error:
        raise Unavailable(
            f"the cache folder for prepared models cannot be written ({error.strerror}); set XDG_CACHE_HOME to one "
            "that can"
        ) from None
    with lock:
        try:
            import fcntl
        except ImportError:  # Windows: two processes may both make the file; it appears whole either way
            yield
            return
        # Left lying: removing it would let a third process lock a new file of that name beside one who waits on this.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
