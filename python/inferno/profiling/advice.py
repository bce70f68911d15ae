"""What follows from a profile. Each piece quotes the number behind it; nothing is advised that was not measured here or
does not follow from a formula that the memory table shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inferno.profiling.memory import Memory
from inferno.profiling.phases import Phase

CELLS_STEP = 256
"""Caches are made in steps of so many tokens."""
WORTH_SAYING = 1.1
"""A rate is called better from this ratio on: below that it may be chance."""


@dataclass(frozen=True, slots=True)
class Advice:
    """``about`` names it for programs; ``numbers`` are those that ``text`` quotes."""

    about: str
    text: str
    numbers: dict[str, int | float] = field(default_factory=dict)


def advise(
    *, applied: Mapping[str, Any], memory: Memory, phases: Sequence[Phase], used_tokens: int, streams: int, cores: int
) -> Iterator[Advice]:
    """``used_tokens``: the longest sequence of the run, prompt and answer; ``streams``: most that ran at once."""
    yield from _smaller_context(applied, memory, used_tokens, streams)
    yield from _fewer_threads(applied, cores)
    yield from _batch_that_pays(phases)


def advise_on_texts(*, applied: Mapping[str, Any], phases: Sequence[Phase], cores: int) -> Iterator[Advice]:
    """Of an encoder."""
    yield from _fewer_threads(applied, cores)
    measured = _rates(phases, "encode", "texts")
    if len(measured) < 2:
        return
    fewest = min(measured)
    best = max(measured, key=lambda texts: measured[texts])
    if measured[best] > WORTH_SAYING * measured[fewest]:
        yield Advice(
            "texts",
            f"{best} texts in one request were encoded at {measured[best]:.1f} tokens/s, {fewest} at "
            f"{measured[fewest]:.1f}: send that many together",
            {"best_texts": best, "best_rate": measured[best], "few_texts": fewest, "few_rate": measured[fewest]},
        )


def _smaller_context(applied: Mapping[str, Any], memory: Memory, used: int, streams: int) -> Iterator[Advice]:
    context, slots, layout = applied["context_tokens"], applied["slots"], applied["kv_layout"]
    enough = -(-used // CELLS_STEP) * CELLS_STEP
    cells = memory.kv.cells
    if enough >= context or not memory.kv.bytes:
        return
    if layout == "per_sequence":
        held = slots
        fewer = cells // (applied["kv_tokens"] // slots) * enough  # one cache more than slots
        options = f"--slots {slots}"
    else:
        held = max(cells // context, streams)
        fewer = held * enough
        options = f"--slots {slots} --kv-tokens {fewer}"
    saved = (cells - fewer) * memory.kv.cell_bytes
    if saved <= 0:
        return
    yield Advice(
        "context",
        f"a sequence may hold {context} tokens and the longest here had {used}: '--context {enough} {options} "
        f"--kv-layout {layout}' frees {saved} bytes ({saved / 2**20:.1f} MiB) of KV cache; it then holds {held} "
        f"sequences of {enough}",
        {"context_tokens": context, "used_tokens": used, "enough_tokens": enough, "saved_bytes": saved},
    )


def _fewer_threads(applied: Mapping[str, Any], cores: int) -> Iterator[Advice]:
    threads = applied.get("threads", 0)
    if threads > cores:
        yield Advice(
            "threads",
            f"{threads} threads share {cores} cores and wait for each other: '--threads {cores}'",
            {"threads": threads, "cores": cores},
        )


def _rates(phases: Sequence[Phase], name: str, size: str) -> dict[int, float]:
    """Tokens a second of the phases of that name, by how many went together: their fact ``size``, fewest first."""
    rates = {phase.facts[size]: phase.tokens_per_second for phase in phases if phase.name == name}
    return {count: rate for count, rate in sorted(rates.items()) if rate}


def _batch_that_pays(phases: Sequence[Phase]) -> Iterator[Advice]:
    measured = _rates(phases, "decode", "streams")
    if len(measured) < 2:
        return
    most = max(measured)
    best = max(measured, key=lambda streams: measured[streams])
    if measured[best] > WORTH_SAYING * measured[most]:
        yield Advice(
            "batch",
            f"{best} streams together decoded {measured[best]:.1f} tokens/s and {most} only {measured[most]:.1f}: "
            f"'--max-running {best}' serves more in all",
            {"best_streams": best, "best_rate": measured[best], "most_streams": most, "most_rate": measured[most]},
        )
