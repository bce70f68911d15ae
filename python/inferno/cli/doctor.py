"""``inferno doctor``: prints what ``inferno.doctor`` finds."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Look at this machine and installation: what is there, what is wrong, what to do. Exits 1 if anything is."""
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
