"""inferno.Graph: NumPy in and out, with no copy of numbers that need none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import inferno
from inferno.errors import InvalidArgument, NotFound, Unavailable, Unsupported
from models.onnx_files import linear, write_model


def test_arrays_go_in_and_come_out(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    with inferno.Graph(linear(tmp_path / "m.onnx", outside="weights")) as graph:
        assert [(one.name, one.datatype, one.shape) for one in graph.inputs] == [("x", "FP32", (-1, 3))]
        (y,) = graph(x=x).values()
        np.testing.assert_allclose(y, x @ np.arange(6).reshape(3, 2) + [0.5, -1])
        np.testing.assert_array_equal(graph(x=x[::2])["y"], y[::2])
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda row: graph(x=x[row : row + 1])["y"], [0, 1, 2, 3] * 20))
        np.testing.assert_allclose(np.concatenate(answers), np.concatenate([y] * 20), rtol=1e-6)
        with pytest.raises(InvalidArgument, match="input 'x' is float64; the graph takes FP32"):
            graph(x=np.zeros((1, 3)))
        with pytest.raises(InvalidArgument, match="no input 'z'; it has x"):
            graph(z=x)
        with pytest.raises(InvalidArgument, match=r"has the shape \[4\]; the graph takes \['batch', 3\]"):
            graph(x=np.zeros(4, np.float32))
    assert not y.flags.writeable
    np.testing.assert_allclose(y, x @ np.arange(6).reshape(3, 2) + [0.5, -1])  # it keeps its memory
    with pytest.raises(Unavailable):
        graph(x=x)


def test_strings(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["text"], ["same"])
    values = [helper.make_tensor_value_info(name, TensorProto.STRING, ["n", 2]) for name in ("text", "same")]
    write_model(tmp_path / "m", [node], values[:1], values[1:])
    with inferno.Graph(tmp_path / "m") as graph:
        same = graph(text=[["one", "zwei ü"], ["", b"\xff"]])["same"]
        assert same.tolist() == [[b"one", "zwei ü".encode()], [b"", b"\xff"]]
        with pytest.raises(InvalidArgument, match="zero byte"):
            graph(text=[["a\0b", "c"]])


def test_what_is_no_graph(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        inferno.Graph(tmp_path / "none")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(Unsupported, match="does not begin like a model file"):
        inferno.Graph(tmp_path / "text.onnx")
