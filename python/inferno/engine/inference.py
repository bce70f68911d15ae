"""Tensors into a graph and out of it, as the engine's clients ask for them and get them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inferno.engine.delta import Timings
from inferno.engine.home_loop import HomeLoop
from inferno.errors import from_code

if TYPE_CHECKING:
    from inferno import _core


@dataclass(frozen=True, slots=True)
class TensorSignature:
    """``datatype`` in the Open Inference Protocol's words (FP32, INT64, BYTES); -1 in ``shape`` is any extent."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GraphSignature:
    inputs: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any
    """The numbers, row by row in this machine's byte order, as a contiguous buffer; of BYTES, a list of bytes."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    inputs: Sequence[Tensor]
    outputs: Sequence[str] = ()
    """Names; none means all."""


@dataclass(frozen=True, slots=True)
class InferResult:
    outputs: tuple[Tensor, ...]
    timings: Timings
    """``first_token`` stays 0."""


class Arrivals:
    """The graph engine's way into Python: once a run on its thread, on to the event loop in one call.

    Holds no reference to the native engine, which holds ``on_outputs``.
    """

    def __init__(self) -> None:
        self.home = HomeLoop()
        self._waiting: dict[int, asyncio.Future[InferResult]] = {}

    def on_outputs(self, outputs: list[_core.GraphOutputs]) -> None:
        self.home.hand_over(self._deliver, outputs)

    async def wait(self, request_id: int) -> InferResult:
        """What becomes of a submitted request. No await may come between its submission and this."""
        waiting: asyncio.Future[InferResult] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = waiting
        try:
            return await waiting
        finally:
            self._waiting.pop(request_id, None)

    def _deliver(self, outputs: list[_core.GraphOutputs]) -> None:
        for request_id, tensors, (scheduled, finished), error in outputs:
            waiting = self._waiting.get(request_id)
            if waiting is None or waiting.done():
                continue
            if error is not None:
                waiting.set_exception(from_code(*error))
            else:
                timings = Timings(scheduled=scheduled, finished=finished)
                waiting.set_result(InferResult(tuple(map(_tensor, tensors)), timings))


def _tensor(native: _core.GraphTensor) -> Tensor:
    data = native.texts if native.type == "BYTES" else native
    return Tensor(native.name, native.type, tuple(native.shape), data)
