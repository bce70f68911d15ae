"""``inferno config``: which settings are in force, and who set them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inferno.cli import flags
from inferno.errors import InfernoError

if TYPE_CHECKING:
    from inferno.config import Config

config_app = typer.Typer(
    help="Settings: defaults < tuned < inferno.toml < INFERNO_SECTION__NAME < flags.", no_args_is_help=True
)


@config_app.callback()
def _config() -> None:
    pass


@config_app.command()
def show(
    model: flags.Model = None,
    *,
    config: flags.ConfigFile = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say of each value where it was set.")] = False,
) -> None:
    """Print all settings that are in force here, in the form of an inferno.toml.

    That includes what was tuned for MODEL, by default the model of the settings.
    """
    from inferno.config import load
    from inferno.config.settings import SECTIONS

    settings = _with_tuned(load(flags=flags.given({"model": model}), file=config))
    engine_defaults = _engine_defaults()
    for section, cls in SECTIONS.items():
        typer.echo(f"[{section}]")
        for name in cls.model_fields:
            key = f"{section}.{name}"
            line = _line(name, settings.value(key), engine_defaults.get(section, {}).get(name))
            typer.echo(f"{line}  # {settings.origins[key]}" if origin else line)
        typer.echo()


def _with_tuned(settings: Config) -> Config:
    """What is left out is said, as a comment. A folder that was never prepared was never tuned."""
    try:
        from inferno.models.opening import ready_path
        from inferno.models.source import resolve_settings
        from inferno.tuning.finding import apply_tuned
    except ImportError:
        return settings  # without the native module there is nothing tuned either
    try:
        path = ready_path(resolve_settings(settings.model))
    except InfernoError as error:
        typer.echo(f"# tuned settings are left out: {' '.join(error.message.split())}")
        return settings
    if path is None:
        return settings
    found = apply_tuned(settings, path)
    if found.said:
        typer.echo(f"# {found.said}")
    return found.config


def _engine_defaults() -> dict[str, dict[str, Any]]:
    """The engine's own, read from it; nothing where the native module is not built."""
    try:
        from inferno.engine.core import defaults
    except ImportError:
        return {}
    return defaults()


def _line(name: str, value: Any, engine_default: Any) -> str:
    if name == "api_keys":
        value = ["(redacted)"] * len(value)
    if value is None:
        value = engine_default
    # TOML has no null: what nobody set, and what the engine works out by itself, stands as a comment.
    if value is None:
        return f"# {name} is not set"
    if engine_default in (0, "") and value == engine_default:
        return f"# {name} is chosen by the engine"
    if isinstance(value, dict):
        return f"{name} = {{ {', '.join(f'{json.dumps(key)} = {json.dumps(one)}' for key, one in value.items())} }}"
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"
