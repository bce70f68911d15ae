"""The native module ``inferno._core``: imported here, with a word on what to do when it is missing, and called here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from inferno.errors import from_code

try:
    from inferno import _core
except ImportError as error:
    raise ImportError(
        f"Inferno's native engine cannot be loaded ({error}). Install the package with pip, which builds it: "
        "the source tree alone is not enough.",
        name="inferno._core",
    ) from error

__all__ = ["_core", "forward_logs", "native_call"]

_Result = TypeVar("_Result")


def native_call(call: Callable[..., _Result], /, *args: Any) -> _Result:
    """Call into the native module; its CoreError becomes the InfernoError of its code."""
    try:
        return call(*args)
    except _core.CoreError as error:
        raise from_code(*error.args) from None


def forward_logs(sink: Callable[[int, str, str], None] | None) -> None:
    """Send native log lines to ``sink(level, component, message)``, called on native threads; None drops them."""
    _core.set_log_sink(sink)
