"""Falcon 7B and 40B: blocks in parallel; query, key and value in one matrix, by groups of heads, which llama.cpp wants
as all queries, all keys, all values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import FUSED_ATTENTION, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_USUAL_CONTEXT = 2048


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("activation", "gelu")
    config.expect("alibi", False)
    config.expect("bias", False)
    config.expect("parallel_attn", True)
    width = config.count("hidden_size")
    writer.add_context_length(config.count("max_position_embeddings", default=_USUAL_CONTEXT, most=MAX_CONTEXT))
    writer.add_embedding_length(width)
    writer.add_block_count(decoder.layer_count(config))
    writer.add_head_count(decoder.head_count(config))
    writer.add_head_count_kv(_groups(config))
    writer.add_feed_forward_length(config.count("ffn_hidden_size", default=4 * width))
    writer.add_layer_norm_eps(config.number("layer_norm_epsilon", default=1e-5))
    rope.rope_keys(config, writer)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan, embedding="transformer.word_embeddings.weight")
    order = _by_kind(decoder.head_count(config), _groups(config), decoder.head_dim(config))
    for name in plan.left():
        plan.take(name, rows=order if name.endswith("query_key_value.weight") else ())


def _groups(config: Config) -> int:
    heads = decoder.head_count(config)
    if config.flag("new_decoder_architecture", default=False):
        groups = config.count("num_kv_heads", "n_head_kv", default=heads, most=heads)
    else:
        groups = 1 if config.flag("multi_query", default=True) else heads
    if heads % groups:
        raise DataCorrupted(f"config.json: {heads} attention heads cannot share {groups} key-value heads")
    return groups


def _by_kind(heads: int, groups: int, dim: int) -> list[int]:
    """Rows of the fused matrix: each group has its queries, then a key, then a value."""
    size = heads // groups + 2
    blocks = [group * size + head for group in range(groups) for head in range(size - 2)]
    blocks += [group * size + size - 2 for group in range(groups)]
    blocks += [group * size + size - 1 for group in range(groups)]
    return [block * dim + row for block in blocks for row in range(dim)]


FALCON = Architecture(
    classes=("FalconForCausalLM", "RWForCausalLM"),
    arch="FALCON",
    keys=keys,
    tensors=tensors,
    layer=(*FUSED_ATTENTION, "ffn_up", "ffn_down"),
)
