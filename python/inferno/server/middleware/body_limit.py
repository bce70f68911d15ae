"""Refuses bodies over the limit by their announced length. What really comes is counted where it is read:
``server/incoming.py``."""

from __future__ import annotations

from starlette.types import Scope

from inferno.server.incoming import body_too_large
from inferno.server.request_headers import header


class BodyLimit:
    """``most`` is in bytes. Raises BodyTooLarge."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, scope: Scope) -> None:
        announced = header(scope, b"content-length") or "0"
        if announced.isascii() and announced.isdigit() and int(announced) > self._most:
            raise body_too_large(f"has {int(announced)} bytes", self._most)
