"""``inferno profile``: where time and memory of a model go on this machine, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inferno.cli import flags
from inferno.errors import InvalidArgument

if TYPE_CHECKING:
    from inferno.config import Config
    from inferno.engine.local import LocalEngine
    from inferno.models.model_source import ModelSource
    from inferno.profiling.profile import Plan, Profile

_OPERATORS_SHOWN = 6
_MIB = 1 << 20


def profile(
    model: flags.Model = None,
    *,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens of an answer.")] = 64,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a prompt, or of a text that is encoded.")] = 128,
    batches: Annotated[str, typer.Option(help="How many streams or texts at once, one run for each.")] = "1,4,8",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    config: flags.ConfigFile = None,
    log_level: flags.LogLevel = None,
    backend: flags.Backend = None,
    quantize: flags.Quantize = None,
    context: flags.Context = None,
    kv_tokens: flags.KvTokens = None,
    slots: flags.Slots = None,
    batch_rows: flags.BatchRows = None,
    threads: flags.Threads = None,
    gpu_layers: flags.GpuLayers = None,
    kv_type: flags.KvType = None,
    flash_attention: flags.FlashAttention = None,
    backend_option: flags.BackendOption = None,
    kv_layout: flags.KvLayout = None,
    deterministic: flags.Deterministic = None,
    mmap: flags.Mmap = None,
    tuned: flags.Tuned = None,
) -> None:
    """Measure where time and memory of a model go: load, tokenize, prefill and decode, or encode; weights, KV, compute.

    Settings are those that serve would use. Nothing is guessed ahead or kept for reuse meanwhile.
    """
    parameters = dict(locals())
    from inferno.cli.logs import configure_logging
    from inferno.config import load
    from inferno.models.source import resolve_settings
    from inferno.profiling.profile import Plan

    settings = load(flags=flags.given(parameters), file=config)
    configure_logging(settings.server.log_level)
    plan = Plan(prompt_tokens, tokens, batches_of(batches))
    source = resolve_settings(settings.model)
    found = asyncio.run(_profile(source, settings, plan))
    if as_json:
        typer.echo(json.dumps(found.as_dict()))
    else:
        _print(found)


def batches_of(text: str) -> tuple[int, ...]:
    """``1,4,8`` as numbers, each once, rising. Raises InvalidArgument."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InvalidArgument(f"--batches is {text!r}; it must be numbers from 1 on, as 1,4,8", param="batches")
    return tuple(sorted({int(part) for part in parts}))


async def _profile(source: ModelSource, settings: Config, plan: Plan) -> Profile:
    from inferno.engine.local import LocalEngine
    from inferno.models.opening import extras_of, ready
    from inferno.profiling.phases import Phases, process_began
    from inferno.profiling.profile import profile
    from inferno.profiling.workload import PLAIN
    from inferno.tuning.finding import apply_tuned

    phases = Phases(began=process_began())
    phases.end("start")
    extras = extras_of(source, generation_config=False)
    path = await ready(source, cache_bytes=settings.store.prepared_bytes)
    tuned = await asyncio.to_thread(apply_tuned, settings, path)
    if tuned.said:
        typer.echo(tuned.said, err=True)
    phases.end("prepare")

    async def load_with(options: Mapping[str, Any]) -> LocalEngine:
        return await LocalEngine.load(
            path,
            name=source.name,
            backend=source.backend,
            options={**tuned.config.model.loading(), "backend_options": source.backend_options, **options},
            engine={**tuned.config.engine.model_dump(), **PLAIN},
            extras=extras,
        )

    return await profile(load_with, plan, phases, path)


def _print(found: Profile) -> None:
    applied = ", ".join(f"{name} {value}" for name, value in found.applied.items())
    typer.echo(f"{found.model}: {found.description}\non {found.machine}\nwith {applied}\n")
    _print_phases(found)
    memory = found.memory
    typer.echo("\nmemory")
    told = "for intermediate results, as the backend says" if memory.compute else "the backend does not say"
    for name, count, why in (
        ("weights", memory.weights, "the file's tensors"),
        ("KV cache", memory.kv.bytes, str(memory.kv)),
        ("compute", memory.compute, told),
        ("peak of the process", memory.peak or 0, "mapped files included"),
    ):
        typer.echo(f"  {name:<20} {count:>15,} bytes {count / _MIB:>9.1f} MiB   {why}")
    _print_operators(found)
    typer.echo("\nadvice" if found.advice else "\nno advice")
    for advice in found.advice:
        typer.echo(f"  - {advice.text}")


def _print_phases(found: Profile) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("phase", "at once", "seconds", "share", "tokens", "tokens/s"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for phase in found.phases:
        rate = phase.tokens_per_second
        table.add_row(
            phase.name,
            str(phase.facts.get("streams", phase.facts.get("texts", ""))),
            f"{phase.seconds:.3f}",
            f"{100 * phase.seconds / found.wall_seconds:.1f} %",
            str(phase.facts.get("tokens", "")),
            "" if rate is None else f"{rate:.1f}",
        )
    Console(width=None if sys.stdout.isatty() else 120, highlight=False).print(table)
    typer.echo(f"in all {found.wall_seconds:.3f} seconds")


def _print_operators(found: Profile) -> None:
    if found.operators is None:
        typer.echo(f"\noperators: {found.why_no_operators}")
        return
    for phase, operators in found.operators.items():
        total = sum(seconds for _, _, seconds in operators) or 1.0
        typer.echo(f"\noperators of {phase}, alone, computed one by one")
        for name, calls, seconds in operators[:_OPERATORS_SHOWN]:
            typer.echo(f"  {name:<24} {100 * seconds / total:5.1f} %  {seconds * 1e3:10.2f} ms  {calls:>7} calls")
