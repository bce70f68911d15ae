"""The Open Inference Protocol over real graphs: JSON and binary, checked before anything runs, together as alone."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper

from inferno.engine.graph import GraphEngine
from inferno.engine.local import LocalEngine
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from models.onnx_files import floats, linear, write_model
from server.harness import Settings

WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)
BIAS = np.array([0.5, -1], dtype=np.float32)


def words(path: Path) -> Path:
    """Strings as they came, and half numbers doubled."""
    nodes = [helper.make_node("Identity", ["text"], ["same"]), helper.make_node("Add", ["half", "half"], ["twice"])]
    inputs = [
        helper.make_tensor_value_info("text", TensorProto.STRING, ["n"]),
        helper.make_tensor_value_info("half", TensorProto.FLOAT16, ["n", 2]),
    ]
    outputs = [
        helper.make_tensor_value_info("same", TensorProto.STRING, ["n"]),
        helper.make_tensor_value_info("twice", TensorProto.FLOAT16, ["n", 2]),
    ]
    return write_model(path, nodes, inputs, outputs)


def mixing(path: Path) -> Path:
    """Rows that depend on each other, though nothing in the graph's signature says so."""
    node = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    return write_model(path, [node], [floats("x", "n", 2)], [floats("y", "n", 2)])


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    graphs = {"linear": linear, "words": words, "mixing": mixing}
    engines: dict[str, Any] = {
        name: await GraphEngine.load(str(make(tmp_path / f"{name}.onnx")), name=name) for name, make in graphs.items()
    }
    engines["fake"] = await LocalEngine.load("fake:", name="fake")
    app = build_app(ModelRegistry(engines, default="linear"), Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    for engine in engines.values():
        await engine.aclose()


def ask(x: Any, **changes: Any) -> dict[str, Any]:
    array = np.asarray(x, np.float32)
    given = {"name": "x", "shape": list(array.shape), "datatype": "FP32", "data": array.tolist(), **changes}
    return {"inputs": [given]}


async def test_what_the_server_and_its_models_are(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v2")).json()["extensions"] == ["binary_tensor_data"]
    assert (await http.get("/v2/health/live")).json() == {"live": True}
    assert (await http.get("/v2/health/ready")).json() == {"ready": True}
    assert (await http.get("/v2/models/fake/ready")).json() == {"name": "fake", "ready": True}
    assert (await http.get("/v2/models/linear")).json() == {
        "name": "linear",
        "versions": ["1"],
        "platform": "onnx",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}],
    }


async def test_json_in_and_out(http: httpx.AsyncClient) -> None:
    x = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    answer = await http.post("/v2/models/linear/infer", json={"id": "7", **ask(x)})
    assert answer.json() == {
        "model_name": "linear",
        "model_version": "1",
        "id": "7",
        "outputs": [{"name": "y", "shape": [2, 2], "datatype": "FP32", "data": (x @ WEIGHTS + BIAS).ravel().tolist()}],
    }
    flat = await http.post("/v2/models/linear/infer", json=ask(x, data=x.ravel().tolist()))
    assert flat.json()["outputs"] == answer.json()["outputs"]


async def test_binary_in_and_out(http: httpx.AsyncClient) -> None:
    texts = [b"one", "zwei ü".encode(), b""]
    half = np.array([[1, 2], [0.5, -4], [7, 8]], np.float16)
    strings = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    inputs = [
        {"name": "text", "shape": [3], "datatype": "BYTES", "parameters": {"binary_data_size": len(strings)}},
        {"name": "half", "shape": [3, 2], "datatype": "FP16", "parameters": {"binary_data_size": half.nbytes}},
    ]
    outputs = [{"name": "twice", "parameters": {"binary_data": True}}, {"name": "same"}]
    for odd in ("", " "):  # where the numbers begin in the body, they may be anywhere
        head = json.dumps({"inputs": inputs, "outputs": outputs}).encode() + odd.encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        answer = await http.post("/v2/models/words/infer", content=head + strings + half.tobytes(), headers=headers)
        assert answer.status_code == 200, answer.text
        length = int(answer.headers["inference-header-content-length"])
        twice, same = json.loads(answer.content[:length])["outputs"]
        assert (twice["name"], twice["parameters"]) == ("twice", {"binary_data_size": half.nbytes})
        assert answer.content[length:] == (half + half).tobytes()
        assert same == {"name": "same", "shape": [3], "datatype": "BYTES", "data": [text.decode() for text in texts]}


async def test_requests_run_together_and_get_their_own(http: httpx.AsyncClient) -> None:
    random = np.random.default_rng(1)
    asked = [random.standard_normal((1 + i % 3, 3)).astype(np.float32) for i in range(60)]
    bad = ask(asked[0], shape=[2, 2])
    posts = [http.post("/v2/models/linear/infer", json=body) for body in [*map(ask, asked), bad]]
    *answers, refused = await asyncio.gather(*posts)
    for x, answer in zip(asked, answers, strict=True):
        (output,) = answer.json()["outputs"]
        assert output["shape"] == [len(x), 2]
        np.testing.assert_allclose(np.reshape(output["data"], (len(x), 2)), x @ WEIGHTS + BIAS, rtol=1e-5, atol=1e-5)
    assert refused.status_code == 400


