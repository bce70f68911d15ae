"""Asks every request for its key. A new route is guarded from its first day: only what is said to be open is open."""

from __future__ import annotations

from starlette.types import Scope

from inferno.security.keys import Keys
from inferno.server.refusals import InvalidKey
from inferno.server.request_headers import header


class Auth:
    """Takes ``Authorization: Bearer KEY`` or ``x-api-key: KEY``. Sets ``scope["state"]["tenant"]``.

    Raises InvalidKey.
    """

    def __init__(self, keys: Keys, open_paths: frozenset[str]) -> None:
        self._keys = keys
        self._open_paths = open_paths

    def __call__(self, scope: Scope) -> None:
        if scope["path"] in self._open_paths:
            return
        presented = _presented(scope)
        tenant = self._keys.verify(presented)
        if tenant is None:
            raise _refusal(presented)
        scope["state"]["tenant"] = tenant


def _presented(scope: Scope) -> str | None:
    scheme, _, key = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return header(scope, b"x-api-key")


def _refusal(presented: str | None) -> InvalidKey:
    if presented is None:
        return InvalidKey("no API key was sent: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'")
    return InvalidKey("the API key that was sent is not valid here")
