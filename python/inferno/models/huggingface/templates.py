"""A folder's chat templates, by name.

``chat_template.jinja`` is the default one, and ``additional_chat_templates/NAME.jinja`` are further ones; else
``tokenizer_config.json`` has them, as one string or a list of named ones. Chosen between is as transformers does:
``tool_use`` where a request brings tools and there is one of that name, else ``default``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inferno.engine.extras import DEFAULT_TEMPLATE
from inferno.errors import DataCorrupted
from inferno.models.huggingface.json_file import expected_form, read_object, read_text

_FILE = "chat_template.jinja"
_FURTHER = "additional_chat_templates"


def read_templates(folder: Path) -> dict[str, str]:
    """Name to source; empty when the folder has none. Raises DataCorrupted."""
    with expected_form("tokenizer_config.json: chat_template"):
        return _read(folder)


def _read(folder: Path) -> dict[str, str]:
    found = _configured((read_object(folder, "tokenizer_config.json") or {}).get("chat_template"))
    # Of processors: the same field in a file of its own.
    found = found or _configured((read_object(folder, "chat_template.json") or {}).get("chat_template"))
    if (default := read_text(folder, _FILE)) is not None:
        found[DEFAULT_TEMPLATE] = default
    further = folder / _FURTHER
    if further.is_dir():
        for file in sorted(further.glob("*.jinja")):
            found[file.stem] = read_text(further, file.name) or ""
    return found


def _configured(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {DEFAULT_TEMPLATE: value}
    entries = value if isinstance(value, list) else [{"name": name, "template": text} for name, text in value.items()]
    named: dict[str, str] = {}
    for entry in entries:
        name, text = (entry.get("name"), entry.get("template")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(text, str):
            raise DataCorrupted("tokenizer_config.json: chat_template has an entry without 'name' and 'template'")
        named[name] = text
    return named
