"""``inferno backends``: what can compute a model here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

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
