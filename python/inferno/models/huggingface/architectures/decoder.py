"""What most decoder-only architectures share: their metadata keys, and the order of rotated rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import rope
from inferno.models.huggingface.config_json import MAX_CONTEXT, MAX_EXPERTS, MAX_LAYERS, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

EMBEDDING = "model.embed_tokens.weight"
OUTPUT = "lm_head.weight"


def layer_count(config: Config) -> int:
    return config.count("num_hidden_layers", "n_layer", most=MAX_LAYERS)


def head_count(config: Config) -> int:
    return config.count("num_attention_heads", "n_head", most=2**16)


def kv_head_count(config: Config) -> int:
    heads = head_count(config)
    kv_heads = config.count("num_key_value_heads", default=heads, most=heads)
    if heads % kv_heads:
        raise DataCorrupted(f"config.json: {heads} attention heads cannot share {kv_heads} key-value heads")
    return kv_heads


def head_dim(config: Config) -> int:
    if config.get("head_dim") is not None:
        return config.count("head_dim", most=2**16)
    width, heads = config.count("hidden_size", "n_embd"), head_count(config)
    if width % heads:
        raise DataCorrupted(f"config.json: {heads} attention heads cannot share a width of {width}")
    return width // heads


def context_length(config: Config, *, window: int | None = None) -> int:
    """Tokens of context. ``window``: a sliding window that llama.cpp has not got for this architecture, within which it
    is exact; so no more is served."""
    trained = config.count("max_position_embeddings", "n_positions", most=MAX_CONTEXT)
    return trained if window is None else min(trained, window)


def sliding_window(config: Config) -> int | None:
    """The window that the config switches on, in tokens."""
    if config.get("sliding_window") is None or config.get("use_sliding_window") is False:
        return None
    if (kinds := config.words("layer_types")) is not None and "sliding_attention" not in kinds:
        return None
    return config.count("sliding_window", most=MAX_CONTEXT)


def shape_keys(config: Config, writer: gguf.GGUFWriter, *, window: int | None = None) -> None:
    """Counts and widths. ``window`` as for :func:`context_length`."""
    writer.add_context_length(context_length(config, window=window))
    writer.add_embedding_length(config.count("hidden_size", "n_embd"))
    writer.add_block_count(layer_count(config))
    writer.add_head_count(head_count(config))
    writer.add_head_count_kv(kv_head_count(config))
    writer.add_key_length(head_dim(config))
    writer.add_value_length(head_dim(config))


def decoder_keys(config: Config, writer: gguf.GGUFWriter) -> None:
    """The whole of a gated, RMS-normed, rotary decoder: what llama made usual.

    A sliding window bounds the context; architectures whose GGUF has windows write their own keys.
    """
    config.expect("hidden_act", "silu")
    shape_keys(config, writer, window=sliding_window(config))
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))
    rope.rope_keys(config, writer)


def expert_keys(config: Config, writer: gguf.GGUFWriter) -> None:
    experts = expert_count(config)
    writer.add_expert_count(experts)
    writer.add_expert_used_count(config.count("num_experts_per_tok", most=experts))


def expert_count(config: Config) -> int:
    return config.count("num_local_experts", "num_experts", most=MAX_EXPERTS)


def take_decoder(config: Config, plan: WeightPlan) -> None:
    """Every tensor as it is; the output left out where it is the embedding."""
    settle_output(config, plan)
    plan.take_rest()


def settle_output(config: Config, plan: WeightPlan, *, embedding: str = EMBEDDING, needed: bool = False) -> None:
    """Tied embeddings: drop a stored copy; ``needed`` writes one, for architectures whose GGUF must have it."""
    plan.drop(lambda name: name.endswith(("rotary_emb.inv_freq", "rotary_emb.cos_cached", "rotary_emb.sin_cached")))
    tied = config.flag("tie_word_embeddings", default=not plan.has(OUTPUT))
    if not tied and not plan.has(OUTPUT):
        raise DataCorrupted(f"the weights have no tensor {OUTPUT}, and config.json does not tie it to the embedding")
    if tied:
        plan.drop(lambda name: name == OUTPUT)
        if needed:
            plan.copy(embedding, "output.weight")


def take_experts(config: Config, plan: WeightPlan, *, expert: str, parts: dict[str, str]) -> None:
    """Stack the experts of every layer. ``expert`` has places for {layer}, {expert} and {part}; ``parts`` maps the
    folder's names of the three matrices to GGUF's."""
    for layer in range(layer_count(config)):
        for part, target in parts.items():
            names = [expert.format(layer=layer, expert=e, part=part) for e in range(expert_count(config))]
            plan.stack(names, f"blk.{layer}.{target}.weight")


def paired_rows(heads: int, dim: int) -> list[int]:
    """The order of query or key rows where llama.cpp rotates neighbours ("norm" rope): ``transformers`` rotates element
    i of a head with i + dim/2, so row 2i becomes row i, and row 2i + 1 row i + dim/2."""
    half = dim // 2
    return [head * dim + part * half + pair for head in range(heads) for pair in range(half) for part in (0, 1)]


def take_rotated(config: Config, plan: WeightPlan) -> None:
    """Queries and keys of every layer, biases too, in :func:`paired_rows` order."""
    dim = head_dim(config)
    if dim % 2:
        raise DataCorrupted(f"config.json: heads of {dim} cannot be rotated in pairs")
    orders = {"q_proj": paired_rows(head_count(config), dim), "k_proj": paired_rows(kv_head_count(config), dim)}
    for layer in range(layer_count(config)):
        for part, order in orders.items():
            name = f"model.layers.{layer}.self_attn.{part}"
            rows = plan.shape(f"{name}.weight")[0]
            if rows != len(order):
                raise DataCorrupted(f"{name}.weight has {rows} rows; config.json says {len(order)}")
            plan.take(f"{name}.weight", rows=order)
            if plan.has(f"{name}.bias"):
                plan.take_vector(f"{name}.bias", order)
