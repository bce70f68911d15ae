"""What is unlike llama in the files that people bring: windows, caps and sinks in attention, experts, recurrent layers.

``python -m benches.models NAME`` writes one with random weights; each is its family's smallest member or a slice of it.
A ``tiny`` one has a few million weights and the same structure, for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Numbers:
    """The sizes of one model. ``inner`` is of an expert where there are any; what a family lacks is 0."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    vocab: int
    window: int = 0
    experts: int = 0
    used: int = 0
    state: int = 0
    state_heads: int = 0
    groups: int = 0
    attends: tuple[int, ...] = ()
    """Of a hybrid: the layers that attend; the others are recurrent."""


class Tensor(NamedTuple):
    """``shape`` has rows first. ``kind``: "matrix", "mxfp4" (beside Q8_0); in F32 "small", "ones", "decay"."""

    name: str
    shape: tuple[int, ...]
    kind: str = "matrix"
    deviation: float = 0
    """Of a matrix's numbers; 0 = so that what a layer adds is about as large as its input."""


Keys = dict[str, int | float | list[int]]
Family = Callable[[Numbers], tuple[str, Keys, Iterator[Tensor]]]


def _attention(n: int, s: Numbers, *, norms: bool = False, bias: bool = False, gated: bool = False) -> Iterator[Tensor]:
    inner, kv = s.heads * s.head, s.kv_heads * s.head
    rows = {"q": inner * (2 if gated else 1), "k": kv, "v": kv}
    for part, count in rows.items():
        yield Tensor(f"blk.{n}.attn_{part}.weight", (count, s.width))
        if bias:
            yield Tensor(f"blk.{n}.attn_{part}.bias", (count,), "small")
    yield Tensor(f"blk.{n}.attn_output.weight", (s.width, inner))
    if bias:
        yield Tensor(f"blk.{n}.attn_output.bias", (s.width,), "small")
    if norms:
        yield Tensor(f"blk.{n}.attn_q_norm.weight", (s.head,), "ones")
        yield Tensor(f"blk.{n}.attn_k_norm.weight", (s.head,), "ones")


def _norms(n: int, s: Numbers, *names: str) -> Iterator[Tensor]:
    return (Tensor(f"blk.{n}.{name}.weight", (s.width,), "ones") for name in names)


def _feed_forward(n: int, s: Numbers, *, suffix: str = "") -> Iterator[Tensor]:
    for part in ("gate", "up"):
        yield Tensor(f"blk.{n}.ffn_{part}{suffix}.weight", (s.inner, s.width))
    yield Tensor(f"blk.{n}.ffn_down{suffix}.weight", (s.width, s.inner))


def _experts(n: int, s: Numbers, kind: str = "matrix") -> Iterator[Tensor]:
    yield Tensor(f"blk.{n}.ffn_gate_inp.weight", (s.experts, s.width), "small")
    for part in ("gate", "up"):
        yield Tensor(f"blk.{n}.ffn_{part}_exps.weight", (s.experts, s.inner, s.width), kind)
    yield Tensor(f"blk.{n}.ffn_down_exps.weight", (s.experts, s.width, s.inner), kind)