async def test_only_rows_that_are_apart_run_together(tmp_path: Path) -> None:
    apart = await GraphEngine.load(str(linear(tmp_path / "a")), name="a")
    mixed = await GraphEngine.load(str(mixing(tmp_path / "b")), name="b")
    assert apart.card.applied["slots"] == 64
    assert "slots" not in mixed.card.applied
    await apart.aclose()
    await mixed.aclose()


async def test_mixing_graphs_are_asked_one_by_one(http: httpx.AsyncClient) -> None:
    asked = [np.array([[i, 1.0], [2.0, i]], np.float32) for i in range(20)]
    answers = await asyncio.gather(*(http.post("/v2/models/mixing/infer", json=ask(x)) for x in asked))
    for x, answer in zip(asked, answers, strict=True):
        weights = np.exp(x - x.max(axis=0))
        np.testing.assert_allclose(answer.json()["outputs"][0]["data"], (weights / weights.sum(axis=0)).ravel(), 1e-5)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"inputs": []}, "input 'x' is missing: FP32 ['batch', 3]"),
    (ask([[1, 2]]), "input 'x' has the shape [1, 2]; the graph takes ['batch', 3]"),
    (ask([1, 2, 3]), "input 'x' has the shape [3]; the graph takes ['batch', 3]"),
    (ask([[1, 2, 3]], data=[1, 2]), "input 'x' has 8 bytes; its shape [1, 3] needs 12"),
    (ask([[1, 2, 3]], data=[1, 2, "3"]), "input 'x': data holds a str; it is FP32"),
    (ask([[1, 2, 3]], data=[1, 2, 1e300]), "input 'x': data holds a number that FP32 cannot"),
    (ask([[1, 2, 3]], datatype="INT64", data=[1, 2, 3]), "input 'x' is of type 'INT64'; the graph takes FP32"),
    (ask([[1, 2, 3]], datatype="BF16"), "input 'x': BF16 cannot be sent as JSON; send it binary"),
    (ask([[1, 2, 3]], datatype="COMPLEX"), "input 'x': COMPLEX cannot be sent as JSON"),
    (ask([[1, 2, 3]], name="z"), "input 'z' is none of the graph's: 'x'"),
    (ask([[1, 2, 3]], shape=[2**40, 2**40]), "input 'x' has too large a shape"),
    (ask([[1, 2, 3]], shape=[-1, 3]), "'inputs[0].shape[0]' is -1"),
    (ask([[1, 2, 3]], parameters={"binary_data_size": 12}), "both data and binary_data_size"),
    (
        ask([[1, 2, 3]], data=None, parameters={"binary_data_size": 12}),
        "has 0 bytes of binary data left, and claims 12",
    ),
    (ask([[1, 2, 3]], parameters={"shared_memory_region": "x"}), "unknown parameter 'inputs.parameters.shared_memory"),
    ({**ask([[1, 2, 3]]), "outputs": [{"name": "w"}]}, "output 'w' is none of the graph's: 'y'"),
    ({"inputs": ask([[1, 2, 3]])["inputs"] * 2}, "input 'x' is given twice"),
]


@pytest.mark.parametrize(("body", "says"), REFUSED)
async def test_refusals(http: httpx.AsyncClient, body: dict[str, Any], says: str) -> None:
    answer = await http.post("/v2/models/linear/infer", json=body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error"}
    assert says in answer.json()["error"]


async def test_what_runs_is_counted(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await http.post("/v2/models/linear/infer", json=ask([[1, 2, 3]]))).status_code == 200
    assert (await http.post("/v2/models/mixing/infer", json=ask([[1, 2]]))).status_code == 200
    scraped = (await http.get("/metrics")).text
    assert 'inferno_finished_total{model="linear"} 3.0' in scraped
    assert 'inferno_requests_running{model="mixing"} 0.0' in scraped


async def test_other_models_and_other_asks(http: httpx.AsyncClient) -> None:
    unknown = await http.get("/v2/models/nobody")
    assert (unknown.status_code, set(unknown.json())) == (404, {"error"})
    writer = await http.post("/v2/models/fake/infer", json=ask([[1, 2, 3]]))
    assert writer.status_code == 400
    assert "generates text and does not compute graphs" in writer.json()["error"]
    assert "(the backend onnx can)" in writer.json()["error"]
    chat = await http.post("/v1/completions", json={"model": "linear", "prompt": "x"})
    assert chat.status_code == 400
    assert "computes a graph and does not" in chat.json()["error"]["message"]
    for length in ("9" * 5000, "-1", "x"):
        headers = {"inference-header-content-length": length}
        assert (await http.post("/v2/models/linear/infer", content=b"{}", headers=headers)).status_code == 400
    cut = await http.post("/v2/models/linear/infer", content=b"{}", headers={"inference-header-content-length": "9"})
    assert "must be a number of bytes within the body's 2" in cut.json()["error"]
