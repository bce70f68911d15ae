"""Writes decoders of Llama's shape as ONNX graphs, node by node: what Optimum, torch.onnx and ONNX Runtime GenAI's
model builder make of such a model, without any of them.

Usage: python tests/data/onnx_decoders.py FOLDER   a tiny random one of every form, for the C++ tests (needs onnx)
       python tests/data/onnx_decoders.py FOLDER FORM [F32|F16|INT8|INT4]   ember (needs gguf, too)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent))
from hf_folders import uniform

Array = np.ndarray[Any, Any]
FORMS = {
    "past": "past_key_values, attention_mask and position_ids, as Optimum writes them",
    "past-nopos": "the same, where positions follow from the length of the past",
    "plain": "input_ids and attention_mask alone: every step computes the whole text",
    "gqa": "com.microsoft.GroupQueryAttention over shared buffers, as the model builder writes it",
}
_MICROSOFT = "com.microsoft"
_LOWEST = -1e4
_BLOCK = 32
_PAST = "past_key_values.{}.{}"
_PRESENT = "present.{}.{}"


class Decoder:
    """One graph. ``config`` is config.json's content, ``weights`` have the names of Hugging Face's Llama."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Array], form: str, dtype: str) -> None:
        self.config, self.weights, self.form = config, weights, form
        self.float = np.float16 if dtype == "F16" else np.float32
        self.type = TensorProto.FLOAT16 if dtype == "F16" else TensorProto.FLOAT
        self.bits = {"INT4": 4, "INT8": 8}.get(dtype, 0)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, onnx.TensorProto] = {}
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        self.layers = config["num_hidden_layers"]
        self.has_past = form != "plain"

    def model(self) -> onnx.ModelProto:
        hidden = self.op("Gather", self.kept("embed", self.weights["model.embed_tokens.weight"]), "input_ids")
        self._prepare()
        for layer in range(self.layers):
            hidden = self._layer(layer, hidden)
        hidden = self._norm(hidden, "model.norm.weight")
        head = "lm_head.weight" if "lm_head.weight" in self.weights else "model.embed_tokens.weight"
        logits = self.linear(hidden, head)
        self.nodes.append(helper.make_node("Cast", [logits], ["logits"], to=TensorProto.FLOAT))
        graph = helper.make_graph(self.nodes, "decoder", self._inputs(), self._outputs(), list(self.tensors.values()))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="inferno-tests")

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        node_name = f"/n{len(self.nodes)}/{kind}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=node_name, **attributes))
        return name

    def kept(self, name: str, numbers: Array) -> str:
        """An initializer; floats in the graph's own precision."""
        if np.issubdtype(numbers.dtype, np.floating):
            numbers = numbers.astype(self.float)
        self.tensors.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name

    def ints(self, *values: int) -> str:
        return self.kept(f"i{values}", np.array(values, np.int64))

    def linear(self, hidden: str, name: str) -> str:
        rows = self.weights[name]
        if not self.bits:
            return self.op("MatMul", hidden, self.kept(f"{name}.t", rows.T))
        codes, scales = in_few_bits(rows, self.bits)
        return self._microsoft(
            "MatMulNBits",
            [hidden, self.kept(f"{name}.q", codes), self.kept(f"{name}.s", scales)],
            1,
            K=rows.shape[1],
            N=rows.shape[0],
            bits=self.bits,
            block_size=_BLOCK,
            accuracy_level=4,
        )[0]

    def _microsoft(self, kind: str, inputs: list[str], count: int, **attributes: Any) -> list[str]:
        names = [f"v{len(self.nodes)}.{i}" for i in range(count)]
        name = f"/n{len(self.nodes)}/{kind}"
        self.nodes.append(helper.make_node(kind, inputs, names, name=name, domain=_MICROSOFT, **attributes))
        return names

    def _norm(self, hidden: str, name: str) -> str:
        wide = self.op("Cast", hidden, to=TensorProto.FLOAT)
        mean = self.op("ReduceMean", self.op("Mul", wide, wide), axes=[-1])
        epsilon = self.tensors.setdefault(
            "epsilon", numpy_helper.from_array(np.array(self.config["rms_norm_eps"], np.float32), "epsilon")
        )
        root = self.op("Sqrt", self.op("Add", mean, epsilon.name))
        scaled = self.op("Cast", self.op("Div", wide, root), to=self.type)
        return self.op("Mul", scaled, self.kept(name, self.weights[name]))

    def _layer(self, layer: int, hidden: str) -> str:
        def weight(part: str) -> str:
            return f"model.layers.{layer}.{part}.weight"

        normed = self._norm(hidden, weight("input_layernorm"))
        query, key, value = (self.linear(normed, weight(f"self_attn.{part}_proj")) for part in "qkv")
        attend = self._grouped if self.form == "gqa" else self._attend
        mixed = self.linear(attend(layer, query, key, value), weight("self_attn.o_proj"))
        hidden = self.op("Add", hidden, mixed)
        normed = self._norm(hidden, weight("post_attention_layernorm"))
        gate = self.linear(normed, weight("mlp.gate_proj"))
        opened = self.op("Mul", gate, self.op("Sigmoid", gate))
        gated = self.op("Mul", opened, self.linear(normed, weight("mlp.up_proj")))
        return self.op("Add", hidden, self.linear(gated, weight("mlp.down_proj")))

    def _prepare(self) -> None:
        """What all layers use: the rotation, and which cells a token sees."""
        half = self.size // 2
        frequencies = (1.0 / self.config["rope_theta"] ** (np.arange(half) / half)).astype(np.float32)
        if self.form == "gqa":
            angles = np.outer(np.arange(self.config["max_position_embeddings"]), frequencies)
            self.kept("cos", np.cos(angles))
            self.kept("sin", np.sin(angles))
            total = self.op("ReduceSum", "attention_mask", self.ints(1), keepdims=0)
            last = self.op("Cast", self.op("Sub", total, self.ints(1)), to=TensorProto.INT32)
            width = self.op("Gather", self.op("Shape", "attention_mask"), self.kept("one", np.array(1, np.int64)))
            self.grouped = [last, self.op("Cast", width, to=TensorProto.INT32), "cos", "sin"]
            return
        rows = self.op("Gather", self.op("Shape", "input_ids"), self.kept("one", np.array(1, np.int64)))
        zero = self.kept("zero", np.array(0, np.int64))
        past = zero
        if self.has_past:
            first = _PAST.format(0, "key")
            past = self.op("Gather", self.op("Shape", first), self.kept("two", np.array(2, np.int64)))
        total = self.op("Add", past, rows)
        step = self.kept("one", np.array(1, np.int64))
        own = self.op("Range", past, total, step)
        positions = "position_ids" if self.form == "past" else self.op("Unsqueeze", own, self.ints(0))
        seen = self.op("LessOrEqual", self.op("Range", zero, total, step), self.op("Unsqueeze", own, self.ints(1)))
        given = self.op("Unsqueeze", self.op("Cast", "attention_mask", to=TensorProto.BOOL), self.ints(1, 2))
        seen = self.op("And", seen, given)
        self.bias = self.op("Where", seen, self.kept("seen", np.array(0.0)), self.kept("hidden", np.array(_LOWEST)))
        wide = self.op("Unsqueeze", self.op("Cast", positions, to=TensorProto.FLOAT), self.ints(-1))
        wavelengths = numpy_helper.from_array(frequencies, "frequencies")
        self.tensors["frequencies"] = wavelengths
        angles = self.op("Mul", wide, "frequencies")
        angles = self.op("Unsqueeze", self.op("Concat", angles, angles, axis=-1), self.ints(1))
        self.cos = self.op("Cast", self.op("Cos", angles), to=self.type)
        self.sin = self.op("Cast", self.op("Sin", angles), to=self.type)

    def _grouped(self, layer: int, query: str, key: str, value: str) -> str:
        past = [_PAST.format(layer, part) for part in ("key", "value")]
        present = [_PRESENT.format(layer, part) for part in ("key", "value")]
        out = f"attention.{layer}"
        self.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [query, key, value, *past, *self.grouped],
                [out, *present],
                name=f"/layers.{layer}/attention",
                domain=_MICROSOFT,
                num_heads=self.heads,
                kv_num_heads=self.kv_heads,
                do_rotary=1,
                rotary_interleaved=0,
            )
        )
        return out

    def _attend(self, layer: int, query: str, key: str, value: str) -> str:
        query = self._rotated(self._in_heads(query, self.heads))
        key = self._rotated(self._in_heads(key, self.kv_heads))
        value = self._in_heads(value, self.kv_heads)
        if self.has_past:
            key, value = self._with_past(layer, "key", key), self._with_past(layer, "value", value)
        scale = self.kept("scale", np.array(self.size**-0.5))
        keys = self.op("Transpose", self._spread(key), perm=[0, 1, 3, 2])
        scores = self.op("Mul", self.op("MatMul", query, keys), scale)
        shares = self.op("Softmax", self.op("Add", scores, self.bias), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", shares, self._spread(value)), perm=[0, 2, 1, 3])
        return self.op("Reshape", mixed, self.ints(0, 0, self.heads * self.size))

    def _in_heads(self, rows: str, heads: int) -> str:
        return self.op("Transpose", self.op("Reshape", rows, self.ints(0, 0, heads, self.size)), perm=[0, 2, 1, 3])

    def _rotated(self, rows: str) -> str:
        half = self.size // 2
        first = self.op("Slice", rows, self.ints(0), self.ints(half), self.ints(3))
        second = self.op("Slice", rows, self.ints(half), self.ints(self.size), self.ints(3))
        turned = self.op("Concat", self.op("Neg", second), first, axis=-1)
        return self.op("Add", self.op("Mul", rows, self.cos), self.op("Mul", turned, self.sin))

    def _with_past(self, layer: int, part: str, rows: str) -> str:
        out = _PRESENT.format(layer, part)
        self.nodes.append(helper.make_node("Concat", [_PAST.format(layer, part), rows], [out], axis=2))
        return out

    def _spread(self, rows: str) -> str:
        """Every key head as often as queries share it."""
        times = self.heads // self.kv_heads
        if times == 1:
            return rows
        beside = self.op("Unsqueeze", rows, self.ints(2))
        several = self.op("Expand", beside, self.ints(1, 1, times, 1, 1))
        return self.op("Reshape", several, self.ints(0, self.heads, -1, self.size))

    def _inputs(self) -> list[onnx.ValueInfoProto]:
        def ids(name: str, *shape: str) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.INT64, list(shape))

        found = [ids("input_ids", "batch_size", "sequence_length"), ids("attention_mask", "batch_size", "total_length")]
        if self.form == "past":
            found.append(ids("position_ids", "batch_size", "sequence_length"))
        return found + self._cells(_PAST, "past_length")

    def _outputs(self) -> list[onnx.ValueInfoProto]:
        shape = ["batch_size", "sequence_length", self.config["vocab_size"]]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
        return [logits, *self._cells(_PRESENT, "total_length")]

    def _cells(self, names: str, length: str) -> list[onnx.ValueInfoProto]:
        # As the model builder from 0.18 on does, whose genai_config.json says it.
        size = "kv_cache_dim" if self.form == "gqa" and self.bits else self.size
        shape = ["batch_size", self.kv_heads, length, size]
        return [
            helper.make_tensor_value_info(names.format(layer, part), self.type, shape)
            for layer in range(self.layers if self.has_past else 0)
            for part in ("key", "value")
        ]


