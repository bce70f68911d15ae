"""Backends of third parties: packages with an entry point in the group ``inferno.backends``.

Such a backend knows files or folders that no other one does, and makes of them what one of ours computes: a GGUF file,
a Hugging Face folder, or an ONNX graph. All the rest (batching, prefixes, sampling, limits, metrics) is as for those.
A package's code is imported when a model comes that we do not know, when the backend is named, or listed; never else.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from inferno.engine.abilities import backend_abilities
from inferno.engine.backend_options import BackendOption, checked
from inferno.errors import InfernoError, Unsupported

GROUP = "inferno.backends"
OPTIONS = "options"
"""What a plugin may have beside: its own options, each a mapping of ``BackendOption``'s fields."""
COMPUTING = ("llama", "huggingface", "onnx")
"""What a plugin may leave the computing to."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_OPTION = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FOLDERS = re.compile(r"(?<![\w./\\])(?:[A-Za-z]:)?(?:[/\\][\w.~+@ -]+)*[/\\](?=[\w.])")
"""Of an absolute path: all but its last name."""


class Converter(Protocol):
    """What an entry point leads to: an object, or a module. Version 1 of what is asked of it."""

    formats: str
    """What it opens, in words, for ``inferno backends list``."""
    computed_by: str
    """Which backend computes what it makes: one of ``COMPUTING``."""

    def recognises(self, path: Path) -> bool:
        """Whether the file or folder is of its kind, by content. Quick: it may be asked of any."""
        ...

    def convert(self, path: Path, into: Path, /, **options: str) -> None:
        """Write into the empty folder ``into`` what ``computed_by`` opens, as a folder of its own. ``options`` are
        those that it declares, if it does (``OPTIONS``), each as text."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """``missing`` says why it cannot be used; then there is no ``converter``."""

    name: str
    version: str | None
    converter: Converter | None = None
    missing: str | None = None
    options: tuple[BackendOption, ...] = ()


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


def _plugin(point: EntryPoint) -> Plugin:
    version = point.dist.version if point.dist is not None else None
    if not _NAME.fullmatch(point.name) or point.name in backend_abilities():
        name = point.name[:32].encode("ascii", "replace").decode()
        return Plugin(name, version, missing="its name is taken, or not of a-z, 0-9, - and _")
    try:
        found = point.load()
    except Exception as error:  # whatever a stranger's import fails with is a reason, not a crash
        why = _placeless(f"it cannot be imported: {type(error).__name__}: {error}")
        return Plugin(point.name, version, missing=why)
    lacking = [name for name in ("formats", "computed_by", "recognises", "convert") if not hasattr(found, name)]
    if lacking:
        return Plugin(point.name, version, missing=f"it has no {', '.join(lacking)}")
    if found.computed_by not in COMPUTING:
        wanted = ", ".join(COMPUTING)
        return Plugin(point.name, version, missing=f"computed_by is {found.computed_by!r}; it must be one of {wanted}")
    try:
        options = _options(point.name, getattr(found, OPTIONS, ()))
    except (InfernoError, TypeError, ValueError) as error:
        return Plugin(point.name, version, missing=_placeless(f"its {OPTIONS} are none: {error}"))
    return Plugin(point.name, version, found, options=options)


def _options(backend: str, declared: Iterable[Mapping[str, Any]]) -> tuple[BackendOption, ...]:
    """Raises InvalidArgument, TypeError or ValueError for what is no declaration."""
    options = []
    for one in declared:
        option = BackendOption(**{**one, "choices": tuple(one.get("choices", ())), "default": str(one["default"])})
        if not _OPTION.fullmatch(option.name):
            raise ValueError(f"{option.name!r} is no name of a-z, 0-9 and _")
        checked(backend, [option], {f"{backend}.{option.name}": option.default})
        options.append(option)
    return tuple(options)


def _recognises(plugin: Plugin, converter: Converter, path: Path) -> bool:
    with blamed(plugin, f"cannot look at {path.name}", path):
        return bool(converter.recognises(path))


@contextlib.contextmanager
def blamed(plugin: Plugin, what: str, *places: Path) -> Iterator[None]:
    """Whatever a plugin fails with is its own, and says nothing of where ``places`` or other files lie."""
    try:
        yield
    except InfernoError as error:
        raise type(error)(_placeless(error.message, places), param=error.param) from error
    except Exception as error:
        reason = _placeless(f"{type(error).__name__}: {error}", places)
        raise Unsupported(f"the backend {plugin.name} {what}: {reason}") from error


def _placeless(text: str, places: Sequence[Path] = ()) -> str:
    """``text`` with files' names in place of their paths."""
    for place in places:
        for folder in (place, place.resolve()):
            text = text.replace(f"{folder.parent}{os.sep}", "")
    return _FOLDERS.sub("", text)
