"""Checks that every file of csrc/ includes only what its room may.

Usage: python tools/check_includes.py [ROOT]. ROOT is the repository, by default the one this file stands in. Prints one
line per offence, as file:line, and exits 1 when there is any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

# A room and what it may include besides itself. A pattern ending in "/" is a whole room, folders in it included; any
# other is matched against the header's path, its "*" within one folder. The rooms of backends/ are its subfolders; what
# stands directly in backends/ is the contract.
MAY_INCLUDE: dict[str, tuple[str, ...]] = {
    "base": (),
    "memory": ("base/",),
    "kvcache": ("base/", "memory/"),
    "constraints": ("base/", "backends/tokenizer.h"),
    "request": ("base/", "kvcache/", "constraints/constraint.h"),
    "speculation": ("base/", "request/", "sampling/logit_row.h", "backends/*.h"),
    "scheduler": ("base/", "kvcache/", "request/", "speculation/"),
    "backends": ("base/", "memory/"),
    "backends/*": ("backends/*.h", "base/", "memory/"),
    "sampling": ("base/", "request/sampling_params.h", "constraints/constraint.h"),
    "output": ("base/", "request/", "backends/tokenizer.h"),
    "engine": (
        "base/",
        "memory/",
        "constraints/constraint.h",
        "kvcache/",
        "request/",
        "speculation/",
        "scheduler/",
        "sampling/",
        "output/",
        "backends/*.h",
    ),
    "bindings": (
        "engine/",
        "constraints/",
        "request/",
        "base/",
        "memory/",
        "backends/backend.h",
        "backends/backend_registry.h",
        "backends/model_files.h",
        "output/output_sink.h",
        "output/delta_mailbox.h", "output/mailbox_sink.h",
        "output/embed_sink.h",
        "output/text_frame.h",
    ),
}

# Single files that may include more than their room: these two know the implementations, one for models that compute,
# one for the files models come in.
FILE_MAY_INCLUDE: dict[str, tuple[str, ...]] = {
    "backends/backend_registry.cpp": ("backends/",),
    "backends/model_files.cpp": ("backends/",),
}

# Libraries that only one room may know.
ONLY_IN: dict[str, str] = {
    "llama.h": "backends/llama",
    "ggml*.h": "backends/llama",
    "gguf.h": "backends/llama",
    "pybind11/*": "bindings",
}

_INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
_SUFFIXES = frozenset({".h", ".hpp", ".c", ".cc", ".cpp"})


def room_of(path: str) -> str:
    """Returns the room of a path below csrc/: its folder, and for a backend's implementation that folder's too."""
    parts = path.split("/")[:-1]
    return "/".join(parts[:2]) if parts[:1] == ["backends"] else "".join(parts[:1])


def _row(room: str) -> tuple[str, ...] | None:
    return next((allowed for name, allowed in MAY_INCLUDE.items() if _matches(room, name)), None)


def _matches(path: str, pattern: str) -> bool:
    if pattern.endswith("/"):
        return path.startswith(pattern)
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def offence(file: str, header: str, *, quoted: bool) -> str | None:
    """Says why `file` may not include `header`, or returns None when it may. Both are paths below csrc/."""
    room = room_of(file)
    for library, owner in ONLY_IN.items():
        if fnmatchcase(header, library):
            return None if room == owner else f"includes {header}, which only {owner} may"
    if not quoted:
        return None
    allowed = _row(room)
    if allowed is None:
        return f"stands in no room of the table ({', '.join(MAY_INCLUDE)})"
    target = room_of(header)
    if _row(target) is None:
        return f'includes "{header}", which names no room: write it as "room/file.h"'
    if target == room or any(_matches(header, pattern) for pattern in (*allowed, *FILE_MAY_INCLUDE.get(file, ()))):
        return None
    return f'includes "{header}"; {room} may include {", ".join(allowed) or "the standard library only"}'


def offences(root: Path) -> Iterator[str]:
    """Yields one line per offence below root/csrc.

    Raises:
        FileNotFoundError: root has no csrc/.
    """
    csrc = root / "csrc"
    if not csrc.is_dir():
        raise FileNotFoundError("there is no csrc/ to check")
    for path in sorted(csrc.rglob("*")):
        if path.suffix not in _SUFFIXES:
            continue
        file = path.relative_to(csrc).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if found := _INCLUDE.match(line):
                quoted, angled = found.groups()
                if reason := offence(file, quoted or angled, quoted=quoted is not None):
                    yield f"csrc/{file}:{number}: {reason}"


def main(arguments: list[str]) -> int:
    """Prints the offences and returns the exit status."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    found = list(offences(root))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
