"""What results are kept under says the same whatever else a process did."""

from __future__ import annotations

from inferno import _core
from inferno.engine.onnxruntime import bring_onnxruntime
from inferno.models.builtin import ember_path
from inferno.profiling.machine import this_engine


def test_only_what_computes_the_model_is_named() -> None:
    before = this_engine(str(ember_path())), this_engine("fake:")
    bring_onnxruntime()
    assert (this_engine(str(ember_path())), this_engine("fake:")) == before
    versions = {one["name"]: one["version"] for one in _core.backends()}
    assert before[0].endswith(f": llama {versions['llama']}")
    assert before[1].endswith(": fake 1")
    assert "ONNX" not in before[0]
