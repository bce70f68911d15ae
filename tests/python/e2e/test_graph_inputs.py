"""Inputs that no graph can be computed with, at real servers: each is refused, and the server goes on as before."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper

from e2e.process import Server, eventually, running
from models.onnx_files import integers, linear, write_model

pytestmark = pytest.mark.e2e

LOWEST = -(2**63)
Numbers = Sequence[int]


def tangle(path: Path) -> Path:
    """One graph with what a request's numbers can lead astray: an index, two shapes, a division, a count of rounds.

    ``y`` is ``table[index]`` in the shape ``shape``, ``filled`` zeros of the shape ``zeros``, ``quotient`` is
    ``number / by``, and ``steps`` counts to ``rounds``.
    """
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("Add", ["count", "one"], ["counted"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            integers("count", 1),
        ],
        [helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []), integers("counted", 1)],
    )
    nodes = [
        helper.make_node("Gather", ["table", "index"], ["row"]),
        helper.make_node("Reshape", ["row", "shape"], ["y"]),
        helper.make_node("ConstantOfShape", ["zeros"], ["filled"]),
        helper.make_node("Div", ["number", "by"], ["quotient"]),
        helper.make_node("Squeeze", ["rounds"], ["trips"]),
        helper.make_node("Loop", ["trips", "", "none"], ["steps"], body=body),
    ]
    inputs = [integers(name, 1) for name in ("number", "by", "rounds")]
    inputs += [integers(name, f"n_{name}") for name in ("index", "shape", "zeros")]
    of_any_shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "filled")]
    outputs = [*of_any_shape, integers("quotient", 1), integers("steps", 1)]
    weights = {
        "table": np.arange(8, dtype=np.float32),
        "one": np.array([1], np.int64),
        "none": np.array([0], np.int64),
    }
    return write_model(path, nodes, inputs, outputs, weights)


GOOD: dict[str, Numbers] = {
    "index": [1, 2, 3, 4],
    "shape": [2, 2],
    "zeros": [2],
    "number": [7],
    "by": [-2],
    "rounds": [3],
}


def asked(**changes: Numbers) -> dict[str, Any]:
    given = {**GOOD, **changes}
    return {
        "inputs": [
            {"name": name, "shape": [len(numbers)], "datatype": "INT64", "data": list(numbers)}
            for name, numbers in given.items()
        ]
    }


def results(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: (output["shape"], output["data"]) for output in answer.json()["outputs"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(str(tangle(tmp_path_factory.mktemp("graph") / "m")), "--threads", "1") as started:
        yield started
        assert started.stop() == 0


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Whatever a test asks, afterwards the server answers as before."""
    with server.client() as client:
        yield client
        assert results(client.post("/v2/models/m/infer", json=asked())) == {
            "y": ([2, 2], [1, 2, 3, 4]),
            "filled": ([2], [0, 0]),
            "quotient": ([1], [-3]),
            "steps": ([1], [3]),
        }
    assert server.metric("inferno_requests_running") == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"index": [8, 0, 0, 0]}, "Gather"),
        ({"index": [LOWEST, 0, 0, 0]}, "Gather"),
        ({"shape": [3, 3]}, "Reshape"),
        ({"shape": [-7]}, "Reshape"),
        ({"shape": [2**62, 2**62]}, "Reshape"),
        ({"index": []}, "Reshape"),
        ({"zeros": [-1]}, "ConstantOfShape"),
        ({"zeros": [2**40, 2**40]}, "ConstantOfShape"),
        ({"by": [0]}, "division by zero"),
    ],
)
def test_numbers_that_cannot_be_computed_with(http: httpx.Client, changes: dict[str, Numbers], says: str) -> None:
    refused = http.post("/v2/models/m/infer", json=asked(**changes))
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert "cannot be computed with these inputs" in error
    assert says in error
    assert ".cc" not in error
    assert "/" not in error


def test_more_memory_than_there_is(http: httpx.Client) -> None:
    refused = http.post("/v2/models/m/infer", json=asked(zeros=[2**44]))
    assert refused.status_code == 400
    assert "needs more memory than there is" in refused.json()["error"]


def test_the_lowest_number_by_minus_one(http: httpx.Client) -> None:
    """The one division that x86 answers with a signal."""
    found = results(http.post("/v2/models/m/infer", json=asked(number=[LOWEST], by=[-1])))
    assert found["quotient"] == ([1], [LOWEST])


