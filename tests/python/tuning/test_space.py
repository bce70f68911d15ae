"""What is tried: only what the model has, nothing that changes its text, the defaults first."""

from __future__ import annotations

import pytest

from inferno.errors import InvalidArgument
from inferno.tuning.space import DEFAULTS, Factor, chosen, factors, grid, shown

APPLIED = {
    "threads": 8,
    "kv_layout": "unified",
    "kv_type": "f16",
    "flash_attention": "on",
    "batch_rows": 512,
    "step_target_ms": 400.0,
}


def test_what_is_in_force_is_not_tried_again() -> None:
    found = {factor.name: factor.values for factor in factors(APPLIED, kv_types=False)}
    assert found == {
        "threads": (6, 4, 2),
        "kv_layout": ("per_sequence",),
        "flash_attention": ("off",),
        "batch_rows": (256, 128),
        "step_target_ms": (200.0, 800.0),
    }


def test_kv_types_only_when_allowed() -> None:
    found = {factor.name: factor.values for factor in factors(APPLIED, kv_types=True)}
    assert found["kv_type"] == ("q8_0", "q4_0")


def test_a_model_without_threads_and_attention_has_none_to_tune() -> None:
    found = factors({"kv_layout": "unified", "batch_rows": 512}, kv_types=True)
    assert [factor.name for factor in found] == ["kv_layout", "batch_rows"]


def test_one_core_leaves_no_threads_to_tune() -> None:
    assert "threads" not in {factor.name for factor in factors({**APPLIED, "threads": 1}, kv_types=False)}


def test_threads_that_share_a_core_are_tried() -> None:
    def threads(processors: int) -> tuple[object, ...]:
        found = factors(APPLIED, kv_types=False, processors=processors)
        return next(factor.values for factor in found if factor.name == "threads")

    assert threads(16) == (16, 6, 4, 2)
    assert threads(64) == threads(8) == (6, 4, 2)


def test_what_is_set_stays_and_what_is_named_is_left() -> None:
    found = factors(APPLIED, kv_types=False)
    assert [factor.name for factor in chosen(found, ("threads", "kv_layout"), {"model.threads"})] == ["kv_layout"]
    assert "threads" not in {factor.name for factor in chosen(found, (), {"model.threads"})}
    with pytest.raises(InvalidArgument, match="kv_type is nothing to be tuned .*; known: threads, kv_layout"):
        chosen(found, ("kv_type",), ())


def test_the_grid_begins_with_the_defaults_and_goes_by_changes() -> None:
    every = grid([Factor("model.threads", (2, 1)), Factor("model.kv_layout", ("unified",))])
    assert every[0] == DEFAULTS
    assert [shown(candidate) for candidate in every] == [
        "the defaults",
        "threads 2",
        "threads 1",
        "kv_layout unified",
        "threads 2, kv_layout unified",
        "threads 1, kv_layout unified",
    ]
