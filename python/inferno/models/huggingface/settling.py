"""A new file of the cache is used as soon as it is written, and brought to the disk behind that by a thread.

Until it is there a mark lies beside it: after a loss of power a file may be there that has its name and its size, but
not its content. One that is marked while nobody makes it counts as not there.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from contextlib import ExitStack
from pathlib import Path

_LOG = logging.getLogger(__name__)
MARK = ".unsettled"


def is_settled(path: Path) -> bool:
    """Whether ``path`` is there, and its content on the disk."""
    return path.is_file() and not _mark(path).exists()


def mark(path: Path) -> None:
    """Say that ``path``, which is not there yet, is not on the disk. Raises OSError where that cannot be written."""
    _mark(path).touch()
    _to_disk(path.parent)  # the mark is to outlast what the name of the file outlasts


def unmark(path: Path) -> None:
    """The file is not there after all, or is on the disk."""
    _mark(path).unlink(missing_ok=True)


def settle(path: Path, held: ExitStack) -> None:
    """Bring a marked file to the disk, unmark it, then close ``held``: all on a thread, which the process's end waits
    for. Where the disk fails the mark stays, and the next start makes the file anew."""

    def work() -> None:
        with held:
            try:
                _to_disk(path)
                _to_disk(path.parent)
                unmark(path)
            except FileNotFoundError:  # removed meanwhile
                with contextlib.suppress(OSError):
                    unmark(path)
            except OSError as error:
                said = "%s is not on the disk, so that the next start makes it anew: %s"
                _LOG.warning(said, path.name, error.strerror)

    threading.Thread(target=work, name="settle-prepared").start()


def _mark(path: Path) -> Path:
    return path.with_suffix(MARK)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Not every file system does that of a folder. What becomes of names after a loss of power is then up to it.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
