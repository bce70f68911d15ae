"""``inferno doctor``: prints what ``inferno.doctor`` finds, or what the leak canary says of a model."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inferno.cli import flags

if TYPE_CHECKING:
    from inferno.canary import Progress, Verdict


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    canary: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Look instead for leaks between two tenants on this model and device, as the settings load it.",
        ),
    ] = None,
    requests: Annotated[int, typer.Option(min=10, help="Requests of the canary.")] = 100,
    config: flags.ConfigFile = None,
) -> None:
    """Look at this machine and installation: what is there, what is wrong, what to do. Exits with 1 if something is."""
    if canary is not None:
        raise typer.Exit(_look_for_leaks(canary, requests, config, as_json=as_json))
    from inferno.doctor import examine

    report = examine()
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        width = max(map(len, report.facts))
        for name, value in report.facts.items():
            typer.echo(f"{name:<{width}}  {value}")
        for problem in report.problems:
            typer.echo(f"\nwrong: {problem.what}\n   do: {problem.remedy}")
        if not report.problems:
            typer.echo("\nNothing is wrong.")
    raise typer.Exit(1 if report.problems else 0)


def _look_for_leaks(model: str, requests: int, file: str | None, *, as_json: bool) -> int:
    from inferno.canary import run
    from inferno.config import load
    from inferno.engine.local import LocalEngine
    from inferno.models.opening import extras_of, ready
    from inferno.models.source import resolve_settings

    settings = load(file=file)
    source = resolve_settings(settings.model.model_copy(update={"path": model}))
    own = {**settings.model.loading(), "backend_options": source.backend_options}

    async def load_with(options: Mapping[str, Any], engine: Mapping[str, Any]) -> LocalEngine:
        scheduling = {**settings.engine.model_dump(), **engine}
        path = await ready(source)
        loading = {**own, **options}
        return await LocalEngine.load(
            path, name=source.name, options=loading, engine=scheduling, extras=extras_of(source)
        )

    with _progress(source.name) as progress:
        verdict = asyncio.run(run(load_with, requests=requests, progress=progress))
    typer.echo(json.dumps(verdict.as_dict(), indent=2) if as_json else _in_words(verdict))
    return 1 if verdict.leaks else 0


def _in_words(verdict: Verdict) -> str:
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in verdict.facts.items()]
    lines += [f"LEAK: {leak}" for leak in verdict.leaks]
    end = f"{len(verdict.leaks)} leaks were found." if verdict.leaks else "Nothing leaks between tenants."
    return "\n".join([*lines, "", f"{verdict.requests} requests of two tenants. {end}"])


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    if not sys.stderr.isatty():
        sys.stderr.write(f"Looking for leaks in {name}\n")
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Looking for leaks in {name}")
        yield lambda done, total: bar.update(task, completed=done, total=total)
