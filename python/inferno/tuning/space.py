"""What is tried: settings that decide how fast a model is and leave its text as it is, and their values here."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inferno.errors import InvalidArgument

Value = str | int | float
Candidate = tuple[tuple[str, Value], ...]
"""Settings that differ from the defaults, as ``section.name`` and value, in the order of the factors."""
DEFAULTS: Candidate = ()

KV_TYPE = "model.kv_type"
_STEP_TARGETS_MS = (200.0, 800.0)
_BATCH_ROWS = (256, 128)
_KV_TYPES = ("q8_0", "q4_0")
_MOST_THREADS_A_CORE = 2
"""More processors than that are a machine of which this process may use a part."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A setting, and the values to try besides its default."""

    key: str
    values: tuple[Value, ...]

    @property
    def name(self) -> str:
        return self.key.partition(".")[2]


def factors(applied: Mapping[str, Any], *, kv_types: bool, processors: int = 0) -> list[Factor]:
    """``applied`` is what the defaults come to with this model (``ModelCard.applied``): as many threads as cores.
    ``processors`` are what the system counts, where two may share a core; as many threads are tried, too.

    ``kv_types`` only where that was asked for: the number format of the KV cache changes what a model says.
    """
    cores = applied.get("threads", 0)
    threads = {cores * 3 // 4, cores // 2, cores // 4} - {0, cores}
    if cores < processors <= cores * _MOST_THREADS_A_CORE:
        threads.add(processors)
    found = [
        Factor("model.threads", tuple(sorted(threads, reverse=True))),
        Factor("model.kv_layout", _others(("unified", "per_sequence"), applied.get("kv_layout"))),
        Factor("model.flash_attention", _others(("on", "off"), applied.get("flash_attention"))),
        Factor("model.batch_rows", _others(_BATCH_ROWS, applied.get("batch_rows"))),
        Factor("engine.step_target_ms", _others(_STEP_TARGETS_MS, applied.get("step_target_ms"))),
    ]
    if kv_types:
        found.append(Factor(KV_TYPE, _others(_KV_TYPES, applied.get("kv_type"))))
    return [factor for factor in found if factor.values]


def _others(values: Sequence[Value], applied: Value | None) -> tuple[Value, ...]:
    """Without the one in force; none where the model has no such thing."""
    return () if applied is None else tuple(value for value in values if value != applied)


def chosen(found: Sequence[Factor], names: Collection[str], fixed: Collection[str]) -> list[Factor]:
    """Those of ``names`` (all, if empty), without the settings ``fixed`` by the user. Raises InvalidArgument for a name
    that is none of them."""
    known = {factor.name: factor for factor in found}
    for name in names:
        if name not in known:
            raise InvalidArgument(
                f"{name} is nothing to be tuned with this model; known: {', '.join(known)}", param="only"
            )
    return [factor for name, factor in known.items() if (not names or name in names) and factor.key not in fixed]


def grid(found: Sequence[Factor]) -> list[Candidate]:
    """Every combination; the defaults first, then those that change one setting, then two, and so on; among those, the
    earlier factors first."""
    choices = [[None, *((factor.key, value) for value in factor.values)] for factor in found]
    every = [tuple(setting for setting in combination if setting) for combination in itertools.product(*choices)]
    places = {factor.key: place for place, factor in enumerate(found)}
    return sorted(every, key=lambda candidate: (len(candidate), [places[key] for key, _ in candidate]))


def shown(candidate: Candidate) -> str:
    return ", ".join(f"{key.partition('.')[2]} {value}" for key, value in candidate) or "the defaults"
