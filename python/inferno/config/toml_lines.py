"""Finds the line on which a key of a TOML document stands, for messages. The standard parser keeps none."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\s*([^\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"^\s*([^=#\[]+?)\s*=")


def line_of(text: str, section: str, name: str | None = None) -> int | None:
    """1-based line of ``[section]`` or of ``name`` in it; None where the document writes it in a way not looked for."""
    wanted = section if name is None else f"{section}.{name}"
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            current = _plain(header[1])
            if current == wanted:
                return number
        elif assignment := _ASSIGNMENT.match(line):
            key = _plain(assignment[1])
            full = f"{current}.{key}" if current else key
            if full == wanted or (name is None and full.startswith(f"{section}.")):
                return number
    return None


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
