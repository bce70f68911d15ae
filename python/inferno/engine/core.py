"""The native module ``inferno._core``: imported here, with a word on what to do when it is missing; how it is called,
and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from inferno.engine.compute_threads import waiting_briefly
from inferno.errors import from_code

try:
    with waiting_briefly():
        from inferno import _core
except ImportError as error:
    raise ImportError(
        f"Inferno's native engine cannot be loaded ({error}). Install the package with pip, which builds it: "
        "the source tree alone is not enough.",
        name="inferno._core",
    ) from error

__all__ = ["_core", "build", "defaults", "forward_logs", "native_call"]

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


def defaults() -> dict[str, dict[str, Any]]:
    """What the engine takes where nothing is set, for ``model`` and ``engine`` settings. 0 is "its choice"."""
    structs = {"model": _core.ModelOptions(), "engine": _core.EngineConfig()}
    return {
        section: {name: getattr(struct, name) for name in dir(struct) if not name.startswith("_")}
        for section, struct in structs.items()
    }


def build() -> dict[str, Any]:
    """What the native module is: ``version``, ``commit``, its ``backends`` with their devices, as found now, and on how
    many ``cores`` it computes unless told otherwise: those that this process may use, whose threads count as one."""
    cores = _core.usable_cores()
    return {"version": _core.__version__, "commit": _core.__commit__, "backends": _core.backends(), "cores": cores}
