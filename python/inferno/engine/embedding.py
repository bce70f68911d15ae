"""Texts to vectors, as the engine's clients ask for them and get them: token ids go in, float32 numbers come out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inferno.engine.delta import Timings
from inferno.engine.home_loop import HomeLoop
from inferno.errors import InfernoError, from_code

if TYPE_CHECKING:
    from inferno import _core


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """``texts`` are token ids, with what the model wants around them (see :meth:`EngineClient.encode`)."""

    texts: Sequence[Sequence[int]]
    dimensions: int | None = None
    """Numbers of each vector: its first so many, scaled to length 1. ``None`` means all."""
    truncate: bool = False
    """Whether a text that is too long loses its end; otherwise it is refused."""
    priority: int = 0
    """Lower is served first."""
    tenant: str = ""
    seconds: Sequence[int] = ()
    """Of each text, where a second one begins in it (behind its end where none does); empty: none has one."""


@dataclass(frozen=True, slots=True)
class EmbedResult:
    vectors: tuple[bytes, ...]
    """float32 numbers in this machine's byte order, one vector per text."""
    prompt_tokens: int
    """Of all texts, as they were computed."""
    timings: Timings
    """From the first text that was scheduled to the last that was finished; ``first_token`` stays 0."""


@dataclass(slots=True)
class _Waiting:
    """A request whose vectors come in batch by batch, in any order."""

    done: asyncio.Future[list[bytes]]
    vectors: list[bytes]
    left: int
    scheduled: float = float("inf")
    finished: float = 0.0
    error: InfernoError | None = field(default=None)

    def take(self, output: _core.Embedded) -> None:
        _, index, vector, (scheduled, finished), error = output
        self.left -= 1
        self.vectors[index] = vector
        self.scheduled = min(self.scheduled, scheduled)
        self.finished = max(self.finished, finished)
        if error is not None and self.error is None:
            self.error = from_code(*error)
        if self.left > 0 or self.done.done():
            return
        if self.error is None:
            self.done.set_result(self.vectors)
        else:
            self.done.set_exception(self.error)


class Deliveries:
    """The embedder's way into Python: once a batch on its thread, on to the event loop in one call.

    Holds no reference to the native embedder, which holds ``on_embeddings``.
    """

    def __init__(self) -> None:
        self.home = HomeLoop()
        self._waiting: dict[int, _Waiting] = {}

    def on_embeddings(self, outputs: list[_core.Embedded]) -> None:
        self.home.hand_over(self._deliver, outputs)

    async def wait(self, request_id: int, request: EmbedRequest) -> EmbedResult:
        """What becomes of a submitted request. No await may come between its submission and this."""
        waiting = _Waiting(asyncio.get_running_loop().create_future(), [b""] * len(request.texts), len(request.texts))
        self._waiting[request_id] = waiting
        try:
            vectors = await waiting.done
        finally:
            self._waiting.pop(request_id, None)
        timings = Timings(scheduled=waiting.scheduled, finished=waiting.finished)
        return EmbedResult(tuple(vectors), sum(map(len, request.texts)), timings)

    def _deliver(self, outputs: list[_core.Embedded]) -> None:
        for output in outputs:
            if (waiting := self._waiting.get(output[0])) is not None:
                waiting.take(output)