def test_rounds_without_end_stop_when_their_client_leaves(server: Server, http: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v2/models/m/infer", json=asked(rounds=[2**62]), timeout=1)
    eventually(lambda: server.metric("inferno_requests_running") == 0)


def test_a_server_that_computes_without_end_stops_when_told(tmp_path: Path) -> None:
    started = running(str(tangle(tmp_path / "m")), "--grace", "0.5")
    with started as server, server.client() as http, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http.post, "/v2/models/m/infer", json=asked(rounds=[2**62]))
        eventually(lambda: server.metric("inferno_requests_running") == 1)
        assert server.stop() == 0
        assert waiting.result().status_code == 503


def head_of(body: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(body).encode()
    return text, {"Inference-Header-Content-Length": str(len(text))}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(str(linear(tmp_path_factory.mktemp("graph") / "m"))) as started:
        yield started
        assert started.stop() == 0


BINARY: list[tuple[dict[str, Any], bytes]] = [
    ({"shape": [1, 3], "parameters": {"binary_data_size": 12}}, bytes(11)),
    ({"shape": [1, 3], "parameters": {"binary_data_size": 12}}, bytes(13)),
    ({"shape": [1, 3], "parameters": {"binary_data_size": 2**63}}, bytes(12)),
    ({"shape": [1, 3], "parameters": {"binary_data_size": -12}}, bytes(12)),
    ({"shape": [1, 3], "parameters": {"binary_data_size": 11}}, bytes(11)),
    ({"shape": [1, 3], "parameters": {"binary_data_size": "12"}}, bytes(12)),
    ({"shape": [2**62, 3], "parameters": {"binary_data_size": 12}}, bytes(12)),
    ({"shape": [2**31, 2**31, 4], "parameters": {"binary_data_size": 0}}, b""),
    ({"shape": [1, 3], "datatype": "BYTES", "parameters": {"binary_data_size": 4}}, struct.pack("<I", 2**32 - 1)),
    ({"shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}}, struct.pack("<I", 3) + b"ab"),
    ({"shape": [1, 3], "datatype": "INT64", "parameters": {"binary_data_size": 24}}, bytes(24)),
    ({"shape": [1] * 64, "parameters": {"binary_data_size": 4}}, bytes(4)),
    ({"shape": [], "parameters": {"binary_data_size": 4}}, bytes(4)),
]


@pytest.mark.parametrize(("given", "behind"), BINARY)
def test_lengths_that_lie(plain: Server, given: dict[str, Any], behind: bytes) -> None:
    good = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    text, headers = head_of({"inputs": [{"name": "x", "datatype": "FP32", **given}]})
    with plain.client() as client:
        refused = client.post("/v2/models/m/infer", content=text + behind, headers=headers)
        assert refused.status_code == 400, refused.text
        assert set(refused.json()) == {"error"}
        after = client.post("/v2/models/m/infer", json={"inputs": [good]})
        assert after.json()["outputs"][0]["data"] == [16.5, 21.0]


def test_extremes_are_numbers_like_others(plain: Server) -> None:
    """No number and none of the largest makes it fail; JSON has no word for them, so they come out in binary."""
    x = np.array([[np.inf, -np.inf, np.nan], [3e38, -3e38, 1e-45], [0, 0, 0]], np.float32)
    given = {"name": "x", "datatype": "FP32", "shape": [3, 3], "parameters": {"binary_data_size": x.nbytes}}
    text, headers = head_of({"inputs": [given], "parameters": {"binary_data_output": True}})
    with plain.client() as client:
        found = client.post("/v2/models/m/infer", content=text + x.tobytes(), headers=headers)
        assert found.status_code == 200, found.text
        y = np.frombuffer(found.content[int(found.headers["inference-header-content-length"]) :], np.float32)
        assert np.isnan(y[:2]).all()
        assert y[4:].tolist() == [0.5, -1]
        in_json, headers = head_of({"inputs": [given]})
        refused = client.post("/v2/models/m/infer", content=in_json + x.tobytes(), headers=headers)
        assert refused.status_code == 400
        assert "binary" in refused.json()["error"]


def test_no_rows_are_none(plain: Server) -> None:
    with plain.client() as client:
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [0, 3], "data": []}]}
        found = client.post("/v2/models/m/infer", json=body)
    assert found.json()["outputs"] == [{"name": "y", "shape": [0, 2], "datatype": "FP32", "data": []}]
