"""``inferno models``: looking into model files without loading them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from inferno.models.inspection import Inspection

models_app = typer.Typer(help="Look into model files, and manage those prepared from folders.", no_args_is_help=True)


@models_app.callback()
def _models() -> None:
    pass


@models_app.command()
def inspect(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A .safetensors or .gguf file, or a folder as Hugging Face ships it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """List the tensors of a model: name, dtype, shape, offset and size in bytes. Reads the headers only.

    A file that is broken is refused with what is wrong in it, and exit status 2.
    """
    from inferno.models.inspection import inspect as look_into

    found = look_into(path)
    if as_json:
        typer.echo(json.dumps({"format": found.format, "files": found.files, "tensors": found.tensors}))
    else:
        _print_table(found)


@models_app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove them; a folder is then prepared anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """List the files prepared from Hugging Face folders, and what backends of third parties converted, the last used
    first; or remove them.

    They are in prepared and converted under $XDG_CACHE_HOME/inferno, by default ~/.cache/inferno. The setting
    store.prepared_bytes (serve --prepared-cache-size) limits the size of all prepared files.
    """
    from inferno.config import load
    from inferno.models import conversions
    from inferno.models.huggingface import cache as prepared

    limit = load().store.prepared_bytes

    files = prepared.listing()
    converted = conversions.listing()
    freed = prepared.clear() + conversions.clear() if clear else 0
    if as_json:
        shown = [
            {"file": file.path.name, "bytes": file.bytes, "used_at": file.used_at, "in_use": file.in_use}
            for file in files
        ]
        others = [{"name": one.name, "bytes": one.bytes, "used_at": one.used_at} for one in converted]
        found = {
            "folder": str(prepared.cache_folder()),
            "limit_bytes": limit,
            "files": shown,
            "converted_folder": str(conversions.conversions_folder()),
            "converted": others,
            "freed_bytes": freed,
        }
        typer.echo(json.dumps(found))
        return
    for file in files:
        typer.echo(f"{file.bytes / 1e6:12,.1f} MB  {file.path.name}{'  (in use)' if file.in_use else ''}")
    total = sum(file.bytes for file in files)
    verb = "removed from" if clear else "in"
    bound = "" if clear else f"; at most {limit / 1e6:,.1f} MB stay"
    typer.echo(f"{len(files)} files, {total / 1e6:,.1f} MB, {verb} {prepared.cache_folder()}{bound}")
    for one in converted:
        typer.echo(f"{one.bytes / 1e6:12,.1f} MB  {one.name}")
    if converted:
        total = sum(one.bytes for one in converted)
        typer.echo(f"{len(converted)} converted, {total / 1e6:,.1f} MB, {verb} {conversions.conversions_folder()}")


def _print_table(found: Inspection) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    several = len(found.files) > 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", overflow="fold")
    table.add_column("dtype")
    table.add_column("shape")
    table.add_column("offset", justify="right")
    table.add_column("bytes", justify="right")
    if several:
        table.add_column("file", overflow="fold")
    for tensor in found.tensors:
        cells = [tensor["name"], tensor["dtype"], str(tensor["shape"]), str(tensor["offset"]), str(tensor["bytes"])]
        if several:
            cells.append(tensor["file"])
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    # Into a file or a pipe, lines are as long as they need to be.
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    console.print(table)
    total = sum(tensor["bytes"] for tensor in found.tensors)
    files = f", {len(found.files)} files" if several else ""
    noun = "tensor" if len(found.tensors) == 1 else "tensors"
    console.print(f"{found.format}: {len(found.tensors)} {noun}, {total} bytes{files}", markup=False)


def _printable(text: str) -> str:
    """A file's names may hold what moves the cursor of a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
