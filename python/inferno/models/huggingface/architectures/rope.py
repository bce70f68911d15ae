"""Rotary position embeddings: config.json's old form (``rope_theta``, ``rope_scaling``) and its new one
(``rope_parameters``) -> metadata keys, and the factors of each frequency where the scaling has such."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config

if TYPE_CHECKING:
    import gguf

_USUAL_THETA = 10000.0
_MOST_STRETCHED = 1e6
_NOTHING = Config({})


def scaling(config: Config, layers: str = "full_attention") -> Config:
    """The parameters of the rotation; in models with two, those of the named kind of layers."""
    found = config.section("rope_parameters", "rope_scaling")
    if found is None:
        return _NOTHING
    return found.section(layers) or found


def kind(config: Config, layers: str = "full_attention") -> str:
    return str(scaling(config, layers).get("rope_type", "type") or "default").lower()


def theta(config: Config, *, default: float = _USUAL_THETA) -> float:
    inner = scaling(config)
    where = inner if inner.get("rope_theta") is not None else config
    return where.number("rope_theta", default=default)


def rotated(config: Config, head_dim: int, *, default: float = 1.0) -> int:
    """How many elements of each head are rotated, in pairs."""
    said = scaling(config)
    where = said if said.get("partial_rotary_factor") is not None else config
    count = int(where.number("partial_rotary_factor", "rope_pct", default=default, most=1.0) * head_dim)
    if count < 2 or count % 2:
        raise DataCorrupted(f"config.json: of each head, {count} elements would be rotated; they must be pairs")
    return count


def rope_keys(
    config: Config, writer: gguf.GGUFWriter, *, default_theta: float = _USUAL_THETA, factors: bool = False
) -> None:
    """Write base and scaling. ``factors``: this architecture has a tensor for the factors of llama3's scaling.

    Raises Unsupported for a scaling that llama.cpp has not got for it.
    """
    import gguf

    writer.add_rope_freq_base(theta(config, default=default_theta))
    how, said = kind(config), scaling(config)
    if how in ("default", "dynamic") or (how == "llama3" and factors):
        return  # "dynamic" changes nothing within the trained context, which is all that is served
    if how == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(_factor(said))
    elif how == "yarn":
        _yarn_keys(config, said, writer)
    else:
        raise Unsupported(f"config.json: rope scaling '{how}' is not known for this architecture")


def _yarn_keys(config: Config, said: Config, writer: gguf.GGUFWriter) -> None:
    import gguf

    # llama.cpp reads these for few architectures; elsewhere it computes with the usual values.
    said.expect("beta_fast", 32, 32.0)
    said.expect("beta_slow", 1, 1.0)
    said.expect("truncate", True)
    for unknown in ("mscale", "mscale_all_dim"):
        said.expect(unknown)
    factor = _factor(said)
    original = said if said.get("original_max_position_embeddings") is not None else config
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(factor)
    writer.add_rope_scaling_orig_ctx_len(
        original.count("original_max_position_embeddings", "max_position_embeddings", most=MAX_CONTEXT)
    )
    if said.get("attention_factor") is not None:
        # llama.cpp multiplies by the usual one (YaRN, arXiv:2309.00071, section 3.4) in any case.
        writer.add_rope_scaling_attn_factors(said.number("attention_factor") / (0.1 * math.log(factor) + 1.0))


def _factor(said: Config) -> float:
    """By how much the context is stretched."""
    factor = said.number("factor", most=_MOST_STRETCHED)
    if factor < 1.0:
        raise DataCorrupted(f"config.json: the rope scaling's factor is {factor}; it must be at least 1")
    return factor


def llama3_factors(config: Config, head_dim: int) -> list[float] | None:
    """What llama 3.1 divides each frequency by; None when the config asks for no such scaling.

    Long waves are stretched by ``factor``, short ones left, those between blended
    (``_compute_llama3_parameters`` of ``transformers``).
    """
    if kind(config) != "llama3":
        return None
    said = scaling(config)
    factor, base = _factor(said), theta(config)
    low, high = said.number("low_freq_factor"), said.number("high_freq_factor")
    original = said.count("original_max_position_embeddings", most=MAX_CONTEXT)
    if low >= high:
        raise Unsupported(f"config.json: low_freq_factor is {low}; it must be below high_freq_factor, {high}")
    factors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * base ** (i / head_dim)
        blend = min(max((original / wavelength - low) / (high - low), 0.0), 1.0)
        factors.append(1.0 / ((1.0 - blend) / factor + blend))
    return factors
