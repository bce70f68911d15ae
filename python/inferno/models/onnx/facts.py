"""What the files beside a decoder's graph say of it: config.json or genai_config.json, and the tokenizer's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inferno.engine.facts import ModelFacts
from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.eos import eos_ids, ids_of
from inferno.models.huggingface.folder import CONFIG
from inferno.models.huggingface.json_file import expected_form, read_object
from inferno.models.huggingface.token_table import token_table
from inferno.models.huggingface.vocab import read_vocabulary
from inferno.models.onnx.graph_file import GENAI_CONFIG, GraphFile


def read_facts(graph: GraphFile, name: str) -> ModelFacts:
    """Raises NotFound without a tokenizer, DataCorrupted for files that contradict the graph or themselves, and
    Unsupported for a tokenizer of a kind that is not known."""
    config = read_object(graph.folder, CONFIG) or {}
    genai = _genai(graph.folder)
    vocabulary = read_vocabulary(graph.folder, size=_vocab_size(graph))
    ends = (*eos_ids(graph.folder), *ids_of(genai.get("eos_token_id"), GENAI_CONFIG))
    context = Config({**genai, **config}, where=f"{CONFIG} or {GENAI_CONFIG}").count(
        "max_position_embeddings", "n_positions", "context_length", default=0, least=0, most=MAX_CONTEXT
    )
    said = config.get("model_type") or genai.get("type") or "onnx"
    return ModelFacts(str(said)[:64], name, context, token_table(vocabulary, ends), _head_size(genai))


def _genai(folder: Path) -> Mapping[str, Any]:
    config = read_object(folder, GENAI_CONFIG) or {"model": {}}
    with expected_form(GENAI_CONFIG):
        model = config["model"]
        if not isinstance(model, dict):
            raise DataCorrupted(f"{GENAI_CONFIG} has no 'model'")
        return model


def _head_size(genai: Mapping[str, Any]) -> int:
    """The model builder's graphs leave it open, and its config says it."""
    with expected_form(GENAI_CONFIG):
        decoder = genai.get("decoder") or {}
        return Config(decoder, where=f"{GENAI_CONFIG}, decoder").count("head_size", default=0, least=0, most=1 << 16)


def _vocab_size(graph: GraphFile) -> int:
    """The graph's own word: the last dimension of its logits."""
    shapes = [output["shape"] for output in graph.said["outputs"] if output["name"] == "logits"]
    if len(shapes) != 1 or not shapes[0] or not isinstance(shapes[0][-1], int) or shapes[0][-1] < 1:
        raise Unsupported("the graph does not say how many tokens its logits are of; export it with a fixed vocabulary")
    return int(shapes[0][-1])
