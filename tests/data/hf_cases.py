"""The shape of each architecture, tiny: config.json and the tensors that ``hf_folders.py`` fills and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VOCAB = 293
"""256 bytes, a few specials, and ids that no token has: a prime number, which no block divides."""
BOS, EOS = 256, 257
WIDTH, HEADS, KV_HEADS, LAYERS = 64, 4, 2, 5
HEAD = WIDTH // HEADS
INNER = 96

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    """``context`` is what to load it with, and the size of its whole cache: 0 is what the folder says."""

    config: dict[str, Any]
    shapes: Shapes
    context: int = 0
    norms_from_zero: bool = False
    """Norm weights count from 1: Gemma."""
    gain: float = 1.0


def llama_block(*, inner: int = INNER, head: int = HEAD, kv_heads: int = KV_HEADS, bias: str = "") -> Shapes:
    """``bias`` holds the letters of the projections that have one."""
    rows = {"q": HEADS * head, "k": kv_heads * head, "v": kv_heads * head, "o": WIDTH}
    block: Shapes = {f"self_attn.{p}_proj.weight": (n, HEADS * head if p == "o" else WIDTH) for p, n in rows.items()}
    block |= {f"self_attn.{p}_proj.bias": (rows[p],) for p in bias}
    block |= {"input_layernorm.weight": (WIDTH,), "post_attention_layernorm.weight": (WIDTH,)}
    return block | gated("mlp", inner)


def gated(prefix: str, inner: int) -> Shapes:
    return {
        f"{prefix}.gate_proj.weight": (inner, WIDTH),
        f"{prefix}.up_proj.weight": (inner, WIDTH),
        f"{prefix}.down_proj.weight": (WIDTH, inner),
    }


def without(shapes: Shapes, *parts: str) -> Shapes:
    return {name: shape for name, shape in shapes.items() if not any(part in name for part in parts)}


def decoder(block: Shapes, *, tied: bool, layers: int = LAYERS, norm_bias: bool = False) -> Shapes:
    shapes: Shapes = {"model.embed_tokens.weight": (VOCAB, WIDTH), "model.norm.weight": (WIDTH,)}
    if norm_bias:
        shapes["model.norm.bias"] = (WIDTH,)
    if not tied:
        shapes["lm_head.weight"] = (VOCAB, WIDTH)
    for layer in range(layers):
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in block.items()}
    return shapes


def config(name: str, kind: str, *, tied: bool, **more: Any) -> dict[str, Any]:
    usual = {
        "architectures": [name],
        "model_type": kind,
        "vocab_size": VOCAB,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 512,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": tied,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": EOS,
    }
    return {name: value for name, value in (usual | more).items() if value is not ...}


def llama(*, tied: bool = False, bias: str = "", **more: Any) -> Case:
    return Case(
        config("LlamaForCausalLM", "llama", tied=tied, attention_bias=bool(bias), **more),
        decoder(llama_block(bias=bias), tied=tied),
    )


def mixtral() -> Case:
    block = without(llama_block(), "mlp.") | {"block_sparse_moe.gate.weight": (6, WIDTH)}
    for e in range(6):
        block |= {f"block_sparse_moe.experts.{e}.{w}.weight": (48, WIDTH) for w in ("w1", "w3")}
        block[f"block_sparse_moe.experts.{e}.w2.weight"] = (WIDTH, 48)
    more = {"num_local_experts": 6, "num_experts_per_tok": 2, "intermediate_size": 48, "sliding_window": None}
    return Case(config("MixtralForCausalLM", "mixtral", tied=False, **more), decoder(block, tied=False))


def experts(block: Shapes, count: int, inner: int) -> Shapes:
    block = without(block, "mlp.") | {"mlp.gate.weight": (count, WIDTH)}
    for e in range(count):
        block |= gated(f"mlp.experts.{e}", inner)
    return block


def qwen2_moe() -> Case:
    block = experts(llama_block(bias="qkv"), 6, 32) | gated("mlp.shared_expert", 80)
    block["mlp.shared_expert_gate.weight"] = (1, WIDTH)
    more = {
        "num_experts": 6,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 80,
        "norm_topk_prob": False,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
    }
    return Case(config("Qwen2MoeForCausalLM", "qwen2_moe", tied=False, **more), decoder(block, tied=False))


def qk_norms(head: int) -> Shapes:
    return {"self_attn.q_norm.weight": (head,), "self_attn.k_norm.weight": (head,)}


def qwen3(*, tied: bool, head: int = 24) -> Case:
    block = llama_block(head=head) | qk_norms(head)
    return Case(
        config("Qwen3ForCausalLM", "qwen3", tied=tied, head_dim=head, attention_bias=False, rope_theta=1e6),
        decoder(block, tied=tied),
    )


def qwen3_moe() -> Case:
    more = {
        "head_dim": 24,
        "num_experts": 8,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "norm_topk_prob": True,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "attention_bias": False,
    }
    block = experts(llama_block(head=24) | qk_norms(24), 8, 32)
    return Case(config("Qwen3MoeForCausalLM", "qwen3_moe", tied=False, **more), decoder(block, tied=False))


def gemma(name: str, kind: str, *, head: int, norms: Shapes, **more: Any) -> Case:
    block = llama_block(head=head) | norms
    block |= {f"{p}_feedforward_layernorm.weight": (WIDTH,) for p in ("pre", "post")}
    made = config(
        name,
        kind,
        tied=True,
        hidden_act=...,
        hidden_activation="gelu_pytorch_tanh",
        head_dim=head,
        query_pre_attn_scalar=head,
        sliding_window=64,
        attention_bias=False,
        **more,
    )
    return Case(made, decoder(block, tied=True, layers=more.get("num_hidden_layers", LAYERS)), norms_from_zero=True)


def phi3(
    *,
    scaling: Mapping[str, Any] | None = None,
    context: int = 0,
    rotated: float = 1.0,
    original: int = 256,
    **more: Any,
) -> Case:
    """``original`` is the context trained with before the long one: beyond it, the long factors count."""
    block = without(llama_block(), "_proj")
    block |= {
        "self_attn.qkv_proj.weight": ((HEADS + 2 * KV_HEADS) * HEAD, WIDTH),
        "self_attn.o_proj.weight": (WIDTH, WIDTH),
        "mlp.gate_up_proj.weight": (2 * INNER, WIDTH),
        "mlp.down_proj.weight": (WIDTH, INNER),
    }
    made = config(
        "Phi3ForCausalLM",
        "phi3",
        tied=False,
        original_max_position_embeddings=original,
        rope_scaling=None if scaling is None else dict(scaling),
        partial_rotary_factor=rotated,
        sliding_window=None,
        **more,
    )
    return Case(made, decoder(block, tied=False), context=context)


def long_factors(pairs: int) -> dict[str, Any]:
    return {
        "type": "longrope",
        "short_factor": [1.0 + 0.125 * i for i in range(pairs)],
        "long_factor": [1.5 + 0.5 * i for i in range(pairs)],
    }


def granite() -> Case:
    multipliers = {
        "embedding_multiplier": 1.5,
        "attention_multiplier": 0.125,
        "residual_multiplier": 0.375,
        "logits_scaling": 0.5,
    }
    return Case(
        config("GraniteForCausalLM", "granite", tied=True, attention_bias=False, mlp_bias=False, **multipliers),
        decoder(llama_block(), tied=True),
    )


def olmo2(*, tied: bool) -> Case:
    block = without(llama_block(), "input_layernorm")
    block |= {
        "post_feedforward_layernorm.weight": (WIDTH,),
        "self_attn.q_norm.weight": (HEADS * HEAD,),
        "self_attn.k_norm.weight": (KV_HEADS * HEAD,),
    }
    return Case(config("Olmo2ForCausalLM", "olmo2", tied=tied, attention_bias=False), decoder(block, tied=tied))


def starcoder2() -> Case:
    block = without(llama_block(bias="qkvo"), "mlp.")
    block |= {
        "input_layernorm.bias": (WIDTH,),
        "post_attention_layernorm.bias": (WIDTH,),
        "mlp.c_fc.weight": (INNER, WIDTH),
        "mlp.c_fc.bias": (INNER,),
        "mlp.c_proj.weight": (WIDTH, INNER),
        "mlp.c_proj.bias": (WIDTH,),
    }
    made = config(
        "Starcoder2ForCausalLM",
        "starcoder2",
        tied=True,
        rms_norm_eps=...,
        hidden_act="gelu_pytorch_tanh",
        norm_epsilon=1e-5,
        use_bias=True,
        sliding_window=None,
    )
    return Case(made, decoder(block, tied=True, norm_bias=True))


def gpt2(*, prefix: str) -> Case:
    block: Shapes = {}
    for part, (inner, outer) in {
        "attn.c_attn": (WIDTH, 3 * WIDTH),
        "attn.c_proj": (WIDTH, WIDTH),
        "mlp.c_fc": (WIDTH, INNER),
        "mlp.c_proj": (INNER, WIDTH),
    }.items():
        block |= {f"{part}.weight": (inner, outer), f"{part}.bias": (outer,)}
    for norm in ("ln_1", "ln_2"):
        block |= {f"{norm}.weight": (WIDTH,), f"{norm}.bias": (WIDTH,)}
    shapes: Shapes = {"wte.weight": (VOCAB, WIDTH), "wpe.weight": (512, WIDTH)}
    shapes |= {"ln_f.weight": (WIDTH,), "ln_f.bias": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {f"h.{layer}.{name}": shape for name, shape in block.items()}
    made = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": VOCAB,
        "n_positions": 512,
        "n_ctx": 512,
        "n_embd": WIDTH,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "n_inner": INNER,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
    }
    return Case(made, {prefix + name: shape for name, shape in shapes.items()})


def falcon(*, grouped: bool) -> Case:
    groups = KV_HEADS if grouped else 1
    block: Shapes = {
        "self_attention.query_key_value.weight": ((HEADS + 2 * groups) * HEAD, WIDTH),
        "self_attention.dense.weight": (WIDTH, WIDTH),
        "mlp.dense_h_to_4h.weight": (4 * WIDTH, WIDTH),
        "mlp.dense_4h_to_h.weight": (WIDTH, 4 * WIDTH),
    }
    for norm in ("ln_attn", "ln_mlp") if grouped else ("input_layernorm",):
        block |= {f"{norm}.weight": (WIDTH,), f"{norm}.bias": (WIDTH,)}
    shapes: Shapes = {"transformer.word_embeddings.weight": (VOCAB, WIDTH)}
    shapes |= {"transformer.ln_f.weight": (WIDTH,), "transformer.ln_f.bias": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {f"transformer.h.{layer}.{name}": shape for name, shape in block.items()}
    made = config(
        "FalconForCausalLM",
        "falcon",
        tied=True,
        intermediate_size=...,
        num_key_value_heads=...,
        rms_norm_eps=...,
        hidden_act=...,
        max_position_embeddings=...,
        layer_norm_epsilon=1e-5,
        new_decoder_architecture=grouped,
        multi_query=True,
        parallel_attn=True,
        alibi=False,
        bias=False,
        **({"num_kv_heads": groups} if grouped else {}),
    )
    return Case(made, shapes)


def stablelm(*, parallel: bool) -> Case:
    block = llama_block(bias="qkv") | {"input_layernorm.bias": (WIDTH,)}
    if parallel:
        block = without(block, "post_attention_layernorm")
        for part, heads in (("q", HEADS), ("k", KV_HEADS)):
            block |= {f"self_attn.{part}_layernorm.norms.{head}.weight": (HEAD,) for head in range(heads)}
    else:
        block["post_attention_layernorm.bias"] = (WIDTH,)
    made = config(
        "StableLmForCausalLM",
        "stablelm",
        tied=False,
        rms_norm_eps=...,
        layer_norm_eps=1e-5,
        use_qkv_bias=True,
        qk_layernorm=parallel,
        use_parallel_residual=parallel,
        partial_rotary_factor=0.25,
    )
    return Case(made, decoder(block, tied=False, norm_bias=True))


LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
GEMMA2 = {"attn_logit_softcapping": 5.0, "final_logit_softcapping": 8.0}
GEMMA3 = {"rope_theta": 1e6, "rope_local_base_freq": 5e3, "num_hidden_layers": 7, "sliding_window_pattern": 3}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
QWEN2 = ("Qwen2ForCausalLM", "qwen2")
SLIDES_NOT = {"sliding_window": None}

CASES: dict[str, Case] = {
    "falcon": falcon(grouped=False),
    "falcon-groups": falcon(grouped=True),
    "gemma2": gemma("Gemma2ForCausalLM", "gemma2", head=24, norms={}, **GEMMA2),
    "gemma3": gemma("Gemma3ForCausalLM", "gemma3_text", head=24, norms=qk_norms(24), **GEMMA3),
    "gpt2": gpt2(prefix="transformer."),
    "gpt2-bare": gpt2(prefix=""),
    "granite": granite(),
    "llama": llama(),
    "llama-tied": llama(tied=True),
    "llama-biases": llama(bias="qkvo"),
    "llama-linear": llama(rope_scaling={"type": "linear", "factor": 4.0}),
    "llama3": llama(rope_scaling=LLAMA3, rope_theta=500000.0),
    "mistral": Case(
        config("MistralForCausalLM", "mistral", tied=False, head_dim=24, **SLIDES_NOT),
        decoder(llama_block(head=24), tied=False),
    ),
    "mixtral": mixtral(),
    "olmo2": olmo2(tied=False),
    "olmo2-tied": olmo2(tied=True),
    "phi3": phi3(max_position_embeddings=512),
    "phi3-short": phi3(scaling=long_factors(8), context=512, original=512, max_position_embeddings=1024),
    "phi3-long": phi3(scaling=long_factors(6), rotated=0.75, max_position_embeddings=1024),
    "qwen2": Case(config(*QWEN2, tied=False), decoder(llama_block(bias="qkv"), tied=False)),
    "qwen2-tied": Case(config(*QWEN2, tied=True), decoder(llama_block(bias="qkv"), tied=True)),
    "qwen2-yarn": Case(config(*QWEN2, tied=False, rope_scaling=YARN), decoder(llama_block(bias="qkv"), tied=False)),
    "qwen2_moe": qwen2_moe(),
    "qwen3": qwen3(tied=False),
    "qwen3-tied": qwen3(tied=True),
    "qwen3_moe": qwen3_moe(),
    "smollm3": Case(
        config("SmolLM3ForCausalLM", "smollm3", tied=True, attention_bias=False, mlp_bias=False, rope_theta=2e6),
        decoder(llama_block(), tied=True),
    ),
    "stablelm": stablelm(parallel=False),
    "stablelm-parallel": stablelm(parallel=True),
    "starcoder2": starcoder2(),
}
