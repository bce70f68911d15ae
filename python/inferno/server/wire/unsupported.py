"""Fields that are known and cannot be honoured yet, and those that have no effect on the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from inferno.server.refusals import UnsupportedParameter

NeutralValues = Mapping[str, tuple[Any, ...]]
"""Field to the values, besides null, that ask for nothing."""


def refuse_unsupported(request: msgspec.Struct, fields: NeutralValues) -> None:
    """Raises UnsupportedParameter for the first of ``fields`` that the request sets to more than a neutral value."""
    for name, neutral in fields.items():
        value = getattr(request, name)
        if value is None or value in neutral:
            continue
        allowed = " or ".join(json.dumps(one) for one in neutral)
        advice = f"leave it out, or send {allowed}" if allowed else "leave it out"
        raise UnsupportedParameter(f"'{name}' is not supported by this server; {advice}", param=name)


def set_fields(request: msgspec.Struct, fields: Iterable[str]) -> tuple[str, ...]:
    """Those of ``fields`` that the request sets."""
    return tuple(name for name in fields if getattr(request, name) is not None)
