"""``inferno version``: what is installed, for bug reports."""

from __future__ import annotations

from typing import Annotated

import typer

import inferno


def version(
    everything: Annotated[bool, typer.Option("--all", help="Also commit, backends, Python and system.")] = False,
) -> None:
    """Print the version."""
    if not everything:
        typer.echo(inferno.__version__)
        return
    import platform

    from inferno.engine.core import build
    from inferno.models.backends import listing

    typer.echo(f"inferno {inferno.__version__} (commit {build()['commit']})")
    for backend in listing():
        state = f"missing: {backend.missing}" if backend.missing else backend.version
        typer.echo(f"{backend.name} {state}; {', '.join(backend.devices) or 'no device'}")
    typer.echo(f"python {platform.python_version()} ({platform.python_implementation()})")
    typer.echo(f"{platform.system()} {platform.release()} {platform.machine()}")
