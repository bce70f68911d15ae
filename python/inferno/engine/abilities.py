"""What backends and models can be asked for, and the refusal of a model that is asked for something else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inferno.engine.core import _core
from inferno.errors import Unsupported

if TYPE_CHECKING:
    from inferno.engine.client import ModelCard

GENERATING = ("complete", "chat", "logprobs", "constraints", "prefix_sharing", "lora", "vision", "audio")
"""Of models that write text. ``constraints``: answers keep to a grammar; ``prefix_sharing``: what prompts begin with in
common is computed once; ``lora``: adapters; ``vision`` and ``audio``: pictures and sounds in messages."""
SCORING = ("classify", "rerank")

MADE_FOR: Mapping[str, str] = {"huggingface": "llama"}
"""Backends of ours that compute nothing: they make a file for another, and can do what that can."""


@lru_cache(maxsize=1)
def backend_abilities() -> Mapping[str, tuple[str, ...]]:
    """The table of capabilities: what each backend can do with the right model, as it says itself
    (``csrc/backends/backend_room.h``). A loaded model has those of its kind."""
    table: dict[str, tuple[str, ...]] = {}
    for entry in _core.backends():
        table[entry["name"]] = tuple(entry["abilities"])
        table |= {name: table[under] for name, under in MADE_FOR.items() if under == entry["name"]}
    return table


_KINDS: Mapping[str, tuple[str, str]] = {
    "complete": ("generates text", "/v1/chat/completions or /v1/completions"),
    "embed": ("embeds texts", "/v1/embeddings"),
    "classify": ("scores texts", "/v1/classify"),
    "infer": ("computes a graph", "/v2/models/{name}/infer"),
}
"""What a model does that has the ability, and where to ask it."""

_WANTED: Mapping[str, tuple[str, str]] = {
    "complete": ("generate", "a GGUF model or a folder of a language model does"),
    "embed": ("embed it", "an encoder does: a GGUF file with pooling, or a Hugging Face or ONNX folder of one"),
    "rerank": (
        "rerank",
        "a reranker does: a GGUF file with rank pooling or an ONNX classifier, of one label",
    ),
    "infer": ("compute graphs", "an ONNX file of any other graph does"),
    "tokenize": ("tokenize", "one that reads texts does"),
    "classify": ("classify", "a classifier does: a GGUF file with rank pooling, or an ONNX folder of one"),
}


def abilities_of(can: Mapping[str, Any], labels: int, *, has_chat_template: bool) -> tuple[str, ...]:
    """By a loaded model's native capabilities; the words are those of ``inferno backends list``."""
    if can["classifies"]:
        return SCORING if labels == 1 else ("classify",)
    if can["embedding_size"]:
        return ("embed",)
    lacking = {
        "chat": not has_chat_template,
        "prefix_sharing": can["sharing"] == "none",
        "lora": not can["adapters"],
        "vision": not can["pictures"],
        "audio": not can["sounds"],
    }
    return tuple(name for name in GENERATING if not lacking.get(name))


def backends_that_can(ability: str) -> str:
    """As a refusal says it: ``the backends llama and onnx can``."""
    able = [name for name, abilities in backend_abilities().items() if ability in abilities and name != "fake"]
    if len(able) == 1:
        return f"the backend {able[0]} can"
    return f"the backends {', '.join(able[:-1])} and {able[-1]} can"


def cannot(card: ModelCard, wanted: str) -> Unsupported:
    """The refusal of ``wanted``, which is none of ``card.abilities``: says what the model does, and what else would."""
    does, where = next(_KINDS[name] for name in card.abilities if name in _KINDS)
    asked, who = _WANTED[wanted]
    where = where.format(name=card.name)
    if wanted == "rerank" and "classify" in card.abilities:
        does = f"scores texts by {len(card.labels)} labels"
    able = "" if wanted == "tokenize" else f" ({backends_that_can(wanted)})"
    return Unsupported(
        f"this model {does} and does not {asked}; use {where}, or another model: {who}{able}", param="model"
    )
