"""Loads a model, computes with it at several batch sizes, and says where time and memory went. A model that generates
prefills and decodes so many streams at once; an encoder encodes so many texts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inferno.engine.local import LocalEngine
from inferno.profiling.advice import Advice, advise, advise_on_texts
from inferno.profiling.encoding import encode, encode_one
from inferno.profiling.machine import Machine, this_engine, this_machine
from inferno.profiling.memory import Memory, memory_of
from inferno.profiling.phases import Phase, Phases
from inferno.profiling.workload import answer_all, prompt_text, prompts

Load = Callable[[Mapping[str, Any]], Awaitable[LocalEngine]]
"""Loads the model with these options on top of the user's own."""
Operators = dict[str, list[tuple[str, int, float]]]
"""By phase: (kind, calls, seconds), the longest first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``batches``: how many streams decode together, or texts are encoded, one run for each. Lengths are of each, in
    tokens; an encoder's texts are as long as prompts."""

    prompt_tokens: int
    answer_tokens: int
    batches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """``operators`` is None where the backend cannot tell; ``why_no_operators`` then says so."""

    model: str
    description: str
    machine: Machine
    engine: str
    applied: Mapping[str, Any]
    phases: tuple[Phase, ...]
    wall_seconds: float
    memory: Memory
    operators: Operators | None
    why_no_operators: str | None
    advice: tuple[Advice, ...]

    def as_dict(self) -> dict[str, Any]:
        phases = [asdict(phase) | {"tokens_per_second": phase.tokens_per_second} for phase in self.phases]
        return {
            "model": self.model,
            "description": self.description,
            "machine": self.machine.as_dict(),
            "engine": self.engine,
            "applied": dict(self.applied),
            "phases": phases,
            "wall_seconds": self.wall_seconds,
            "memory": self.memory.as_dict(),
            "operators": self.operators,
            "why_no_operators": self.why_no_operators,
            "advice": [asdict(one) for one in self.advice],
        }


async def profile(load: Load, plan: Plan, phases: Phases, path: str) -> Profile:
    """``path`` is what ``load`` has the engine open. ``phases`` begins before this is called, so that what went before
    counts too.

    Loads twice: operators are timed in a run of their own, since timing them slows it. Raises what ``load`` and the
    engine raise.
    """
    engine = await load({})
    phases.end("load")
    try:
        card = engine.card
        generates = "complete" in card.abilities
        await _tokenize(engine, plan, phases)
        if generates:
            await _warm_up(engine, plan)
            phases.end("warm up")
            for batch in plan.batches:
                await _generate(engine, plan, batch, phases)
        else:
            await encode(engine, plan.batches, plan.prompt_tokens, phases)
        memory = memory_of(card.weight_bytes, engine.report, engine.capabilities)
    finally:
        await engine.aclose()
    phases.end("release")
    operators, why = await _operators(load, plan, phases)
    cores = this_machine().cores
    advice = advise(
        applied=card.applied,
        memory=memory,
        phases=phases.ended,
        used_tokens=plan.prompt_tokens + plan.answer_tokens,
        streams=max(plan.batches),
        cores=cores,
    )
    if not generates:
        advice = advise_on_texts(applied=card.applied, phases=phases.ended, cores=cores)
    return Profile(
        card.name,
        card.description,
        this_machine(),
        this_engine(path),
        card.applied,
        phases.ended,
        phases.wall_seconds,
        memory,
        operators,
        why,
        tuple(advice),
    )


async def _tokenize(engine: LocalEngine, plan: Plan, phases: Phases) -> None:
    texts = [prompt_text(number, plan.prompt_tokens) for number in range(max(plan.batches))]
    encoded = [await engine.encode(text) for text in texts]
    phases.end("tokenize", tokens=sum(map(len, encoded)))


async def _warm_up(engine: LocalEngine, plan: Plan) -> None:
    """The first pass reads the weights from the file and starts the threads."""
    await answer_all(engine, await prompts(engine, 1, plan.prompt_tokens, first=1 << 24), 2)


async def _generate(engine: LocalEngine, plan: Plan, batch: int, phases: Phases) -> None:
    """Prefill ends with the first token of the last stream; decode has the tokens that came after that."""
    asked = await prompts(engine, batch, plan.prompt_tokens, first=batch << 16)
    phases.end("prompts", streams=batch)
    came = await answer_all(engine, asked, plan.answer_tokens)
    all_began = max(arrivals.at[0] for arrivals in came)
    phases.end("prefill", at=all_began, streams=batch, tokens=sum(map(len, asked)))
    later = [
        tokens for arrivals in came for at, tokens in zip(arrivals.at, arrivals.tokens, strict=True) if at > all_began
    ]
    phases.end("decode", streams=batch, tokens=sum(later))


async def _operators(load: Load, plan: Plan, phases: Phases) -> tuple[Operators | None, str | None]:
    engine = await load({"time_operators": True})
    try:
        if not engine.report["times_operators"]:
            phases.end("operators")
            return None, f"the backend '{engine.card.backend}' cannot tell its operators apart"
        if "complete" not in engine.card.abilities:
            return {"encode": await _encoding_operators(engine, plan, phases)}, None
        await _warm_up(engine, plan)
        asked = await prompts(engine, 1, plan.prompt_tokens)
        before = engine.report["operators"]
        await answer_all(engine, asked, 1)
        prefilled = engine.report["operators"]
        await answer_all(engine, asked, plan.answer_tokens)
        decoded = engine.report["operators"]
    finally:
        await engine.aclose()
    phases.end("operators", streams=1)
    prefill = _between(before, prefilled)
    # The second answer computes the prompt again, before it decodes.
    return {"prefill": prefill, "decode": _between(prefill, _between(prefilled, decoded))}, None


async def _encoding_operators(engine: LocalEngine, plan: Plan, phases: Phases) -> list[tuple[str, int, float]]:
    ask = await encode_one(engine, plan.prompt_tokens)
    await ask()
    before = engine.report["operators"]
    await ask()
    found = _between(before, engine.report["operators"])
    phases.end("operators", texts=1)
    return found


def _between(
    before: Sequence[tuple[str, int, float]], after: Sequence[tuple[str, int, float]]
) -> list[tuple[str, int, float]]:
    """What came on top of ``before``, as far as anything did."""
    known = {name: (calls, seconds) for name, calls, seconds in before}
    found = []
    for name, calls, seconds in after:
        old_calls, old_seconds = known.get(name, (0, 0.0))
        if calls > old_calls:
            found.append((name, calls - old_calls, max(seconds - old_seconds, 0.0)))
    return sorted(found, key=lambda one: -one[2])
