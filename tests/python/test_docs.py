"""What the documentation names is there: flags, paths, metrics, settings, and the pages that it points at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from inferno.cli import app
from inferno.cli.foreign import OURS
from inferno.config import load
from inferno.metrics import instruments
from inferno.models.backends import own_options
from inferno.server.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs/architecture/README.md"]
pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).with_suffix("").as_posix())

NO_METRICS = {"inferno_linear"}
"""The package of an example."""
OF_EXAMPLES = {"--scale"}
"""The option of its backend."""


def code(page: Path) -> list[str]:
    """What stands in code marks, and each line of the blocks."""
    text = page.read_text(encoding="utf-8")
    pieces = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", text, re.DOTALL)
    return [line.strip() for block, inline in pieces for line in (block or inline).splitlines()]


def options(command: object) -> Iterator[str]:
    for parameter in getattr(command, "params", ()):
        yield from (*parameter.opts, *parameter.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)


def test_flags(page: Path) -> None:
    if page.stem.startswith("performance"):
        pytest.skip("its commands are those of the benches")
    declared = {f"--{option.name}" for _, option in own_options()}
    known = {*options(typer.main.get_command(app)), *OURS, *declared, *OF_EXAMPLES, "--help"}
    ours = (piece for piece in code(page) if piece.startswith(("inferno ", "--")))
    assert not {flag for piece in ours for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", piece)} - known


def test_paths(page: Path) -> None:
    def plain(path: str) -> str:
        return re.sub(r"\{[^}]*\}|\b[A-Z]+\b", "…", path)

    named = {path for piece in code(page) for path in re.findall(r"(?<![\w.:])/(?:v1|v2|api|health)/[\w/{}-]+", piece)}
    assert not {plain(path) for path in named} - {plain(one.path) for one in OPERATIONS}


def test_metrics(page: Path) -> None:
    groups = (instruments.GAUGES, instruments.VLLM_GAUGES, instruments.COUNTERS)
    titles = [one for one in vars(instruments).values() if isinstance(one, instruments.Title)]
    known = {one.name for group in (*groups, titles) for one in group}
    known |= {f"{name}_total" for name in known}
    named = {name for piece in code(page) for name in re.findall(r"\b(?:inferno_|vllm:)[a-z_]+", piece)}
    assert not named - known - NO_METRICS


def test_settings(page: Path, tmp_path: Path) -> None:
    file = tmp_path / "inferno.toml"
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if "[project" not in block:
            file.write_text(block, encoding="utf-8")
            load(file=str(file), env={})


def test_links(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not {one for one in targets if not one.startswith("http") and not (page.parent / one).exists()}
