"""The tree keeps its own rules, and the tools that say so can say no."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / "tools"


def check(tool: str, root: Path | None = None) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, str(TOOLS / tool), *([str(root)] if root else [])]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def plant(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("tool", ["check_imports.py", "check_includes.py", "check_sizes.py"])
def test_the_tree_keeps_the_rule(tool: str) -> None:
    result = check(tool)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("tool", ["check_imports.py", "check_includes.py", "check_sizes.py"])
def test_checking_nothing_is_not_a_pass(tool: str, tmp_path: Path) -> None:
    assert check(tool, tmp_path).returncode != 0


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("base/log.cpp", '"memory/memory_pool.h"'),
        ("kvcache/prefix_index.h", '"request/request.h"'),
        ("scheduler/scheduler.cpp", '"backends/backend.h"'),
        ("sampling/sampler.h", '"request/request.h"'),
        ("output/stop_text.cpp", '"backends/backend.h"'),
        ("engine/engine.cpp", '"backends/fake/fake_model.h"'),
        ("engine/engine.cpp", '"bindings/py_embed_sink.h"'),
        ("backends/backend.h", '"backends/fake/fake_model.h"'),
        ("backends/fake/fake_model.cpp", '"backends/llama/llama_model.h"'),
        ("backends/fake/fake_model.cpp", "<llama.h>"),
        ("backends/fake/fake_model.cpp", '"ggml-cpu.h"'),
        ("backends/backend_registry.cpp", "<gguf.h>"),
        ("bindings/module.cpp", '"scheduler/scheduler.h"'),
        ("bindings/module.cpp", '"output/output_dispatcher.h"'),
        ("engine/engine.cpp", "<pybind11/pybind11.h>"),
        ("engine/engine.cpp", '"engine.h"'),
        ("engine/engine.cpp", '"../base/log.h"'),
        ("attic/old.cpp", '"base/log.h"'),
    ],
)
def test_a_wrong_include_is_told_with_file_and_line(file: str, include: str, tmp_path: Path) -> None:
    plant(tmp_path, f"csrc/{file}", f"// first line\n#include {include}\n")
    result = check("check_includes.py", tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith(f"csrc/{file}:2: ")
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("base/log.cpp", '"base/log.h"'),
        ("base/log.cpp", "<mutex>"),
        ("sampling/sampler.h", '"request/sampling_params.h"'),
        ("output/stop_text.cpp", '"backends/tokenizer.h"'),
        ("engine/engine.cpp", '"backends/backend.h"'),
        ("backends/backend_registry.cpp", '"backends/llama/llama_model.h"'),
        ("backends/llama/llama_model.cpp", '"backends/backend.h"'),
        ("backends/llama/llama_model.cpp", "<ggml-backend.h>"),
        ("bindings/module.cpp", "<pybind11/pybind11.h>"),
        ("bindings/py_embed_sink.h", '"output/output_sink.h"'),
    ],
)
def test_a_right_include_passes(file: str, include: str, tmp_path: Path) -> None:
    plant(tmp_path, f"csrc/{file}", f"#include {include}\n")
    result = check("check_includes.py", tmp_path)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(("name", "wall"), [("a.cpp", 400), ("a.py", 400), ("a.h", 200)])
def test_a_file_past_its_wall_is_told(name: str, wall: int, tmp_path: Path) -> None:
    plant(tmp_path, f"csrc/base/{name}", "\n" * wall)
    assert check("check_sizes.py", tmp_path).returncode == 0
    plant(tmp_path, f"csrc/base/{name}", "\n" * (wall + 1))
    result = check("check_sizes.py", tmp_path)
    assert result.returncode == 1
    assert f"csrc/base/{name}: {wall + 1} lines" in result.stdout


def test_what_is_not_ours_has_no_wall(tmp_path: Path) -> None:
    plant(tmp_path, "tools/own.py", "")
    plant(tmp_path, "third_party/library/big.cpp", "\n" * 5000)
    plant(tmp_path, ".venv/lib/big.py", "\n" * 5000)
    assert check("check_sizes.py", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("errors.py", "from inferno.config import load", "errors may import nothing of the package"),
        ("config/layers.py", "from inferno.engine.prompt import render", "config may import errors"),
        ("engine/prompt.py", "from inferno import server", "engine may import _core, security, config, errors"),
        ("engine/prompt.py", "def f() -> None: import inferno.models.source", "imports inferno.models.source"),
        ("models/source.py", "if TYPE_CHECKING: from starlette.requests import Request", "which only server may"),
        ("server/app.py", "from inferno.cli import main", "imports inferno.cli"),
    ],
)
def test_a_wrong_import_is_told_with_module_and_line(module: str, line: str, told: str, tmp_path: Path) -> None:
    for room in ("cli", "config", "engine", "models", "server"):
        plant(tmp_path, f"python/inferno/{room}/__init__.py", "")
    plant(tmp_path, f"python/inferno/{module}", f"# first line\n{line}\n")
    result = check("check_imports.py", tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith(f"inferno.{module.removesuffix('.py').replace('/', '.')}:2: ")
    assert told in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_modules_that_import_each_other_are_told(tmp_path: Path) -> None:
    plant(tmp_path, "python/inferno/engine/a.py", "from inferno.engine.b import B\n")
    plant(tmp_path, "python/inferno/engine/b.py", "from inferno.engine import c\n")
    plant(tmp_path, "python/inferno/engine/c.py", "def late() -> None:\n    import inferno.engine.a\n")
    assert check("check_imports.py", tmp_path).returncode == 0
    plant(tmp_path, "python/inferno/engine/c.py", "if TYPE_CHECKING:\n    import inferno.engine.a\n")
    result = check("check_imports.py", tmp_path)
    assert result.returncode == 1
    assert result.stdout == "a circle: inferno.engine.a -> inferno.engine.b -> inferno.engine.c -> inferno.engine.a\n"
