"""Tells every answer's version of the API, and refuses a request that pins one that there is not."""

from __future__ import annotations

from starlette.types import Scope

from inferno.server.answer_head import head_of
from inferno.server.request_headers import header
from inferno.server.versions import HEADER, date_in_force

_HEADER = HEADER.encode()


def check_version(scope: Scope) -> None:
    """Raises InvalidArgument."""
    date = date_in_force(header(scope, _HEADER))
    head_of(scope).headers.append((_HEADER, date.encode()))
