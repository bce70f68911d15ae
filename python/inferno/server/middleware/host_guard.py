"""Keeps pages of other sites away from a server without keys: by the name it is asked under, and by who asks.

A browser sends to a loopback address what any page tells it to. A page can have its own name point there
(DNS rebinding), which shows in ``Host``; or send blindly to the address, which shows in ``Origin``. An address in
``Host`` is no danger: a name is what is rebound.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Scope

from inferno.server.refusals import ForeignPage
from inferno.server.request_headers import header

LONGEST_SHOWN = 100
PAIRS_REMEMBERED = 64


class HostGuard:
    """``names`` are those that the server is known by, besides ``localhost``. Raises ForeignPage."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._said = lru_cache(PAIRS_REMEMBERED)(self._why_not)

    def __call__(self, scope: Scope) -> None:
        why_not = self._said(header(scope, b"host") or "", header(scope, b"origin"))
        if why_not is not None:
            raise ForeignPage(why_not)

    def _why_not(self, asked: str, origin: str | None) -> str | None:
        host = _host(f"//{asked}")
        if not (self._is_ours(host) or _address(host)):
            return f"this server is not known as {host[:LONGEST_SHOWN]!r}: ask it by its address, or {REMEDY}"
        if origin is None:
            return None
        page = _host(origin)
        address = _address(page)
        if self._is_ours(page) or (address is not None and (address.is_loopback or page == host)):
            return None
        return f"pages of {origin[:LONGEST_SHOWN]!r} may not use this server; if they should, {REMEDY}"

    def _is_ours(self, name: str) -> bool:
        return name == "localhost" or name.endswith(".localhost") or name in self._names


REMEDY = "name it with --allowed-host, or have the server ask for a key (--api-key)"


def _host(url: str) -> str:
    """The host of a URL in lower case, without port and brackets; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
