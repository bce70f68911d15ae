"""What the files beside an encoder's or a classifier's graph say of it."""

from __future__ import annotations

from dataclasses import replace

from inferno.engine.extras import Extras
from inferno.engine.facts import ModelFacts
from inferno.errors import DataCorrupted, NotFound
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.folder import CONFIG
from inferno.models.huggingface.json_file import read_object
from inferno.models.huggingface.pairs import read_between
from inferno.models.huggingface.token_table import token_table
from inferno.models.huggingface.vocab import read_vocabulary
from inferno.models.onnx.graph_file import GraphFile

_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
_PADDED_POSITIONS = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet"})
"""Models that count positions from behind the padding token's id: so many of them are of no use."""


def reads_texts(graph: GraphFile) -> bool:
    """Whether it is asked in texts: its kind is one that reads tokens, and its folder has what makes them. Without that
    an encoder or a classifier is a graph as any other."""
    if graph.kind not in ("encoder", "classifier"):
        return graph.kind == "decoder"
    return any((graph.folder / name).is_file() for name in _TOKENIZERS)


def read_encoder_extras(graph: GraphFile, name: str) -> Extras:
    """Raises NotFound without config.json, DataCorrupted, Unsupported for a tokenizer of a kind that is not known."""
    values = read_object(graph.folder, CONFIG)
    if values is None:
        raise NotFound(f"{CONFIG} is not beside the graph, so what its tokens are cannot be known")
    config = Config(values)
    extras = read_extras(graph.folder, generation_config=False)
    vocabulary = read_vocabulary(graph.folder, size=config.count("vocab_size"))
    context = config.count("max_position_embeddings", "n_positions", default=0, least=0, most=MAX_CONTEXT)
    kind = str(config.get("model_type") or "encoder")[:64]
    if context and kind in _PADDED_POSITIONS:
        context -= config.count("pad_token_id", default=1, least=0) + 1
    facts = ModelFacts(kind, name, context, token_table(vocabulary, ()))
    embedding = extras.embedding if _gives_tokens(graph) else replace(extras.embedding, pooling=None)
    return replace(extras, facts=facts, embedding=embedding, labels=_labels(config), between=read_between(graph.folder))


def _gives_tokens(graph: GraphFile) -> bool:
    """Whether it leaves pooling to others."""
    return graph.kind == "encoder" and any(len(output["shape"]) == 3 for output in graph.said["outputs"])


def _labels(config: Config) -> tuple[str, ...]:
    named = config.get("id2label")
    if not isinstance(named, dict):
        return ()
    by_number = {int(number): str(label) for number, label in named.items() if str(number).isdecimal()}
    if sorted(by_number) != list(range(len(named))):
        raise DataCorrupted(f"{CONFIG}: id2label does not number its labels from 0 on")
    return tuple(by_number[number] for number in range(len(by_number)))
