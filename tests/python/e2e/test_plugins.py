"""A package that is installed beside Inferno makes a kind of file servable that Inferno does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.process import running
from models import linear_package

pytestmark = pytest.mark.e2e


def test_a_file_of_its_kind_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(linear_package.install(tmp_path)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = linear_package.write(tmp_path / "sum.weights", 1, 10, 100)
    body = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
    for _ in range(2):  # the second start finds what the first one made
        with running(str(model)) as server, server.client() as http:
            answer = http.post("/v2/models/sum/infer", json=body)
            assert server.stop() == 0
        assert answer.json()["outputs"][0]["data"] == [321.0]
        assert answer.headers["x-inferno-backend"] == "linear"
    settings = tmp_path / "settings.toml"
    settings.write_text("[model.backend_options]\nlinear.sign = 'turned'\nlinear.scale = 9\n")
    flags = ("--config", str(settings), "--scale", "2", "--provider", "cpu")
    with running(str(model), *flags) as server, server.client() as http:
        answer = http.post("/v2/models/sum/infer", json=body)
        applied = http.get("/v1/models").json()["data"][0]["applied"]
        assert server.stop() == 0
    assert answer.json()["outputs"][0]["data"] == [-642.0], "both its options, from the flag and the file"
    assert applied["onnx.provider"] == "cpu"
    assert len(list((tmp_path / "cache" / "inferno" / "converted").glob("linear-*/*/model.onnx"))) == 1
