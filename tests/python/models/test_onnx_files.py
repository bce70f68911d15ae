"""What an ONNX file is: told by its content, under any name, by our own reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from inferno.engine.core import _core, native_call
from inferno.errors import DataCorrupted, InfernoError, NotFound, Unsupported
from inferno.models.builtin import ember_path
from models.onnx_files import floats, integers, linear, write_model


def described(path: Path) -> dict[str, object]:
    return native_call(_core.describe_onnx, str(path))


def test_it_says_what_the_graph_takes_and_gives(tmp_path: Path) -> None:
    assert described(linear(tmp_path / "foo.gguf")) == {
        "kind": "graph",
        "ir_version": 8,
        "producer": "",
        "opsets": {"": 17},
        "inputs": [{"name": "x", "type": "FP32", "shape": ["batch", 3]}],
        "outputs": [{"name": "y", "type": "FP32", "shape": ["batch", 2]}],
        "operators": {"Add": 1, "MatMul": 1},
        "weight_bytes": 32,
        "files": [],
    }


def test_weights_beside_it(tmp_path: Path) -> None:
    path = linear(tmp_path / "m.onnx", outside="m.data")
    assert (described(path)["weight_bytes"], described(path)["files"]) == (32, ["m.data"])
    (tmp_path / "m.data").write_bytes(b"short")
    with pytest.raises(DataCorrupted, match="'m.data' has 5 bytes; tensor 'w' needs 24 from byte 0 on"):
        described(path)
    (tmp_path / "m.data").unlink()
    with pytest.raises(NotFound, match="there is no file 'm.data' beside it"):
        described(path)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (floats("logits", "batch", "tokens", 8), "decoder"),
        (floats("last_hidden_state", "batch", "tokens", 8), "encoder"),
        (floats("logits", "batch", 8), "classifier"),
        (floats("other", 8), "graph"),
    ],
)
def test_kinds(tmp_path: Path, output: onnx.ValueInfoProto, kind: str) -> None:
    node = helper.make_node("Gather", ["table", "input_ids"], [output.name])
    table = {"table": np.zeros((4, 8), np.float32)}
    path = write_model(tmp_path / "m", [node], [integers("input_ids", "batch", "tokens")], [output], table)
    assert described(path)["kind"] == kind


def test_every_operator_of_the_newest_opset_can_be_read(tmp_path: Path) -> None:
    """The newest versions that the installed ``onnx`` writes are those that the reader knows, or older."""
    newest = helper.make_model(
        helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [floats("x", 1)], [floats("y", 1)]),
        producer_name="newest",
    )
    onnx.save(newest, tmp_path / "m.onnx")
    assert described(tmp_path / "m.onnx")["producer"] == "newest"


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"just a text", Unsupported, "does not begin as an ONNX model does"),
        (ember_path().read_bytes()[:4096], Unsupported, "does not begin as an ONNX model does"),
        (b"\x08\x08:\xff\xff\xff\xff\x0f", DataCorrupted, "the file is cut off or damaged"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, error: type[InfernoError], says: str) -> None:
    (tmp_path / "foo.onnx").write_bytes(content)
    with pytest.raises(error, match=says) as refused:
        described(tmp_path / "foo.onnx")
    assert str(tmp_path) not in str(refused.value)
