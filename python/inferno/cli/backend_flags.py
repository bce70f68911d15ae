"""Commands that load a model: what a backend declares (``inferno backends list``) is a flag of theirs, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from inferno.errors import InvalidArgument

_LONG = "--backend-option"


class ModelCommand(TyperCommand):
    """``--provider cpu`` is ``--backend-option onnx.provider=cpu``, for each option of each backend whose name is no
    other flag's. Third parties' backends are asked only for a flag that nobody else knows."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override,unused-ignore]
        known = {flag for param in self.get_params(ctx) for flag in (*param.opts, *param.secondary_opts)}
        return super().parse_args(ctx, list(_spelled_out(args, known)))

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override,unused-ignore]
        self.epilog = _help()
        super().format_help(ctx, formatter)


def _spelled_out(args: Sequence[str], known: set[str]) -> Iterator[str]:
    left = iter(args)
    for arg in left:
        flag, equals, value = arg.partition("=")
        if arg == "--":
            yield arg
            yield from left
            return
        full = None if flag in known or not flag.startswith("--") else _full_name(flag)
        if full is None:
            yield arg
            continue
        yield _LONG
        yield f"{full}={value if equals else next(left, '')}"


def _full_name(flag: str) -> str | None:
    """Of the option that ``flag`` spells. Raises InvalidArgument where several backends have one of that name."""
    from inferno.models.backends import foreign_options, own_options

    name = flag.removeprefix("--").replace("-", "_")
    for declared in (own_options, foreign_options):
        found = [backend for backend, option in declared() if option.name == name]
        if len(found) > 1:
            several = " and ".join(found)
            raise InvalidArgument(f"{flag} is an option of {several}; write {_LONG} {found[0]}.{name}=…", param=name)
        if found:
            return f"{found[0]}.{name}"
    return None


def _help() -> str:
    try:
        from inferno.models.backends import own_options
    except ImportError:  # without the native module there are no backends
        return ""
    lines = [
        f"--{option.name.replace('_', '-')} ({backend}): {option.help} Default: {option.default}."
        for backend, option in own_options()
    ]
    return "\n\n".join(["Of one backend alone:", *lines])
