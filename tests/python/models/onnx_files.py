"""Small ONNX files made with the ``onnx`` package: graphs that say what they compute by their content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


def write_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray] | None = None,
    *,
    outside: str | None = None,
) -> Path:
    """``outside`` names the file beside it that gets the weights."""
    initial = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.save(model, path, save_as_external_data=outside is not None, location=outside, size_threshold=0)
    return path


def floats(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def integers(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def linear(path: Path, *, outside: str | None = None) -> Path:
    """y = x @ w + b for x of [batch, 3]."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])]
    weights = {"w": np.arange(6, dtype=np.float32).reshape(3, 2), "b": np.array([0.5, -1], dtype=np.float32)}
    return write_model(path, nodes, [floats("x", "batch", 3)], [floats("y", "batch", 2)], weights, outside=outside)
