"""Checks that every module of python/inferno imports only what its room may, and that no modules import each other in a
circle.

Usage: python tools/check_imports.py [ROOT]. ROOT is the repository, by default the one this file stands in. Prints one
line per offence and exits 1 when there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

# A room, which is a folder or a module of the package, and what it may import of the others. What is not named here may
# import anything: the command, and what stands directly in the package for `import inferno`.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "config": ("errors",),
    "security": ("errors",),
    "metrics": ("errors",),
    "storing": ("errors",),
    "engine": ("_core", "security", "config", "errors"),
    "models": ("_core", "engine", "config", "errors"),
    "profiling": ("models", "engine", "errors"),
    "tuning": ("profiling", "models", "engine", "config", "errors"),
    "server": ("models", "engine", "security", "storing", "metrics", "errors"),
}

# Libraries that only one room may know.
ONLY_IN: dict[str, str] = {"starlette": "server", "uvicorn": "server"}

PACKAGE = "inferno"


class Module:
    """What one file imports, by full name, with the line. ``late``: inside of a function, when it is called."""

    def __init__(self, path: Path, name: str, known: frozenset[str]) -> None:
        self.name = name
        self.imports: list[tuple[int, str, bool]] = []
        self._known = known
        self._walk(ast.parse(path.read_text(encoding="utf-8")), late=False)

    def _walk(self, node: ast.AST, *, late: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                self.imports += [(child.lineno, alias.name, late) for alias in child.names]
            elif isinstance(child, ast.ImportFrom) and child.module is not None:
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    self.imports.append((child.lineno, inner if inner in self._known else child.module, late))
            self._walk(child, late=late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def modules_of(package: Path) -> dict[str, Module]:
    """The package's modules by name. Its native one is known by its stub."""
    files: dict[str, Path] = {}
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.pyi")]):
        parts = path.relative_to(package.parent).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = path
    known = frozenset(files)
    return {name: Module(path, name, known) for name, path in files.items()}


def room_of(name: str) -> str:
    """The room of a module of the package, or the first name of any other."""
    parts = name.split(".")
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 else parts[0]


def wrong_directions(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        room = room_of(module.name)
        for line, target, _ in module.imports:
            other = room_of(target)
            owner = ONLY_IN.get(other)
            if owner is not None and room != owner:
                yield f"{module.name}:{line}: imports {other}, which only {owner} may"
            inside = target.startswith(f"{PACKAGE}.")
            if inside and room in MAY_IMPORT and other not in (room, *MAY_IMPORT[room]):
                may = ", ".join(MAY_IMPORT[room]) or "nothing of the package"
                yield f"{module.name}:{line}: imports {target}; {room} may import {may}"


def circles(modules: dict[str, Module]) -> Iterator[str]:
    """Imports that are there for types alone count. What a function imports when it is called does not."""
    targets = {
        name: sorted({target for _, target, late in module.imports if not late and target in modules} - {name})
        for name, module in modules.items()
    }
    done: set[str] = set()
    for start in targets:
        path: list[str] = []
        ahead = [iter((start,))]
        while ahead:
            name = next(ahead[-1], None)
            if name is None:
                ahead.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                yield "a circle: " + " -> ".join([*path[path.index(name) :], name])
            elif name not in done:
                path.append(name)
                ahead.append(iter(targets[name]))


def main(arguments: list[str]) -> int:
    """Prints the offences and returns the exit status. Raises FileNotFoundError: there is no package."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    package = root / "python" / PACKAGE
    if not package.is_dir():
        raise FileNotFoundError("there is no python/inferno to check")
    modules = modules_of(package)
    found = [*wrong_directions(modules), *circles(modules)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
