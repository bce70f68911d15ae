"""The ``inferno`` command: the composition root, where settings, engine, registry and server meet.

Each command is one module with one function. What is heavy is imported inside it, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import inferno
from inferno.cli.backend_flags import ModelCommand
from inferno.cli.backends import backends_app
from inferno.cli.config import config_app
from inferno.cli.doctor import doctor
from inferno.cli.flags import named
from inferno.cli.foreign import hint
from inferno.cli.models import models_app
from inferno.cli.openapi import openapi
from inferno.cli.profile import profile
from inferno.cli.run import run
from inferno.cli.serve import serve
from inferno.cli.tune import tune
from inferno.cli.version import version
from inferno.errors import InfernoError

app = typer.Typer(
    name="inferno",
    help="Serve GGUF, Hugging Face and ONNX models over the OpenAI API, with continuous batching.\n\n"
    "Start with [bold]inferno serve[/bold]: it serves a small model that comes with the package.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inferno {inferno.__version__}")
        raise typer.Exit


@app.callback()
def _of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and exit.")
    ] = False,
) -> None: ...


app.command(cls=ModelCommand)(serve)
app.command(cls=ModelCommand)(run)
app.command(cls=ModelCommand)(tune)
app.command(cls=ModelCommand)(profile)
app.command()(doctor)
app.command()(openapi)
app.command()(version)
app.add_typer(models_app, name="models")
app.add_typer(backends_app, name="backends")
app.add_typer(config_app, name="config")

EXIT_REFUSED = 2
"""What was asked cannot be done as asked: a setting, a model file, an address. One line on stderr says why."""


EXIT_MISUSED = 2
"""The command line itself was not understood, as typer says."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line ``argv`` (default: the process's). Always raises SystemExit."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        app(args=arguments, prog_name="inferno")
    except InfernoError as error:
        sys.stderr.write(f"inferno: {_in_words(error)}\n")
        sys.exit(EXIT_REFUSED)
    except ImportError as error:
        if (error.name or "").startswith("inferno"):
            sys.stderr.write(f"inferno: {error}\n")
            sys.exit(EXIT_REFUSED)
        raise
    except SystemExit as ended:
        if ended.code == EXIT_MISUSED and (said := hint(arguments)) is not None:
            sys.stderr.write(f"{said}\n")
        raise


def _in_words(error: InfernoError) -> str:
    """One line. What the engine says of a setting names it as the engine does: the flag is put behind it."""
    said = " ".join(error.message.split())
    flag = named(error.param)
    return said if flag is None or flag in said else f"{said} ({flag})"
