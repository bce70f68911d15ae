"""Backends of third parties: packages with an entry point in the group ``inferno.backends``.

Such a backend knows files or folders that no other one does, and makes of them what one of ours computes: a GGUF file,
a Hugging Face folder, or an ONNX graph. All the rest (batching, prefixes, sampling, limits, metrics) is as for those.
A package's code is imported when a model comes that we do not know, when the backend is named, or listed; never else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

from inferno.engine.abilities import BACKENDS
from inferno.errors import InfernoError, Unsupported
from inferno.models.cache_root import cache_root
from inferno.models.huggingface.cache import being_made

GROUP = "inferno.backends"
COMPUTING = ("llama", "huggingface", "onnx")
"""What a plugin may leave the computing to."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_DIGITS = 16
_LOG = logging.getLogger(__name__)


class Converter(Protocol):
    """What an entry point leads to: an object, or a module. Version 1 of what is asked of it."""

    formats: str
    """What it opens, in words, for ``inferno backends list``."""
    computed_by: str
    """Which backend computes what it makes: one of ``COMPUTING``."""

    def recognises(self, path: Path) -> bool:
        """Whether the file or folder is of its kind, by content. Quick: it may be asked of any."""
        ...

    def convert(self, path: Path, into: Path) -> None:
        """Write into the empty folder ``into`` what ``computed_by`` opens, as a folder of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """``missing`` says why it cannot be used; then there is no ``converter``."""

    name: str
    version: str | None
    converter: Converter | None = None
    missing: str | None = None


def plugins() -> list[Plugin]:
    """Those that are installed, by name; imports them."""
    return [_plugin(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]


def plugin_that_knows(path: Path, name: str | None) -> Plugin | None:
    """The first that recognises ``path``, or the one of that ``name``, which must. None without one.

    Raises Unsupported where the one that is named is missing or does not recognise it.
    """
    for plugin in plugins():
        if name not in (None, plugin.name):
            continue
        if plugin.converter is not None and _recognises(plugin, plugin.converter, path):
            return plugin
        if name is not None:
            why = plugin.missing or "it does not recognise it"
            raise Unsupported(f"the backend {name} cannot serve {path.name}: {why}", param="backend")
    return None


def converted(plugin: Plugin, path: Path) -> Path:
    """The folder in the cache that ``path`` was made into, now unless it is there. Blocks for as long as that takes.

    Of each path the last one is kept. Raises Unsupported for what the backend fails with, Unavailable for the cache.
    """
    assert plugin.converter is not None
    place = cache_root() / "converted" / f"{plugin.name}-{_digest(str(path.resolve()))}"
    folder = place / _digest("\0".join([plugin.name, plugin.version or "", *_state(path)]))
    if folder.is_dir():
        return folder
    place.mkdir(parents=True, exist_ok=True)
    with being_made(place):
        if not folder.is_dir():  # another process made it while we waited
            shutil.rmtree(place)
            unfinished = place / "unfinished"
            unfinished.mkdir(parents=True)
            _LOG.info("%s is converted by the backend %s", path.name, plugin.name)
            with _blamed(plugin, f"cannot convert {path.name}"):
                plugin.converter.convert(path, unfinished)
            unfinished.rename(folder)
    return folder


def _plugin(point: EntryPoint) -> Plugin:
    version = point.dist.version if point.dist is not None else None
    if not _NAME.fullmatch(point.name) or point.name in BACKENDS:
        name = point.name[:32].encode("ascii", "replace").decode()
        return Plugin(name, version, missing="its name is taken, or not of a-z, 0-9, - and _")
    try:
        found = point.load()
    except Exception as error:  # whatever a stranger's import fails with is a reason, not a crash
        return Plugin(point.name, version, missing=f"it cannot be imported: {type(error).__name__}: {error}")
    lacking = [name for name in ("formats", "computed_by", "recognises", "convert") if not hasattr(found, name)]
    if lacking:
        return Plugin(point.name, version, missing=f"it has no {', '.join(lacking)}")
    if found.computed_by not in COMPUTING:
        wanted = ", ".join(COMPUTING)
        return Plugin(point.name, version, missing=f"computed_by is {found.computed_by!r}; it must be one of {wanted}")
    return Plugin(point.name, version, found)


def _recognises(plugin: Plugin, converter: Converter, path: Path) -> bool:
    with _blamed(plugin, f"cannot look at {path.name}"):
        return bool(converter.recognises(path))


@contextlib.contextmanager
def _blamed(plugin: Plugin, what: str) -> Iterator[None]:
    try:
        yield
    except InfernoError:
        raise
    except Exception as error:
        raise Unsupported(f"the backend {plugin.name} {what}: {type(error).__name__}: {error}") from error


def _state(path: Path) -> Iterator[str]:
    """Names, sizes and times of change of the files: reading them would take as long as converting."""
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            stat = file.stat()
            yield f"{file.relative_to(path.parent)}\0{stat.st_size}\0{stat.st_mtime_ns}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
