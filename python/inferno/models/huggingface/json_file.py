"""Reads the JSON files of a model folder, within bounds: a folder comes from strangers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted, NotFound

MAX_JSON_BYTES = 64 * 1024 * 1024
"""The largest tokenizer.json in use (256,000 tokens with their merges) has 34 MB."""


@contextmanager
def expected_form(name: str) -> Iterator[None]:
    """Around code that takes ``name``'s content apart by the form it should have; DataCorrupted for any other."""
    try:
        yield
    except (TypeError, AttributeError, LookupError, ValueError, OverflowError) as error:
        raise DataCorrupted(
            f"{name} is not of the form that it should have ({type(error).__name__}: {error})"
        ) from None


def read_object(folder: Path, name: str) -> dict[str, Any] | None:
    """The object in ``folder/name``; None when there is no such file.

    Raises DataCorrupted for a file that is too large, not JSON, or not an object.
    """
    content = read_json(folder, name)
    if content is None or isinstance(content, dict):
        return content
    raise DataCorrupted(f"{name} holds a {type(content).__name__}; it must be a JSON object")


def read_json(folder: Path, name: str) -> Any:
    """What ``folder/name`` holds; None when there is no such file. Raises DataCorrupted."""
    text = read_text(folder, name)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataCorrupted(f"{name} is not valid JSON: {error}") from None


def read_text(folder: Path, name: str) -> str | None:
    """The UTF-8 text of ``folder/name``; None when there is no such file. Raises DataCorrupted."""
    content = read_bytes(folder, name)
    if content is None:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataCorrupted(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from None


def read_bytes(folder: Path, name: str) -> bytes | None:
    """The content of ``folder/name``; None when there is no such file. Raises DataCorrupted beyond the limit."""
    try:
        with (folder / name).open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotFound(f"{name} cannot be read: {error.strerror}") from None
    if len(content) > MAX_JSON_BYTES:
        raise DataCorrupted(f"{name} has more than {MAX_JSON_BYTES} bytes, which is the limit")
    return content
