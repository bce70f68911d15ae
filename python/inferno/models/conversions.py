"""What backends of third parties made of models, in the cache: of each model the last one is kept."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inferno.models.cache_root import cache_root
from inferno.models.huggingface.cache import being_made, is_being_made
from inferno.models.plugins import Plugin, blamed

_DIGITS = 16
_UNFINISHED = "unfinished"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What lies in the cache of one model: ``name`` has the backend's, the model's, and a digest of where it was."""

    path: Path
    bytes: int
    used_at: float
    """Seconds since the epoch."""

    @property
    def name(self) -> str:
        return self.path.name


def conversions_folder() -> Path:
    return cache_root() / "converted"


def converted(plugin: Plugin, path: Path, options: Mapping[str, str]) -> Path:
    """The folder in the cache that ``path`` was made into, now unless it is there. Blocks for as long as that takes.
    ``options`` are all of the plugin's, by full name, checked.

    Raises Unsupported for what the backend fails with, Unavailable for the cache.
    """
    assert plugin.converter is not None
    own = {name.partition(".")[2]: value for name, value in options.items()}
    place = conversions_folder() / f"{plugin.name}-{_shown(path)}-{_digest(str(path.resolve()))}"
    said = map("=".join, sorted(options.items()))
    folder = place / _digest("\0".join([plugin.name, plugin.version or "", *said, *_state(path)]))
    if not folder.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        with being_made(place):
            if not folder.is_dir():  # another process made it while we waited
                shutil.rmtree(place)
                unfinished = place / _UNFINISHED
                unfinished.mkdir(parents=True)
                _LOG.info("%s is converted by the backend %s", path.name, plugin.name)
                with blamed(plugin, f"cannot convert {path.name}", unfinished, path):
                    plugin.converter.convert(path, unfinished, **own)
                unfinished.rename(folder)
    with contextlib.suppress(OSError):  # somebody else's, in a shared cache
        os.utime(place)
    return folder


def listing() -> list[Conversion]:
    """The latest used first; those that are being made just now are left out."""
    found = []
    for place in conversions_folder().glob("*"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if place.is_dir() and not is_being_made(place):
                sizes = [file.stat().st_size for file in place.rglob("*") if file.is_file()]
                found.append(Conversion(place, sum(sizes), place.stat().st_mtime))
    return sorted(found, key=lambda one: -one.used_at)


def clear() -> int:
    """Remove them; the number of bytes freed. What a server has open stays usable to it."""
    freed = 0
    for one in listing():
        shutil.rmtree(one.path, ignore_errors=True)
        freed += one.bytes if not one.path.exists() else 0
    return freed


def _shown(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", path.stem if path.is_file() else path.resolve().name)[:80]


def _state(path: Path) -> Iterator[str]:
    """Names, sizes and times of change of the files: reading them would take as long as converting."""
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            stat = file.stat()
            yield f"{file.relative_to(path.parent)}\0{stat.st_size}\0{stat.st_mtime_ns}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