def _mamba(n: int, s: Numbers) -> Iterator[Tensor]:
    inner = 2 * s.width
    mixed = inner + 2 * s.groups * s.state
    yield Tensor(f"blk.{n}.ssm_in.weight", (inner + mixed + s.state_heads, s.width))
    yield Tensor(f"blk.{n}.ssm_conv1d.weight", (mixed, 4), "small")
    yield Tensor(f"blk.{n}.ssm_conv1d.bias", (mixed,), "small")
    yield Tensor(f"blk.{n}.ssm_dt.bias", (s.state_heads,), "small")
    yield Tensor(f"blk.{n}.ssm_a", (s.state_heads, 1), "decay")
    yield Tensor(f"blk.{n}.ssm_d", (s.state_heads, 1), "ones")
    yield Tensor(f"blk.{n}.ssm_norm.weight", (s.groups, inner // s.groups), "ones")
    yield Tensor(f"blk.{n}.ssm_out.weight", (s.width, inner))


def _mamba_keys(s: Numbers) -> Keys:
    return {"ssm.conv_kernel": 4, "ssm.inner_size": 2 * s.width, "ssm.state_size": s.state,
            "ssm.time_step_rank": s.state_heads, "ssm.group_count": s.groups}  # fmt: skip


def _outside(s: Numbers, *, tied: bool, norm: str = "output_norm", scaled: bool = False) -> Iterator[Tensor]:
    """The embedding, which the model may scale up, drowns in what the layers add: a tied model that says its last token
    again whatever came before would hide what is wrong."""
    yield Tensor("token_embd.weight", (s.vocab, s.width), deviation=0.01 if scaled else 0.05)
    yield Tensor(f"{norm}.weight", (s.width,), "ones")
    if not tied:
        yield Tensor("output.weight", (s.vocab, s.width))


def _stacked(s: Numbers, outside: Iterator[Tensor], layer: Callable[[int], Iterator[Tensor]]) -> Iterator[Tensor]:
    yield from outside
    for n in range(s.layers):
        yield from layer(n)


def _expert_keys(s: Numbers) -> Keys:
    return {"expert_count": s.experts, "expert_used_count": s.used, "expert_feed_forward_length": s.inner}


def _gemma(s: Numbers, arch: str, more: Keys, *, norms: bool) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        yield from _attention(n, s, norms=norms)
        yield from _feed_forward(n, s)

    return arch, {"attention.sliding_window": s.window, **more}, _stacked(s, _outside(s, tied=True, scaled=True), layer)


def _gemma2(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    return _gemma(s, "gemma2", {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}, norms=False)


def _gemma3(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    return _gemma(s, "gemma3", {"rope.freq_base": 1e6}, norms=True)


def _qwen3(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "ffn_norm")
        yield from _attention(n, s, norms=True)
        yield from _experts(n, s) if s.experts else _feed_forward(n, s)

    keys = {"rope.freq_base": 1e6, **(_expert_keys(s) if s.experts else {})}
    return "qwen3moe" if s.experts else "qwen3", keys, _stacked(s, _outside(s, tied=not s.experts), layer)


def _llama(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    """Llama 3.2: tied, its rotation bent by factors. With experts: Mixtral."""

    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "ffn_norm")
        yield from _attention(n, s)
        yield from _experts(n, s) if s.experts else _feed_forward(n, s)
        if n == 0 and not s.experts:
            yield Tensor("rope_freqs.weight", (s.head // 2,), "ones")

    keys = {"rope.freq_base": 5e5, **(_expert_keys(s) if s.experts else {})}
    return "llama", keys, _stacked(s, _outside(s, tied=not s.experts), layer)


def _phi3(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    """Query, key and value are one matrix, and so are gate and up."""

    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "ffn_norm")
        yield Tensor(f"blk.{n}.attn_qkv.weight", ((s.heads + 2 * s.kv_heads) * s.head, s.width))
        yield Tensor(f"blk.{n}.attn_output.weight", (s.width, s.width))
        yield Tensor(f"blk.{n}.ffn_up.weight", (2 * s.inner, s.width))
        yield Tensor(f"blk.{n}.ffn_down.weight", (s.width, s.inner))

    return "phi3", {}, _stacked(s, _outside(s, tied=False), layer)


def _gpt_oss(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "post_attention_norm")
        yield from _attention(n, s, bias=True)
        yield Tensor(f"blk.{n}.attn_sinks.weight", (s.heads,), "small")
        yield from _experts(n, s, "mxfp4")
        yield Tensor(f"blk.{n}.ffn_gate_inp.bias", (s.experts,), "small")
        for part, rows in (("gate", s.inner), ("up", s.inner), ("down", s.width)):
            yield Tensor(f"blk.{n}.ffn_{part}_exps.bias", (s.experts, rows), "small")

    keys = {"attention.sliding_window": s.window, "rope.freq_base": 150000.0, **_expert_keys(s)}
    return "gpt-oss", keys, _stacked(s, _outside(s, tied=False), layer)


def _mamba2(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm")
        yield from _mamba(n, s)

    return "mamba2", _mamba_keys(s), _stacked(s, _outside(s, tied=True), layer)


def _kv_heads(s: Numbers) -> list[int]:
    return [s.kv_heads if n in s.attends else 0 for n in range(s.layers)]


def _granite_hybrid(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "ffn_norm")
        yield from _attention(n, s) if n in s.attends else _mamba(n, s)
        yield from _feed_forward(n, s)

    keys = {"attention.head_count_kv": _kv_heads(s), "attention.scale": 1 / s.head, "embedding_scale": 12.0,
            "residual_scale": 0.5, "logit_scale": 3.0, **_mamba_keys(s)}  # fmt: skip
    return "granitehybrid", keys, _stacked(s, _outside(s, tied=True, scaled=True), layer)


def _lfm2(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "ffn_norm")
        yield from _feed_forward(n, s)
        if n in s.attends:
            yield from _attention(n, s, norms=True)
            return
        yield Tensor(f"blk.{n}.shortconv.conv.weight", (s.width, 3), "small")
        yield Tensor(f"blk.{n}.shortconv.in_proj.weight", (3 * s.width, s.width))
        yield Tensor(f"blk.{n}.shortconv.out_proj.weight", (s.width, s.width))

    keys: Keys = {"attention.head_count_kv": _kv_heads(s), "shortconv.l_cache": 3, "rope.freq_base": 1e6}
    return "lfm2", keys, _stacked(s, _outside(s, tied=True, norm="token_embd_norm"), layer)


def _qwen3_next(s: Numbers) -> tuple[str, Keys, Iterator[Tensor]]:
    keys_width, values_width = s.state * s.groups, s.state * s.state_heads
    shared = replace(s, experts=0)

    def delta_net(n: int) -> Iterator[Tensor]:
        mixed = 2 * keys_width + values_width
        yield Tensor(f"blk.{n}.attn_qkv.weight", (mixed, s.width))
        yield Tensor(f"blk.{n}.attn_gate.weight", (values_width, s.width))
        yield Tensor(f"blk.{n}.ssm_conv1d.weight", (mixed, 4), "small")
        yield Tensor(f"blk.{n}.ssm_dt.bias", (s.state_heads,), "small")
        yield Tensor(f"blk.{n}.ssm_a", (s.state_heads,), "decay")
        yield Tensor(f"blk.{n}.ssm_ba.weight", (2 * s.state_heads, s.width))
        yield Tensor(f"blk.{n}.ssm_norm.weight", (s.state,), "ones")
        yield Tensor(f"blk.{n}.ssm_out.weight", (s.width, values_width))

    def layer(n: int) -> Iterator[Tensor]:
        yield from _norms(n, s, "attn_norm", "post_attention_norm")
        yield from _attention(n, s, norms=True, gated=True) if n in s.attends else delta_net(n)
        yield from _experts(n, s)
        yield Tensor(f"blk.{n}.ffn_gate_inp_shexp.weight", (s.width,), "small")
        yield from _feed_forward(n, shared, suffix="_shexp")

    keys = {**_mamba_keys(s), "ssm.inner_size": values_width, "expert_shared_feed_forward_length": s.inner,
            "rope.dimension_count": s.head // 4, "rope.freq_base": 1e7, **_expert_keys(s)}  # fmt: skip
    return "qwen3next", keys, _stacked(s, _outside(s, tied=False), layer)


class Architecture(NamedTuple):
    family: Family
    real: Numbers
    tiny: Numbers


_TINY = Numbers(3, 256, 4, 2, 64, 512, 4096)
ARCHITECTURES: dict[str, Architecture] = {
    "gemma2": Architecture(_gemma2, Numbers(4, 1152, 8, 4, 256, 4608, 65536, window=4096),
                           replace(_TINY, head=256, layers=2, window=64)),
    "gemma3": Architecture(_gemma3, Numbers(6, 640, 4, 1, 256, 2048, 262144, window=512),
                           replace(_TINY, head=256, kv_heads=1, layers=6, window=64)),
    "gpt-oss": Architecture(_gpt_oss, Numbers(4, 960, 16, 2, 64, 960, 65536, window=128, experts=32, used=4),
                            replace(_TINY, layers=2, window=64, inner=256, experts=4, used=4)),
    "granite-hybrid": Architecture(
        _granite_hybrid,
        Numbers(6, 768, 12, 4, 64, 2048, 65536, state=128, state_heads=48, groups=1, attends=(3,)),
        replace(_TINY, state=32, state_heads=8, groups=1, attends=(1,)),
    ),
    "lfm2": Architecture(_lfm2, Numbers(8, 1024, 16, 8, 64, 4608, 65536, attends=(2, 5, 7)),
                         replace(_TINY, attends=(1,))),
    "llama3.2": Architecture(_llama, Numbers(4, 2048, 32, 8, 64, 8192, 65536), _TINY),
    "mamba2": Architecture(_mamba2, Numbers(8, 768, 0, 0, 0, 0, 65536, state=128, state_heads=24, groups=1),
                           replace(_TINY, heads=0, inner=0, state=32, state_heads=8, groups=1)),
    "mixtral": Architecture(_llama, Numbers(3, 1024, 16, 4, 64, 3584, 32768, experts=8, used=2),
                            replace(_TINY, layers=2, inner=256, experts=4, used=2)),
    "phi3": Architecture(_phi3, Numbers(2, 3072, 32, 32, 96, 8192, 32768),
                         replace(_TINY, head=64, kv_heads=4)),
    "qwen3": Architecture(_qwen3, Numbers(6, 1024, 16, 8, 128, 3072, 65536), replace(_TINY, head=128)),
    "qwen3-moe": Architecture(_qwen3, Numbers(4, 1024, 16, 4, 128, 384, 65536, experts=64, used=8),
                              replace(_TINY, layers=2, head=128, inner=256, experts=8, used=2)),
    "qwen3-next": Architecture(
        _qwen3_next,
        Numbers(4, 1024, 8, 2, 256, 256, 65536, experts=64, used=8, state=128, state_heads=16, groups=8, attends=(3,)),
        replace(_TINY, layers=4, head=256, inner=256, experts=8, used=2, state=32, state_heads=8, groups=4,
                attends=(3,)),
    ),
}  # fmt: skip


def common_keys(s: Numbers, context: int) -> Keys:
    keys: Keys = {"context_length": context, "embedding_length": s.width, "block_count": s.layers,
                  "feed_forward_length": s.inner, "vocab_size": s.vocab, "attention.head_count": s.heads,
                  "attention.layer_norm_rms_epsilon": 1e-6}  # fmt: skip
    if s.heads:
        keys |= {"attention.head_count_kv": s.kv_heads, "attention.key_length": s.head,
                 "attention.value_length": s.head, "rope.dimension_count": s.head}  # fmt: skip
    return keys
