"""``inferno tune``: measures which settings are fastest here and keeps the result, which ``serve`` and ``run`` use."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inferno.cli import flags
from inferno.errors import InvalidArgument

if TYPE_CHECKING:
    from inferno.config import Config
    from inferno.engine.local import LocalEngine
    from inferno.models.model_source import ModelSource
    from inferno.tuning.result import Tuned
    from inferno.tuning.tune import Asked, Progress

EXIT_STOPPED = 130
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_SHOWN = 8
"""Candidates in the table."""


def tune(
    model: flags.Model = None,
    *,
    budget: Annotated[str, typer.Option(help="How long to measure: 60s, 5m, 1h.")] = "60s",
    streams: Annotated[int, typer.Option(min=1, help="Requests at once, as you expect them.")] = 4,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a prompt.")] = 128,
    answer_tokens: Annotated[int, typer.Option(min=2, help="Tokens of an answer, on average.")] = 32,
    only: Annotated[str, typer.Option(help="Tune these alone: threads, kv_layout, flash_attention, …")] = "",
    allow_kv_types: Annotated[
        bool,
        typer.Option("--allow-kv-types", help="Also try smaller number formats of the KV cache. Changes the text."),
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Measure every combination in every round, for as long as that takes.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result with all samples as one JSON object.")
    ] = False,
    config: flags.ConfigFile = None,
    log_level: flags.LogLevel = None,
    backend: flags.Backend = None,
    quantize: flags.Quantize = None,
    context: flags.Context = None,
    kv_tokens: flags.KvTokens = None,
    slots: flags.Slots = None,
    gpu_layers: flags.GpuLayers = None,
    backend_option: flags.BackendOption = None,
    kv_type: flags.KvType = None,
    deterministic: flags.Deterministic = None,
) -> None:
    """Measure which settings serve a model fastest on this machine, and keep them for serve and run.

    Ctrl-C keeps what was measured; the same command then goes on.
    """
    parameters = dict(locals())
    from inferno.cli.logs import configure_logging
    from inferno.config import load
    from inferno.models.source import resolve_settings
    from inferno.tuning.measuring import Workload
    from inferno.tuning.result import as_json as written
    from inferno.tuning.result import write
    from inferno.tuning.tune import Asked

    settings = load(flags=flags.given(parameters), file=config)
    configure_logging(settings.server.log_level)
    asked = Asked(
        Workload(streams, prompt_tokens, answer_tokens),
        seconds_of(budget),
        tuple(name.strip().replace("-", "_") for name in only.split(",") if name.strip()),
        allow_kv_types,
        exhaustive,
    )
    source = resolve_settings(settings.model)
    try:
        tuned = asyncio.run(_tune(source, settings, asked))
    except KeyboardInterrupt:
        typer.echo("\nStopped. What was measured is kept: the same command goes on from here.", err=True)
        raise typer.Exit(EXIT_STOPPED) from None
    path = write(tuned)
    if as_json:
        typer.echo(written(tuned))
        return
    report(tuned)
    typer.echo(f"Kept in {path}, with every sample. serve and run use it on this machine.")


def seconds_of(text: str) -> float:
    """``60s``, ``1.5m``, ``1h`` or a number of seconds. Raises InvalidArgument for anything else, and for nothing."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise InvalidArgument(f"--budget is {text!r}; it must be a time above 0, as 60s, 5m or 1h", param="budget")
    return seconds


async def _tune(source: ModelSource, settings: Config, asked: Asked) -> Tuned:
    from inferno.config.layers import DEFAULT, with_tuned
    from inferno.engine.local import LocalEngine
    from inferno.engine.model_digest import model_digest
    from inferno.models.opening import extras_of, ready
    from inferno.profiling.workload import PLAIN
    from inferno.tuning.result import digests_file, key_of, model_bytes
    from inferno.tuning.tune import Subject, tune

    extras = extras_of(source, generation_config=False)
    path = await ready(source, cache_bytes=settings.store.prepared_bytes)
    digest = await asyncio.to_thread(model_digest, path, remembered=digests_file())
    fixed = frozenset(key for key, origin in settings.origins.items() if origin != DEFAULT)
    subject = Subject(key_of(path, digest, settings.model), source.name, model_bytes(path), fixed)

    async def load_with(candidate: Mapping[str, Any]) -> LocalEngine:
        with_it = with_tuned(settings, candidate)
        return await LocalEngine.load(
            path,
            name=source.name,
            options={**with_it.model.loading(), "backend_options": source.backend_options},
            engine={**with_it.engine.model_dump(), **PLAIN},
            extras=extras,
        )

    with _progress(source.name, asked.budget_seconds) as progress:
        return await tune(load_with, subject, asked, progress)


@contextmanager
def _progress(name: str, budget: float) -> Iterator[Progress]:
    from inferno.tuning.space import shown

    if not sys.stderr.isatty():
        typer.echo(f"Tuning {name}, about {budget:g} s", err=True)

        def line(candidate: Any, sample: Any, spent: float) -> None:
            rate = f"{sample.tokens_per_second:8.1f} tok/s" if sample.refused is None else f"{'refused':>14}"
            why = "" if sample.refused is None else f": {sample.refused}"
            typer.echo(f"{spent:6.1f} s  {rate}  {shown(candidate)}{why}", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(f"Tuning {name}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking at the defaults", total=budget)

        def move(candidate: Any, sample: Any, spent: float) -> None:
            bar.update(task, completed=min(spent, budget), description=shown(candidate))

        yield move


def report(tuned: Tuned) -> None:
    from rich.console import Console
    from rich.table import Table

    from inferno.tuning.space import shown

    rows: dict[str, list[dict[str, Any]]] = {}
    refused: dict[str, str] = {}
    for sample in tuned.samples:
        name = shown(tuple(sample["settings"].items()))
        if "refused" in sample:
            refused[name] = sample["refused"]
        else:
            rows.setdefault(name, []).append(sample)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("settings", "tok/s", "p95 gap", "samples"):
        table.add_column(heading, justify="left" if heading == "settings" else "right")
    best_first = sorted(rows.items(), key=lambda row: (-len(row[1]), -_median(row[1], "tokens_per_second")))
    for name, samples in best_first[:_SHOWN]:
        rate, gap = _median(samples, "tokens_per_second"), _median(samples, "gap_p95")
        table.add_row(name, f"{rate:.1f}", f"{gap * 1e3:.0f} ms", str(len(samples)))
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)
    for name, why in refused.items():
        typer.echo(f"Refused: {name}: {why}")
    whole = "all" if len(rows) == tuned.candidates else f"{len(rows)} of {tuned.candidates}"
    measured = sum(map(len, rows.values()))
    typer.echo(f"{whole} combinations were measured, {measured} samples in {tuned.spent_seconds:.0f} s.")
    typer.echo(_verdict(tuned, rounds=max(map(len, rows.values()), default=0)))


def _verdict(tuned: Tuned, *, rounds: int) -> str:
    from inferno.tuning.space import shown

    if tuned.settings:
        return f"Fastest: {shown(tuple(tuned.settings.items()))}, {tuned.gain:.2f} x the defaults' rate."
    if rounds == 1:
        return "The defaults stay, since one round proves nothing: a larger --budget measures again what was faster."
    return "Nothing is faster than the defaults."


def _median(samples: list[dict[str, Any]], name: str) -> float:
    import statistics

    return float(statistics.median(sample[name] for sample in samples))
