"""Options that one backend has and no other: it declares them, natively or as a third party's, and from that they are
shown and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inferno.engine.core import _core, native_call
from inferno.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class BackendOption:
    """As ``csrc/backends/backend_option.h`` has it. ``type`` is text, integer, number or flag; a text may have
    ``choices``, numbers go from ``least`` to ``most``; ``default`` is written as text."""

    name: str
    type: str = "text"
    default: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 0.0

    @property
    def values(self) -> str:
        """What it may be, in words."""
        if self.type == "flag":
            return "true or false"
        if self.type == "text":
            return ", ".join(self.choices) or "text"
        return f"{self.least:g} to {self.most:g}"


def native_options(backend: str) -> tuple[BackendOption, ...]:
    """What a backend of the native module declares; nothing of one that is not in it."""
    declared = next((one["options"] for one in _core.backends() if one["name"] == backend), ())
    return tuple(BackendOption(**{**one, "choices": tuple(one["choices"])}) for one in declared)


def checked(backend: str, declared: Sequence[BackendOption], given: Mapping[str, str]) -> dict[str, str]:
    """``given``, by full names (``onnx.provider``), with the defaults of the others. Raises InvalidArgument naming the
    option, for one that is not declared and for a value that it cannot have."""
    return native_call(_core.checked_options, backend, [asdict(one) for one in declared], dict(given))


def as_texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Values of Python as options take them. Raises InvalidArgument for what is no text, number or bool."""
    texts = {}
    for name, value in given.items():
        if not isinstance(value, str | int | float):
            raise InvalidArgument(f"{name} is a {type(value).__name__}; it must be a text, number or bool", param=name)
        texts[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts
