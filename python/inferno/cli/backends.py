"""``inferno backends``: what can compute a model here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from inferno.cli import flags
from inferno.cli.backend_flags import ModelCommand

backends_app = typer.Typer(help="What computes models here, and what it can do.", no_args_is_help=True)


@backends_app.callback()
def _backends() -> None:
    pass


@backends_app.command("list")
def list_backends(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array, for programs.")] = False,
) -> None:
    """List the backends: version, formats, devices, abilities, and why one is missing."""
    from inferno.models.backends import listing

    found = listing()
    if as_json:
        typer.echo(json.dumps([{**asdict(backend), "available": backend.available} for backend in found]))
        return
    for backend in found:
        state = f"missing: {backend.missing}" if backend.missing else backend.version
        typer.echo(f"{backend.name}  {state}")
        typer.echo(f"  opens    {backend.formats}")
        typer.echo(f"  devices  {', '.join(backend.devices) or 'none'}")
        typer.echo(f"  can      {', '.join(backend.abilities)}")
        for option in backend.options:
            typer.echo(f"  option   {backend.name}.{option.name}: {option.values}, by default {option.default}")
            typer.echo(f"           {option.help}")


@backends_app.command("choose", cls=ModelCommand)
def choose_backend(
    model: flags.Model = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    backend: flags.Backend = None,
    quantize: flags.Quantize = None,
    backend_option: flags.BackendOption = None,
    adapter: flags.Adapter = None,
    config: flags.ConfigFile = None,
) -> None:
    """Say which backend serve would choose for MODEL, and why none of the others. Loads nothing."""
    parameters = dict(locals())
    from inferno.config import load
    from inferno.models.source import resolve_settings

    source = resolve_settings(load(flags=flags.given(parameters), file=config).model)
    if as_json:
        typer.echo(json.dumps({"model": source.name, "backend": source.backend, "others": dict(source.others)}))
        return
    typer.echo(source.chosen or f"{source.name} has one form, for {source.backend}")
