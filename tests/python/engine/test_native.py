"""Requests and overrides reach the native structs whole, or are refused by field."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from inferno.engine.native import fill_request, overridden
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import InvalidArgument


def filled(request: GenerateRequest) -> Any:
    native = SimpleNamespace(sampling=SimpleNamespace())
    fill_request(native, request, encode=lambda text: [ord(letter) for letter in text])  # type: ignore[arg-type]
    return native


def test_what_is_not_set_is_left_to_the_engine() -> None:
    native = filled(GenerateRequest([1, 2]))
    assert set(vars(native.sampling)) == {"seed"}
    assert not {"max_tokens", "stop", "stop_token_ids", "shown_tokens"} & vars(native).keys()
    assert (native.prompt, native.n, native.tenant) == ([1, 2], 1, "")


def test_every_sampling_option_arrives() -> None:
    values: dict[str, Any] = {name: index + 1 for index, name in enumerate(SamplingOptions.__struct_fields__)}
    values |= {"dry_sequence_breakers": ("ab", "c"), "logit_bias": {5: 1.5}, "mirostat": True}
    sampling = vars(filled(GenerateRequest([1], SamplingOptions(**values))).sampling)
    assert sampling.pop("dry_breakers") == [[97, 98], [99]]
    assert sampling.pop("logit_bias") == [(5, 1.5)]
    assert sampling == {
        name: value for name, value in values.items() if name not in ("dry_sequence_breakers", "logit_bias")
    }


def test_request_fields_arrive() -> None:
    native = filled(
        GenerateRequest(
            [1],
            n=3,
            max_tokens=7,
            stop=("x",),
            stop_token_ids=(4,),
            ignore_eos=True,
            include_stop_str_in_output=True,
            priority=-2,
            tenant="t",
        )
    )
    assert (native.n, native.max_tokens, native.stop, native.stop_tokens) == (3, 7, ["x"], [4])
    assert (native.ignore_eos, native.keep_stop_text, native.priority, native.tenant) == (True, True, -2, "t")


def test_seeds() -> None:
    def seed(value: int | None) -> int:
        return int(filled(GenerateRequest([1], SamplingOptions(seed=value))).sampling.seed)

    assert seed(7) == 7
    assert seed(-1) == 2**64 - 1
    assert seed(None) != seed(None)


def test_max_tokens_of_zero_is_the_prompt_alone_and_less_is_refused() -> None:
    assert filled(GenerateRequest([1], max_tokens=0)).prompt_only
    assert not filled(GenerateRequest([1], max_tokens=1)).prompt_only
    with pytest.raises(InvalidArgument, match="max_tokens is -1") as raised:
        filled(GenerateRequest([1], max_tokens=-1))
    assert raised.value.param == "max_tokens"


def test_unknown_overrides_are_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgument, match="unknown option 'slot'; known: slots, threads"):
        overridden(SimpleNamespace(slots=1, threads=2), {"slot": 3})


def test_overrides_of_none_keep_the_default() -> None:
    assert vars(overridden(SimpleNamespace(slots=1, threads=2), {"slots": None, "threads": 8})) == {
        "slots": 1,
        "threads": 8,
    }
