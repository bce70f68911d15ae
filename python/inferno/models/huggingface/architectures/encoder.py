"""What the encoders share: models that turn a text into a vector. Pooling is the folder's to say (``pooling.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_HEADS = ("pooler.", "cls.", "lm_head.", "classifier.")
"""What was trained on top: no vector comes of it."""


def encoder_keys(config: Config, writer: gguf.GGUFWriter, *, context: int) -> None:
    """``context``: tokens, for which there are positions."""
    writer.add_context_length(context)
    writer.add_embedding_length(config.count("hidden_size", "n_embd"))
    writer.add_block_count(decoder.layer_count(config))
    writer.add_head_count(decoder.head_count(config))
    writer.add_head_count_kv(decoder.head_count(config))
    writer.add_feed_forward_length(config.count("intermediate_size", "n_inner"))
    writer.add_layer_norm_eps(config.number("layer_norm_eps", "layer_norm_epsilon", default=1e-12))
    writer.add_token_type_count(config.count("type_vocab_size", default=1))
    writer.add_causal_attention(False)


def strip(plan: WeightPlan, prefix: str) -> None:
    """Leave out what was trained on top, and the class's own prefix, which folders of sentence-transformers leave out."""
    plan.rename(lambda name: name.removeprefix(prefix))
    plan.drop(lambda name: name.startswith(_HEADS) or name.endswith(".position_ids"))
