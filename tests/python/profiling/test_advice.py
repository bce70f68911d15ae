"""Advice follows from numbers, and quotes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inferno.profiling.advice import Advice, advise
from inferno.profiling.memory import KvCache, Memory
from inferno.profiling.phases import Phase


def advice(
    context: int,
    *,
    layout: str = "per_sequence",
    slots: int = 4,
    threads: int = 2,
    used: int = 200,
    phases: Sequence[Phase] = (),
    heads: int = 2,
) -> dict[str, Advice]:
    own = -(-context // 256) * 256
    cells = own * (slots + 1) if layout == "per_sequence" else own * 4
    kv = KvCache(cells, 24, heads, 64, 64, 1, 2)
    applied: dict[str, Any] = {
        "context_tokens": context,
        "slots": slots,
        "kv_layout": layout,
        "kv_tokens": own * slots if layout == "per_sequence" else cells,
        "threads": threads,
    }
    memory = Memory(500_000_000, kv, kv.bytes, 0, None)
    found = advise(applied=applied, memory=memory, phases=phases, used_tokens=used, streams=2, cores=2)
    return {one.about: one for one in found}


def test_a_context_that_is_not_used_costs_so_many_bytes() -> None:
    one = advice(8192)["context"]
    saved = (8192 - 256) * 5 * 24 * 2 * 128 * 2
    assert one.numbers == {"context_tokens": 8192, "used_tokens": 200, "enough_tokens": 256, "saved_bytes": saved}
    assert f"frees {saved} bytes" in one.text
    assert "--context 256 --slots 4 --kv-layout per_sequence" in one.text


def test_in_one_cache_for_all_too() -> None:
    one = advice(8192, layout="unified")["context"]
    assert one.numbers["saved_bytes"] == (8192 - 256) * 4 * 24 * 2 * 128 * 2
    assert "--kv-tokens 1024" in one.text


@pytest.mark.parametrize("layout", ["unified", "per_sequence"])
def test_a_context_that_is_needed_is_left_alone(layout: str) -> None:
    assert "context" not in advice(256, layout=layout)


def test_another_model_has_other_numbers() -> None:
    assert advice(8192)["context"].numbers != advice(8192, heads=8)["context"].numbers


def test_more_threads_than_cores() -> None:
    assert advice(256, threads=8)["threads"].numbers == {"threads": 8, "cores": 2}
    assert "threads" not in advice(256, threads=2)


def decode(streams: int, rate: float) -> Phase:
    return Phase("decode", 2.0, {"streams": streams, "tokens": int(rate * 2)})


def test_a_batch_that_is_slower_than_a_smaller_one() -> None:
    found = advice(256, phases=[decode(1, 10), decode(4, 50), decode(8, 30)])
    assert found["batch"].numbers == {"best_streams": 4, "best_rate": 50, "most_streams": 8, "most_rate": 30}
    assert "batch" not in advice(256, phases=[decode(1, 10), decode(4, 31), decode(8, 30)])


def test_the_kv_formula() -> None:
    half = KvCache(32768, 24, 2, 64, 64, 1, 2)
    assert half.bytes == 32768 * 24 * 2 * 128 * 2
    assert str(half) == "32768 cells x 24 layers x 2 kv-heads x (64 + 64) values x 2/1 bytes"
    assert KvCache(32768, 24, 2, 64, 64, 32, 34).bytes == half.bytes // 2 * 34 // 32
