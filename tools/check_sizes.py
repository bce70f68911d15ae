"""Checks that no source file has grown past what a reader can hold.

Usage: python tools/check_sizes.py [ROOT]. ROOT is the repository, by default the one this file stands in. Prints one
line per file that is too long and exits 1 when there is any.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# The most lines a file may have, by the end of its name. These are walls; habits are tighter.
WALLS: dict[str, int] = {
    ".h": 200,
    ".hpp": 200,
    ".c": 400,
    ".cc": 400,
    ".cpp": 400,
    ".py": 400,
    ".pyi": 400,
}

# Folders of others: what is built, installed or brought in. Folders whose name begins with a dot are skipped too.
_NOT_OURS = frozenset({"build", "dist", "third_party", "node_modules", "__pycache__"})


def sources(folder: Path) -> Iterator[Path]:
    """Yields our source files below a folder, in order of their names."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not path.is_symlink() and path.name not in _NOT_OURS and not path.name.startswith("."):
                yield from sources(path)
        elif path.suffix in WALLS:
            yield path


def offences(root: Path) -> Iterator[str]:
    """Yields one line per file that is too long.

    Raises:
        FileNotFoundError: root has no source file, so that nothing would be checked.
    """
    files = list(sources(root))
    if not files:
        raise FileNotFoundError("there is no source file to check")
    for path in files:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > WALLS[path.suffix]:
            yield f"{path.relative_to(root).as_posix()}: {lines} lines; at most {WALLS[path.suffix]} are allowed"


def main(arguments: list[str]) -> int:
    """Prints the offences and returns the exit status."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    found = list(offences(root))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
