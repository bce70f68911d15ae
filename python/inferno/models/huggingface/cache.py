"""Where prepared files lie, which one a folder's is, that two processes do not make the same one, and how many stay."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from inferno.config.settings import StoreSettings
from inferno.errors import Unavailable
from inferno.models.cache_root import cache_root
from inferno.models.huggingface import settling
from inferno.models.huggingface.folder import CONFIG, Folder

CONVERTER = 1
"""Raised whenever the same folder would be prepared otherwise than before: files made earlier are then made anew."""

CACHE_BYTES: int = StoreSettings.model_fields["prepared_bytes"].default
_DIGITS = 16
_SUFFIX = ".gguf"
_TOKENIZER = ".tokenizer"
_UNFINISHED = ".part"
"""What the native module calls a file in the making (csrc/memory/new_file.h)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file in the cache."""

    path: Path
    bytes: int
    used_at: float
    """Seconds since the epoch."""

    @property
    def in_use(self) -> bool:
        """Whether a process holds it (see :func:`hold`)."""
        with _taken(_use_lock(self.path)) as free:
            return not free


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/inferno/prepared``, by default under ``~/.cache``."""
    return cache_root() / "prepared"


def prepared_path(folder: Folder, scheme: str | None) -> Path:
    """The file that ``folder`` becomes: its name has a digest of all that decides what is in it.

    Of the shards that is name, size and time of change, not content: reading that would take as long as preparing.
    """
    version = f"{CONVERTER}\0{scheme or ''}"
    return _named(folder.name, scheme or "own", version, folder.describing_files(), folder.shards)


def tokenizer_path(prepared: Path) -> Path:
    """Where the folder's tokenizer is kept beside its prepared file (``library_form.py``); it goes when that goes."""
    return prepared.with_suffix(_TOKENIZER)


def adapter_path(config: Path, weights: Path, base: Folder) -> Path:
    """The same of an adapter's two files: what becomes of them depends on the config of the model that it is for."""
    name = config.resolve().parent.name
    return _named(name, "adapter", f"{CONVERTER}\0adapter", [config, base.path / CONFIG], [weights])


def _named(name: str, kind: str, version: str, read: Iterable[Path], weights: Iterable[Path]) -> Path:
    digest = hashlib.sha256(version.encode())
    for file in read:
        digest.update(f"\0{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    for shard in weights:
        stat = shard.stat()
        digest.update(f"\0{shard.name}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    shown = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80]
    return cache_folder() / f"{shown}-{kind}-{digest.hexdigest()[:_DIGITS]}{_SUFFIX}"


def made_once(path: Path, make: Callable[[], None]) -> Path:
    """``path``, made by ``make`` unless it is there, and held (see :func:`hold`). What was made now may be on its way
    to the disk for some time yet (``settling.py``); other processes wait for it as for one that is being made.

    Raises Unavailable when the cache folder cannot be written.
    """
    hold(path)
    if not settling.is_settled(path):
        with contextlib.ExitStack() as making:
            making.enter_context(being_made(path))
            if not settling.is_settled(path):  # else another process made it while we waited
                _make_marked(path, make)
                settling.settle(path, making.pop_all())
    return path


def _make_marked(path: Path, make: Callable[[], None]) -> None:
    try:
        settling.mark(path)
    except OSError as error:
        raise _cannot_be_written(error) from None
    try:
        make()
    except BaseException:
        if not path.exists():
            settling.unmark(path)
        raise


def listing() -> list[Prepared]:
    """The prepared files, the latest used first."""
    found = []
    for path in cache_folder().glob(f"*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append(Prepared(path, stat.st_size, stat.st_mtime))
    return sorted(found, key=lambda prepared: -prepared.used_at)


_held: dict[Path, int] = {}
"""Locks that are never given back: file descriptors, by the file they are for."""


def hold(path: Path) -> None:
    """Keep others from removing ``path``, which need not be there yet, for as long as this process lives.

    Raises Unavailable when the cache folder cannot be written.
    """
    if path not in _held:
        with _opened(_use_lock(path)) as opened:
            lock = os.dup(opened.fileno())
        with contextlib.suppress(ImportError):  # Windows removes no file that is open
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_SH)
        _held[path] = lock
    with contextlib.suppress(OSError):  # not there yet; or somebody else's file, in a shared cache
        os.utime(path)


def make_room(needed: int, limit: int) -> list[Path]:
    """Remove the least recently used files until ``needed`` bytes more make at most ``limit``; those removed.

    One that a process holds stays, so that there may be more than ``limit`` afterwards.
    """
    files = listing()
    excess = sum(file.bytes for file in files) + needed - limit
    removed = []
    for file in reversed(files):
        if excess <= 0:
            break
        with _taken(_use_lock(file.path)) as free, contextlib.suppress(FileNotFoundError):
            if free:
                file.path.unlink()
                tokenizer_path(file.path).unlink(missing_ok=True)
                settling.unmark(file.path)
                excess -= file.bytes
                removed.append(file.path)
    return removed


def clear() -> int:
    """Remove the prepared files, and what processes that were killed left of such; the number of bytes freed.

    A file that a server has mapped stays usable to it; what is being made just now is left alone.
    """
    freed = 0
    unfinished = [part for part in _parts() if not is_being_made(part.with_name(part.name.removesuffix(_UNFINISHED)))]
    beside = [file for suffix in (_TOKENIZER, settling.MARK) for file in cache_folder().glob(f"*{suffix}*")]
    for path in [entry.path for entry in listing()] + unfinished + beside:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def _parts() -> list[Path]:
    return list(cache_folder().glob(f"*{_SUFFIX}{_UNFINISHED}"))


def is_being_made(path: Path) -> bool:
    """Whether a process holds the right to make ``path`` just now (:func:`being_made`)."""
    with _taken(_lock_file(path)) as free:
        return not free


@contextlib.contextmanager
def _taken(lock_file: Path) -> Iterator[bool]:
    """Whether nobody else has the lock; if so, nobody gets it meanwhile."""
    try:
        import fcntl
    except ImportError:
        yield False  # nobody can tell
        return
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(lock_file.open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody has it; or the folder is not ours
            yield False
            return
        yield True


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".lock")


def _use_lock(path: Path) -> Path:
    return path.with_suffix(".use.lock")


def _opened(lock_file: Path) -> IO[str]:
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        return lock_file.open("w")
    except OSError as error:
        raise _cannot_be_written(error) from None


def _cannot_be_written(error: OSError) -> Unavailable:
    return Unavailable(
        f"the cache folder for prepared models cannot be written ({error.strerror}); set XDG_CACHE_HOME to one that can"
    )


@contextlib.contextmanager
def being_made(path: Path) -> Iterator[None]:
    """Hold the right to make ``path``; waits for another process that does. Raises Unavailable when it cannot."""
    with _opened(_lock_file(path)) as lock:
        try:
            import fcntl
        except ImportError:  # Windows: two processes may both make the file; it appears whole either way
            yield
            return
        # Left lying: removing it would let a third process lock a new file of that name beside one who waits on this.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
