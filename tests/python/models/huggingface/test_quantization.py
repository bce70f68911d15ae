"""Which number format a tensor gets."""

from __future__ import annotations

from typing import get_args

import pytest

from inferno.config.settings import Quantize
from inferno.errors import Unsupported
from inferno.models.huggingface.quantization import SCHEMES, tensor_type
from inferno.models.huggingface.weight_plan import Planned, Source


def chosen(name: str, scheme: str | None, *, width: int = 512, dtype: str = "BF16", tied: bool = False) -> str:
    planned = Planned(name, (width, 96), (Source("from"),), dtype=dtype)
    return tensor_type(planned, scheme, layers=32, tied=tied)


def test_the_settings_know_the_same_schemes() -> None:
    assert get_args(Quantize) == tuple(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_most_tensors_get_what_the_scheme_says(scheme: str) -> None:
    assert chosen("blk.9.attn_q.weight", scheme) == SCHEMES[scheme]


@pytest.mark.parametrize(
    ("name", "four", "five"),
    [
        ("blk.3.attn_v.weight", "q6_k", "q6_k"),
        ("blk.4.attn_v.weight", "q4_k", "q5_k"),
        ("blk.6.ffn_down.weight", "q6_k", "q6_k"),
        ("blk.7.ffn_down_exps.weight", "q4_k", "q5_k"),
        ("blk.28.ffn_down.weight", "q6_k", "q6_k"),
        ("blk.9.attn_qkv.weight", "q5_k", "q6_k"),
        ("output.weight", "q6_k", "q6_k"),
        ("token_embd.weight", "q4_k", "q5_k"),
    ],
)
def test_the_mixes_of_the_k_schemes(name: str, four: str, five: str) -> None:
    assert (chosen(name, "q4_k_m"), chosen(name, "q5_k_m")) == (four, five)


def test_an_embedding_that_is_also_the_output_is_quantized_as_that() -> None:
    assert chosen("token_embd.weight", "q4_0", tied=True) == "q6_k"
    assert chosen("token_embd.weight", "q8_0", tied=True) == "q8_0"


@pytest.mark.parametrize(
    ("scheme", "width", "instead"),
    [("q6_k", 96, "q8_0"), ("q5_k_m", 96, "q5_1"), ("q4_k_m", 96, "q5_0"), ("q8_0", 48, "f16"), ("q4_k_m", 48, "f16")],
)
def test_rows_that_blocks_do_not_divide(scheme: str, width: int, instead: str) -> None:
    assert chosen("blk.9.attn_q.weight", scheme, width=width) == instead


@pytest.mark.parametrize("name", ["blk.0.attn_norm.weight", "blk.0.ffn_gate_inp.weight", "position_embd.weight"])
def test_what_is_computed_in_f32_stays_so(name: str) -> None:
    assert chosen(name, "q4_0") == chosen(name, None) == "f32"


def test_without_a_scheme_the_folders_format_stays() -> None:
    assert [chosen("output.weight", None, dtype=dtype) for dtype in ("F32", "F16", "BF16")] == ["f32", "f16", "bf16"]
    with pytest.raises(Unsupported, match="from holds F8_E4M3; known: F32, F16, BF16"):
        chosen("output.weight", None, dtype="F8_E4M3")
