"""Gives every request an id: the client's if it is plain, else a new one. It is in the answer and in every log line."""

from __future__ import annotations

import re

from starlette.types import Scope

from inferno.security.randomness import unguessable
from inferno.server.answer_head import head_of

HEADER = b"x-request-id"
ANTHROPIC_HEADER = b"request-id"
_PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def give_id(scope: Scope) -> None:
    """Sets ``scope["state"]["request_id"]``."""
    request_id = _presented(scope) or unguessable().hex().encode()
    scope["state"]["request_id"] = request_id.decode("ascii")
    head_of(scope).headers += [(HEADER, request_id), (ANTHROPIC_HEADER, request_id)]


def _presented(scope: Scope) -> bytes | None:
    value = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return value if _PLAIN.fullmatch(value) else None
