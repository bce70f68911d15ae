"""The chats that run, by whose they are and the id of their answer: what can be reached from another request."""

from __future__ import annotations

from weakref import WeakValueDictionary

from inferno.engine.delta import RequestStream
from inferno.errors import NotFound

LONGEST_SHOWN = 64


class Running:
    """Belongs to one loop. Holds no stream: one that nobody reads any more is not in it."""

    def __init__(self) -> None:
        self._streams: WeakValueDictionary[tuple[str, str], RequestStream] = WeakValueDictionary()

    def add(self, tenant: str, id_: str, stream: RequestStream) -> None:
        self._streams[tenant, id_] = stream

    def end_thought(self, tenant: str, id_: str) -> None:
        """At the engine's next step. Raises NotFound for what does not run, or is another's; Unsupported for a model
        whose thoughts have no mark."""
        stream = self._streams.get((tenant, id_))
        if stream is None or not stream.end_thought():
            raise NotFound(f"no answer with the id {id_[:LONGEST_SHOWN]!r} is being made; has it ended?", param="id")
