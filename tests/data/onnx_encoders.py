"""Writes a BERT folder's weights as an ONNX graph, node by node: an encoder, or with labels a classifier.

Usage: python tests/data/onnx_encoders.py FOLDER OUT   (needs numpy and onnx)
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOWEST = np.float32(-3.4e38)


@dataclass
class Graph:
    """Nodes and weights as they come."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, op: str, *takes: str | np.ndarray, **attributes: Any) -> str:
        names = [take if isinstance(take, str) else self.constant(take) for take in takes]
        gives = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [gives], **attributes))
        return gives

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(values)
        return name


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """A folder's one file of SafeTensors, all F32."""
    raw = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    data = raw[8 + length :]
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


class Bert:
    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.weights = weights
        self.graph = Graph()

    def dense(self, x: str, name: str) -> str:
        product = self.graph.add("MatMul", x, np.ascontiguousarray(self.weights[f"{name}.weight"].T))
        return self.graph.add("Add", product, self.weights[f"{name}.bias"])

    def norm(self, x: str, name: str) -> str:
        scale, bias = (self.weights[f"{name}.{part}"] for part in ("weight", "bias"))
        return self.graph.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=self.config["layer_norm_eps"])

    def embedded(self) -> str:
        add, weights = self.graph.add, self.weights
        words = add("Gather", weights["embeddings.word_embeddings.weight"], "input_ids")
        types = add("Gather", weights["embeddings.token_type_embeddings.weight"], "token_type_ids")
        length = add("Slice", add("Shape", "input_ids"), *(np.array([n], np.int64) for n in (1, 2, 0)))
        positions = add(
            "Slice",
            weights["embeddings.position_embeddings.weight"],
            np.array([0], np.int64),
            length,
            np.array([0], np.int64),
        )
        return self.norm(add("Add", add("Add", words, types), positions), "embeddings.LayerNorm")

    def mask(self) -> str:
        """0 where a token is, and what drowns every score where padding is."""
        add = self.graph.add
        there = add("Cast", "attention_mask", to=TensorProto.FLOAT)
        gone = add("Mul", add("Sub", np.float32(1), there), LOWEST)
        return add("Unsqueeze", gone, np.array([1, 2], np.int64))

    def layer(self, x: str, mask: str, block: str) -> str:
        add, heads = self.graph.add, self.config["num_attention_heads"]
        size = self.config["hidden_size"] // heads
        split = np.array([0, 0, heads, size], np.int64)

        def part(name: str, order: Sequence[int]) -> str:
            return add("Transpose", add("Reshape", self.dense(x, f"{block}.attention.self.{name}"), split), perm=order)

        scores = add("MatMul", part("query", (0, 2, 1, 3)), part("key", (0, 2, 3, 1)))
        scores = add("Add", add("Mul", scores, np.float32(size**-0.5)), mask)
        mixed = add("MatMul", add("Softmax", scores, axis=-1), part("value", (0, 2, 1, 3)))
        whole = add("Reshape", add("Transpose", mixed, perm=(0, 2, 1, 3)), np.array([0, 0, heads * size], np.int64))
        attended = self.dense(whole, f"{block}.attention.output.dense")
        x = self.norm(add("Add", attended, x), f"{block}.attention.output.LayerNorm")
        inner = self.gelu(self.dense(x, f"{block}.intermediate.dense"))
        return self.norm(add("Add", self.dense(inner, f"{block}.output.dense"), x), f"{block}.output.LayerNorm")

    def gelu(self, x: str) -> str:
        """Node for node as torch.onnx writes it where it has an Erf: ONNX Runtime makes one operator of that."""
        add = self.graph.add
        if self.config["hidden_act"] == "gelu":
            bent = add("Erf", add("Div", x, np.float32(2**0.5)))
        else:
            cubed = add("Mul", add("Pow", x, np.float32(3)), np.float32(0.044715))
            bent = add("Tanh", add("Mul", add("Add", x, cubed), np.float32((2 / np.pi) ** 0.5)))
        return add("Mul", add("Mul", x, add("Add", bent, np.float32(1))), np.float32(0.5))

    def hidden(self) -> str:
        x, mask = self.embedded(), self.mask()
        for number in range(self.config["num_hidden_layers"]):
            x = self.layer(x, mask, f"encoder.layer.{number}")
        return x

    def scores(self, x: str, labels: int) -> str:
        """Pooled from the first token, by the folder's pooler and a head drawn by chance."""
        first = self.graph.add("Gather", x, np.int64(0), axis=1)
        pooled = self.graph.add("Tanh", self.dense(first, "pooler.dense"))
        width = self.config["hidden_size"]
        random = np.random.default_rng(labels)
        head = random.standard_normal((width, labels)).astype(np.float32) / np.float32(width**0.5) * 4
        return self.graph.add("Add", self.graph.add("MatMul", pooled, head), np.zeros(labels, np.float32))


def write_graph(
    folder: Path,
    out: Path,
    *,
    labels: Sequence[str] = (),
    batch: int | str = "batch",
    tokens: int | str = "tokens",
    halves: bool = False,
) -> Path:
    """``out`` gets model.onnx and ``folder``'s other files, but no weights. ``halves``: its output is F16."""
    config = json.loads((folder / "config.json").read_text())
    bert = Bert(config, read_weights(folder))
    result = bert.hidden()
    name, shape = "last_hidden_state", (batch, tokens, config["hidden_size"])
    if labels:
        result, name, shape = bert.scores(result, len(labels)), "logits", (batch, len(labels))
        config["id2label"] = {str(number): label for number, label in enumerate(labels)}
    kind = TensorProto.FLOAT16 if halves else TensorProto.FLOAT
    bert.graph.nodes.append(helper.make_node("Cast", [result], [name], to=kind))
    inputs = [helper.make_tensor_value_info(one, TensorProto.INT64, (batch, tokens)) for one in INPUTS]
    outputs = [helper.make_tensor_value_info(name, kind, shape)]
    initial = [numpy_helper.from_array(values, name) for name, values in bert.graph.weights.items()]
    graph = helper.make_graph(bert.graph.nodes, "bert", inputs, outputs, initial)
    out.mkdir(parents=True, exist_ok=True)
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix in {".json", ".txt"} and not (labels and "modules" in file.name):
            (out / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, out / file.relative_to(folder))
    (out / "config.json").write_text(json.dumps(config))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="by hand")
    onnx.save(model, out / "model.onnx")
    return out


if __name__ == "__main__":
    write_graph(Path(sys.argv[1]), Path(sys.argv[2]))