def in_few_bits(rows: Array, bits: int) -> tuple[Array, Array]:
    """Blocks of 32 with one scale each: codes as MatMulNBits has them, of 4 bits two in a byte; the middle is 0."""
    zero = 1 << (bits - 1)
    blocks = rows.reshape(rows.shape[0], -1, _BLOCK)
    scales = np.abs(blocks).max(axis=-1, keepdims=True) / (zero - 1)
    codes = np.clip(np.round(blocks / np.where(scales == 0, 1, scales)) + zero, 0, 2 * zero - 1).astype(np.uint8)
    return codes if bits == 8 else codes[..., ::2] | codes[..., 1::2] << 4, scales.reshape(-1)


def write(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Array], form: str, dtype: str = "F32") -> None:
    """``model.onnx`` and, where the form asks for it, what the model builder writes beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = Decoder(config, weights, form, dtype).model()
    place = str(folder / "model.onnx")
    onnx.save(model, place, save_as_external_data=True, location="model.onnx.data", size_threshold=4096)
    if form == "gqa":
        (folder / "genai_config.json").write_text(json.dumps(_genai_config(config)))


def _genai_config(config: Mapping[str, Any]) -> dict[str, Any]:
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": "model.onnx",
        "head_size": size,
        "hidden_size": config["hidden_size"],
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
        "num_attention_heads": config["num_attention_heads"],
        "num_hidden_layers": config["num_hidden_layers"],
        "num_key_value_heads": config["num_key_value_heads"],
    }
    model = {
        "type": "llama",
        "context_length": config["max_position_embeddings"],
        "vocab_size": config["vocab_size"],
        "bos_token_id": config["bos_token_id"],
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": config["eos_token_id"],
        "decoder": decoder,
    }
    search = {"past_present_share_buffer": True, "max_length": config["max_position_embeddings"], "do_sample": False}
    return {"model": model, "search": search}


def random_weights(config: Mapping[str, Any], gain: float = 1.0) -> dict[str, Array]:
    """Of fixed seeds: wide enough that what was said before shows in what comes next."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    kv = config["num_key_value_heads"] * (hidden // heads)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config["vocab_size"], hidden)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        shapes |= {f"{at}{name}.weight": (hidden,) for name in ("input_layernorm", "post_attention_layernorm")}
        projections = {"q": hidden, "k": kv, "v": kv, "o": hidden}
        shapes |= {f"{at}self_attn.{part}_proj.weight": (rows, hidden) for part, rows in projections.items()}
        shapes |= {f"{at}mlp.{part}_proj.weight": (inner, hidden) for part in ("gate", "up")}
        shapes |= {f"{at}mlp.down_proj.weight": (hidden, inner)}
    shapes["model.norm.weight"] = (hidden,)

    def drawn(name: str, shape: tuple[int, ...]) -> Array:
        numbers = uniform(name, int(np.prod(shape))).reshape(shape).astype(np.float32)
        return 1 + numbers / 2 if len(shape) == 1 else numbers * np.float32(gain * np.sqrt(3.0 / shape[1]))

    return {name: drawn(name, shape) for name, shape in shapes.items()}


