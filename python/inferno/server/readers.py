"""A stream that is read to its end, by readers who take whatever comes."""

from __future__ import annotations

from collections.abc import Callable

from inferno.engine.delta import Delta


class Readers:
    """A :class:`~inferno.engine.delta.DeltaSink` that is never full: each of ``readers`` gets every delta, in turn."""

    def __init__(self, *readers: Callable[[Delta], object]) -> None:
        self._readers = readers

    def take(self, delta: Delta) -> bool:
        for read in self._readers:
            read(delta)
        return True

    async def ready(self) -> None:
        """At once."""
