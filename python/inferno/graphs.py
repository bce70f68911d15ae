"""An ONNX graph without HTTP: NumPy arrays in, NumPy arrays out.

with inferno.Graph("model.onnx") as graph:
    outputs = graph(x=numpy.ones((1, 3), numpy.float32))
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from inferno.engine.backend_options import as_texts
from inferno.engine.core import _core, native_call
from inferno.engine.graph import ROWS, signature_of
from inferno.engine.native import overridden
from inferno.engine.onnxruntime import backend_of
from inferno.errors import InvalidArgument, NotFound, from_code

if TYPE_CHECKING:
    from inferno.engine.inference import TensorSignature

_TYPES = {
    "FP32": np.float32,
    "FP64": np.float64,
    "FP16": np.float16,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "BOOL": np.bool_,
    "BF16": np.uint16,
}
"""BF16, which NumPy does not know, as the 16 bits it is."""


class Graph:
    """A loaded graph. Calls may come from any thread; those that come together run together where the graph allows."""

    def __init__(
        self, path: str | Path, *, threads: int | None = None, backend_options: Mapping[str, Any] | None = None
    ) -> None:
        """``threads`` 0 or None takes the cores of this process; ``backend_options`` are the backend's own, as
        ``{"onnx.provider": "cuda,cpu"}`` (``inferno backends list``).

        Raises NotFound, Unsupported (no ONNX Runtime, no ONNX file, a version), DataCorrupted, InvalidArgument.
        """
        if not Path(path).is_file():
            raise NotFound(f"{path}: no such file")
        backend_of(str(path))
        own = as_texts(backend_options or {})
        options = overridden(_core.ModelOptions(), {"threads": threads, "backend_options": own})
        native = native_call(_core.Graph.load, str(path), options)
        self._signature = signature_of(native)
        self._arrivals = _Arrivals()
        self._engine = native_call(_core.GraphEngine, native, _core.EngineConfig(), ROWS, self._arrivals.on_outputs)

    @property
    def inputs(self) -> tuple[TensorSignature, ...]:
        return self._signature.inputs

    @property
    def outputs(self) -> tuple[TensorSignature, ...]:
        return self._signature.outputs

    def __call__(self, **arrays: Any) -> dict[str, np.ndarray]:
        """Compute all outputs of the inputs, each an array of the graph's own type. Numbers are not copied: an input is
        read where it is, an output is read-only and keeps the graph's memory. Blocks.

        Raises InvalidArgument for what the graph does not take, Unavailable once closed.
        """
        inputs = [self._given(name, array) for name, array in arrays.items()]
        tensors = self._arrivals.wait(lambda: native_call(self._engine.submit, inputs, []))
        return {tensor.name: _array(tensor) for tensor in tensors}

    def _given(self, name: str, given: Any) -> tuple[str, str, list[int], Any]:
        wanted = next((one.datatype for one in self.inputs if one.name == name), None)
        if wanted is None:
            known = ", ".join(one.name for one in self.inputs)
            raise InvalidArgument(f"the graph has no input '{name}'; it has {known}", param=name)
        array = np.asarray(given, object if wanted == "BYTES" else None)
        shape = list(array.shape)
        if wanted == "BYTES":
            return name, wanted, shape, [_bytes_of(item) for item in array.ravel().tolist()]
        if array.dtype != _TYPES[wanted]:
            raise InvalidArgument(f"input '{name}' is {array.dtype}; the graph takes {wanted}", param=name)
        return name, wanted, shape, np.ascontiguousarray(array).reshape(-1).view(np.uint8)

    def close(self) -> None:
        """End what runs and let the graph go. Idempotent."""
        self._engine.stop()

    def __enter__(self) -> Graph:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Arrivals:
    """From the engine's thread to whoever waits for a request. Holds no reference to the engine."""

    def __init__(self) -> None:
        self._early: dict[int, _core.GraphOutputs] = {}
        self._waiting: dict[int, Future[list[_core.GraphTensor]]] = {}

    def wait(self, submit: Any) -> list[_core.GraphTensor]:
        done: Future[list[_core.GraphTensor]] = Future()
        request_id = submit()
        self._waiting[request_id] = done
        early = self._early.pop(request_id, None)  # it came before it was waited for
        if early is not None and self._waiting.pop(request_id, None) is not None:
            _settle(done, early)
        return done.result()

    def on_outputs(self, outputs: list[_core.GraphOutputs]) -> None:
        for output in outputs:
            self._early[output[0]] = output
            done = self._waiting.pop(output[0], None)
            if done is not None and self._early.pop(output[0], None) is not None:
                _settle(done, output)


def _settle(done: Future[list[_core.GraphTensor]], output: _core.GraphOutputs) -> None:
    _, tensors, _, error = output
    if error is None:
        done.set_result(tensors)
    else:
        done.set_exception(from_code(*error))


def _bytes_of(item: Any) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


def _array(tensor: _core.GraphTensor) -> np.ndarray:
    if tensor.type == "BYTES":
        texts = np.empty(len(tensor.texts), object)
        texts[:] = tensor.texts
        return texts.reshape(tensor.shape)
    numbers: np.ndarray = np.frombuffer(memoryview(tensor), _TYPES[tensor.type])
    return numbers.reshape(tensor.shape)
