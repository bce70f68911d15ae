"""A request's headers, where one of them is wanted: every request is asked for several, before any body is read."""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """The first of that name, which is given in lower case as ASGI has them. None: it was not sent."""
    for known, value in scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return None