TINY = {
    "vocab_size": 259,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "bos_token_id": 256,
    "eos_token_id": 257,
}
"""Tokens are the 256 bytes, then BOS, EOS and one more control token."""


def write_byte_tokenizer(folder: Path) -> None:
    """``tokenizer.json`` of :data:`TINY`'s vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable} | {chr(256 + rank): byte for rank, byte in enumerate(others)}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    names = ("<bos>", "<eos>", "<user>")
    added = [{"id": 256 + i, "content": name, "special": True, **flags} for i, name in enumerate(names)]
    model = {"type": "BPE", "vocab": letters, "merges": []}
    spec = {"version": "1.0", "added_tokens": added, "pre_tokenizer": level, "decoder": level, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<bos>", "eos_token": "<eos>"}))


def write_ember(folder: Path, form: str, dtype: str = "F32") -> None:
    """Ember in that form, with its tokenizer, chat template and config.json beside it."""
    import ember_folder

    config, weights = ember_folder.read()
    write(folder, config, weights, form, dtype)
    ember_folder.write_companions(folder)


if __name__ == "__main__":
    place, *rest = sys.argv[1:]
    if rest:
        write_ember(Path(place), rest[0], rest[1] if len(rest) > 1 else "F32")
    for form in FORMS if not rest else ():
        write(Path(place) / form, TINY, random_weights(TINY), form)
