"""What encoders share: their metadata keys, and the heads on top of them that embedding leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import decoder
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

NORMS = ("attn_output_norm", "layer_output_norm")
OUTSIDE = ("token_embd", "token_embd_norm", "token_types")
_HEADS = ("pooler.", "cls.", "lm_head.", "classifier.")
_PREFIXES = ("bert.", "roberta.")
_OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}


def encoder_keys(config: Config, writer: gguf.GGUFWriter, *, context: int) -> None:
    width, heads = config.count("hidden_size", "n_embd"), decoder.head_count(config)
    if width % heads:
        raise DataCorrupted(f"config.json: {heads} attention heads cannot share a width of {width}")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(decoder.layer_count(config))
    writer.add_head_count(heads)
    writer.add_feed_forward_length(config.count("intermediate_size", "n_inner"))
    writer.add_layer_norm_eps(config.number("layer_norm_eps", "layer_norm_epsilon"))
    writer.add_causal_attention(False)
    writer.add_token_type_count(config.count("type_vocab_size", default=1, most=2**16))


def settle_names(plan: WeightPlan) -> None:
    """Names as BertModel has them, without the prefix of classes with a head, and without that head."""
    plan.rename(_bare)
    plan.drop(lambda name: name.startswith(_HEADS) or name.endswith("embeddings.position_ids"))


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name
