"""The adapters of a native engine, by name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferno.engine.core import native_call
from inferno.errors import InvalidArgument, NotFound

if TYPE_CHECKING:
    from inferno import _core
    from inferno.engine.prefix_keeper import PrefixKeeper


@dataclass(frozen=True, slots=True)
class Loaded:
    native: int
    """The engine's number of it, which it gives to no other."""
    loaded_at: int
    """Unix time, seconds."""


class Adapters:
    """Belongs to one event loop, but for :meth:`load`, which blocks and may run on any thread."""

    def __init__(self, engine: _core.Engine, keeper: PrefixKeeper | None) -> None:
        """``keeper`` is told what each one's content is, so that its prefixes are of use after a restart."""
        self._engine = engine
        self._keeper = keeper
        self._by_name: dict[str, Loaded] = {}

    def loaded(self) -> Mapping[str, int]:
        """When each was loaded, by name, in the order of loading."""
        return {name: one.loaded_at for name, one in self._by_name.items()}

    def number(self, name: str | None) -> int:
        """The engine's; 0 for None. Raises NotFound."""
        return 0 if name is None else self._known(name).native

    def load(self, name: str, path: str) -> None:
        """Raises InvalidArgument for a name that is taken, and what the engine says of the file."""
        self._refuse_taken(name)
        number = native_call(self._engine.load_adapter, path)
        if self._keeper is not None:
            self._keeper.know_adapter(number, path)
        if self._by_name.setdefault(name, Loaded(number, int(time.time()))).native != number:
            native_call(self._engine.unload_adapter, number)  # somebody else was faster
            self._refuse_taken(name)

    def unload(self, name: str) -> None:
        """Requests that run with it end as they would have; others are refused. Raises NotFound."""
        native_call(self._engine.unload_adapter, self._known(name).native)
        del self._by_name[name]

    def _known(self, name: str) -> Loaded:
        if name not in self._by_name:
            raise NotFound(f"the adapter {name[:100]!r} is not loaded", param="model")
        return self._by_name[name]

    def _refuse_taken(self, name: str) -> None:
        if name in self._by_name:
            raise InvalidArgument(f"the adapter {name!r} is loaded already; unload it first", param="lora_name")
